import MetricModel
import Storage

/// The series of a selector, read from the store and run through a kernel as they come.
///
/// Large selections are read by several threads, a block of neighbouring series each, because neighbours are stored
/// together. Results are handed on in order, so that sums come out the same on one thread and on two.
struct SelectorSource: SeriesSource {
    /// Series that one thread reads at a time, and the bytes that their results may take.
    private static let blockSize = 256
    private static let blockBytes = 4 << 20
    /// Below this many output cells and estimated samples a second thread costs more than it gives: on two halves of a core a sum of
    /// 800 series over 13 steps (106,000) takes 0.29 ms on one and 0.46 on two, over 61 steps (160,000) 0.37 and 0.54, over 121 steps
    /// (225,000) 0.46 and 0.46, over 241 steps (350,000) 0.64 and 0.52.
    private static let parallelThreshold = 200_000
    /// The same where the newest sample of each series is wanted.
    private static let parallelThresholdOfNewest = 250_000
    /// A series costs as much as so many cells, however few it has.
    private static let cellsPerSeries = 100

    let matchers: [LabelMatcher]
    /// How far the store is read beyond the windows: anchored and smoothed ranges look outside.
    var extraBefore: Int64 = 0
    var extraAfter: Int64 = 0
    var needsOnlyNewest = false
    /// Histograms are asked for count and sum alone.
    var readsOnlyTotals = false
    /// Each series is handed on before the next is read.
    var readsInOrder = false

    var sharesOneName: Bool { name != nil }
    var hasFaults: Bool { false }

    /// The name that all series have; nil where they may have several.
    var name: String? {
        matchers.first { $0.kind == .equal && $0.name == LabelName.metricName && !$0.value.isEmpty }?.value
    }

    func evaluate(
        _ kernel: any RangeKernel, windows: WindowTimes, timeline: Timeline, context: QueryContext,
        _ body: (inout StepSeries, KernelNotes) throws(QueryError) -> Void
    ) throws(QueryError) {
        try evaluate(kernel, windows: windows, timeline: timeline, context: context, .whole, body)
    }

    /// The same without name, type and unit.
    func evaluateNameless(
        _ kernel: any RangeKernel, windows: WindowTimes, timeline: Timeline, context: QueryContext,
        _ body: (inout StepSeries, KernelNotes) throws(QueryError) -> Void
    ) throws(QueryError) {
        try evaluate(kernel, windows: windows, timeline: timeline, context: context, .withoutMetadata, body)
    }

    private func evaluate(
        _ kernel: any RangeKernel, windows: WindowTimes, timeline: Timeline, context: QueryContext,
        _ labels: SelectedSeriesLabels, _ body: (inout StepSeries, KernelNotes) throws(QueryError) -> Void
    ) throws(QueryError) {
        try forEachBlock(kernel, windows, timeline, context) { (selected, runner) throws(QueryError) in
            try read(selected, labels, runner, timeline, context) {
                (series: inout StepSeries, notes: KernelNotes, _: Int) throws(QueryError) in try body(&series, notes)
            }
        }
    }

    /// The series with the number of their group, and labels only with histograms or with notes that were not said.
    func evaluate(
        _ kernel: any RangeKernel, windows: WindowTimes, timeline: Timeline, context: QueryContext,
        into groups: OperandGroups, _ body: (inout StepSeries, KernelNotes) throws(QueryError) -> Void
    ) throws(QueryError) {
        try forEachBlock(kernel, windows, timeline, context) { (selected, runner) throws(QueryError) in
            try read(selected, into: groups, runner, timeline, context, body)
        }
    }

    /// The labels of the series that `evaluate` gives, and of some that have no samples in the range; in order of labels.
    func labels(_ windows: WindowTimes, _ context: QueryContext) throws(QueryError) -> KnownLabels {
        var known = KnownLabels()
        let sets: any LabelSets
        do {
            sets = try context.querier.series(
                matching: [matchers], in: range(of: windows), limit: 0, reservation: context.memory)
        } catch {
            throw QueryError(error)
        }
        for index in 0..<sets.count {
            if index % 256 == 0 { try context.limits.check() }
            let labels = sets.labels(at: index)
            let cost = KnownLabels.cost(of: labels)
            try context.hold(cost)
            known.cost += cost
            known.labels.append(labels)
        }
        return known
    }

    private func forEachBlock(
        _ kernel: any RangeKernel, _ windows: WindowTimes, _ timeline: Timeline, _ context: QueryContext,
        _ body: (any SelectedSeries, KernelRunner) throws(QueryError) -> Void
    ) throws(QueryError) {
        try context.limits.check()
        guard timeline.count > 0 else { return }
        let blocks = try find(windows, for: kernel, context)
        var runner = KernelRunner(
            kernel, windows: windows, timeline: timeline, readsOnlyTotals: readsOnlyTotals,
            limits: context.limits)
        runner.steps = context.stepCounts(over: timeline)
        var estimate = SelectorEstimate(context.progress, expectedSeries: blocks.estimatedSeriesCount)
        while let selected = try next(blocks) {
            try context.limits.check()
            try context.count(series: selected.count)
            try context.spend(work(of: selected, timeline))
            estimate.add(series: selected.count, samples: selected.estimatedSampleCount)
            try body(selected, runner)
        }
        estimate.end()
    }

    /// Reads a block with groups.
    private func read(
        _ selected: any SelectedSeries, into groups: OperandGroups, _ runner: KernelRunner, _ timeline: Timeline,
        _ context: QueryContext, _ body: (inout StepSeries, KernelNotes) throws(QueryError) -> Void
    ) throws(QueryError) {
        guard var numbers = SelectedGroups(groups, of: selected) else {
            return try read(selected, .whole, runner, timeline, context) {
                (series: inout StepSeries, notes: KernelNotes, _: Int) throws(QueryError) in
                series.group = Int32(groups.number(of: series.labels))
                try body(&series, notes)
            }
        }
        let cost = QueryCost(bytes: selected.count * SelectedGroups.bytesPerSeries)
        try context.hold(cost)
        defer { context.release(cost) }
        groups.pass(selected)
        defer { groups.pass(nil) }
        try read(selected, .none, runner, timeline, context) {
            (series: inout StepSeries, notes: KernelNotes, index: Int) throws(QueryError) in
            groups.pass(index: index)
            series.group = Int32(numbers.number(of: index))
            if !series.histograms.isEmpty || (!notes.isEmpty && notes.areNews(besides: groups.saidNotes)) {
                series.labels = selected.labels(at: index)
            }
            try body(&series, notes)
        }
    }

    /// What takes the series of a block: with what the kernel noticed, and their number in it.
    private typealias BlockBody = (inout StepSeries, KernelNotes, Int) throws(QueryError) -> Void

    private func read(
        _ selected: any SelectedSeries, _ labels: SelectedSeriesLabels, _ runner: KernelRunner, _ timeline: Timeline,
        _ context: QueryContext, _ body: BlockBody
    ) throws(QueryError) {
        let work = work(of: selected, timeline)
        let cache = QueryCost(bytes: WindowCache.byteCount(steps: timeline.count, series: selected.count))
        try context.hold(cache)
        defer { context.release(cache) }
        let threshold = needsOnlyNewest ? Self.parallelThresholdOfNewest : Self.parallelThreshold
        if !readsInOrder, context.helpers.threadCount > 0, selected.count > 1, work >= threshold {
            try readInParallel(selected, labels, runner, stepCount: timeline.count, context, body)
        } else {
            try readInOrder(selected, labels, runner, context, body)
        }
    }

    /// What reading a block comes to, in samples and output cells.
    private func work(of selected: any SelectedSeries, _ timeline: Timeline) -> Int {
        selected.count * (timeline.count + Self.cellsPerSeries) + selected.estimatedSampleCount
    }

    private func find(
        _ windows: WindowTimes, for kernel: any RangeKernel, _ context: QueryContext
    ) throws(QueryError) -> any SeriesBlocks {
        let request = SelectRequest(
            matchers: matchers, range: range(of: windows), needsOnlyNewest: needsOnlyNewest,
            isOrdered: context.ordersByLabels && kernel.needsOrder, needsValues: kernel.needsValues,
            reservation: context.memory)
        do {
            return try context.querier.blocks(of: request, seriesLimit: context.settings.blockSeries)
        } catch {
            throw QueryError(error)
        }
    }

    private func range(of windows: WindowTimes) -> TimeRange {
        TimeRange(
            start: Timestamp(milliseconds: windows.firstTime &- extraBefore),
            end: Timestamp(milliseconds: windows.lastTime &+ extraAfter))
    }

    private func next(_ blocks: any SeriesBlocks) throws(QueryError) -> (any SelectedSeries)? {
        do {
            return try blocks.next()
        } catch {
            throw QueryError(error)
        }
    }

    private func readInOrder(
        _ selected: any SelectedSeries, _ labels: SelectedSeriesLabels, _ runner: KernelRunner, _ context: QueryContext,
        _ body: BlockBody
    ) throws(QueryError) {
        let reading = QueryCost(bytes: selected.readerBytes)
        try context.hold(reading)
        defer { context.release(reading) }
        var reader = selected.makeReader(over: 0..<selected.count)
        try readInOrder(selected, with: &reader, labels, runner, context, body)
    }

    /// The same for a reader that is looked into once and not for each series.
    private func readInOrder(
        _ selected: any SelectedSeries, with reader: inout some SeriesReader, _ labels: SelectedSeriesLabels,
        _ runner: KernelRunner, _ context: QueryContext, _ body: BlockBody
    ) throws(QueryError) {
        var runner = runner
        var columns = SampleColumns()
        // Whoever keeps a series takes its memory; what is left is used again.
        var output = StepSeries(values: [])
        for index in 0..<selected.count {
            if index % 16 == 0 {
                try context.limits.check()
                context.count(runner.samples.take())
            }
            output.restart(labels: labels.of(selected, at: index))
            guard let notes = try runner.runNext(of: &reader, &columns, into: &output) else { break }
            try body(&output, notes, index)
        }
        context.count(runner.samples.take())
        context.count(runner.steps)
    }

    /// About what the labels of a series take.
    private static func labelBytes(of selected: any SelectedSeries) -> Int {
        let looks = min(selected.count, 32)
        let sum = (0..<looks).reduce(0) { $0 + selected.labelBytes(at: selected.count / looks * $1) }
        return looks > 0 ? sum / looks : 0
    }

    private func readInParallel(
        _ selected: any SelectedSeries, _ labels: SelectedSeriesLabels, _ runner: KernelRunner, stepCount: Int,
        _ context: QueryContext, _ body: BlockBody
    ) throws(QueryError) {
        let threads = context.helpers.threadCount + 1
        let seriesBytes =
            stepCount * 8 + StepSeries.overheadBytes + (labels == .none ? 0 : Self.labelBytes(of: selected))
        let blockSize = max(
            1, min(Self.blockSize, Self.blockBytes / seriesBytes, (selected.count + 2 * threads - 1) / (2 * threads)))
        let depth = threads + 1
        let blocks = QueryCost(
            bytes: depth * blockSize * seriesBytes + threads * selected.readerBytes
                + (threads - 1) * WindowCache.byteCount(steps: stepCount, series: selected.count))
        try context.hold(blocks)
        defer { context.release(blocks) }
        let pipeline = SeriesPipeline(
            selected: selected, labels: labels, runner: runner, blockSize: blockSize, depth: depth,
            limits: context.limits)
        defer { context.count(pipeline.takeSamples()) }
        try pipeline.run(helpers: context.helpers) { (block: inout SeriesPipeline.Block) throws(QueryError) in
            context.count(pipeline.takeSamples())
            for index in block.series.indices {
                try body(&block.series[index], block.notes[index], block.first + index)
            }
        }
        for steps in pipeline.steps { context.count(steps) }
    }
}
