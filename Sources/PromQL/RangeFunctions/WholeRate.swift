import MetricModel

/// `rate` and its like where a series has every sample of its clock: nothing in the loop but what differs between
/// series, four steps at a time.
struct WholeRate {
    let isCounter: Bool
    let rateSeconds: Double?
    let windows: WindowIndexes
    let resets: CounterResets

    /// Whether there is a result at any step.
    func evaluate(_ values: [Double], into results: inout [Double]) -> Bool {
        let columns = windows.extrapolationColumns
        let run = columns.run
        guard columns.hasOneRun, resets.count == 0, run.upperBound <= results.count,
            run.upperBound <= windows.extrapolations.count, values.count == windows.timestampCount
        else {
            return evaluateEach(0..<min(windows.extrapolations.count, results.count), values, into: &results)
        }
        var step = run.lowerBound
        while step < run.upperBound {
            step = evaluateFours(step..<run.upperBound, columns, values, into: &results)
            // Up to three steps at the end, or four of which one needs a closer look.
            let end = min(step + 4, run.upperBound)
            _ = evaluateEach(step..<end, values, into: &results)
            step = end
        }
        return !run.isEmpty
    }

    /// Takes four neighbouring steps after the other, up to where fewer are left or one of the counters may have been
    /// zero inside its window; there it stops.
    private func evaluateFours(
        _ steps: Range<Int>, _ columns: ExtrapolationColumns, _ values: [Double], into results: inout [Double]
    ) -> Int {
        let values = values.span
        let lows = windows.first.span
        let ends = windows.end.span
        let sampledSeconds = unsafe columns.sampledSeconds.span.bytes
        let secondsToStart = unsafe columns.secondsToStart.span.bytes
        let wholeFactors = unsafe columns.wholeFactors.span.bytes
        var results = results.mutableSpan
        var output = unsafe results.mutableBytes
        var step = steps.lowerBound
        // The windows were found over the clock of these values, all of which are there, and each holds two of them:
        // indexes are below the number of values, and steps below the number of windows and results.
        while step &+ 4 <= steps.upperBound {
            let first = unsafe SIMD4(
                values[unchecked: Int(lows[unchecked: step])], values[unchecked: Int(lows[unchecked: step &+ 1])],
                values[unchecked: Int(lows[unchecked: step &+ 2])], values[unchecked: Int(lows[unchecked: step &+ 3])])
            let last = unsafe SIMD4(
                values[unchecked: Int(ends[unchecked: step]) &- 1],
                values[unchecked: Int(ends[unchecked: step &+ 1]) &- 1],
                values[unchecked: Int(ends[unchecked: step &+ 2]) &- 1],
                values[unchecked: Int(ends[unchecked: step &+ 3]) &- 1])
            let difference = last - first
            if isCounter {
                let limit = secondsToStart.four(step) * difference * Extrapolation.margin
                let isFar = (sampledSeconds.four(step) * first .> limit) .& (limit .> Extrapolation.leastLimit)
                // As `mayReachZero` has it.
                if any((difference .> 0) .& (first .>= 0) .& .!isFar) { break }
            }
            let found = difference * wholeFactors.four(step)
            unsafe output.storeBytes(of: found, toUncheckedByteOffset: step &* 8, as: SIMD4<Double>.self)
            step &+= 4
        }
        return step
    }

    private func evaluateEach(_ steps: Range<Int>, _ values: [Double], into results: inout [Double]) -> Bool {
        let column = values.span
        let extrapolations = windows.extrapolations.span
        var output = results.mutableSpan
        var hasResult = false
        for step in steps {
            let low = Int(windows.first[step])
            let high = Int(windows.end[step])
            guard high > low &+ 1 else { continue }
            let firstValue = column[low]
            var difference = column[high &- 1] - firstValue
            if resets.count > 0 { difference = resets.corrected(difference, values, in: low..<high) }
            let extrapolation = extrapolations[step]
            let factor: Double
            if isCounter, extrapolation.mayReachZero(result: difference, firstValue: firstValue) {
                factor = extrapolation.factor(
                    result: difference, firstValue: firstValue, isCounter: true, rateSeconds: rateSeconds)
            } else {
                factor = extrapolation.wholeFactor
            }
            output[step] = difference * factor
            hasResult = true
        }
        return hasResult
    }
}

extension RawSpan {
    /// Four neighbouring numbers of a column.
    @inline(__always)
    fileprivate func four(_ index: Int) -> SIMD4<Double> {
        unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: index &* 8, as: SIMD4<Double>.self)
    }
}
