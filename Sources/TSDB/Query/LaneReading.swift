import MetricModel
import Storage
import Synchronization

/// The rows of one lane that a query wants, with one clock, and their columns once they were decoded as a whole.
final class LaneReading: Sendable {
    /// From so many wanted series on, decoding all of a lane is cheaper than finding them one by one.
    static let wholeDecodeMinimum = 16

    private struct Part: Sendable {
        var slice: Slice
        /// Rows decoded: all before the range's end.
        var rowCount: Int
        /// The first row inside the range.
        var firstRow: Int
    }

    let clock: Clock
    private let parts: [Part]
    private let slotCount: Int
    private let readsWhole: Bool
    /// The columns of each part, once decoded.
    private let decoded = Mutex<[[UInt64]]?>(nil)
    private let hasHistograms: Bool

    init(snapshot: Lane.Snapshot, range: TimeRange, wantedCount: Int, memory: borrowing QueryMemory) {
        var parts: [Part] = []
        var timestamps: [Int64] = []
        var hasHistograms = false
        var decodedCount = 0
        for (slice, visible) in snapshot.slices {
            let rows = 0..<visible
            let first = slice.timestamps.firstIndex(notBelow: range.start.milliseconds, in: rows)
            let end =
                range.end.milliseconds == .max
                ? visible : slice.timestamps.firstIndex(notBelow: range.end.milliseconds + 1, in: rows)
            guard first < end else { continue }
            parts.append(Part(slice: slice, rowCount: end, firstRow: first))
            timestamps += slice.timestamps[first..<end]
            hasHistograms = hasHistograms || slice.hasHistograms
            decodedCount += end
        }
        self.parts = parts
        self.hasHistograms = hasHistograms
        clock = Clock(timestamps)
        slotCount = snapshot.slotCount
        let isWorthIt = wantedCount >= Self.wholeDecodeMinimum && wantedCount * 32 >= slotCount
        readsWhole = isWorthIt && memory.reserve(decodedCount * slotCount * 8)
    }

    var isEmpty: Bool { clock.timestamps.isEmpty }

    /// The samples of a slot, nil where it has none in the range.
    func read(slot: Int, clocks: ClockCache) throws(StorageError) -> ColumnPiece? {
        var column: [UInt64] = []
        column.reserveCapacity(clock.timestamps.count)
        if readsWhole {
            try readFromWhole(slot: slot, into: &column)
        } else {
            var part: [UInt64] = []
            for entry in parts {
                part.removeAll(keepingCapacity: true)
                guard entry.slice.readColumn(slot: slot, rowCount: entry.rowCount, into: &part) else {
                    throw Self.damage
                }
                column += part[entry.firstRow...]
            }
        }
        var piece = Self.dense(column, clock: clock, clocks: clocks)
        if hasHistograms {
            let histograms = try readHistograms(slot: slot)
            if !histograms.isEmpty {
                piece = piece ?? ColumnPiece(clock: .empty, values: [])
                piece?.histograms = histograms
            }
        }
        return piece
    }

    private static let damage = StorageError.corrupt(path: "memory", what: "a row of the head cannot be decoded")

    private func readFromWhole(slot: Int, into column: inout [UInt64]) throws(StorageError) {
        let columns: [[UInt64]]? = decoded.withLock { decoded in
            if decoded == nil {
                var all: [[UInt64]] = []
                for part in parts {
                    guard let columns = part.slice.readAllColumns(slotCount: slotCount, rowCount: part.rowCount) else {
                        return nil
                    }
                    all.append(columns)
                }
                decoded = all
            }
            return decoded
        }
        guard let columns else { throw Self.damage }
        for (part, columns) in zip(parts, columns) {
            let start = slot * part.rowCount
            column += columns[(start + part.firstRow)..<(start + part.rowCount)]
        }
    }

    /// Leaves absent values out: at the ends by the offset, in the middle by a clock of their own.
    private static func dense(_ column: [UInt64], clock: Clock, clocks: ClockCache) -> ColumnPiece? {
        guard let first = column.firstIndex(where: { $0 != SpecialValue.absentBits }),
            let last = column.lastIndex(where: { $0 != SpecialValue.absentBits })
        else { return nil }
        let count = last - first + 1
        var values: [Double] = []
        values.reserveCapacity(count)
        for bits in column[first...last] where bits != SpecialValue.absentBits {
            values.append(Double(bitPattern: bits))
        }
        if values.count == count { return ColumnPiece(clock: clock, offset: first, values: values) }
        var presence = [UInt64](repeating: 0, count: (count + 63) >> 6)
        for index in 0..<count where column[first + index] != SpecialValue.absentBits {
            presence[index >> 6] |= 1 << UInt64(index & 63)
        }
        let thinned = clocks.thinned(clock, offset: first, count: count, presence: presence)
        return ColumnPiece(clock: thinned, values: values)
    }

    // MARK: Histograms

    private func readHistograms(slot: Int) throws(StorageError) -> [HistogramSample] {
        var result: [HistogramSample] = []
        for part in parts where part.slice.hasHistograms {
            guard part.slice.readHistograms(slot: slot, rows: part.firstRow..<part.rowCount, into: &result) else {
                throw Self.damage
            }
        }
        return result
    }
}

/// What the decoded rows of one query may take.
struct QueryMemory: ~Copyable, Sendable {
    private let used = Atomic<Int>(0)
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// Whether so many bytes more are within the limit; then they count.
    func reserve(_ byteCount: Int) -> Bool {
        let (_, after) = used.add(byteCount, ordering: .relaxed)
        if after <= limit { return true }
        used.subtract(byteCount, ordering: .relaxed)
        return false
    }
}
