import MetricModel

/// `resets` and `changes`: how often a value went down, or changed at all.
struct ChangeCounts: RangeKernel {
    let countsResets: Bool
    let usesStartTimestamps: Bool

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        let totals = totals(of: input.columns)
        for step in 0..<input.stepCount {
            let floats = input.floats(at: step)
            let histograms = input.histograms(at: step)
            guard !floats.isEmpty || !histograms.isEmpty else { continue }
            output.values[step] = Double(totals.count(floats, histograms))
        }
    }

    /// How much was counted up to each sample of a column, floats and histograms in one order of time: a window is two look-ups.
    struct Totals {
        fileprivate var counts: [Int32] = []
        /// The places of floats and histograms in the order of time; nothing where there are floats alone.
        fileprivate var floatPlaces: [Int32] = []
        fileprivate var histogramPlaces: [Int32] = []

        /// The count over the samples of a window, of which there is one at least.
        func count(_ floats: Range<Int>, _ histograms: Range<Int>) -> Int32 {
            if histogramPlaces.isEmpty { return counts[floats.upperBound - 1] - counts[floats.lowerBound] }
            var first = Int32.max
            var last: Int32 = 0
            for (range, places) in [(floats, floatPlaces), (histograms, histogramPlaces)] where !range.isEmpty {
                first = min(first, places[range.lowerBound])
                last = max(last, places[range.upperBound - 1])
            }
            return counts[Int(last)] - counts[Int(first)]
        }
    }

    func totals(of columns: SampleColumns) -> Totals {
        if !columns.histograms.isEmpty || (usesStartTimestamps && !columns.startTimestamps.isEmpty) {
            return mixedTotals(of: columns)
        }
        let values = columns.values
        var counts = [Int32](repeating: 0, count: values.count)
        for index in 1..<max(values.count, 1) {
            counts[index] = counts[index - 1] + (isCounted(values[index], after: values[index - 1]) ? 1 : 0)
        }
        return Totals(counts: counts)
    }

    private func isCounted(_ value: Double, after before: Double) -> Bool {
        if countsResets { return value < before }
        return value != before && !(value.isNaN && before.isNaN)
    }

    private struct Sample {
        var timestamp: Int64
        var value: Double
        var histogram: NativeHistogram?
        var start: Int64
    }

    private func mixedTotals(of columns: SampleColumns) -> Totals {
        var totals = Totals()
        totals.floatPlaces.reserveCapacity(columns.values.count)
        totals.histogramPlaces.reserveCapacity(columns.histograms.count)
        var before: Sample?
        while totals.counts.count < columns.values.count + columns.histograms.count {
            let floatIndex = totals.floatPlaces.count
            let histogramIndex = totals.histogramPlaces.count
            let takesFloat =
                histogramIndex >= columns.histograms.count
                || (floatIndex < columns.values.count
                    && columns.timestamp(at: floatIndex) < columns.histograms[histogramIndex].timestamp)
            let next: Sample
            let place = Int32(totals.counts.count)
            if takesFloat {
                next = Sample(
                    timestamp: columns.timestamp(at: floatIndex), value: columns.values[floatIndex],
                    start: columns.startTimestamps.isEmpty ? 0 : columns.startTimestamps[floatIndex])
                totals.floatPlaces.append(place)
            } else {
                let sample = columns.histograms[histogramIndex]
                next = Sample(
                    timestamp: sample.timestamp, value: 0, histogram: sample.histogram, start: sample.startTimestamp)
                totals.histogramPlaces.append(place)
            }
            let isOne = before.map { isCounted(next, after: $0) } ?? false
            totals.counts.append((totals.counts.last ?? 0) + (isOne ? 1 : 0))
            before = next
        }
        return totals
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
