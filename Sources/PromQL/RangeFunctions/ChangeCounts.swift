import MetricModel

/// `resets` and `changes`: how often a value went down, or changed at all.
struct ChangeCounts: RangeKernel {
    let countsResets: Bool

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        if input.hasHistograms { return evaluateMixed(input, into: &output) }
        let values = input.columns.values
        // Running totals make each window two look-ups.
        var totals = [Int32](repeating: 0, count: values.count)
        for index in 1..<max(values.count, 1) {
            totals[index] = totals[index - 1] + (isCounted(values[index], after: values[index - 1]) ? 1 : 0)
        }
        for step in 0..<input.stepCount {
            let window = input.floats(at: step)
            guard !window.isEmpty else { continue }
            output.values[step] = Double(totals[window.upperBound - 1] - totals[window.lowerBound])
        }
    }

    private func isCounted(_ value: Double, after before: Double) -> Bool {
        if countsResets { return value < before }
        return value != before && !(value.isNaN && before.isNaN)
    }

    private func evaluateMixed(_ input: RangeInput, into output: inout StepSeries) {
        let columns = input.columns
        for step in 0..<input.stepCount {
            let floats = input.floats(at: step)
            let histograms = input.histograms(at: step)
            guard !floats.isEmpty || !histograms.isEmpty else { continue }
            var floatIndex = floats.lowerBound
            var histogramIndex = histograms.lowerBound
            var count = 0
            var before: (value: Double, histogram: NativeHistogram?)?
            while floatIndex < floats.upperBound || histogramIndex < histograms.upperBound {
                let takesFloat =
                    histogramIndex >= histograms.upperBound
                    || (floatIndex < floats.upperBound
                        && columns.timestamp(at: floatIndex) < columns.histograms[histogramIndex].timestamp)
                let next: (value: Double, histogram: NativeHistogram?)
                if takesFloat {
                    next = (columns.values[floatIndex], nil)
                    floatIndex += 1
                } else {
                    next = (0, columns.histograms[histogramIndex].histogram)
                    histogramIndex += 1
                }
                if let before, isCounted(next, after: before) { count += 1 }
                before = next
            }
            output.values[step] = Double(count)
        }
    }

    private func isCounted(
        _ next: (value: Double, histogram: NativeHistogram?), after before: (value: Double, histogram: NativeHistogram?)
    ) -> Bool {
        switch (before.histogram, next.histogram) {
        case (nil, nil): isCounted(next.value, after: before.value)
        case (let old?, let new?): countsResets ? new.isReset(after: old) : !new.equals(old)
        default: true
        }
    }
}
