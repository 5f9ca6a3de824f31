import MetricModel
import PromQLSyntax
import Storage

extension LoadBlock {
    /// The samples to append, each series once.
    func batch() throws(ScriptError) -> SampleBatch {
        var batch = SampleBatch()
        for entry in lastOfEachSeries() {
            batch.series.append(.init(labels: entry.labels, columns: columns(of: entry)))
        }
        if convertsClassicHistograms {
            var converter = ClassicHistogramConverter()
            for entry in lastOfEachSeries() { converter.add(entry) }
            batch.series += try converter.series(stepMilliseconds: stepMilliseconds)
        }
        return batch
    }

    /// Of two lines for one series the later counts.
    private func lastOfEachSeries() -> [Entry] {
        var positions: [LabelSet: Int] = [:]
        var result: [Entry] = []
        for entry in entries {
            if let position = positions[entry.labels] {
                result[position] = entry
            } else {
                positions[entry.labels] = result.count
                result.append(entry)
            }
        }
        return result
    }

    private func columns(of entry: Entry) -> SampleColumns {
        var timestamps: [Int64] = []
        var columns = SampleColumns()
        for (index, value) in entry.values.enumerated() {
            let timestamp = Int64(index) &* stepMilliseconds
            switch value {
            case .missing: continue
            case .float(let number):
                timestamps.append(timestamp)
                columns.values.append(number)
                if !entry.startDistances.isEmpty {
                    columns.startTimestamps.append(entry.startDistances[index].map { timestamp &+ $0 } ?? 0)
                }
            case .histogram(let histogram, _):
                let start = entry.startDistances.isEmpty ? nil : entry.startDistances[index].map { timestamp &+ $0 }
                columns.histograms.append(
                    HistogramSample(timestamp: timestamp, histogram: histogram, startTimestamp: start ?? 0))
            }
        }
        columns.clock = Clock(timestamps)
        return columns
    }
}
