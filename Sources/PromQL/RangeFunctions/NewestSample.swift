internal import CColumns
import MetricModel

/// An instant selector: the newest sample of the lookback window, nothing where that is a staleness marker.
struct NewestSample: RangeKernel {
    /// What is taken of the sample; a start timestamp that is not known is 0, as in Prometheus.
    enum Aspect { case value, timestamp, startTimestamp }

    let aspect: Aspect
    /// Whoever takes the results counts them.
    let isForPresence: Bool
    var needsValues: Bool { aspect == .value && !isForPresence }
    var needsOrder: Bool { !isForPresence }
    var keepsStaleMarkers: Bool { true }
    var keepsName: Bool { aspect == .value }

    init(_ aspect: Aspect = .value, isForPresence: Bool = false) {
        self.aspect = aspect
        self.isForPresence = isForPresence
    }

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        if input.hasHistograms || aspect != .value {
            return evaluateAny(input, into: &output)
        }
        let columns = input.columns
        let windows = input.floatWindows
        let stepCount = min(windows.first.count, output.values.count)
        guard !columns.values.isEmpty, stepCount > 0 else { return }
        var results: [Double] = []
        swap(&results, &output.values)
        let found = unsafe ccolumns_newest(
            columns.values, columns.values.count, windows.first, windows.end, Int32(columns.clockOffset), stepCount,
            &results)
        if found == results.count {
            output.take(results, run: results.indices)
        } else {
            output.values = results
        }
    }

    private func evaluateAny(_ input: RangeInput, into output: inout StepSeries) {
        let columns = input.columns
        for step in 0..<input.stepCount {
            let floats = input.floats(at: step)
            let histograms = input.histograms(at: step)
            let floatTime = floats.isEmpty ? nil : columns.timestamp(at: floats.upperBound - 1)
            let histogramTime = histograms.isEmpty ? nil : columns.histograms[histograms.upperBound - 1].timestamp
            if let histogramTime, histogramTime > floatTime ?? .min {
                let histogram = columns.histograms[histograms.upperBound - 1].histogram
                if histogram.isStale { continue }
                switch aspect {
                case .value: output.histograms.append(StepHistogram(step: step, histogram: histogram))
                case .timestamp: output.values[step] = Double(histogramTime) / 1000
                case .startTimestamp:
                    output.values[step] = Double(columns.histograms[histograms.upperBound - 1].startTimestamp) / 1000
                }
            } else if let floatTime {
                let index = floats.upperBound - 1
                if columns.values[index].isStale { continue }
                switch aspect {
                case .value: output.values[step] = columns.values[index]
                case .timestamp: output.values[step] = Double(floatTime) / 1000
                case .startTimestamp:
                    let start = columns.startTimestamps.isEmpty ? 0 : columns.startTimestamps[index]
                    output.values[step] = Double(start) / 1000
                }
            }
        }
    }
}
