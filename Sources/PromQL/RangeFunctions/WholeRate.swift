internal import CColumns
import MetricModel

/// `rate` and its like where a series has every sample of its clock: nothing in the loop but what differs between
/// series, several steps at a time.
struct WholeRate {
    private let isCounter: Bool
    private let rateSeconds: Double?
    private let windows: WindowIndexes
    private let resets: CounterResets

    /// Nil where the series needs a closer look: samples are missing, the counter says when it began, or the steps with a
    /// result are not one run.
    init?(_ rate: ExtrapolatedRate, of columns: SampleColumns, over windows: WindowIndexes, _ times: WindowTimes) {
        guard columns.clockOffset == 0, columns.values.count == windows.timestampCount,
            columns.startTimestamps.isEmpty || !rate.usesStartTimestamps, windows.extrapolations.hasOneRun,
            windows.extrapolations.steps.count == times.times.count
        else { return nil }
        isCounter = rate.isCounter
        rateSeconds = rate.rateSeconds(times)
        self.windows = windows
        resets = isCounter ? CounterResets(in: columns) : CounterResets()
    }

    /// Writes the results in place of the floats of `output`; whether there is one at any step.
    func evaluate(_ values: [Double], into output: inout StepSeries) -> Bool {
        let extrapolations = windows.extrapolations
        let run = extrapolations.run
        let stepCount = extrapolations.steps.count
        guard !run.isEmpty else {
            output.makeAbsent(over: stepCount)
            return false
        }
        var rate = ccolumns_rate(
            is_counter: isCounter ? 1 : 0, windows_go_by_one: extrapolations.runsByOne ? 1 : 0,
            divisor: rateSeconds ?? 1, margin: Extrapolation.margin, least_limit: Extrapolation.leastLimit)
        var results: [Double] = []
        swap(&results, &output.values)
        results.removeAll(keepingCapacity: true)
        results.append(addingCapacity: stepCount) { target in
            target.append(repeating: Column.absent, count: run.lowerBound)
            unsafe target.withUnsafeMutableBufferPointer { buffer, initialized in
                guard let start = buffer.baseAddress else { return }
                // The windows were found over the clock of these values, all of which are there, and each of the run holds
                // two of them: indexes are below the number of values, and steps below the number of windows and results.
                unsafe ccolumns_rates(
                    values, windows.first, windows.end, extrapolations.columns, stepCount, run.lowerBound,
                    run.upperBound, &rate, start)
                initialized = run.upperBound
            }
            target.append(repeating: Column.absent, count: stepCount - run.upperBound)
        }
        if resets.count > 0 { evaluateAroundResets(run, values, into: &results) }
        output.take(results, run: run)
        return true
    }

    /// Computes the steps anew that have a reset in their windows, behind the first sample.
    private func evaluateAroundResets(_ run: Range<Int>, _ values: [Double], into results: inout [Double]) {
        var done = run.lowerBound
        for position in resets.positions where done < run.upperBound {
            // Both ends of windows go up with the steps.
            let start = Self.firstStep(in: done..<run.upperBound) { Int(windows.end[$0]) > position }
            let end = Self.firstStep(in: start..<run.upperBound) { Int(windows.first[$0]) >= position }
            evaluateEach(start..<end, values, into: &results)
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

    /// Each of the steps has a window of two samples at least.
    private func evaluateEach(_ steps: Range<Int>, _ values: [Double], into results: inout [Double]) {
        let column = values.span
        let extrapolationOfStep = windows.extrapolations.steps
        let extrapolations = extrapolationOfStep.span
        var output = results.mutableSpan
        for step in steps {
            let low = Int(windows.first[step])
            let high = Int(windows.end[step])
            let firstValue = column[low]
            let difference = resets.corrected(column[high &- 1] - firstValue, values, in: low..<high)
            let extrapolation = extrapolations[step]
            let factor: Double
            if isCounter, extrapolation.mayReachZero(result: difference, firstValue: firstValue) {
                factor = extrapolation.factor(
                    result: difference, firstValue: firstValue, isCounter: true, rateSeconds: rateSeconds)
            } else {
                factor = extrapolation.wholeFactor
            }
            output[step] = difference * factor
        }
    }
}
