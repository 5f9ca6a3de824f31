import MetricModel

/// The series of a subquery: the steps of an inner vector as samples on one clock.
struct SubquerySource: SeriesSource {
    let operand: any VectorOperator

    var sharesOneName: Bool { operand.sharesOneName }
    var hasFaults: Bool { operand.hasFaults }

    func evaluate(
        _ kernel: any RangeKernel, windows: WindowTimes, timeline: Timeline, context: QueryContext,
        _ body: (inout StepSeries, KernelNotes) throws(QueryError) -> Void
    ) throws(QueryError) {
        let inner = operand.timeline
        let clock = Clock((0..<inner.count).map { inner.time(at: $0) })
        var runner = KernelRunner(
            kernel, windows: windows, timeline: timeline, limits: context.limits)
        runner.steps = context.stepCounts(over: timeline)
        func run() throws(QueryError) {
            try operand.stream(context) { (series: inout StepSeries) throws(QueryError) in
                try context.limits.check()
                let cost = series.cost
                try context.hold(cost)
                var columns = Self.columns(series, clock)
                var output = StepSeries(labels: series.labels, values: [])
                output.dropsName = series.dropsName
                let notes = runner.run(&columns, into: &output)
                try body(&output, notes)
                context.release(cost)
            }
        }
        // The points count in the windows over them. Where the points are the answer their samples count.
        guard !(kernel is WindowCapture) else { return try context.countingAtFirstStep(run) }
        try context.withoutCounting(run)
        context.count(CountedSamples(queryable: runner.samples.queryable))
        context.count(runner.steps)
    }

    /// A series without gaps keeps the shared clock.
    private static func columns(_ series: StepSeries, _ clock: Clock) -> SampleColumns {
        var columns: SampleColumns
        if series.values.contains(where: { $0.isAbsent }) {
            var timestamps: [Int64] = []
            var values: [Double] = []
            for step in series.values.indices where !series.values[step].isAbsent {
                timestamps.append(clock.timestamps[step])
                values.append(series.values[step])
            }
            columns = SampleColumns(timestamps: timestamps, values: values)
        } else {
            columns = SampleColumns(clock: clock, values: series.values)
        }
        for sample in series.histograms {
            var histogram = sample.histogram
            // What was known about resets held between the stored samples, not between these.
            histogram.forgetResetHint()
            columns.histograms.append(
                HistogramSample(timestamp: clock.timestamps[sample.step], histogram: histogram))
        }
        return columns
    }
}
