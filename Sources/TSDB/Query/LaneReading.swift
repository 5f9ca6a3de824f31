import MetricModel
import Storage
import Synchronization

/// The rows of one lane that a query wants, with one clock, and the columns of the wanted slots once they were decoded.
final class LaneReading: Sendable {
    private struct Part: Sendable {
        var slice: Slice
        /// Rows decoded: all before the range's end.
        var rowCount: Int
        /// The first row inside the range.
        var firstRow: Int
    }

    let clock: Clock
    private let parts: [Part]
    private let wantedSlots: [Int]
    /// Whether the wanted slots are decoded together; without the memory for that they are decoded one by one.
    private let readsTogether: Bool
    private let decoded = Mutex<SliceColumns?>(nil)
    private let hasHistograms: Bool

    init(snapshot: Lane.Snapshot, range: TimeRange, wantedSlots: [Int], memory: borrowing QueryMemory) {
        var parts: [Part] = []
        var timestamps: [Int64] = []
        var hasHistograms = false
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
        }
        self.parts = parts
        self.hasHistograms = hasHistograms
        clock = Clock(timestamps)
        self.wantedSlots = wantedSlots.sorted()
        readsTogether = wantedSlots.count > 1 && memory.reserve(timestamps.count * wantedSlots.count * 8)
    }

    var isEmpty: Bool { clock.timestamps.isEmpty }

    /// The samples of a slot, nil where it has none in the range.
    func read(slot: Int, clocks: ClockCache) throws(StorageError) -> ColumnPiece? {
        let column = readsTogether ? try readTogether(slot: slot) : try readAlone(slot: slot)
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

    private func readAlone(slot: Int) throws(StorageError) -> ArraySlice<Double> {
        var columns = SliceColumns(slots: [slot], rowCount: clock.timestamps.count)
        try fill(&columns)
        return columns.values[...]
    }

    private func readTogether(slot: Int) throws(StorageError) -> ArraySlice<Double> {
        let columns = try decoded.withLock { decoded throws(StorageError) in
            if let decoded { return decoded }
            var columns = SliceColumns(slots: wantedSlots, rowCount: clock.timestamps.count)
            try fill(&columns)
            decoded = columns
            return columns
        }
        return columns.column(of: slot) ?? []
    }

    private func fill(_ columns: inout SliceColumns) throws(StorageError) {
        for part in parts {
            guard columns.append(part.slice, rows: part.firstRow..<part.rowCount) else { throw Self.damage }
        }
    }

    /// Leaves absent values out: at the ends by the offset, in the middle by a clock of their own.
    private static func dense(_ column: ArraySlice<Double>, clock: Clock, clocks: ClockCache) -> ColumnPiece? {
        guard let (stretch, sampleCount) = AbsentValues.trim(column) else { return nil }
        let offset = stretch.startIndex - column.startIndex
        if sampleCount == stretch.count { return ColumnPiece(clock: clock, offset: offset, values: Array(stretch)) }
        var values: [Double] = []
        values.reserveCapacity(sampleCount)
        var presence = [UInt64](repeating: 0, count: (stretch.count + 63) >> 6)
        for (index, value) in stretch.enumerated() where value.bitPattern != SpecialValue.absentBits {
            presence[index >> 6] |= 1 << UInt64(index & 63)
            values.append(value)
        }
        let thinned = clocks.thinned(clock, offset: offset, count: stretch.count, presence: presence)
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
