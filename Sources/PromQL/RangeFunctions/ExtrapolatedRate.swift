import MetricModel

/// `rate`, `increase` and `delta` of plain selectors: the difference of the first and last sample, corrected for
/// counter resets, extrapolated to the window's ends where samples come close to them.
struct ExtrapolatedRate: RangeKernel {
    let isCounter: Bool
    let isRate: Bool
    /// Counters may say when they began.
    let usesStartTimestamps: Bool

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        if input.hasHistograms {
            return HistogramRate(isCounter: isCounter, isRate: isRate, usesStartTimestamps: usesStartTimestamps)
                .evaluate(input, into: &output, notes: &notes)
        }
        if usesStartTimestamps, !input.columns.startTimestamps.isEmpty {
            return StartedCounterRate(isRate: isRate).evaluate(input, into: &output, notes: &notes)
        }
        let resets = isCounter ? CounterResets(in: input.columns) : CounterResets()
        let coversClock =
            input.columns.clockOffset == 0 && input.columns.values.count == input.floatWindows.timestampCount
        if coversClock, input.floatWindows.extrapolations.steps.count == input.stepCount {
            if evaluateWhole(input, resets, into: &output) { notes.insert(.hasFloatResult) }
            return
        }
        var hasResult = false
        for step in 0..<input.stepCount {
            guard let value = value(step, input, resets) else { continue }
            output.values[step] = value
            hasResult = true
        }
        if hasResult { notes.insert(.hasFloatResult) }
    }

    /// The common case, with nothing in the loop but what differs between series: all samples of the clock are there.
    private func evaluateWhole(
        _ input: RangeInput, _ resets: CounterResets, into output: inout StepSeries
    ) -> Bool {
        let steps = WholeRate(
            isCounter: isCounter, rateSeconds: rateSeconds(input), windows: input.floatWindows, resets: resets)
        return steps.evaluate(input.columns.values, into: &output.values)
    }

    /// What the difference is divided by; nothing for an increase.
    func rateSeconds(_ input: RangeInput) -> Double? { isRate ? input.windows.lengthSeconds : nil }

    /// The result for the floats of one window, nil where there are fewer than two.
    @inline(__always)
    func value(_ step: Int, _ input: RangeInput, _ resets: CounterResets) -> Double? {
        let window = input.floats(at: step)
        guard window.count > 1 else { return nil }
        let firstValue = input.columns.values[window.lowerBound]
        var difference = input.columns.values[window.upperBound - 1] - firstValue
        if resets.count > 0 { difference = resets.corrected(difference, input.columns.values, in: window) }
        let factor = extrapolation(of: window, step, input).factor(
            result: difference, firstValue: firstValue, isCounter: isCounter,
            rateSeconds: rateSeconds(input))
        return difference * factor
    }
}

extension ExtrapolatedRate {
    /// The clock's extrapolation where the series has all samples of the window, otherwise its own.
    @inline(__always)
    fileprivate func extrapolation(of window: Range<Int>, _ step: Int, _ input: RangeInput) -> Extrapolation {
        let offset = input.columns.clockOffset
        if !input.floatWindows.extrapolations.steps.isEmpty,
            input.floatWindows.isWhole(window, at: step, offset: offset)
        {
            return input.floatWindows.extrapolations.steps[step]
        }
        let rangeEnd = input.windows.times.time(at: step)
        return Extrapolation(
            firstTime: input.columns.timestamp(at: window.lowerBound),
            lastTime: input.columns.timestamp(at: window.upperBound - 1),
            rangeStart: rangeEnd - input.windows.lengthMilliseconds, rangeEnd: rangeEnd, intervals: window.count - 1)
    }
}
