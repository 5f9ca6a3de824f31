import MetricModel

/// `sum_over_time` and `avg_over_time`.
struct SumOverTime: RangeKernel {
    let takesMean: Bool

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        let column = input.columns.values.span
        let exact = input.windowsOverlap ? ExactSums(input.columns.values) : nil
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
            output.values[step] = takesMean ? mean(column.extracting(window)) : sum(column.extracting(window))
        }
    }

    private func sum(_ window: Span<Double>) -> Double {
        var total = CompensatedSum()
        for index in 0..<window.count { total.add(window[index]) }
        return total.value
    }

    private func mean(_ window: Span<Double>) -> Double {
        var mean = CompensatedMean(first: window[0])
        for index in 1..<max(window.count, 1) { mean.add(window[index]) }
        return mean.value
    }

    private func add(
        _ input: RangeInput, _ window: Range<Int>, _ step: Int, into output: inout StepSeries,
        notes: inout KernelNotes
    ) {
        var total = HistogramSum(takesMean: takesMean)
        for index in window { total.add(input.columns.histograms[index].histogram) }
        if let histogram = total.result { output.histograms.append(StepHistogram(step: step, histogram: histogram)) }
        // The result completes the notes.
        notes.formUnion(total.notes)
    }
}
