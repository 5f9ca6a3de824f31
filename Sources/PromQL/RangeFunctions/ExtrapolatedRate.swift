import MetricModel

/// `rate`, `increase` and `delta` of plain selectors: the difference of the first and last sample, corrected for
/// counter resets, extrapolated to the window's ends where samples come close to them.
///
/// A series that has every sample of its clock goes another way (`WholeRate`).
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
        let resets = isCounter ? CounterResets.find(in: input.columns) : CounterResets()
        var hasResult = false
        for step in 0..<input.stepCount {
            guard let value = value(step, input, resets) else { continue }
            output.values[step] = value
            hasResult = true
        }
        if hasResult { notes.insert(.hasFloatResult) }
    }

    /// What the difference is divided by; nothing for an increase.
    func rateSeconds(_ windows: WindowTimes) -> Double? { isRate ? windows.lengthSeconds : nil }

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
            rateSeconds: rateSeconds(input.windows))
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
