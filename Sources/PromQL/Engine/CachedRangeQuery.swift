import MetricModel
import PromQLSyntax
import Storage

/// A range query that may take its first steps from an answer given before.
struct CachedRangeQuery {
    private let engine: QueryEngine
    private let expression: Expression
    private let timeline: Timeline
    private let key: ResultCache.Key
    private let position: ChangePosition
    private let aheadMilliseconds: Int64
    private let showsStatistics: Bool
    private let text: [UInt8]

    /// Nil where the query has to be evaluated as a whole and its answer is of no use later.
    init?(
        engine: QueryEngine, expression: Expression, timeline: Timeline, querier: any Querier, options: QueryOptions
    ) {
        let lookback = options.lookbackDeltaMilliseconds ?? engine.settings.lookbackDeltaMilliseconds
        guard !engine.results.isOff, !options.explains, !options.countsSteps,
            expression.type == .instantVector, timeline.count > 1, timeline.step > 0,
            let position = querier.changePosition,
            let ahead = CacheReach(lookbackMilliseconds: lookback).ahead(of: expression)
        else { return nil }
        self.engine = engine
        self.expression = expression
        self.timeline = timeline
        self.position = position
        showsStatistics = options.showsStatistics
        text = Array((options.text ?? "").utf8)
        aheadMilliseconds = ahead
        key = ResultCache.Key(
            expression: Array(expression.description.utf8), stepMilliseconds: timeline.step,
            phaseMilliseconds: timeline.start % timeline.step, lookbackMilliseconds: lookback)
    }

    /// The answer: `evaluate` is asked for the steps that are not known.
    ///
    /// What is put together here is counted with `context`, which the evaluation shares its memory with.
    func run(
        from querier: any Querier, _ context: QueryContext,
        _ evaluate: (Timeline) throws(QueryError) -> QueryRun.Outcome
    ) throws(QueryError) -> QueryRun.Outcome {
        if let entry = engine.results.entry(for: key), let known = knownSteps(of: entry, querier) {
            let before = context.memory.usedBytes
            if var outcome = try goOn(from: entry, known, context, evaluate) {
                keep(&outcome, after: entry.counts?[known])
                return outcome
            }
            context.memory.release(context.memory.usedBytes - before)
        }
        var outcome = try evaluate(timeline)
        keep(&outcome, after: nil)
        return outcome
    }

    /// The answer of known steps and the others; nil where it cannot be told what is said of all of them.
    private func goOn(
        from entry: ResultCache.Entry, _ known: Range<Int>, _ context: QueryContext,
        _ evaluate: (Timeline) throws(QueryError) -> QueryRun.Outcome
    ) throws(QueryError) -> QueryRun.Outcome? {
        let rest = Timeline(
            start: timeline.time(at: known.count), step: timeline.step, count: timeline.count - known.count)
        let said = entry.texts.within(timeline.start...timeline.time(at: known.count - 1))
        var outcome =
            rest.count > 0 ? try evaluate(rest) : QueryRun.Outcome(series: [], statistics: QueryStatistics())
        guard outcome.isPlain, let texts = rest.count > 0 ? said.joined(with: outcome.texts) : said else { return nil }
        outcome.texts = texts
        outcome.series = try join(entry, known, outcome.series, rest, context)
        outcome.statistics.stepsFromCache = known.count
        return outcome
    }

    /// Keeps an answer, and adds to its statistics those of the steps that were known.
    private func keep(_ outcome: inout QueryRun.Outcome, after known: ResultCache.Counts?) {
        var counts: ResultCache.Counts?
        if showsStatistics {
            let rest = ResultCache.Counts(
                queryable: outcome.statistics.steps?.queryable ?? [], peak: outcome.statistics.peakSamples)
            let all = (known ?? ResultCache.Counts()) + rest
            outcome.statistics.samplesQueryable += known?.queryable.reduce(0, +) ?? 0
            outcome.statistics.peakSamples = all.peak
            outcome.statistics.steps = nil
            counts = all
        } else if known?.queryable.count == timeline.count {
            counts = known
        }
        guard outcome.isPlain else { return }
        engine.results.keep(
            ResultCache.Entry(
                timeline: timeline, series: outcome.series, position: position, texts: outcome.texts,
                query: text, counts: counts),
            for: key)
    }

    /// The steps of the entry that begin the query and still hold; nil where they are too few to be worth it, or not all the steps that
    /// the entry's texts are of and nobody could tell what is said at them.
    private func knownSteps(of entry: ResultCache.Entry, _ querier: any Querier) -> Range<Int>? {
        guard entry.timeline.start <= timeline.start, entry.counts != nil || !showsStatistics,
            entry.texts.isEmpty || entry.query == text,
            let change = querier.earliestChange(since: entry.position)
        else {
            return nil
        }
        let first = Int((timeline.start - entry.timeline.start) / timeline.step)
        var count = min(entry.timeline.count - first, timeline.count)
        if change < .max {
            // The step's newest sample must be older than the first change.
            let (limit, overflows) = change.subtractingReportingOverflow(aheadMilliseconds)
            guard !overflows, limit > timeline.start else { return nil }
            let span = limit.subtractingReportingOverflow(timeline.start)
            if !span.overflow { count = min(count, Int((span.partialValue - 1) / timeline.step) + 1) }
        }
        guard count > 0, count * 4 >= timeline.count else { return nil }
        let isAll = count == timeline.count && count == entry.timeline.count
        // The rest, where there is one, may say what is not told by step.
        let mayBePart = entry.texts.areByStep || (!entry.texts.addUp && count < timeline.count)
        return isAll || mayBePart ? first..<first + count : nil
    }

    /// The known steps and the rest behind them, in order of labels; series that have neither are left out.
    private func join(
        _ entry: ResultCache.Entry, _ known: Range<Int>, _ rest: [PackedSeries], _ restTimeline: Timeline,
        _ context: QueryContext
    ) throws(QueryError) -> [PackedSeries] {
        // Labels are shared with the entry, which may go before the answer does.
        func hold(_ series: PackedSeries) throws(QueryError) {
            try context.hold(
                QueryCost(
                    samples: timeline.count,
                    bytes: StepSeries.overheadBytes + timeline.count * 8 + series.labels.encoded.count))
        }
        var indexes: [LabelSet: Int] = [:]
        for (index, series) in rest.enumerated() { indexes[series.labels] = index }
        var result: [PackedSeries] = []
        result.reserveCapacity(max(entry.series.count, rest.count))
        for old in entry.series {
            try hold(old)
            var values: [Double] = []
            values.reserveCapacity(timeline.count)
            old.append(valuesAt: known, to: &values)
            if let index = indexes.removeValue(forKey: old.labels) {
                rest[index].append(valuesAt: 0..<restTimeline.count, to: &values)
            } else {
                values.append(contentsOf: repeatElement(Column.absent, count: restTimeline.count))
            }
            var joined = StepSeries(labels: old.labels, values: values)
            if !joined.isEmpty { result.append(PackedSeries(taking: &joined)) }
        }
        if !indexes.isEmpty {
            for (index, series) in rest.enumerated() where indexes[series.labels] == index {
                try hold(series)
                var values = [Double](repeating: Column.absent, count: known.count)
                series.append(valuesAt: 0..<restTimeline.count, to: &values)
                var joined = StepSeries(labels: series.labels, values: values)
                result.append(PackedSeries(taking: &joined))
            }
            LabelOrder.sort(&result)
        }
        return result
    }
}
