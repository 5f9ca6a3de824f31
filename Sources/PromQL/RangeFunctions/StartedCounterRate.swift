import MetricModel

/// `rate` and `increase` of counters that say when they began: a start between two samples is a reset, and a start
/// inside the window makes the first value a part of the increase.
struct StartedCounterRate {
    let isRate: Bool

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        for step in 0..<input.stepCount {
            guard let value = value(step, input) else { continue }
            output.values[step] = value
            notes.insert(.hasFloatResult)
        }
    }

    private func value(_ step: Int, _ input: RangeInput) -> Double? {
        let window = input.floats(at: step)
        guard !window.isEmpty else { return nil }
        let columns = input.columns
        let first = window.lowerBound
        let last = window.upperBound - 1
        let rangeEnd = input.windows.times.time(at: step)
        let rangeStart = rangeEnd - input.windows.lengthMilliseconds
        let firstTime = columns.timestamp(at: first)
        let start = columns.startTimestamps[first]
        let beginsInside = start > rangeStart && start < firstTime
        guard beginsInside || window.count > 1 else { return nil }
        var difference = columns.values[last] - columns.values[first]
        for index in window.dropFirst() where Self.isReset(columns, at: index) {
            difference += columns.values[index - 1]
        }
        if beginsInside { difference += columns.values[first] }
        let factor = Extrapolation(
            firstTime: beginsInside ? start : firstTime, lastTime: columns.timestamp(at: last),
            rangeStart: beginsInside ? start : rangeStart, rangeEnd: rangeEnd, intervals: window.count - 1
        ).factor(
            result: difference, firstValue: columns.values[first], isCounter: !beginsInside,
            rateSeconds: isRate ? Double(input.windows.lengthMilliseconds) / 1000 : nil,
            extrapolatesToEnd: window.count > 1)
        return difference * factor
    }

    /// Whether the counter began anew between a sample and the one before.
    static func isReset(_ columns: SampleColumns, at index: Int) -> Bool {
        if columns.values[index] < columns.values[index - 1] { return true }
        guard !columns.startTimestamps.isEmpty else { return false }
        let start = columns.startTimestamps[index]
        let startBefore = columns.startTimestamps[index - 1]
        let timeBefore = columns.timestamp(at: index - 1)
        guard start != 0, start < columns.timestamp(at: index) else { return false }
        if start > timeBefore { return true }
        return start == timeBefore && startBefore != 0 && startBefore != timeBefore && startBefore <= timeBefore
    }
}
