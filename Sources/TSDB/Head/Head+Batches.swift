import Bytes
import MetricModel
import Storage
import Synchronization

/// Samples of many series with times of their own, into the loose lane.
extension Head {
    /// - Parameter accepted: The times to take, nil for those of the settings.
    func append(
        _ batch: SampleBatch, onRejection: RejectionPolicy, accepted: AcceptedTimes? = nil
    ) throws(AppendError) -> AppendOutcome {
        try checkJournal()
        return try gate.withReadLock { () throws(AppendError) in
            try looseLane.withLock { lane throws(AppendError) in
                try append(batch, to: lane, onRejection: onRejection, limits: accepted ?? acceptedTimes())
            }
        }
    }

    private func append(
        _ batch: SampleBatch, to lane: LooseLane, onRejection: RejectionPolicy, limits: AcceptedTimes
    ) throws(AppendError) -> AppendOutcome {
        var outcome = AppendOutcome()
        let slots = try slots(of: batch, in: lane, onRejection: onRejection, outcome: &outcome)
        if onRejection == .refuseAll {
            for (series, slot) in zip(batch.series, slots) {
                guard let slot else { continue }
                if let error = lane.firstRefusal(slot: slot, columns: series.columns, limits: limits) { throw error }
            }
        }
        defineNewSlots(of: lane)
        let generation = counters.generation.load(ordering: .acquiring) + 1
        var record: [UInt8] = []
        var newest = Int64.min
        var byteCount = 0
        let ticket = changes.begin(earliest: batch.series.reduce(.max) { min($0, $1.columns.oldestTimestamp ?? .max) })
        defer { changes.end(ticket) }
        for (series, slot) in zip(batch.series, slots) {
            guard let slot else { continue }
            byteCount += lane.append(
                slot: slot, columns: series.columns, generation: generation, limits: limits, record: &record,
                outcome: &outcome)
            newest = max(newest, series.columns.newestTimestamp ?? .min)
        }
        if !record.isEmpty {
            journal.appendLoose(lane: lane.number, generation: generation, parts: record)
            counters.rowBytes.add(byteCount, ordering: .relaxed)
        }
        // Views made before this line do not see the batch, those made after it see all of it.
        counters.generation.store(generation, ordering: .releasing)
        // An import from the future must not make the present look old.
        if outcome.appended > 0 { counters.raiseNewestTimestamp(to: min(newest, newestAccepted())) }
        counters.appendedSamples.add(UInt64(outcome.appended), ordering: .relaxed)
        counters.refusedSamples.add(UInt64(outcome.refusedCount), ordering: .relaxed)
        return outcome
    }

    func acceptedTimes() -> AcceptedTimes {
        var limits = AcceptedTimes()
        let newest = counters.newestTimestamp.load(ordering: .relaxed)
        if settings.oldestAcceptedAgeMilliseconds > 0, newest > .min + settings.oldestAcceptedAgeMilliseconds {
            limits.oldest = newest - settings.oldestAcceptedAgeMilliseconds
        }
        let window = outOfOrderWindowMilliseconds.load(ordering: .relaxed)
        if window > 0 {
            let (oldest, isBelow) = newest.subtractingReportingOverflow(window)
            limits.oldestLate = isBelow ? .min : oldest
        }
        limits.newest = newestAccepted()
        return limits
    }

    private func newestAccepted() -> Int64 {
        guard settings.newestAcceptedAheadMilliseconds > 0 else { return AcceptedTimes.farthest }
        return clock.now.milliseconds &+ settings.newestAcceptedAheadMilliseconds
    }

    private func slots(
        of batch: SampleBatch, in lane: LooseLane, onRejection: RejectionPolicy, outcome: inout AppendOutcome
    ) throws(AppendError) -> [Int?] {
        var refused = 0
        let slots = try index.withLock { index throws(AppendError) in
            var slots: [Int?] = []
            slots.reserveCapacity(batch.series.count)
            for entry in batch.series {
                do throws(AppendError) {
                    let series = try intern(entry.labels, in: &index)
                    if let slot = index.series.slot(of: series, in: lane.number) {
                        slots.append(Int(slot))
                        continue
                    }
                    let slot = lane.addSlot(for: series)
                    index.series.attach(series, to: Attachment(lane: lane.number, slot: UInt32(slot)))
                    slots.append(slot)
                } catch {
                    if onRejection == .refuseAll { throw error }
                    refused += entry.columns.values.count + entry.columns.histograms.count
                    slots.append(nil)
                }
            }
            return slots
        }
        outcome.seriesLimit += refused
        return slots
    }
}

extension SampleColumns {
    /// The oldest time in either column, nil where there is none.
    var oldestTimestamp: Int64? {
        let float = values.isEmpty ? nil : timestamp(at: 0)
        guard let histogram = histograms.first?.timestamp else { return float }
        return min(float ?? histogram, histogram)
    }

    var newestTimestamp: Int64? {
        let float = values.isEmpty ? nil : timestamp(at: values.count - 1)
        guard let histogram = histograms.last?.timestamp else { return float }
        return max(float ?? histogram, histogram)
    }
}
