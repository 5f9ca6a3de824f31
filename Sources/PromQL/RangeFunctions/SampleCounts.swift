import MetricModel

/// Functions that look at floats and histograms alike: counts, presence, and times of samples.
struct SampleCounts: RangeKernel {
    enum Measure { case count, presence, firstTime, lastTime }

    let measure: Measure
    var needsValues: Bool { false }

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        for step in 0..<input.stepCount {
            let floats = input.floats(at: step)
            let histograms = input.histograms(at: step)
            guard !floats.isEmpty || !histograms.isEmpty else { continue }
            output.values[step] = value(input, floats, histograms)
        }
    }

    private func value(_ input: RangeInput, _ floats: Range<Int>, _ histograms: Range<Int>) -> Double {
        let columns = input.columns
        switch measure {
        case .count: return Double(floats.count + histograms.count)
        case .presence: return 1
        case .firstTime:
            let floatTime = floats.isEmpty ? Int64.max : columns.timestamp(at: floats.lowerBound)
            let histogramTime = histograms.isEmpty ? .max : columns.histograms[histograms.lowerBound].timestamp
            return Double(min(floatTime, histogramTime)) / 1000
        case .lastTime:
            // As in Prometheus the epoch stands for none, so that it also stands for all before it.
            let floatTime = floats.isEmpty ? 0 : columns.timestamp(at: floats.upperBound - 1)
            let histogramTime = histograms.isEmpty ? 0 : columns.histograms[histograms.upperBound - 1].timestamp
            return Double(max(floatTime, histogramTime)) / 1000
        }
    }
}

/// `first_over_time` and `last_over_time`, which keep the name.
struct EdgeSample: RangeKernel {
    let takesLast: Bool
    var keepsName: Bool { true }

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        let columns = input.columns
        for step in 0..<input.stepCount {
            let floats = input.floats(at: step)
            let histograms = input.histograms(at: step)
            if floats.isEmpty && histograms.isEmpty { continue }
            let floatIndex = takesLast ? floats.upperBound - 1 : floats.lowerBound
            let histogramIndex = takesLast ? histograms.upperBound - 1 : histograms.lowerBound
            let takesHistogram: Bool
            if floats.isEmpty || histograms.isEmpty {
                takesHistogram = floats.isEmpty
            } else {
                let floatTime = columns.timestamp(at: floatIndex)
                let histogramTime = columns.histograms[histogramIndex].timestamp
                takesHistogram = takesLast ? histogramTime > floatTime : histogramTime < floatTime
            }
            if takesHistogram {
                let histogram = columns.histograms[histogramIndex].histogram
                output.histograms.append(StepHistogram(step: step, histogram: histogram))
            } else {
                output.values[step] = columns.values[floatIndex]
            }
        }
    }
}
