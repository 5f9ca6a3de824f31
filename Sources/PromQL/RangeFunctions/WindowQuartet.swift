import MetricModel

/// The windows of four neighbouring steps over one column, read side by side from their beginnings.
///
/// A function that must look at the values of each window in order takes four windows in the time of one or two.
struct WindowQuartet {
    let windows: InlineArray<4, Range<Int>>
    /// How many values all four have.
    let sharedCount: Int

    /// Nil where one of them is empty.
    init?(_ input: RangeInput, from step: Int) {
        var windows = InlineArray<4, Range<Int>>(repeating: 0..<0)
        var shared = Int.max
        for lane in 0..<4 {
            windows[lane] = input.floats(at: step + lane)
            shared = min(shared, windows[lane].count)
        }
        guard shared > 0 else { return nil }
        self.windows = windows
        sharedCount = shared
    }

    /// The values at an index below `sharedCount` of each window.
    @inline(__always)
    func values(at index: Int, of column: Span<Double>) -> SIMD4<Double> {
        SIMD4(
            column[windows[0].lowerBound &+ index], column[windows[1].lowerBound &+ index],
            column[windows[2].lowerBound &+ index], column[windows[3].lowerBound &+ index])
    }

    /// The part of a lane's window that the others do not have.
    func rest(of lane: Int) -> Range<Int> { windows[lane].lowerBound + sharedCount..<windows[lane].upperBound }
}

/// A function of windows that can be computed for four of them at a time.
protocol QuartetFunction: WindowFunction {
    /// The values of four windows, each the same as `value` gives.
    func values(_ quartet: WindowQuartet, _ column: Span<Double>) -> SIMD4<Double>
}

/// Runs a function over all windows, four at a time where there are no histograms.
struct QuartetKernel<Body: QuartetFunction>: RangeKernel {
    let body: Body

    init(_ body: Body) { self.body = body }

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        let alone = WindowKernel(body)
        guard !input.hasHistograms, input.windowsOverlap else {
            return alone.evaluate(input, into: &output, notes: &notes)
        }
        let column = input.columns.values.span
        var step = 0
        while step < input.stepCount {
            if step + 4 <= input.stepCount, let quartet = WindowQuartet(input, from: step) {
                let found = body.values(quartet, column)
                for lane in 0..<4 { output.values[step + lane] = found[lane] }
                step += 4
            } else {
                alone.evaluate(step, input, column, into: &output, notes: &notes)
                step += 1
            }
            if step & 63 < 4, input.isOver(at: 63) { return }
        }
    }
}
