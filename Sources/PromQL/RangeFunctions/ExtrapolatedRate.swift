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
        let rateSeconds = rateSeconds(input)
        let hasResets = resets.count > 0
        let isCounter = isCounter
        var results = output.values.mutableSpan
        var hasResult = false
        let stepCount = min(min(firsts.count, ends.count), min(extrapolations.count, results.count))
        for step in 0..<stepCount {
            // The windows were found over these values' clock, all of which they cover.
            let low = unsafe Int(firsts[unchecked: step])
            let high = unsafe Int(ends[unchecked: step])
            guard high > low &+ 1 else { continue }
            let firstValue = unsafe values[unchecked: low]
            var difference = unsafe values[unchecked: high &- 1] - firstValue
            if hasResets { difference = resets.corrected(difference, input.columns.values, in: low..<high) }
            let extrapolation = unsafe extrapolations[unchecked: step]
            let factor: Double
            if isCounter, extrapolation.mayReachZero(result: difference, firstValue: firstValue) {
                factor = extrapolation.factor(
                    result: difference, firstValue: firstValue, isCounter: true, rateSeconds: rateSeconds)
            } else {
                factor = extrapolation.wholeFactor
            }
            unsafe results[unchecked: step] = difference * factor
            hasResult = true
        }
        return hasResult
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
        let column = values.span
        var count = 0
        // Without a branch two values are compared at a time, and most counters have no reset at all.
        for index in 1..<max(column.count, 1) {
            count &+= unsafe column[unchecked: index] < column[unchecked: index &- 1] ? 1 : 0
        }
        guard count > 0 else { return }
        positions.reserveCapacity(count)
        for index in 1..<column.count where column[index] < column[index - 1] { positions.append(index) }
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
    /// The factor where the counter's zero is out of reach, once `prepare` was called.
    private(set) var wholeFactor = 0.0

    /// Works out what is the same for all series of the clock.
    mutating func prepare(rateSeconds: Double?) {
        wholeFactor = factor(result: 0, firstValue: 0, isCounter: false, rateSeconds: rateSeconds)
    }

    /// Whether a counter may have been zero so close before the first sample that this limits the extrapolation.
    ///
    /// False only where `factor` would find the zero farther away than it extrapolates, which is told without its
    /// division, with room for what rounding may do.
    @inline(__always)
    func mayReachZero(result: Double, firstValue: Double) -> Bool {
        guard result > 0, firstValue >= 0 else { return false }
        let limit = secondsToStart * result * 1.000_001
        return !(sampledSeconds * firstValue > limit && limit > 1e-200)
    }

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
