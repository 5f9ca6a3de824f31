import MetricModel
import PromQLSyntax

/// `rate`, `increase` and `delta` of anchored and smoothed selectors: the difference between the values on the window's
/// edges, with what was counted before resets added.
///
/// Nothing is extrapolated.
struct ExtendedRate: RangeKernel {
    let isCounter: Bool
    let isRate: Bool
    let isSmoothed: Bool
    let lookbackMilliseconds: Int64

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        let columns = input.columns
        let histogramTimes = columns.histograms.map(\.timestamp)
        let neighbours = HistogramNeighbours(columns.histograms, findsResets: isCounter, usesStartTimestamps: false)
        let resets = isCounter ? CounterResets.find(in: columns) : CounterResets()
        for step in 0..<input.stepCount {
            let end = input.windows.times.time(at: step)
            let start = end - input.windows.lengthMilliseconds
            let before = start - lookbackMilliseconds
            let after = isSmoothed ? end + lookbackMilliseconds : end
            let floats = indexes(columns.values.count, before, after) { columns.timestamp(at: $0) }
            let histograms = indexes(histogramTimes.count, before, after) { histogramTimes[$0] }
            if !floats.isEmpty && !histograms.isEmpty {
                notes.insert(.mixedFloatsAndHistograms)
            } else if !floats.isEmpty {
                if let value = floatValue(columns, floats, resets, start, end) {
                    output.values[step] = isRate ? value / seconds(input) : value
                    notes.insert(.hasFloatResult)
                }
            } else if !histograms.isEmpty {
                let edges = HistogramEdges(
                    samples: columns.histograms, range: histograms, neighbours: neighbours, start: start, end: end,
                    isSmoothed: isSmoothed)
                guard var result = edges.difference(isCounter: isCounter, &notes) else { continue }
                if isRate { result = result.divided(by: seconds(input)) }
                output.histograms.append(StepHistogram(step: step, histogram: result.compacted()))
            }
        }
    }

    private func seconds(_ input: RangeInput) -> Double { Double(input.windows.lengthMilliseconds) / 1000 }

    /// The samples in (before, after].
    private func indexes(_ count: Int, _ before: Int64, _ after: Int64, _ time: (Int) -> Int64) -> Range<Int> {
        let low = Self.first(in: 0..<count) { time($0) > before }
        return low..<Self.first(in: low..<count) { time($0) > after }
    }

    /// The first index for which `isReached` holds, the end where there is none; it must hold from there on.
    static func first(in range: Range<Int>, where isReached: (Int) -> Bool) -> Int {
        var low = range.lowerBound
        var high = range.upperBound
        while low < high {
            let middle = (low + high) / 2
            if isReached(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private func floatValue(
        _ columns: SampleColumns, _ samples: Range<Int>, _ resets: CounterResets, _ start: Int64, _ end: Int64
    ) -> Double? {
        var last = samples.upperBound - 1
        var first = max(
            samples.lowerBound, Self.first(in: samples.lowerBound..<last) { columns.timestamp(at: $0) > start } - 1)
        if isSmoothed { last = Self.first(in: samples.lowerBound..<last) { columns.timestamp(at: $0) >= end } }
        guard columns.timestamp(at: last) > start else { return nil }
        if isSmoothed, columns.timestamp(at: first) > end { return nil }
        let left =
            isSmoothed && columns.timestamp(at: first) < start
            ? interpolated(columns, first, start) : columns.values[first]
        let right =
            isSmoothed && last > samples.lowerBound && columns.timestamp(at: last) > end
            ? interpolated(columns, last - 1, end) : columns.values[last]
        var result = right - left
        guard isCounter else { return result }
        // The samples inside the window; resets at its edges are in the interpolated values already.
        if columns.timestamp(at: first) <= start { first += 1 }
        if columns.timestamp(at: last) >= end { last -= 1 }
        var correction = 0.0
        var previous = left
        if first <= last {
            // What lies on the left edge may be no sample of the column.
            if columns.values[first] < previous { correction += previous }
            correction = resets.corrected(correction, columns.values, in: first..<last + 1)
            previous = columns.values[last]
        }
        if right < previous { correction += previous }
        result += correction
        return result
    }

    /// The value at a time between a sample and the next; a counter that went down between them began at zero.
    private func interpolated(_ columns: SampleColumns, _ index: Int, _ time: Int64) -> Double {
        let left = isCounter && columns.values[index + 1] < columns.values[index] ? 0 : columns.values[index]
        let leftTime = columns.timestamp(at: index)
        return left + (columns.values[index + 1] - left) * Double(time - leftTime)
            / Double(columns.timestamp(at: index + 1) - leftTime)
    }
}

/// `changes` and `resets` of anchored selectors: the newest sample at or before the window's left edge counts too.
struct AnchoredChanges: RangeKernel {
    let counts: ChangeCounts
    let lookbackMilliseconds: Int64

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        let columns = input.columns
        let totals = counts.totals(of: columns)
        for step in 0..<input.stepCount {
            let end = input.windows.times.time(at: step)
            let start = end - input.windows.lengthMilliseconds
            let oldest = start - lookbackMilliseconds
            var floats = input.floats(at: step)
            var histograms = input.histograms(at: step)
            if floats.isEmpty && histograms.isEmpty { continue }
            let floatAnchor =
                ExtendedRate.first(in: 0..<columns.values.count) { columns.timestamp(at: $0) > start } - 1
            let histogramAnchor =
                ExtendedRate.first(in: 0..<columns.histograms.count) { columns.histograms[$0].timestamp > start } - 1
            let floatTime = floatAnchor >= 0 ? columns.timestamp(at: floatAnchor) : Int64.min
            let histogramTime = histogramAnchor >= 0 ? columns.histograms[histogramAnchor].timestamp : Int64.min
            if max(floatTime, histogramTime) > oldest {
                if floatTime >= histogramTime {
                    floats = floatAnchor..<(floats.isEmpty ? floatAnchor + 1 : floats.upperBound)
                } else {
                    histograms = histogramAnchor..<(histograms.isEmpty ? histogramAnchor + 1 : histograms.upperBound)
                }
            }
            output.values[step] = Double(totals.count(floats, histograms))
        }
    }
}
