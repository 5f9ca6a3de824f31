import MetricModel
import Storage
import Synchronization

/// The rows of one lane that a query wants, and the columns of the wanted slots once they were decoded.
final class LaneReading: Sendable {
    /// Columns as they were decoded; never changed.
    final class Decoded: Sendable {
        private let clock: Clock
        /// Ascending.
        private let slots: [Int]
        /// Those for which ones stand in all rows, ascending; they have no column.
        private let steady: [Int]
        /// The column of `slots[i]` is `values[i * rowCount ..< (i + 1) * rowCount]`, a row for each tick of the clock.
        private let values: [Double]
        private let rowCount: Int
        /// Neither absent values nor staleness markers are among them.
        private let isPlain: Bool

        init(_ columns: SliceColumns, steady: [Int], _ clock: Clock) {
            self.clock = clock
            self.steady = steady
            slots = columns.slots
            values = columns.values
            rowCount = columns.rowCount
            isPlain = SpecialCounts.areNone(in: values)
        }

        /// Adds the floats of a slot; nothing where it is not among those decoded.
        func append(slot: Int, clocks: ClockCache, to pieces: inout ColumnPieces) {
            guard let place = SliceColumns.place(of: slot, in: slots) else {
                if SliceColumns.place(of: slot, in: steady) != nil {
                    pieces.append(ones: clock.timestamps.count, clock: clock, offset: 0, isFromHead: true)
                }
                return
            }
            let ticks = place * rowCount..<(place + 1) * rowCount
            unsafe values.withUnsafeBufferPointer { values in
                unsafe pieces.append(
                    headColumn: UnsafeBufferPointer(rebasing: values[ticks]), clock: clock, isPlain: isPlain,
                    shared: clocks)
            }
        }
    }

    private let rows: LaneRows
    /// Those inside the range.
    private let wanted: Range<Int>
    private let clock: Clock
    /// Ascending.
    private let wantedSlots: [Int]
    /// Whether the wanted slots are decoded together; without the memory for that they are decoded one by one.
    let readsTogether: Bool
    private let decoded = Mutex<Decoded?>(nil)
    private let memory: ByteQuota
    private let reservedBytes: Int
    /// What slices may keep of the columns.
    private let keptQuota: ByteQuota
    /// False lets ones stand for values.
    private let needsValues: Bool
    private let hasHistograms: Bool
    private let hasStarts: Bool
    private let starts = Mutex<StartRuns?>(nil)

    /// - Parameters:
    ///   - wanted: Some of the rows; not empty.
    ///   - wantedSlots: Ascending.
    ///   - needsValues: False lets ones stand for values.
    ///   - memory: What the query may take for decoded columns.
    init(
        _ rows: LaneRows, wanted: Range<Int>, wantedSlots: [Int], needsValues: Bool, memory: ByteQuota,
        keptQuota: ByteQuota, _ held: inout HeldMemory
    ) {
        self.rows = rows
        self.wanted = wanted
        clock = rows.clock(of: wanted)
        self.wantedSlots = wantedSlots
        self.memory = memory
        self.keptQuota = keptQuota
        self.needsValues = needsValues
        var hasHistograms = false
        var hasStarts = false
        _ = rows.forEachPart(of: wanted) { slice, _ in
            hasHistograms = hasHistograms || rows.slices[slice].hasHistograms
            hasStarts = hasStarts || rows.slices[slice].hasStarts
            return true
        }
        self.hasHistograms = hasHistograms
        self.hasStarts = hasStarts
        let columnBytes = wanted.count * wantedSlots.count * 8
        // Without room for the columns together they are decoded one by one, which is slow and not an error.
        let hasRoom = wantedSlots.count > 1 && memory.reserve(columnBytes)
        reservedBytes = hasRoom ? columnBytes : 0
        readsTogether = hasRoom && held.takeAtOnce(columnBytes)
    }

    deinit { memory.release(reservedBytes) }

    var rowCount: Int { wanted.count }
    /// Columns are all that there is.
    var hasFloatsOnly: Bool { !hasHistograms && !hasStarts }

    /// Adds the samples of a slot.
    ///
    /// - Parameters:
    ///   - decoded: The columns of the wanted slots, nil where each is decoded alone.
    ///   - scratch: Memory for that.
    func read(
        slot: Int, decoded: Decoded?, scratch: inout SliceColumns, clocks: ClockCache, into pieces: inout ColumnPieces
    ) throws(StorageError) {
        if let decoded {
            decoded.append(slot: slot, clocks: clocks, to: &pieces)
        } else {
            scratch.restart(slots: [slot], rowCount: wanted.count)
            try decode(into: &scratch)
            unsafe scratch.values.withUnsafeBufferPointer { values in
                unsafe pieces.append(
                    headColumn: UnsafeBufferPointer(rebasing: values[..<wanted.count]), clock: clock, isPlain: false,
                    shared: clocks)
            }
        }
        let starts = hasStarts ? try decodedStarts() : nil
        if let starts {
            pieces.note(starts: starts.starts(slot: slot, rows: 0..<wanted.count), of: clock.timestamps)
        }
        if hasHistograms { pieces.append(histograms: try readHistograms(slot: slot, starts: starts)) }
    }

    /// The start timestamps of all slots, decoded by whoever asks first.
    private func decodedStarts() throws(StorageError) -> StartRuns {
        try starts.withLock { known throws(StorageError) in
            if let known { return known }
            var runs = StartRuns()
            let isSound = rows.forEachPart(of: wanted) { runs.append(rows.slices[$0], rows: $1) }
            guard isSound else { throw LaneRows.damage }
            known = runs
            return runs
        }
    }

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
        let (steady, others) = needsValues ? ([], wantedSlots) : try findSteady()
        var columns = SliceColumns(slots: others, rowCount: wanted.count)
        // What is left where no values are asked for are a few columns of many slots, and takes no room from those asked for.
        try decode(into: &columns, keepsColumns: needsValues)
        let made = Decoded(columns, steady: steady, clock)
        decoded = made
        return made
    }

    /// The wanted slots that have a sample in every wanted row, and the others.
    private func findSteady() throws(StorageError) -> (steady: [Int], others: [Int]) {
        var found = SteadySlots(among: wantedSlots)
        guard rows.forEachPart(of: wanted, { found.follow(rows.slices[$0], rows: $1) }) else { throw LaneRows.damage }
        return found.split(wantedSlots)
    }

    private func decode(into columns: inout SliceColumns, keepsColumns: Bool = true) throws(StorageError) {
        try rows.decode(wanted, into: &columns, keptWithin: keepsColumns ? keptQuota : nil)
    }

    // MARK: Histograms

    private func readHistograms(slot: Int, starts: StartRuns?) throws(StorageError) -> [HistogramSample] {
        var result: [HistogramSample] = []
        var firstRow = 0
        let isSound = rows.forEachPart(of: wanted) { number, part in
            defer { firstRow += part.count }
            let slice = rows.slices[number]
            return !slice.hasHistograms
                || slice.readHistograms(slot: slot, rows: part, starts: starts, firstRow: firstRow, into: &result)
        }
        guard isSound else { throw LaneRows.damage }
        return result
    }
}
