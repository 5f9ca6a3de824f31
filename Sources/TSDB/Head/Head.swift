import Bytes
import Logging
import MetricModel
import Storage
import Synchronization

/// The newest stretch of time in memory: series, lanes, and the way from an append to the journal.
///
/// Locks are taken in this order and never the other way: gate, batches, index, a lane, the journal's buffer.
final class Head: Sendable {
    let counters = HeadCounters()
    let changes = ChangeLog()
    let journal: Journal
    let settings: DatabaseSettings
    /// `DatabaseSettings.outOfOrderWindowMilliseconds`, which changes when the configuration is loaded again.
    let outOfOrderWindowMilliseconds: Atomic<Int64>
    /// Appends hold it for reading; the cut between two slices of all lanes holds it for writing.
    let gate = ReadWriteLock()
    let index: Mutex<HeadIndex>
    let findings: HeadFindings
    /// What slices may keep of their columns (`KeptColumns`).
    let columnsQuota: ByteQuota
    /// Batches go one after the other, so that each is one generation and can be refused as a whole.
    let looseLane: Mutex<LooseLane>
    private let scratches = Mutex<[RowScratch]>([])
    let clock: any WallClock

    init(contents: consuming HeadContents, journal: Journal, settings: DatabaseSettings, clock: any WallClock) {
        self.journal = journal
        self.settings = settings
        outOfOrderWindowMilliseconds = Atomic(settings.outOfOrderWindowMilliseconds)
        self.clock = clock
        findings = HeadFindings(limitBytes: settings.headFindingsBytes)
        columnsQuota = ByteQuota(limit: settings.headColumnsBytes)
        counters.raiseNewestTimestamp(to: contents.newestTimestamp)
        counters.rowBytes.store(contents.byteCount, ordering: .relaxed)
        counters.generation.store(contents.highestGeneration, ordering: .relaxed)
        var restored = contents.index
        let lane = contents.looseLane ?? Self.makeLooseLane(in: &restored)
        index = Mutex(restored)
        looseLane = Mutex(lane)
    }

    private static func makeLooseLane(in index: inout HeadIndex) -> LooseLane {
        var made = LooseLane(number: 0)
        _ = index.addLane { number in
            made = LooseLane(number: number)
            return .loose(made)
        }
        return made
    }

    func withIndex<Value, Failure: Error>(
        _ body: (inout HeadIndex) throws(Failure) -> sending Value
    ) throws(Failure) -> sending Value {
        try index.withLock(body)
    }

    /// What `body` makes of the index; whoever may not wait gets it only where nobody else has it.
    private func withIndex<Value: Sendable>(
        waits: Bool, _ body: (inout HeadIndex) throws(StorageError) -> sending Value
    ) throws(StorageError) -> Value {
        if waits { return try index.withLock(body) }
        guard let value = try index.withLockIfAvailable(body) else { throw .wouldWait }
        return value
    }

    /// What `body` makes of the index once there is room for it.
    ///
    /// - Parameter body: Asks its second argument whether so many bytes in all are counted, and gives nil where they are
    ///   not. They are then waited for without the lock, which scrapes need, and it is called again.
    func withIndex<Value: Sendable>(
        holding held: inout HeldMemory,
        _ body: (inout HeadIndex, _ isAffordable: (Int) -> Bool) throws(StorageError) -> Value?
    ) throws(StorageError) -> Value {
        var counted = 0
        while true {
            var missing = 0
            let value = try withIndex(waits: held.mayWait) { index throws(StorageError) in
                try body(&index) { wanted in
                    if wanted > counted {
                        guard held.takeAtOnce(wanted - counted) else {
                            missing = wanted - counted
                            return false
                        }
                        counted = wanted
                    }
                    return true
                }
            }
            if let value { return value }
            try held.take(missing)
            counted += missing
        }
    }

    /// A piece of maintenance's work on the index, for so many series; what takes many is done in several turns.
    func withIndexTurn<Value>(
        of seriesCount: Int, _ body: (inout HeadIndex) -> sending Value
    ) -> sending Value {
        _ = counters.longestTurn.max(seriesCount, ordering: .relaxed)
        return index.withLock(body)
    }

    var lanes: [HeadLane] { index.withLock { Array($0.lanes.values) } }

    // MARK: Series and slots

    func makeLane(sourceName: String) -> Lane {
        var made = Lane(number: 0, sourceName: sourceName)
        index.withLock { index in
            _ = index.addLane { number in
                made = Lane(number: number, sourceName: sourceName)
                return .rows(made)
            }
        }
        return made
    }

    /// The slot of a series in a lane, made when it is new.
    func slot(for labels: LabelSet, in lane: Lane) throws(AppendError) -> Int {
        try index.withLock { index throws(AppendError) in
            let series = try intern(labels, in: &index)
            if let slot = index.series.slot(of: series, in: lane.number) { return Int(slot) }
            guard lane.slotCount < RowFormat.slotLimit else {
                throw AppendError.seriesLimit(maximum: RowFormat.slotLimit)
            }
            let slot = lane.addSlot(for: series)
            index.series.attach(series, to: Attachment(lane: lane.number, slot: UInt32(slot)))
            return slot
        }
    }

    func intern(_ labels: LabelSet, in index: inout HeadIndex) throws(AppendError) -> UInt32 {
        if hasNoRoom(index), index.series.find(labels) == nil {
            noteRefusal(of: labels, in: index)
            throw AppendError.seriesLimit(maximum: min(settings.seriesLimit, index.series.count))
        }
        return index.series.intern(labels).series
    }

    /// Whether the head takes only series that it knows.
    private func hasNoRoom(_ index: borrowing HeadIndex) -> Bool {
        index.series.count >= settings.seriesLimit
            || (settings.headLimitBytes > 0 && index.series.estimatedByteCount >= settings.headLimitBytes)
    }

    /// How often the log names a series that found no room.
    private static let refusalLogNanoseconds: UInt64 = 60_000_000_000

    private func noteRefusal(of labels: LabelSet, in index: borrowing HeadIndex) {
        counters.refusedSeries.add(1, ordering: .relaxed)
        let now = Monitor.monotonicNanoseconds
        let last = counters.refusalLogged.load(ordering: .relaxed)
        guard last == 0 || now - last > Self.refusalLogNanoseconds,
            counters.refusalLogged.compareExchange(expected: last, desired: now, ordering: .relaxed).exchanged
        else { return }
        let isByCount = index.series.count >= settings.seriesLimit
        journal.logger.warning(
            "no room for new series; those that are known go on",
            metadata: [
                "series": "\(index.series.count)", "refused": "\(labels)",
                "limit": isByCount
                    ? "seriesLimit \(settings.seriesLimit)" : "headLimitBytes \(settings.headLimitBytes)",
            ])
    }

    /// Goes on with the slots of `kept` in a new lane and ends the old one.
    func renumber(_ lane: Lane, keeping kept: [Int]) -> Lane {
        let next = makeLane(sourceName: lane.sourceName)
        let series = lane.withState { $0.slotSeries }
        index.withLock { index in
            for slot in kept {
                let attachment = Attachment(lane: next.number, slot: UInt32(next.addSlot(for: series[slot])))
                index.series.attach(series[slot], to: attachment)
            }
        }
        lane.close()
        return next
    }

    /// A loose lane with fewer slots than this keeps them all.
    private static let looseSlotMinimum = 1000

    /// Goes on in a new loose lane when most series of the current one got no samples since the last cut.
    ///
    /// Called before a cut, without the gate.
    func renewLooseLane() {
        looseLane.withLock { lane in
            guard let kept = lane.slotsWorthKeeping(minimum: Self.looseSlotMinimum) else { return }
            let old = lane
            index.withLock { index in
                let next = Self.makeLooseLane(in: &index)
                for slot in kept {
                    let newest = old.newest(slot: slot)
                    let made = next.addSlot(for: newest.series)
                    next.setNewest(
                        slot: made, timestamp: newest.timestamp, bits: newest.bits, histogram: newest.histogram)
                    index.series.attach(newest.series, to: Attachment(lane: next.number, slot: UInt32(made)))
                }
                lane = next
            }
            old.close()
        }
    }

    /// Leaves series of the loose lane of which it has no samples out of lists of labels.
    func hideSeriesWithoutSamples() {
        looseLane.withLock { lane in
            let empty = lane.withState { state in
                state.slotSeries.indices.filter { state.current.sampleCount(slot: $0) == 0 }.map {
                    state.slotSeries[$0]
                }
            }
            if !empty.isEmpty { index.withLock { $0.hide(empty) } }
        }
    }

    // MARK: Rows

    func append(
        timestamp: Int64, values: [Double], histograms: [SlotHistogram], starts: [Int64], to lane: Lane
    ) throws(AppendError) {
        // A row of nothing would stand in the journal without a lane that it belongs to.
        guard !values.isEmpty else { return }
        try checkJournal()
        let scratch = scratches.withLock { $0.popLast() } ?? RowScratch()
        defer { scratches.withLock { $0.append(scratch) } }
        let ticket = changes.begin(earliest: timestamp)
        defer { changes.end(ticket) }
        try gate.withReadLock { () throws(AppendError) in
            defineNewSlots(of: lane)
            try lane.append(
                timestamp: timestamp, values: values, histograms: histograms, starts: starts, head: counters,
                journal: journal, scratch: scratch)
        }
        counters.raiseNewestTimestamp(to: timestamp)
        counters.appendedSamples.add(UInt64(values.count + histograms.count), ordering: .relaxed)
        counters.appendedRows.add(1, ordering: .relaxed)
    }

    /// Takes a row that is older than the newest of its lane as a batch, where the settings allow late samples.
    func appendLate(
        timestamp: Int64, values: [Double], histograms: [SlotHistogram], starts: [Int64], of lane: Lane,
        refused: AppendError
    ) throws(AppendError) {
        guard outOfOrderWindowMilliseconds.load(ordering: .relaxed) > 0 else { throw refused }
        let slotSeries = lane.withState { $0.slotSeries }
        var batch = SampleBatch()
        index.withLock { index in
            for (slot, value) in values.enumerated() where !SpecialValue.isAbsent(value) {
                var columns = SampleColumns(timestamps: [timestamp], values: [value])
                if !starts.isEmpty, starts[slot] != 0 { columns.startTimestamps = [starts[slot]] }
                batch.series.append(.init(labels: index.series.labels(of: slotSeries[slot]), columns: columns))
            }
            for entry in histograms {
                let sample = HistogramSample(
                    timestamp: timestamp, histogram: entry.histogram,
                    startTimestamp: starts.isEmpty ? 0 : starts[entry.slot])
                batch.series.append(
                    .init(
                        labels: index.series.labels(of: slotSeries[entry.slot]),
                        columns: SampleColumns(histograms: [sample])))
            }
        }
        var accepted = acceptedTimes()
        accepted.oldest = accepted.oldestLate
        _ = try append(batch, onRejection: .refuseAll, accepted: accepted)
    }

    func checkJournal() throws(AppendError) {
        guard journal.isOverLimit.load(ordering: .relaxed) else { return }
        throw AppendError.unavailable(
            reason: "limit journalBacklogLimitBytes exceeded: more than \(settings.journalBacklogLimitBytes) bytes "
                + "wait for the disk")
    }
}
