import MetricModel
import Storage
import Synchronization

/// Numbers of series for remote write: the slots of the loose lane of the moment.
final class HeadReferences: ReferenceWriter {
    private let head: Head
    private let isClosed: @Sendable () -> Bool

    init(head: Head, isClosed: @escaping @Sendable () -> Bool) {
        self.head = head
        self.isClosed = isClosed
    }

    var generation: UInt32 { head.looseLane.withLock { $0.number } }

    func references(for labels: [LabelSet]) throws(AppendError) -> (references: [UInt32], generation: UInt32) {
        try checkOpen()
        return head.references(for: labels)
    }

    func append(_ samples: ReferencedSamples) throws(AppendError) -> ReferencedOutcome {
        try checkOpen()
        return try head.append(samples)
    }

    private func checkOpen() throws(AppendError) {
        if isClosed() { throw AppendError.unavailable(reason: "the database is closed") }
    }
}

extension Head {
    fileprivate func references(for labels: [LabelSet]) -> (references: [UInt32], generation: UInt32) {
        looseLane.withLock { lane in
            let references = index.withLock { index in
                labels.map { labels in
                    guard let series = try? intern(labels, in: &index) else { return ReferencedSamples.noReference }
                    if let slot = index.series.slot(of: series, in: lane.number) { return slot }
                    let slot = UInt32(lane.addSlot(for: series))
                    index.series.attach(series, to: Attachment(lane: lane.number, slot: slot))
                    return slot
                }
            }
            return (references, lane.number)
        }
    }

    fileprivate func append(_ samples: ReferencedSamples) throws(AppendError) -> ReferencedOutcome {
        try checkJournal()
        return gate.withReadLock { looseLane.withLock { append(samples, to: $0) } }
    }

    private func append(_ samples: ReferencedSamples, to lane: LooseLane) -> ReferencedOutcome {
        guard lane.number == samples.generation else { return .expired }
        let limits = acceptedTimes()
        defineNewSlots(of: lane)
        let generation = counters.generation.load(ordering: .acquiring) + 1
        let ticket = changes.begin(
            earliest: min(
                samples.timestamps.min() ?? .max, samples.histograms.reduce(.max) { min($0, $1.sample.timestamp) }))
        defer { changes.end(ticket) }
        var runs = LooseRuns()
        var result = lane.append(samples, generation: generation, limits: limits, runs: &runs)
        if !runs.bytes.isEmpty {
            journal.appendLoose(lane: lane.number, generation: generation, parts: runs.bytes, kind: .runs)
        }
        var outcome = ReferencedOutcome()
        outcome.counts = result.counts
        var parts: [UInt8] = []
        for entry in samples.histograms {
            result.others.append((entry.series, SampleColumns(histograms: [entry.sample])))
        }
        for (series, columns) in result.others {
            let slot = samples.references[series]
            guard slot < ReferencedSamples.leftOut else { continue }
            var counts = AppendOutcome()
            result.byteCount += lane.append(
                slot: Int(slot), columns: columns, generation: generation, limits: limits, record: &parts,
                outcome: &counts)
            if columns.values.isEmpty { outcome.appendedHistograms += counts.appended }
            if counts.appended > 0 { result.newest = max(result.newest, columns.newestTimestamp ?? .min) }
            if let reason = counts.refusalReason { outcome.note(reason, series: series) }
            outcome.counts.add(counts)
        }
        if !parts.isEmpty { journal.appendLoose(lane: lane.number, generation: generation, parts: parts) }
        counters.rowBytes.add(result.byteCount, ordering: .relaxed)
        countUnresolved(samples, in: &outcome)
        // Views made before this line do not see the batch, those made after it see all of it.
        counters.generation.store(generation, ordering: .releasing)
        if outcome.counts.appended > 0 { counters.raiseNewestTimestamp(to: min(result.newest, limits.newest)) }
        counters.appendedSamples.add(UInt64(outcome.counts.appended), ordering: .relaxed)
        counters.refusedSamples.add(UInt64(outcome.counts.refusedCount), ordering: .relaxed)
        return outcome
    }

    /// Series without a number are those that the limit kept out.
    private func countUnresolved(_ samples: ReferencedSamples, in outcome: inout ReferencedOutcome) {
        guard samples.references.contains(ReferencedSamples.noReference) else { return }
        for (series, reference) in samples.references.enumerated() where reference == ReferencedSamples.noReference {
            outcome.counts.seriesLimit += samples.sampleRange(of: series).count
            outcome.note(.seriesLimit, series: series)
        }
        outcome.counts.seriesLimit += samples.histograms.count {
            samples.references[$0.series] == ReferencedSamples.noReference
        }
    }
}
