import MetricModel
import Storage

/// Where a range function has its series from: a selector's samples, or the steps of a subquery.
protocol SeriesSource {
    /// Whether dropping the name cannot make two label sets equal.
    var sharesOneName: Bool { get }

    /// As of an operator: whether anything but the store and the limits can end it once its series come.
    var hasFaults: Bool { get }

    /// Runs the kernel over each series and gives the results to `body`, in order, with what the kernel noticed.
    ///
    /// Series without a result at any step come too.
    func evaluate(
        _ kernel: any RangeKernel, windows: WindowTimes, timeline: Timeline, context: QueryContext,
        _ body: (inout StepSeries, KernelNotes) throws(QueryError) -> Void
    ) throws(QueryError)
}

/// No series.
struct EmptySource: SeriesSource {
    var sharesOneName: Bool { true }
    var hasFaults: Bool { false }

    func evaluate(
        _ kernel: any RangeKernel, windows: WindowTimes, timeline: Timeline, context: QueryContext,
        _ body: (inout StepSeries, KernelNotes) throws(QueryError) -> Void
    ) throws(QueryError) {}
}

/// Runs kernels over sample columns.
///
/// One belongs to one thread at a time.
struct KernelRunner: Sendable {
    private let kernel: any RangeKernel
    /// What the kernel gets; without columns between series.
    ///
    /// Most of it is the same for the next one, and what stays where it is is not counted.
    private var input: RangeInput
    /// Of histograms, only count and sum are asked for.
    private let readsOnlyTotals: Bool
    private var cache: WindowCache
    /// What computes the series that have all samples, where the kernel is such a rate.
    private let wholeRate: WholeRate?
    /// The result is the newest sample as it is: the store was asked for nothing outside the only window.
    private let takesNewest: Bool
    var samples = CountedSamples()
    /// Counts by step, where they are wanted.
    var steps: StepCounts?

    init(
        _ kernel: any RangeKernel, windows: WindowTimes, timeline: Timeline, readsOnlyTotals: Bool = false,
        limits: QueryLimits? = nil
    ) {
        self.kernel = kernel
        takesNewest = timeline.count == 1 && (kernel as? NewestSample)?.aspect == .value
        self.readsOnlyTotals = readsOnlyTotals
        let rate = kernel as? ExtrapolatedRate
        wholeRate = rate.map { WholeRate($0, windows) }
        cache = WindowCache(times: windows, rate: rate)
        input = RangeInput(
            columns: SampleColumns(), floatWindows: .empty, histogramWindows: .empty, windows: windows,
            timeline: timeline, limits: limits)
    }

    /// Reads the next series and writes the kernel's result for it in place of what `output` held beside its labels; nil
    /// where all were read.
    mutating func runNext(
        of reader: inout some SeriesReader, _ columns: inout SampleColumns, into output: inout StepSeries
    ) throws(QueryError) -> KernelNotes? {
        do {
            if takesNewest, let newest = try reader.nextNewest() {
                if !newest.isAbsent { samples.read += 1 }
                take(newest: newest, into: &output)
                return []
            }
            guard try reader.next(into: &columns) else { return nil }
        } catch {
            throw QueryError(error)
        }
        return run(&columns, into: &output)
    }

    private mutating func take(newest: Double, into output: inout StepSeries) {
        let isThere = !newest.isAbsent && !newest.isStale
        output.takeOnly(isThere ? newest : Column.absent)
        guard isThere else { return }
        samples.queryable += 1
        steps?.countQueryable(1, at: 0)
        steps?.countRead(1, at: 0)
    }

    /// Writes the kernel's result for one series in place of what `output` held beside its labels.
    mutating func run(_ columns: inout SampleColumns, into output: inout StepSeries) -> KernelNotes {
        var notes: KernelNotes = []
        samples.read += columns.values.count + columns.histograms.count
        if takesNewest, columns.histograms.isEmpty {
            take(newest: columns.values.last ?? Column.absent, into: &output)
            return notes
        }
        if !kernel.keepsStaleMarkers { columns.dropStaleMarkers() }
        if steps == nil, let wholeRate, columns.histograms.isEmpty, !columns.values.isEmpty {
            cache.turn(to: columns.clock)
            if let hasResult = wholeRate.evaluate(columns, over: cache.indexes, into: &output) {
                if hasResult { notes.insert(.hasFloatResult) }
                samples.queryable += cache.indexes.sampleCount
                return notes
            }
        }
        output.makeAbsent(over: input.stepCount)
        guard !columns.isEmpty else { return notes }
        if readsOnlyTotals { columns.reduceHistogramsToTotals() }
        cache.turn(to: columns.clock)
        if input.floatWindows !== cache.indexes { input.floatWindows = cache.indexes }
        input.histogramWindows =
            columns.histograms.isEmpty ? .empty : input.windows.indexes(over: columns.histograms.map(\.timestamp))
        swap(&input.columns, &columns)
        kernel.evaluate(input, into: &output, notes: &notes)
        countQueryable(output)
        swap(&input.columns, &columns)
        return notes
    }

    /// Counts samples as Prometheus does: those that a selector found at each step, those in each window of a range.
    private mutating func countQueryable(_ output: StepSeries) {
        if steps != nil { countSteps(output) }
        if kernel.keepsStaleMarkers {
            samples.queryable += output.floatCount + output.histograms.count
            return
        }
        var count = 0
        if input.columns.clockOffset == 0, input.columns.values.count == input.floatWindows.timestampCount {
            count = input.floatWindows.sampleCount
        } else {
            for step in 0..<input.stepCount { count += input.floats(at: step).count }
        }
        if input.hasHistograms {
            for step in 0..<input.stepCount { count += input.histograms(at: step).count }
        }
        samples.queryable += count
    }

    /// The same step by step.
    private mutating func countSteps(_ output: StepSeries) {
        guard var counts = steps else { return }
        steps = nil
        defer { steps = counts }
        if kernel.keepsStaleMarkers {
            for step in 0..<input.stepCount where !output.values[step].isAbsent {
                counts.countQueryable(1, at: step)
                counts.countRead(1, at: step)
            }
            for sample in output.histograms {
                counts.countQueryable(1, at: sample.step)
                counts.countRead(1, at: sample.step)
            }
            return
        }
        var floats = 0
        var histograms = 0
        for step in 0..<input.stepCount {
            counts.count(input.floats(at: step), after: &floats, at: step)
            if input.hasHistograms { counts.count(input.histograms(at: step), after: &histograms, at: step) }
        }
    }
}
