import MetricModel

/// What the start timestamps of two neighbouring samples say about a counter; 0 is unknown.
enum StartTimestamps {
    /// Whether the counter began anew between the samples.
    ///
    /// A start on the sample before is that of a delta, unless the one before has no start that is known.
    static func isReset(startBefore: Int64, timeBefore: Int64, start: Int64, time: Int64) -> Bool {
        guard start != 0, start < time, start >= timeBefore else { return false }
        if start > timeBefore { return true }
        return startBefore <= timeBefore && startBefore != 0 && startBefore != timeBefore
    }

    /// Whether a sample claims time that the one before already covers.
    static func overlaps(startBefore: Int64, timeBefore: Int64, start: Int64) -> Bool {
        start != 0 && start < timeBefore && start != startBefore
    }
}

extension SampleColumns {
    /// Whether the float at `index` begins anew by its start timestamp.
    func beginsAnew(at index: Int) -> Bool {
        guard !startTimestamps.isEmpty else { return false }
        return StartTimestamps.isReset(
            startBefore: startTimestamps[index - 1], timeBefore: timestamp(at: index - 1),
            start: startTimestamps[index], time: timestamp(at: index))
    }
}

extension HistogramSample {
    /// Whether this sample begins anew by its start timestamp.
    func beginsAnew(after before: HistogramSample) -> Bool {
        StartTimestamps.isReset(
            startBefore: before.startTimestamp, timeBefore: before.timestamp, start: startTimestamp, time: timestamp)
    }
}

/// `rate` and `increase` of float counters that say when they began: a start between two samples is a reset, and a
/// start inside the window makes the first value a part of the increase.
struct StartedCounterRate {
    let isRate: Bool

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        for step in 0..<input.stepCount {
            guard let value = value(step, input, &notes) else { continue }
            output.values[step] = value
            notes.insert(.hasFloatResult)
        }
    }

    func value(_ step: Int, _ input: RangeInput, _ notes: inout KernelNotes) -> Double? {
        let window = input.floats(at: step)
        guard !window.isEmpty else { return nil }
        let columns = input.columns
        let first = window.lowerBound
        let last = window.upperBound - 1
        let rangeEnd = input.windows.times.time(at: step)
        let rangeStart = rangeEnd - input.windows.lengthMilliseconds
        let firstTime = columns.timestamp(at: first)
        var difference = columns.values[last] - columns.values[first]
        var hasOverlap = false
        for index in window.dropFirst() {
            let overlaps = StartTimestamps.overlaps(
                startBefore: columns.startTimestamps[index - 1], timeBefore: columns.timestamp(at: index - 1),
                start: columns.startTimestamps[index])
            hasOverlap = hasOverlap || overlaps
            if columns.values[index] < columns.values[index - 1] || columns.beginsAnew(at: index) {
                difference += columns.values[index - 1]
            }
        }
        if hasOverlap { notes.countOverlap() }
        let start = columns.startTimestamps[first]
        let beganAt = start != 0 && start > rangeStart && start < firstTime ? start : nil
        guard beganAt != nil || window.count > 1 else { return nil }
        if beganAt != nil { difference += columns.values[first] }
        let factor = Extrapolation(
            firstTime: firstTime, lastTime: columns.timestamp(at: last), rangeStart: rangeStart, rangeEnd: rangeEnd,
            intervals: window.count - 1, beganAt: beganAt
        ).factor(
            result: difference, firstValue: columns.values[first], isCounter: beganAt == nil,
            rateSeconds: isRate ? Double(input.windows.lengthMilliseconds) / 1000 : nil)
        return difference * factor
    }
}
