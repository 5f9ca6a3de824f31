import MetricModel

/// A function of the floats in one window.
protocol WindowFunction: Sendable {
    /// The value of a window that holds at least one float, `Column.absent` for none.
    func value(_ window: Span<Double>, _ place: WindowPlace) -> Double
}

/// Where a window lies, for functions that look at time.
struct WindowPlace {
    let step: Int
    /// The evaluation time, before `@` and `offset`.
    let time: Int64
    /// The index of the window's first value in the series' column.
    let firstIndex: Int
    let timestamps: [Int64]
    let clockOffset: Int

    /// The time of a value of the window.
    @inline(__always)
    func timestamp(_ index: Int) -> Int64 { timestamps[clockOffset + firstIndex + index] }
}

/// Runs a window function over all windows; histograms are left out.
struct WindowKernel<Body: WindowFunction>: RangeKernel {
    let body: Body

    init(_ body: Body) { self.body = body }

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        let column = input.columns.values.span
        for step in 0..<input.stepCount {
            if input.isOver(at: step) { return }
            evaluate(step, input, column, into: &output, notes: &notes)
        }
    }

    /// One window.
    @inline(__always)
    func evaluate(
        _ step: Int, _ input: RangeInput, _ column: Span<Double>, into output: inout StepSeries,
        notes: inout KernelNotes
    ) {
        let window = input.floats(at: step)
        guard !window.isEmpty else { return }
        if input.hasHistograms, !input.histograms(at: step).isEmpty { notes.insert(.ignoredHistograms) }
        let place = WindowPlace(
            step: step, time: input.timeline.time(at: step), firstIndex: window.lowerBound,
            timestamps: input.columns.clock.timestamps, clockOffset: input.columns.clockOffset)
        output.values[step] = body.value(column.extracting(window), place)
    }
}
