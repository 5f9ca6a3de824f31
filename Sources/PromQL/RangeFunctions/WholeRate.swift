internal import CColumns
import MetricModel

/// `rate` and its like where a series has every sample of its clock: nothing in the loop but what differs between
/// series, several steps at a time.
struct WholeRate {
    let isCounter: Bool
    let rateSeconds: Double?
    let windows: WindowIndexes
    let resets: CounterResets

    /// Whether there is a result at any step.
    func evaluate(_ values: [Double], into results: inout [Double]) -> Bool {
        let extrapolations = windows.extrapolations
        let run = extrapolations.run
        let windowCount = extrapolations.steps.count
        guard extrapolations.hasOneRun, run.upperBound <= results.count, run.upperBound <= windowCount,
            extrapolations.columns.count == 4 * windowCount, values.count == windows.timestampCount
        else {
            return evaluateEach(0..<min(windowCount, results.count), values, into: &results)
        }
        if run.isEmpty { return false }
        var rate = ccolumns_rate(
            is_counter: isCounter ? 1 : 0, divisor: rateSeconds ?? 1, margin: Extrapolation.margin,
            least_limit: Extrapolation.leastLimit)
        // The windows were found over the clock of these values, all of which are there, and each of the run holds two
        // of them: indexes are below the number of values, and steps below the number of windows and results.
        unsafe ccolumns_rates(
            values, windows.first, windows.end, extrapolations.columns, windowCount, run.lowerBound, run.upperBound,
            &rate,
            &results)
        evaluateAroundResets(run, values, into: &results)
        return true
    }

    /// Computes the steps anew that have a reset in their windows, behind the first sample.
    private func evaluateAroundResets(_ run: Range<Int>, _ values: [Double], into results: inout [Double]) {
        var done = run.lowerBound
        for position in resets.positions where done < run.upperBound {
            // Both ends of windows go up with the steps.
            let start = Self.firstStep(in: done..<run.upperBound) { Int(windows.end[$0]) > position }
            let end = Self.firstStep(in: start..<run.upperBound) { Int(windows.first[$0]) >= position }
            _ = evaluateEach(start..<end, values, into: &results)
            done = end
        }
    }

    /// The first step for which `isReached` holds, which it does from there on.
    private static func firstStep(in steps: Range<Int>, where isReached: (Int) -> Bool) -> Int {
        var low = steps.lowerBound
        var high = steps.upperBound
        while low < high {
            let middle = (low + high) / 2
            if isReached(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private func evaluateEach(_ steps: Range<Int>, _ values: [Double], into results: inout [Double]) -> Bool {
        let column = values.span
        let extrapolationOfStep = windows.extrapolations.steps
        let extrapolations = extrapolationOfStep.span
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
