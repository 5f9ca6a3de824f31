internal import CColumns
import MetricModel

/// `rate` and its like where a series has every sample of its clock: nothing in the loop but what differs between
/// series, several steps at a time.
struct WholeRate {
    private let isCounter: Bool
    private let usesStartTimestamps: Bool
    private let rateSeconds: Double?
    private let stepCount: Int

    init(_ rate: ExtrapolatedRate, _ times: WindowTimes) {
        isCounter = rate.isCounter
        usesStartTimestamps = rate.usesStartTimestamps
        rateSeconds = rate.rateSeconds(times)
        stepCount = times.times.count
    }

    /// Writes the results of a series in place of the floats of `output`; whether there is one at any step.
    ///
    /// Nil, and nothing is written, where the series needs a closer look: samples are missing, the counter says when it began,
    /// or the steps with a result are not one run.
    func evaluate(_ columns: SampleColumns, over windows: WindowIndexes, into output: inout StepSeries) -> Bool? {
        let extrapolations = windows.extrapolations
        guard columns.clockOffset == 0, columns.values.count == windows.timestampCount,
            columns.startTimestamps.isEmpty || !usesStartTimestamps, extrapolations.hasOneRun,
            extrapolations.steps.count == stepCount
        else { return nil }
        guard !extrapolations.run.isEmpty else {
            output.makeAbsent(over: stepCount)
            return false
        }
        let resets = isCounter ? CounterResets.find(in: columns) : CounterResets()
        if stepCount == 1 {
            output.takeOnly(value(at: 0, columns.values, windows, resets))
        } else {
            evaluateRun(columns.values, windows, resets, into: &output)
        }
        return true
    }

    /// Computes the steps that have a result, which are one run.
    private func evaluateRun(
        _ values: [Double], _ windows: WindowIndexes, _ resets: CounterResets, into output: inout StepSeries
    ) {
        let extrapolations = windows.extrapolations
        let run = extrapolations.run
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
        if resets.count > 0 { evaluateAroundResets(resets, run, values, windows, into: &results) }
        output.take(results, run: run)
    }

    /// Computes the steps anew that have a reset in their windows, behind the first sample.
    private func evaluateAroundResets(
        _ resets: CounterResets, _ run: Range<Int>, _ values: [Double], _ windows: WindowIndexes,
        into results: inout [Double]
    ) {
        var done = run.lowerBound
        for position in resets.positions where done < run.upperBound {
            // Both ends of windows go up with the steps.
            let start = Self.firstStep(in: done..<run.upperBound) { Int(windows.end[$0]) > position }
            let end = Self.firstStep(in: start..<run.upperBound) { Int(windows.first[$0]) >= position }
            for step in start..<end { results[step] = value(at: step, values, windows, resets) }
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

    /// The result of a step whose window has two samples at least.
    private func value(
        at step: Int, _ values: [Double], _ windows: WindowIndexes, _ resets: CounterResets
    ) -> Double {
        let low = Int(windows.first[step])
        let high = Int(windows.end[step])
        let firstValue = values[low]
        var difference = values[high - 1] - firstValue
        if resets.count > 0 { difference = resets.corrected(difference, values, in: low..<high) }
        let extrapolation = windows.extrapolations.steps[step]
        guard isCounter, extrapolation.mayReachZero(result: difference, firstValue: firstValue) else {
            return difference * extrapolation.wholeFactor
        }
        return difference
            * extrapolation.factor(
                result: difference, firstValue: firstValue, isCounter: true, rateSeconds: rateSeconds)
    }
}
