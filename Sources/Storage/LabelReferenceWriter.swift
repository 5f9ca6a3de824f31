import MetricModel
import Synchronization

/// References over a store that knows labels only: each number is the place of a label set in a list.
final class LabelReferenceWriter: ReferenceWriter {
    private struct State {
        var labels: [LabelSet] = []
        var numbers: [LabelSet: UInt32] = [:]
    }

    private let store: any SampleStore
    private let state = Mutex(State())

    init(store: any SampleStore) { self.store = store }

    var generation: UInt32 { 0 }

    func references(for labels: [LabelSet]) throws(AppendError) -> (references: [UInt32], generation: UInt32) {
        let references = state.withLock { state in
            labels.map { set in
                if let known = state.numbers[set] { return known }
                let number = UInt32(state.labels.count)
                state.numbers[set] = number
                state.labels.append(set)
                return number
            }
        }
        return (references, 0)
    }

    func append(_ samples: ReferencedSamples) throws(AppendError) -> ReferencedOutcome {
        let labels = state.withLock { $0.labels }
        var outcome = ReferencedOutcome()
        var histograms: [Int: [HistogramSample]] = [:]
        for entry in samples.histograms { histograms[entry.series, default: []].append(entry.sample) }
        for (series, reference) in samples.references.enumerated() where reference < UInt32(labels.count) {
            let range = samples.sampleRange(of: series)
            var columns = SampleColumns(
                timestamps: Array(samples.timestamps[range]), values: Array(samples.values[range]))
            columns.histograms = histograms[series] ?? []
            if !samples.startTimestamps.isEmpty { columns.startTimestamps = Array(samples.startTimestamps[range]) }
            guard !columns.isEmpty else { continue }
            let batch = SampleBatch([.init(labels: labels[Int(reference)], columns: columns)])
            let one = try store.append(batch, onRejection: .skipRejected)
            if let reason = one.refusalReason { outcome.note(reason, series: series) }
            if one.refusedCount == 0 { outcome.appendedHistograms += columns.histograms.count }
            outcome.counts.add(one)
        }
        return outcome
    }
}
