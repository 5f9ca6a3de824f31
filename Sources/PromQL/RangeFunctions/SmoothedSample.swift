import MetricModel

/// `smoothed` on an instant selector: interpolated between the neighbours within the lookback on both sides.
///
/// With only a sample before, its value is carried on; with only one behind there is nothing.
struct SmoothedSample: RangeKernel {
    let lookbackMilliseconds: Int64
    var keepsName: Bool { true }

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        let columns = input.columns
        for step in 0..<input.stepCount {
            let time = input.windows.times.time(at: step)
            let floats = neighbours(of: time, columns.values.count) { columns.timestamp(at: $0) }
            let histograms = neighbours(of: time, columns.histograms.count) { columns.histograms[$0].timestamp }
            if floats.isFound && histograms.isFound {
                notes.insert(.mixedFloatsAndHistograms)
                continue
            }
            if let before = floats.before {
                output.values[step] = value(columns, before, floats.after ?? before, time)
            } else if let before = histograms.before {
                var left = columns.histograms[before]
                let right = columns.histograms[histograms.after ?? before]
                // A value that is carried on says nothing about what happened since the sample before.
                if histograms.after == nil { left.histogram.counterResetHint = .unknown }
                let areGauges =
                    left.histogram.counterResetHint == .gauge && right.histogram.counterResetHint == .gauge
                let result =
                    before == histograms.after ?? before
                    ? left.histogram
                    : HistogramEdges.between(left, right, at: time, isCounter: !areGauges, &notes)
                if let result {
                    output.histograms.append(StepHistogram(step: step, histogram: result.compacted()))
                }
            }
        }
    }

    private struct Neighbours {
        /// The newest sample at or before the time, and the next at or after it.
        var before: Int?
        var after: Int?
        var isFound: Bool { before != nil || after != nil }
    }

    private func neighbours(of time: Int64, _ count: Int, _ timestamp: (Int) -> Int64) -> Neighbours {
        let behind = ExtendedRate.first(in: 0..<count) { timestamp($0) > time }
        var result = Neighbours()
        if behind > 0, timestamp(behind - 1) > time - lookbackMilliseconds { result.before = behind - 1 }
        if let before = result.before, timestamp(before) == time {
            result.after = before
        } else if behind < count, timestamp(behind) <= time + lookbackMilliseconds {
            result.after = behind
        }
        return result
    }

    private func value(_ columns: SampleColumns, _ before: Int, _ after: Int, _ time: Int64) -> Double {
        let left = columns.values[before]
        guard after != before else { return left }
        let leftTime = columns.timestamp(at: before)
        return left + (columns.values[after] - left) * Double(time - leftTime)
            / Double(columns.timestamp(at: after) - leftTime)
    }
}
