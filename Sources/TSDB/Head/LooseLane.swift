import Bytes
import MetricModel
import Storage
import Synchronization

/// Samples with timestamps of their own: a stream for each series.
final class LooseLane: Sendable {
    struct State: SlotDefinitions {
        var slotSeries: [UInt32] = []
        var definedSlotCount = 0
        /// Time and bits of the newest sample of each slot; they outlive slices, because order is checked against them.
        var newestTimestamps: [Int64] = []
        var newestBits: [UInt64] = []
        var hints = ResetHints()
        var frozen: [LooseSlice] = []
        var current = LooseSlice()
        var scratch: [UInt8] = []
        var isOpen = true

        /// The slices that partitions of a view lack, oldest first.
        func forEachSlice(unsealedAt epoch: UInt64, _ body: (LooseSlice) -> Void) {
            for slice in frozen where slice.sealedEpoch > epoch { body(slice) }
            if current.sealedEpoch > epoch { body(current) }
        }

        mutating func addSlots(for series: [UInt32]) {
            slotSeries += series
            newestTimestamps.append(contentsOf: repeatElement(.min, count: series.count))
            newestBits.append(contentsOf: repeatElement(SpecialValue.absentBits, count: series.count))
        }
    }

    /// The newest "bits" of a histogram sample are its hash with this bit pattern's top bits.
    private static let histogramMark: UInt64 = 0x7ff1_0000_0000_0000

    let number: UInt32
    private let state = Mutex(State())

    init(number: UInt32) { self.number = number }

    func withState<Value, Failure: Error>(
        _ body: (inout State) throws(Failure) -> sending Value
    ) throws(Failure) -> sending Value {
        try state.withLock(body)
    }

    func addSlot(for series: UInt32) -> Int {
        state.withLock { state in
            state.addSlots(for: [series])
            return state.slotSeries.count - 1
        }
    }

    // MARK: Writing

    /// What becomes of a sample: taken, there already, taken although the series has newer ones, or refused.
    enum Verdict { case accept, known, acceptLate, refuse(AppendError) }

    /// As Prometheus decides: order counts against the newest sample of the series, age against the newest of all.
    static func verdict(
        timestamp: Int64, bits: UInt64, newest: Int64, newestBits: UInt64, limits: AcceptedTimes
    ) -> Verdict {
        if timestamp > limits.newest {
            return .refuse(.tooFarAhead(timestamp: timestamp, newestAccepted: limits.newest))
        }
        if timestamp >= limits.oldest {
            if timestamp > newest { return .accept }
            if timestamp == newest {
                return bits == newestBits ? .known : .refuse(.outOfOrder(timestamp: timestamp, newest: newest))
            }
        }
        if timestamp >= limits.oldestLate { return .acceptLate }
        if limits.oldestLate < .max || timestamp < limits.oldest {
            return .refuse(.tooOld(timestamp: timestamp, oldestAccepted: min(limits.oldest, limits.oldestLate)))
        }
        return .refuse(.outOfOrder(timestamp: timestamp, newest: newest))
    }

    /// The bits by which a value is compared and stored: the absent value from outside is an ordinary NaN.
    static func storedBits(_ value: Double) -> UInt64 {
        SpecialValue.isAbsent(value) ? SpecialValue.ordinaryNaNBits : value.bitPattern
    }

    /// Whether these newest "bits" may be those of a histogram.
    static func mayStandForHistogram(_ bits: UInt64) -> Bool { bits >> 48 == histogramMark >> 48 }

    private static func mark(of histogram: NativeHistogram) -> UInt64 {
        var bytes: [UInt8] = []
        var histogram = histogram
        // The hint may be added when it is stored.
        histogram.counterResetHint = .unknown
        HistogramCodec.append(histogram, to: &bytes)
        return histogramMark | ByteHash.hash(bytes) >> 16
    }

    /// The first error that appending these columns would meet.
    func firstRefusal(slot: Int, columns: SampleColumns, limits: AcceptedTimes) -> AppendError? {
        state.withLock { state in
            var newest = state.newestTimestamps[slot]
            var newestBits = state.newestBits[slot]
            for sample in MergedSamples(columns) {
                let bits = sample.histogram.map(Self.mark) ?? Self.storedBits(sample.value)
                switch Self.verdict(
                    timestamp: sample.timestamp, bits: bits, newest: newest, newestBits: newestBits, limits: limits)
                {
                case .known, .acceptLate: continue
                case .refuse(let error): return error
                case .accept:
                    newest = sample.timestamp
                    newestBits = bits
                }
            }
            return nil
        }
    }

    /// Adds the samples that can be taken and counts the others.
    ///
    /// The journal's part is appended to `record`; the
    /// number of bytes that the streams grew by is returned.
    func append(
        slot: Int, columns: SampleColumns, generation: UInt64, limits: AcceptedTimes, record: inout [UInt8],
        outcome: inout AppendOutcome
    ) -> Int {
        var streamByteCount = 0
        var counts = outcome
        var journalPart = record
        record = []
        state.withLock { state in
            var newest = state.newestTimestamps[slot]
            var newestBits = state.newestBits[slot]
            var first = Int64.max
            let before = state.current.sampleCount(slot: slot)
            var scratch = state.scratch
            var hints = state.hints
            state.scratch = []
            state.hints = ResetHints()
            let hasAny = state.current.extend(slot: slot, scratch: &scratch, first: &first, newest: &newest) {
                (stream: inout LooseStream, bytes: inout [UInt8], first: inout Int64, newest: inout Int64) in
                for sample in MergedSamples(columns) {
                    let bits = sample.histogram.map(Self.mark) ?? Self.storedBits(sample.value)
                    let verdict = Self.verdict(
                        timestamp: sample.timestamp, bits: bits, newest: newest, newestBits: newestBits, limits: limits)
                    switch verdict {
                    case .known: counts.appended += 1
                    case .refuse(let error): counts.count(error, isSameTime: sample.timestamp == newest)
                    case .accept, .acceptLate:
                        stream.append(start: sample.startTimestamp, to: &bytes)
                        var isNewest = false
                        if case .accept = verdict { isNewest = true }
                        if var histogram = sample.histogram {
                            if isNewest {
                                histogram = hints.resolve(histogram, slot: slot)
                            } else {
                                histogram.counterResetHint = histogram.storedHint(after: nil)
                            }
                            stream.append(
                                histogram: histogram,
                                timestamp: sample.timestamp, generation: generation, to: &bytes)
                        } else {
                            if isNewest { hints.noteFloat(slot: slot) }
                            stream.append(
                                value: bits, timestamp: sample.timestamp, generation: generation, to: &bytes)
                        }
                        first = min(first, sample.timestamp)
                        counts.appended += 1
                        guard isNewest else { continue }
                        newest = sample.timestamp
                        newestBits = bits
                    }
                }
                return !bytes.isEmpty
            }
            if hasAny {
                VarInt.append(UInt64(slot), to: &journalPart)
                VarInt.append(UInt64(before), to: &journalPart)
                VarInt.append(UInt64(scratch.count), to: &journalPart)
                journalPart.append(contentsOf: scratch)
                streamByteCount = scratch.count
                state.newestTimestamps[slot] = newest
                state.newestBits[slot] = newestBits
            }
            state.scratch = scratch
            state.hints = hints
        }
        outcome = counts
        record = journalPart
        return streamByteCount
    }

    // MARK: Replaying

    /// Takes a part of a journal record; false where samples before it are missing or its bytes are damaged.
    func replay(slot: Int, samplesBefore: Int, bytes: UnsafeRawBufferPointer, highestGeneration: inout UInt64) -> Bool {
        var highest = highestGeneration
        defer { highestGeneration = highest }
        return state.withLock { state in
            guard slot < state.slotSeries.count, samplesBefore == state.current.sampleCount(slot: slot) else {
                return false
            }
            var first = Int64.max
            var newest = state.newestTimestamps[slot]
            var newestBits = state.newestBits[slot]
            var scratch: [UInt8] = []
            var hints = state.hints
            state.hints = ResetHints()
            let isSound = state.current.extend(slot: slot, scratch: &scratch, first: &first, newest: &newest) {
                (stream: inout LooseStream, copy: inout [UInt8], first: inout Int64, newest: inout Int64) in
                let isSound = unsafe stream.read(bytes) { timestamp, generation, _, sample in
                    highest = max(highest, generation)
                    first = min(first, timestamp)
                    // A late sample is not what the next one is compared with.
                    guard timestamp >= newest else { return }
                    newest = timestamp
                    switch sample {
                    case .value(let bits):
                        newestBits = bits
                        hints.noteFloat(slot: slot)
                    case .histogram(let histogram):
                        newestBits = Self.mark(of: histogram)
                        hints[slot] = histogram
                    }
                }
                unsafe copy.append(contentsOf: bytes)
                return isSound
            }
            state.newestTimestamps[slot] = newest
            state.newestBits[slot] = newestBits
            state.hints = hints
            return isSound
        }
    }

    // MARK: Sealing

    /// Ends the current slice; what comes next begins new streams.
    func cut() {
        state.withLock { state in
            guard !state.current.isEmpty else { return }
            state.frozen.append(state.current)
            state.current = LooseSlice()
        }
    }

    /// Slots that got samples since the last cut, when they are so few that a new lane should take over; else nil.
    func slotsWorthKeeping(minimum: Int) -> [Int]? {
        state.withLock { state in
            guard state.slotSeries.count >= minimum, state.current.seriesCount * 2 < state.slotSeries.count else {
                return nil
            }
            return state.current.slots
        }
    }

    /// The newest sample of a slot, which decides what may follow.
    func newest(slot: Int) -> (series: UInt32, timestamp: Int64, bits: UInt64, histogram: NativeHistogram?) {
        state.withLock { ($0.slotSeries[slot], $0.newestTimestamps[slot], $0.newestBits[slot], $0.hints[slot]) }
    }

    /// Sets what may follow in a slot that goes on from another lane.
    func setNewest(slot: Int, timestamp: Int64, bits: UInt64, histogram: NativeHistogram?) {
        state.withLock { state in
            state.newestTimestamps[slot] = timestamp
            state.newestBits[slot] = bits
            if let histogram { state.hints[slot] = histogram }
        }
    }

    /// A series without samples for this long, counted to the newest sample of the lane, is taken for ended.
    private static let liveMilliseconds: Int64 = 600_000

    /// How many slots have a sample that is not old and no marker.
    var liveSeriesCount: Int {
        state.withLock { state in
            guard state.isOpen, let newest = state.newestTimestamps.max() else { return 0 }
            let oldest = newest.subtractingReportingOverflow(Self.liveMilliseconds)
            guard !oldest.overflow else { return state.slotSeries.count }
            return zip(state.newestTimestamps, state.newestBits).reduce(0) { count, slot in
                count + (slot.0 >= oldest.partialValue && slot.1 != SpecialValue.staleBits ? 1 : 0)
            }
        }
    }

    func close() {
        cut()
        state.withLock { $0.isOpen = false }
    }

    func unsealed() -> [LooseSlice] { state.withLock { $0.frozen.filter { $0.sealedEpoch == .max } } }

    func hasSamples(slot: Int) -> Bool {
        state.withLock { state in
            state.current.sampleCount(slot: slot) > 0
                || state.frozen.contains { $0.sealedEpoch == .max && $0.sampleCount(slot: slot) > 0 }
        }
    }

    func markSealed(sliceCount: Int, epoch: UInt64) {
        state.withLock { state in
            var rest = sliceCount
            for index in state.frozen.indices where rest > 0 && state.frozen[index].sealedEpoch == .max {
                state.frozen[index].sealedEpoch = epoch
                rest -= 1
            }
        }
    }

    func dropSealed(oldestEpoch: UInt64) -> (droppedBytes: Int, seriesIfEnded: [UInt32]?) {
        state.withLock { state in
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
}
