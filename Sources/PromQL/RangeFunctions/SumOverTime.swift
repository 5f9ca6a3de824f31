internal import CColumns
import MetricModel

/// `sum_over_time` and `avg_over_time`.
struct SumOverTime: RangeKernel {
    let takesMean: Bool

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        let column = input.columns.values.span
        let exact = input.windowsOverlap ? ExactSums(input.columns.values) : nil
        if exact == nil, input.windowsOverlap, !input.hasHistograms {
            let kernel = OctetKernel(FractionSum(takesMean: takesMean))
            return kernel.evaluate(input, into: &output, notes: &notes)
        }
        let alone = FractionSum(takesMean: takesMean)
        for step in 0..<input.stepCount {
            let window = input.floats(at: step)
            if input.hasHistograms {
                let histograms = input.histograms(at: step)
                if !histograms.isEmpty {
                    guard window.isEmpty else {
                        notes.insert(.mixedFloatsAndHistograms)
                        continue
                    }
                    add(input, histograms, step, into: &output, notes: &notes)
                    continue
                }
            }
            guard !window.isEmpty else { continue }
            if let exact {
                let total = exact.sum(window)
                output.values[step] = takesMean ? total / Double(window.count) + 0 : total
                continue
            }
            output.values[step] = alone.sum(column.extracting(window))
        }
    }

    private func add(
        _ input: RangeInput, _ window: Range<Int>, _ step: Int, into output: inout StepSeries,
        notes: inout KernelNotes
    ) {
        var total = HistogramSum(takesMean: takesMean, keepsEmptyBuckets: true)
        for index in window { total.add(input.columns.histograms[index].histogram) }
        if let histogram = total.result { output.histograms.append(StepHistogram(step: step, histogram: histogram)) }
        // The result completes the notes; where there is none, only the reason is told.
        notes.formUnion(total.isIncompatible ? .mixedExponentialAndCustom : total.notes)
    }
}

/// The sum or mean of a window, value by value.
struct FractionSum: OctetFunction {
    let takesMean: Bool

    func value(_ window: Span<Double>, _ place: WindowPlace) -> Double { sum(window) }

    func sum(_ window: Span<Double>) -> Double {
        if takesMean {
            var mean = CompensatedMean(first: window[0])
            for index in 1..<max(window.count, 1) { mean.add(window[index]) }
            return mean.value
        }
        var total = CompensatedSum()
        for index in 0..<window.count { total.add(window[index]) }
        return total.value
    }

    func evaluate(_ octet: WindowOctet, _ input: RangeInput, into results: inout [Double]) -> UInt32 {
        // A mean goes on in another way where the sum would overflow, and is left then.
        unsafe ccolumns_sum_windows(octet.values, octet.first, octet.end, takesMean ? 1 : 0, &results)
    }
}
