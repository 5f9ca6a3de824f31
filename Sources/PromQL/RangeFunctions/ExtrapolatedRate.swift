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
        let resets = isCounter ? CounterResets(in: input.columns.values) : CounterResets()
        let coversClock =
            input.columns.clockOffset == 0 && input.columns.values.count == input.floatWindows.timestampCount
        if coversClock, input.floatWindows.extrapolations.count == input.stepCount {
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
        let values = input.columns.values.span
        let firsts = input.floatWindows.first.span
        let ends = input.floatWindows.end.span
        let extrapolations = input.floatWindows.extrapolations.span
        let rateSeconds = isRate ? Double(input.windows.lengthMilliseconds) / 1000 : 1
        let hasResets = resets.count > 0
        var results = output.values.mutableSpan
        var hasResult = false
        for step in 0..<min(firsts.count, results.count) {
            let low = Int(firsts[step])
            let high = Int(ends[step])
            guard high > low + 1 else { continue }
            let firstValue = values[low]
            var difference = values[high - 1] - firstValue
            if hasResets { difference = resets.corrected(difference, input.columns.values, in: low..<high) }
            var factor = extrapolations[step].factor(
                result: difference, firstValue: firstValue, isCounter: isCounter, rateSeconds: nil)
            // A division by one changes nothing.
            factor /= rateSeconds
            results[step] = difference * factor
            hasResult = true
        }
        return hasResult
    }

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
            rateSeconds: isRate ? Double(input.windows.lengthMilliseconds) / 1000 : nil)
        return difference * factor
    }
}

extension ExtrapolatedRate {
    /// The clock's extrapolation where the series has all samples of the window, otherwise its own.
    @inline(__always)
    fileprivate func extrapolation(of window: Range<Int>, _ step: Int, _ input: RangeInput) -> Extrapolation {
        let offset = input.columns.clockOffset
        if !input.floatWindows.extrapolations.isEmpty, input.floatWindows.isWhole(window, at: step, offset: offset) {
            return input.floatWindows.extrapolations[step]
        }
        let rangeEnd = input.windows.times.time(at: step)
        return Extrapolation(
            firstTime: input.columns.timestamp(at: window.lowerBound),
            lastTime: input.columns.timestamp(at: window.upperBound - 1),
            rangeStart: rangeEnd - input.windows.lengthMilliseconds, rangeEnd: rangeEnd, intervals: window.count - 1)
    }
}

/// The places in a column where a counter went down.
struct CounterResets {
    private var positions: [Int] = []
    var count: Int { positions.count }

    init() {}

    init(in values: [Double]) {
        var index = 1
        while index < values.count {
            if values[index] < values[index - 1] { positions.append(index) }
            index += 1
        }
    }

    /// Adds what was counted before each reset inside the window, in order.
    func corrected(_ difference: Double, _ values: [Double], in window: Range<Int>) -> Double {
        var low = 0
        var high = positions.count
        while low < high {
            let middle = (low + high) / 2
            if positions[middle] <= window.lowerBound { low = middle + 1 } else { high = middle }
        }
        var result = difference
        while low < positions.count, positions[low] < window.upperBound {
            result += values[positions[low] - 1]
            low += 1
        }
        return result
    }
}

/// How far a difference over samples stands for the whole window.
struct Extrapolation: Sendable {
    /// Stands where a window has no two samples.
    static let none = Extrapolation(firstTime: 0, lastTime: 0, rangeStart: 0, rangeEnd: 0, intervals: 1)

    private let sampledSeconds: Double
    private let secondsToStart: Double
    private let secondsToEnd: Double

    /// - Parameter beganAt: The time inside the window at which the counter began at zero, if it is known.
    @inline(__always)
    init(
        firstTime: Int64, lastTime: Int64, rangeStart: Int64, rangeEnd: Int64, intervals: Int, beganAt: Int64? = nil
    ) {
        let interval = Double(lastTime - firstTime) / 1000
        let averageSeconds = intervals > 0 ? interval / Double(intervals) : 0
        let threshold = averageSeconds * 1.1
        let toEnd = Double(rangeEnd - lastTime) / 1000
        secondsToEnd = toEnd >= threshold ? averageSeconds / 2 : toEnd
        if let beganAt {
            sampledSeconds = Double(lastTime - beganAt) / 1000
            secondsToStart = 0
        } else {
            sampledSeconds = interval
            let toStart = Double(firstTime - rangeStart) / 1000
            secondsToStart = toStart >= threshold ? averageSeconds / 2 : toStart
        }
    }

    /// What to multiply the difference with.
    ///
    /// A counter is not extrapolated below zero.
    @inline(__always)
    func factor(result: Double, firstValue: Double, isCounter: Bool, rateSeconds: Double?) -> Double {
        var toStart = secondsToStart
        if isCounter {
            var toZero = toStart
            if result > 0, firstValue >= 0 { toZero = sampledSeconds * (firstValue / result) }
            if toZero < toStart { toStart = toZero }
        }
        var factor = sampledSeconds == 0 ? 1 : (sampledSeconds + toStart + secondsToEnd) / sampledSeconds
        if let rateSeconds { factor /= rateSeconds }
        return factor
    }
}
