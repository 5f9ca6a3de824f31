import MetricModel
import Storage

/// Saying that series ended: those that a page no longer has, and all of them after a failure.
extension TargetSeries {
    /// Puts markers into the row for slots that were present and have no value now.
    mutating func markVanished(_ scratch: ScrapeScratch) {
        while isPresent.count < scratch.row.count { isPresent.append(false) }
        var histogramIndex = 0
        let histogramSlots = scratch.histograms.map(\.slot).sorted()
        for slot in scratch.row.indices {
            var hasValue = !SpecialValue.isAbsent(scratch.row[slot])
            if histogramIndex < histogramSlots.count, histogramSlots[histogramIndex] == slot {
                hasValue = true
                histogramIndex += 1
            }
            if isPresent[slot] && !hasValue { scratch.row[slot] = SpecialValue.stale }
            isPresent[slot] = hasValue
        }
    }

    mutating func markVanishedOwnSeries(at timestamp: Timestamp) {
        guard context.job.tracksTimestampsStaleness else { return }
        for index in ownSeries.indices {
            if ownSeries[index].wasPresent && !ownSeries[index].isPresent { appendMarker(index, at: timestamp) }
            ownSeries[index].wasPresent = ownSeries[index].isPresent
            ownSeries[index].isPresent = false
        }
    }

    mutating func endOwnSeries(at timestamp: Timestamp) {
        ownBatch.series.removeAll(keepingCapacity: true)
        for index in ownSeries.indices { ownSeries[index].isPresent = false }
        markVanishedOwnSeries(at: timestamp)
        guard !ownBatch.series.isEmpty else { return }
        _ = try? environment.store.append(ownBatch, onRejection: .skipRejected)
        ownBatch.series.removeAll(keepingCapacity: true)
    }

    private mutating func appendMarker(_ index: Int, at timestamp: Timestamp) {
        ownBatch.series.append(
            .init(
                labels: ownSeries[index].labels,
                columns: SampleColumns(timestamps: [timestamp.milliseconds], values: [SpecialValue.stale])))
    }

    mutating func appendOwnBatch(_ report: inout ScrapeReport) throws(ScrapeFailure) {
        guard !ownBatch.series.isEmpty else { return }
        do {
            let outcome = try environment.store.append(ownBatch, onRejection: .skipRejected)
            report.outOfOrderSamples += outcome.outOfOrder
            report.duplicateSamples += outcome.duplicate
            report.outOfBoundsSamples += outcome.tooOld + outcome.tooFarAhead
            report.samplesWithoutRoom += outcome.seriesLimit
        } catch {
            throw .storage(reason: error.description)
        }
        ownBatch.series.removeAll(keepingCapacity: true)
    }
}
