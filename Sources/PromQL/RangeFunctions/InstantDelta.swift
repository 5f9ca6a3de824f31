import MetricModel

/// `irate` and `idelta`: the last two samples of the window.
struct InstantDelta: RangeKernel {
    let isRate: Bool
    let usesStartTimestamps: Bool

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        if input.hasHistograms || (usesStartTimestamps && !input.columns.startTimestamps.isEmpty) {
            return HistogramInstantDelta(isRate: isRate, usesStartTimestamps: usesStartTimestamps).evaluate(
                input, into: &output, notes: &notes)
        }
        let columns = input.columns
        for step in 0..<input.stepCount {
            let window = input.floats(at: step)
            guard window.count > 1 else { continue }
            let last = window.upperBound - 1
            output.values[step] = Self.value(
                last: columns.values[last], before: columns.values[last - 1],
                milliseconds: columns.timestamp(at: last) - columns.timestamp(at: last - 1), isRate: isRate)
        }
    }

    /// The difference of two samples, per second for a rate; a counter that went down started anew.
    static func value(
        last: Double, before: Double, milliseconds: Int64, isRate: Bool, beginsAnew: Bool = false
    ) -> Double {
        guard milliseconds != 0 else { return Column.absent }
        let difference = isRate && (beginsAnew || last < before) ? last : last - before
        return isRate ? difference / (Double(milliseconds) / 1000) : difference
    }
}
