import MetricModel
import Storage
import Synchronization

/// The rows of one lane that a query wants, with one clock, and the columns of the wanted slots once they were decoded.
final class LaneReading: Sendable {
    private struct Part: Sendable {
        /// The number of the slice.
        var slice: Int
        /// Those inside the range; not empty.
        var rows: Range<Int>
    }

    /// Columns as they were decoded; never changed.
    final class Decoded: Sendable {
        /// Ascending.
        private let slots: [Int]
        let rowCount: Int
        /// The column of `slots[i]` is `values[i * rowCount ..< (i + 1) * rowCount]`.
        let values: [Double]
        /// Neither absent values nor staleness markers are among them.
        let isPlain: Bool

        init(_ columns: SliceColumns) {
            slots = columns.slots
            rowCount = columns.rowCount
            values = columns.values
            isPlain = SpecialCounts.areNone(in: values)
        }

        /// Where a slot stands among those decoded, nil where it is not there.
        func place(of slot: Int) -> Int? { SliceColumns.place(of: slot, in: slots) }
    }

    let clock: Clock
    private let slices: [(slice: Slice, rowCount: Int)]
    private let parts: [Part]
    private let wantedSlots: [Int]
    /// Whether the wanted slots are decoded together; without the memory for that they are decoded one by one.
    let readsTogether: Bool
    private let decoded = Mutex<Decoded?>(nil)
    private let memory: QueryMemory
    private let reservedBytes: Int
    private let hasHistograms: Bool
    private let hasStarts: Bool
    private let starts = Mutex<StartRuns?>(nil)

    init(
        snapshot: Lane.Snapshot, range: TimeRange, wantedSlots: [Int], memory: QueryMemory,
        _ held: inout HeldMemory
    ) throws(StorageError) {
        var parts: [Part] = []
        var timestamps: [Int64] = []
        var hasHistograms = false
        var hasStarts = false
        // Slices are many references: they are looked at where they stand.
        slices = snapshot.slices
        for index in slices.indices {
            let rows = Self.rows(of: slices[index].slice, visible: slices[index].rowCount, in: range)
            guard !rows.isEmpty else { continue }
            parts.append(Part(slice: index, rows: rows))
            timestamps += slices[index].slice.timestamps[rows]
            hasHistograms = hasHistograms || slices[index].slice.hasHistograms
            hasStarts = hasStarts || slices[index].slice.hasStarts
        }
        self.parts = parts
        self.hasHistograms = hasHistograms
        self.hasStarts = hasStarts
        clock = Clock(timestamps)
        self.wantedSlots = wantedSlots.sorted()
        self.memory = memory
        let columnBytes = timestamps.count * wantedSlots.count * 8
        // Without room for the columns together they are decoded one by one, which is slow and not an error.
        let hasRoom = wantedSlots.count > 1 && memory.reserve(columnBytes)
        reservedBytes = hasRoom ? columnBytes : 0
        readsTogether = hasRoom && held.takeAtOnce(columnBytes)
        if !timestamps.isEmpty { try held.take(timestamps.count * 8) }
    }

    deinit { memory.release(reservedBytes) }

    /// The rows of a slice that lie in a range, among those that a view sees.
    static func rows(of slice: Slice, visible: Int, in range: TimeRange) -> Range<Int> {
        let first = slice.timestamps.firstIndex(notBelow: range.start.milliseconds, in: 0..<visible)
        let end =
            range.end.milliseconds == .max
            ? visible : slice.timestamps.firstIndex(notBelow: range.end.milliseconds + 1, in: 0..<visible)
        return first..<max(first, end)
    }

    var isEmpty: Bool { clock.timestamps.isEmpty }

    /// Adds the samples of a slot.
    ///
    /// - Parameters:
    ///   - decoded: The columns of the wanted slots, nil where each is decoded alone.
    ///   - scratch: Memory for that.
    func read(
        slot: Int, decoded: Decoded?, scratch: inout SliceColumns, clocks: ClockCache, into pieces: inout ColumnPieces
    ) throws(StorageError) {
        if let decoded {
            if let place = decoded.place(of: slot) {
                try append(decoded.values, at: place, isPlain: decoded.isPlain, clocks: clocks, to: &pieces)
            }
        } else {
            scratch.restart(slots: [slot], rowCount: clock.timestamps.count)
            try decode(into: &scratch)
            try append(scratch.values, at: 0, isPlain: false, clocks: clocks, to: &pieces)
        }
        let starts = hasStarts ? try decodedStarts() : nil
        if let starts {
            pieces.note(starts: starts.starts(slot: slot, rows: clock.timestamps.indices), of: clock.timestamps)
        }
        if hasHistograms { pieces.append(histograms: try readHistograms(slot: slot, starts: starts)) }
    }

    /// Adds one of several columns.
    private func append(
        _ columns: [Double], at place: Int, isPlain: Bool, clocks: ClockCache, to pieces: inout ColumnPieces
    ) throws(StorageError) {
        let count = clock.timestamps.count
        let isSound = unsafe pieces.append(
            tickCount: count, wanted: 0..<count, clock: clock, offset: 0, isPlain: isPlain, isFromHead: true,
            shared: clocks
        ) { target in
            unsafe columns.withUnsafeBufferPointer { values in
                guard let start = values.baseAddress else { return nil }
                unsafe target.update(from: start + place * count, count: count)
                return .unknown
            }
        }
        guard isSound else { throw Self.damage }
    }

    /// The start timestamps of all slots, decoded by whoever asks first.
    private func decodedStarts() throws(StorageError) -> StartRuns {
        try starts.withLock { known throws(StorageError) in
            if let known { return known }
            var runs = StartRuns()
            for part in parts {
                guard runs.append(slices[part.slice].slice, rows: part.rows) else { throw Self.damage }
            }
            known = runs
            return runs
        }
    }

    private static let damage = StorageError.corrupt(path: "memory", what: "a row of the head cannot be decoded")

    // MARK: Decoding

    /// The columns of the wanted slots, decoded by whoever asks first; nil while another thread is about it.
    func decodeUnlessBusy() throws(StorageError) -> Decoded? {
        try decoded.withLockIfAvailable { decoded throws(StorageError) in try fill(&decoded) } ?? nil
    }

    /// The columns of the wanted slots; waits for another thread that decodes them.
    func decodeOrWait() throws(StorageError) -> Decoded {
        try decoded.withLock { decoded throws(StorageError) in try fill(&decoded) }
    }

    private func fill(_ decoded: inout Decoded?) throws(StorageError) -> Decoded {
        if let decoded { return decoded }
        var columns = SliceColumns(slots: wantedSlots, rowCount: clock.timestamps.count)
        try decode(into: &columns)
        let made = Decoded(columns)
        decoded = made
        return made
    }

    private func decode(into columns: inout SliceColumns) throws(StorageError) {
        for part in parts {
            guard columns.append(slices[part.slice].slice, rows: part.rows) else { throw Self.damage }
        }
    }

    // MARK: Histograms

    private func readHistograms(slot: Int, starts: StartRuns?) throws(StorageError) -> [HistogramSample] {
        var result: [HistogramSample] = []
        var firstRow = 0
        for part in parts {
            defer { firstRow += part.rows.count }
            guard slices[part.slice].slice.hasHistograms else { continue }
            let isSound = slices[part.slice].slice.readHistograms(
                slot: slot, rows: part.rows, starts: starts, firstRow: firstRow, into: &result)
            guard isSound else { throw Self.damage }
        }
        return result
    }
}

/// What the decoded rows of one query may take.
final class QueryMemory: Sendable {
    private let used = Atomic<Int>(0)
    let limit: Int

    init(limit: Int) { self.limit = limit }

    /// Whether so many bytes more are within the limit; then they count.
    func reserve(_ byteCount: Int) -> Bool {
        let (_, after) = used.add(byteCount, ordering: .relaxed)
        if after <= limit { return true }
        used.subtract(byteCount, ordering: .relaxed)
        return false
    }

    /// Gives back what was reserved.
    func release(_ byteCount: Int) { used.subtract(byteCount, ordering: .relaxed) }
}
