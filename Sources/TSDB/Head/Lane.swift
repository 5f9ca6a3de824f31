import MetricModel
import Storage
import Synchronization

/// The rows of one writer: its slots, the newest values, and the slices that the head still holds.
///
/// Slots are only added. When they are renumbered the writer goes on in a new lane, and this one ends with its last
/// sealed slice.
final class Lane: Sendable {
    /// A slice ends after so many rows at the latest; the next begins with a key row.
    ///
    /// Who wants the newest rows steps over those before them in their slice. With half as many as the 120 of a chunk of Prometheus an
    /// instant rate over the head takes a fifth less, and an append 0.5 ns a sample and 3 % of the journal more. A key row and four full
    /// blocks.
    static let rowsPerSlice = 61

    struct State: SlotDefinitions {
        /// The series of each slot.
        var slotSeries: [UInt32] = []
        var definedSlotCount = 0
        var values = SlotStates()
        var frozen: [Slice] = []
        var current = Slice()
        var lastTimestamp = Int64.min
        var lastSequence: UInt64 = 0
        var isOpen = true
        /// A slice ended; after the next row the writer looks for slots to reclaim.
        var shallCheckSlots = false
        var hints = ResetHints()
        /// The start timestamps that the current slice has said; empty where none came yet.
        var starts: [Int64] = []
        /// What queries share until the next row or the next change of the slices.
        var rows: LaneRows?
    }

    let number: UInt32
    let sourceName: String
    private let state = Mutex(State())

    init(number: UInt32, sourceName: String) {
        self.number = number
        self.sourceName = sourceName
    }

    func withState<Value, Failure: Error>(
        _ body: (inout State) throws(Failure) -> sending Value
    ) throws(Failure) -> sending Value {
        try state.withLock(body)
    }

    var slotCount: Int { state.withLock { $0.slotSeries.count } }

    // MARK: Writing

    /// Adds a slot and returns its number.
    func addSlot(for series: UInt32) -> Int {
        state.withLock { state in
            state.slotSeries.append(series)
            return state.slotSeries.count - 1
        }
    }

    /// Adds a row to slice and journal.
    ///
    /// Allocates only when a block of the slice is full.
    func append(
        timestamp: Int64, values: [Double], histograms: [SlotHistogram], starts: [Int64], head: borrowing HeadCounters,
        journal: Journal, scratch: RowScratch
    ) throws(AppendError) {
        try state.withLock { state throws(AppendError) in
            guard state.isOpen else { throw AppendError.unavailable(reason: "the source is closed") }
            precondition(values.count == state.slotSeries.count, "a row has one value for each slot")
            if timestamp <= state.lastTimestamp {
                if timestamp == state.lastTimestamp, Self.isSame(values, as: state.values.lastBits) { return }
                throw AppendError.outOfOrder(timestamp: timestamp, newest: state.lastTimestamp)
            }
            var section: [UInt8] = []
            if !histograms.isEmpty || !state.hints.isEmpty {
                section = Self.histogramSection(histograms, values: values, hints: &state.hints)
            }
            state.values.grow(to: values.count)
            let isKey = state.current.isEmpty
            var startSection: [UInt8] = []
            if !starts.isEmpty || !state.starts.isEmpty {
                startSection = RowStarts.section(
                    starts, values: values, histograms: histograms, isKey: isKey, known: &state.starts)
            }
            scratch.reserve(
                RowFormat.maximumByteCount(slots: values.count) + section.count + startSection.count)
            var byteCount = state.values.encodeRow(timestamp: timestamp, values: values, isKey: isKey, into: scratch)
            if !section.isEmpty {
                byteCount = unsafe Self.add(
                    section, flag: RowFormat.histogramFlag, to: scratch.memory, rowByteCount: byteCount)
            }
            if !startSection.isEmpty {
                byteCount = unsafe Self.add(
                    startSection, flag: RowFormat.startFlag, to: scratch.memory, rowByteCount: byteCount)
            }
            // Before the slice is written to, which would be copied for it.
            state.rows = nil
            let row = unsafe UnsafeRawBufferPointer(start: scratch.memory, count: byteCount)
            let sequence = head.sequence.add(1, ordering: .sequentiallyConsistent).newValue
            unsafe journal.appendRow(lane: number, index: state.current.rowCount, bytes: row)
            unsafe state.current.append(
                row, timestamp: timestamp, sequence: sequence, hasHistograms: !section.isEmpty,
                hasStarts: !startSection.isEmpty)
            state.lastTimestamp = timestamp
            state.lastSequence = sequence
            head.rowBytes.add(byteCount, ordering: .relaxed)
            if state.current.rowCount >= Self.rowsPerSlice { Self.freeze(&state) }
        }
    }

    private static func isSame(_ values: [Double], as bits: [UInt64]) -> Bool {
        guard values.count == bits.count else { return false }
        for (value, old) in zip(values, bits) where value.bitPattern != old { return false }
        return true
    }

    private static func freeze(_ state: inout State) {
        guard !state.current.isEmpty else { return }
        state.rows = nil
        state.frozen.append(state.current)
        state.current = Slice()
        state.shallCheckSlots = true
    }

    // MARK: Histograms of a row

    private static func histogramSection(
        _ histograms: [SlotHistogram], values: [Double], hints: inout ResetHints
    ) -> [UInt8] {
        hints.noteFloats(values)
        guard !histograms.isEmpty else { return [] }
        var bytes: [UInt8] = []
        var entries: [(slot: Int, offset: Int, count: Int)] = []
        for entry in histograms.sorted(by: { $0.slot < $1.slot }) {
            let start = bytes.count
            HistogramCodec.append(hints.resolve(entry.histogram, slot: entry.slot), to: &bytes)
            entries.append((entry.slot, start, bytes.count - start))
        }
        for entry in entries {
            for number in [entry.slot, entry.offset, entry.count] { append(UInt32(number), to: &bytes) }
        }
        append(UInt32(entries.count), to: &bytes)
        return bytes
    }

    private static func append(_ number: UInt32, to bytes: inout [UInt8]) {
        for index in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: number >> UInt32(8 * index))) }
    }

    private static func add(
        _ section: [UInt8], flag: UInt8, to memory: UnsafeMutableRawPointer, rowByteCount: Int
    ) -> Int {
        unsafe section.withUnsafeBytes { bytes in
            if let start = bytes.baseAddress {
                unsafe (memory + rowByteCount).copyMemory(from: start, byteCount: bytes.count)
            }
        }
        let header = unsafe RowHeader(UnsafeRawBufferPointer(start: memory, count: rowByteCount))
        guard let header else { return rowByteCount }
        let byteCount = rowByteCount + section.count
        unsafe SlotStates.writeHeader(
            memory, byteCount: byteCount, slotCount: header.slotCount, flags: header.flags | flag,
            timestamp: header.timestamp)
        return byteCount
    }

    // MARK: Ending

    /// Gives a lane without rows those that a start read back, and ends it.
    func end(with rows: ReplayedRows) {
        state.withLock { state in
            state.rows = nil
            state.frozen = rows.slices
            state.current = rows.current
            state.lastTimestamp = rows.lastTimestamp
        }
        close()
    }

    /// Ends the lane: no more rows.
    ///
    /// What it holds stays until it is sealed.
    func close() {
        state.withLock { state in
            state.isOpen = false
            Self.freeze(&state)
            state.values.removeAll()
        }
    }

    /// The bits of all slots when a slice has ended since the last call, so that dead ones can be found.
    func takeSlotsToCheck() -> [UInt64]? {
        state.withLock { state in
            guard state.shallCheckSlots, state.isOpen else { return nil }
            state.shallCheckSlots = false
            return state.values.lastBits
        }
    }

    /// How many slots had a sample in the newest row.
    var liveSeriesCount: Int {
        state.withLock { state in
            guard state.isOpen else { return 0 }
            return state.values.lastBits.reduce(0) {
                $0 + ($1 == SpecialValue.absentBits || $1 == SpecialValue.staleBits ? 0 : 1)
            }
        }
    }

    // MARK: Sealing

    /// Ends the current slice, so that the next row is a key row.
    func cut() { state.withLock { Self.freeze(&$0) } }

    /// What the lane holds that no partition has: frozen slices that are not sealed.
    func unsealed() -> (slices: [Slice], slotCount: Int) {
        state.withLock { state in (state.frozen.filter { $0.sealedEpoch == .max }, state.slotSeries.count) }
    }

    /// Whether rows that no partition has tell something of a slot.
    func hasSamples(slot: Int) -> Bool {
        state.withLock { state in
            let slices = state.frozen.filter { $0.sealedEpoch == .max } + [state.current]
            for slice in slices where !slice.isEmpty {
                let isNewest = slot < state.values.count && state.values.lastBits[slot] != SpecialValue.absentBits
                if isNewest || slice.hasHistograms { return true }
                var columns = SliceColumns(slots: [slot], rowCount: slice.rowCount)
                let isSound = columns.append(slice, rows: 0..<slice.rowCount)
                if !isSound || columns.values.contains(where: { !SpecialValue.isAbsent($0) }) { return true }
            }
            return false
        }
    }

    /// Says of the first so many unsealed slices from which view on a partition has them.
    func markSealed(sliceCount: Int, epoch: UInt64) {
        state.withLock { state in
            state.rows = nil
            var rest = sliceCount
            for index in state.frozen.indices where rest > 0 && state.frozen[index].sealedEpoch == .max {
                state.frozen[index].sealedEpoch = epoch
                rest -= 1
            }
        }
    }

    /// Lets go of slices that all views find in partitions.
    ///
    /// Whether the lane is at its end, and its series.
    func dropSealed(oldestEpoch: UInt64) -> (droppedBytes: Int, seriesIfEnded: [UInt32]?) {
        state.withLock { state in
            state.rows = nil
            var dropped = 0
            state.frozen.removeAll { slice in
                guard slice.sealedEpoch <= oldestEpoch else { return false }
                dropped += slice.byteCount
                return true
            }
            let isEnded = !state.isOpen && state.frozen.isEmpty && state.current.isEmpty
            return (dropped, isEnded ? state.slotSeries : nil)
        }
    }

    // MARK: Reading

    /// All rows of the moment.
    func rows() -> LaneRows {
        state.withLock { state in
            if let known = state.rows { return known }
            for index in state.frozen.indices { state.frozen[index].makeKept() }
            state.current.makeKept()
            let made = LaneRows(state.current.isEmpty ? state.frozen : state.frozen + [state.current])
            state.rows = made
            return made
        }
    }

    /// Time and bits of the newest row of an open lane; nil where it lies outside the range, where a view does not see it here,
    /// because it came later or a partition has it, and where there may be histograms or start timestamps.
    ///
    /// - Parameters:
    ///   - slots: The slots wanted, ascending.
    ///   - copied: Gets the bits of the wanted slots where these are few; where they are many the row has those of all slots,
    ///     which it shares with the lane until the next append.
    func newestRow(
        seenAt position: ViewPosition, in range: TimeRange, slots: [Int], copyingTo copied: inout [UInt64]
    ) -> NewestRow? {
        state.withLock { state in
            guard state.isOpen, state.lastSequence <= position.sequence, state.newestIsPlain(after: position.epoch),
                range.contains(Timestamp(milliseconds: state.lastTimestamp))
            else { return nil }
            let bits = state.values.lastBits.span
            guard slots.count * 4 < bits.count else {
                return NewestRow(timestamp: state.lastTimestamp, bits: state.values.lastBits)
            }
            let row = NewestRow(timestamp: state.lastTimestamp, copiedFrom: copied.count)
            for slot in slots { copied.append(slot < bits.count ? bits[slot] : SpecialValue.absentBits) }
            return row
        }
    }
}

extension Lane.State {
    /// Whether the newest row stands in a slice that no partition has for views of an epoch, and which has floats alone.
    ///
    /// A slice is several references: it is looked at where it stands.
    fileprivate func newestIsPlain(after epoch: UInt64) -> Bool {
        if !current.isEmpty { return current.isPlain(after: epoch) }
        return !frozen.isEmpty && frozen[frozen.count - 1].isPlain(after: epoch)
    }
}
