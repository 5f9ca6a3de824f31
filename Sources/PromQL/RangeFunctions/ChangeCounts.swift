import MetricModel

/// `resets` and `changes`: how often a value went down, or changed at all.
struct ChangeCounts: RangeKernel {
    let countsResets: Bool
    let usesStartTimestamps: Bool

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        if input.hasHistograms || (usesStartTimestamps && !input.columns.startTimestamps.isEmpty) {
            return evaluateMixed(input, into: &output)
        }
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
        for step in 0..<input.stepCount {
            let floats = input.floats(at: step)
            let histograms = input.histograms(at: step)
            guard !floats.isEmpty || !histograms.isEmpty else { continue }
            output.values[step] = Double(count(input.columns, floats, histograms))
        }
    }

    private struct Sample {
        var timestamp: Int64
        var value: Double
        var histogram: NativeHistogram?
        var start: Int64
    }

    /// The count over floats and histograms in one order of time.
    func count(_ columns: SampleColumns, _ floats: Range<Int>, _ histograms: Range<Int>) -> Int {
        var floatIndex = floats.lowerBound
        var histogramIndex = histograms.lowerBound
        var count = 0
        var before: Sample?
        while floatIndex < floats.upperBound || histogramIndex < histograms.upperBound {
            let takesFloat =
                histogramIndex >= histograms.upperBound
                || (floatIndex < floats.upperBound
                    && columns.timestamp(at: floatIndex) < columns.histograms[histogramIndex].timestamp)
            let next: Sample
            if takesFloat {
                next = Sample(
                    timestamp: columns.timestamp(at: floatIndex), value: columns.values[floatIndex],
                    start: columns.startTimestamps.isEmpty ? 0 : columns.startTimestamps[floatIndex])
                floatIndex += 1
            } else {
                let sample = columns.histograms[histogramIndex]
                next = Sample(
                    timestamp: sample.timestamp, value: 0, histogram: sample.histogram, start: sample.startTimestamp)
                histogramIndex += 1
            }
            if let before, isCounted(next, after: before) { count += 1 }
            before = next
        }
        return count
    }

    private func isCounted(_ next: Sample, after before: Sample) -> Bool {
        let beginsAnew =
            countsResets && usesStartTimestamps
            && StartTimestamps.isReset(
                startBefore: before.start, timeBefore: before.timestamp, start: next.start, time: next.timestamp)
        switch (before.histogram, next.histogram) {
        case (nil, nil): return beginsAnew || isCounted(next.value, after: before.value)
        case (let old?, let new?):
            return countsResets ? beginsAnew || new.isReset(after: old) : !new.equals(old)
        default: return true
        }
    }
}
