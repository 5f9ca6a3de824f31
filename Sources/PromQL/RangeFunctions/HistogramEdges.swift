import MetricModel

/// The histograms of an anchored or smoothed window and what lies on its edges.
struct HistogramEdges {
    /// Those of the column.
    let samples: [HistogramSample]
    /// Those that may matter for the window.
    let range: Range<Int>
    let neighbours: HistogramNeighbours
    let start: Int64
    let end: Int64
    let isSmoothed: Bool

    /// Right edge minus left edge with the corrections of a counter; nil where there is no result.
    func difference(isCounter: Bool, _ notes: inout KernelNotes) -> NativeHistogram? {
        let lowest = range.lowerBound
        var last = range.upperBound - 1
        let first = max(lowest, ExtendedRate.first(in: lowest..<last) { samples[$0].timestamp > start } - 1)
        if isSmoothed { last = ExtendedRate.first(in: lowest..<last) { samples[$0].timestamp >= end } }
        guard samples[last].timestamp > start else { return nil }
        if isSmoothed, samples[first].timestamp > end { return nil }
        guard neighbours.areAlike(in: first..<last + 1, custom: samples[first].histogram.usesCustomBuckets) else {
            noteUnlike(first, last, isCounter: isCounter, &notes)
            return nil
        }
        if isCounter, neighbours.hasGauge(in: first..<last + 1) { notes.insert(.histogramIsNotCounter) }
        let interpolatesLeft = isSmoothed && samples[first].timestamp < start && first < last
        let interpolatesRight = isSmoothed && last > lowest && samples[last].timestamp > end
        let left =
            interpolatesLeft
            ? Self.between(samples[first], samples[first + 1], at: start, isCounter: isCounter, &notes)
            : samples[first].histogram
        let right =
            interpolatesRight
            ? Self.between(samples[last - 1], samples[last], at: end, isCounter: isCounter, &notes)
            : samples[last].histogram
        guard let left, let right else { return nil }
        if !isCounter, left.counterResetHint != .gauge || right.counterResetHint != .gauge {
            notes.insert(.histogramIsNotGauge)
        }
        var result = HistogramAccumulator(right)
        guard Self.add(left, factor: -1, to: &result, &notes) else { return nil }
        if isCounter {
            let lost = corrections(first, last, left, right, interpolatesLeft)
            if let first = lost.first {
                // What was lost is summed up before it is added.
                var correction = HistogramAccumulator(first)
                for next in lost.dropFirst() {
                    guard Self.add(next, factor: 1, to: &correction, &notes) else { return nil }
                }
                guard Self.add(correction.result(), factor: 1, to: &result, &notes) else { return nil }
            }
        }
        var histogram = result.result()
        histogram.counterResetHint = .gauge
        return histogram
    }

    /// The kinds do not go together: gauges before the first of another kind are told of, too.
    private func noteUnlike(_ first: Int, _ last: Int, isCounter: Bool, _ notes: inout KernelNotes) {
        notes.insert(.mixedExponentialAndCustom)
        guard isCounter else { return }
        let isCustom = samples[first].histogram.usesCustomBuckets
        let alike = samples[first...last].prefix { $0.histogram.usesCustomBuckets == isCustom }
        if alike.contains(where: { $0.histogram.counterResetHint == .gauge }) { notes.insert(.histogramIsNotCounter) }
    }

    /// What was counted before each reset between the edges.
    private func corrections(
        _ first: Int, _ last: Int, _ left: NativeHistogram, _ right: NativeHistogram, _ interpolatesLeft: Bool
    ) -> [NativeHistogram] {
        var next = first + 1
        var previous = left
        if interpolatesLeft, samples[first + 1].histogram.isReset(after: samples[first].histogram) {
            // The interpolation went over this reset; it is accounted for.
            previous = samples[first + 1].histogram
            next += 1
        }
        guard next <= last else { return [] }
        var lost: [NativeHistogram] = []
        if next < last {
            // What lies on the left edge may be no sample of the column.
            if samples[next].histogram.isReset(after: previous) { lost.append(previous) }
            for index in neighbours.resets(in: next + 1..<last) { lost.append(samples[index - 1].histogram) }
            previous = samples[last - 1].histogram
        }
        if right.isReset(after: previous) { lost.append(previous) }
        return lost
    }

    private static func add(
        _ histogram: NativeHistogram, factor: Double, to sum: inout HistogramAccumulator, _ notes: inout KernelNotes
    ) -> Bool {
        guard let outcome = sum.add(histogram, factor: factor) else {
            notes.insert(.mixedExponentialAndCustom)
            return false
        }
        if outcome.reconciledBounds {
            notes.insert(factor < 0 ? .reconciledCustomBucketsInSubtraction : .reconciledCustomBucketsInAddition)
        }
        return true
    }

    /// The histogram at a time between two samples; after a reset the counter began at zero.
    static func between(
        _ before: HistogramSample, _ after: HistogramSample, at time: Int64, isCounter: Bool,
        _ notes: inout KernelNotes
    ) -> NativeHistogram? {
        if time == before.timestamp { return before.histogram }
        if time == after.timestamp { return after.histogram }
        // A reset, too, but none that a counter of one kind could have had.
        guard before.histogram.usesCustomBuckets == after.histogram.usesCustomBuckets else {
            notes.insert(.mixedExponentialAndCustom)
            return nil
        }
        let part = Double(time - before.timestamp) / Double(after.timestamp - before.timestamp)
        if isCounter, after.histogram.isReset(after: before.histogram) { return after.histogram.multiplied(by: part) }
        var result = HistogramAccumulator(after.histogram)
        guard add(before.histogram, factor: -1, to: &result, &notes) else { return nil }
        result.scale(by: part)
        guard add(before.histogram, factor: 1, to: &result, &notes) else { return nil }
        return result.result()
    }
}
