package import MetricModel
package import PromQLSyntax
package import Storage

/// Plans and runs PromQL queries.
///
/// Holds no state between queries; safe on several threads.
///
/// Calls are synchronous and may take long: callers run them on threads of their own.
package final class QueryEngine: Sendable {
    package let settings: EngineSettings
    private let clock: any WallClock
    /// Shared by all queries of the engine.
    let helpers: HelperPool
    let results: ResultCache

    package init(settings: EngineSettings = EngineSettings(), clock: any WallClock = SystemClock()) {
        self.settings = settings
        self.clock = clock
        helpers = HelperPool(threadCount: settings.maximumThreads - 1)
        results = ResultCache(limitBytes: settings.resultCacheBytes)
    }

    /// The value of an expression at one time; any type of value is possible.
    package func instantQuery(
        _ expression: Expression, at time: Timestamp, from querier: any Querier, options: QueryOptions = QueryOptions()
    ) throws(QueryError) -> QueryResult {
        try Self.check(time)
        let timeline = Timeline(instant: time.milliseconds)
        let run = QueryRun(
            engine: self, clock: clock, querier: querier, options: options, timeline: timeline, stepMilliseconds: 0,
            isRangeQuery: false)
        return try run.result(of: expression)
    }

    /// The values at `start`, `start + step`, … up to `end`, as a matrix ordered by labels.
    ///
    /// The expression must be a scalar or an instant vector. How many steps are allowed is the caller's to decide.
    package func rangeQuery(
        _ expression: Expression, start: Timestamp, end: Timestamp, stepMilliseconds: Int64,
        from querier: any Querier, options: QueryOptions = QueryOptions()
    ) throws(QueryError) -> QueryResult {
        guard expression.type == .scalar || expression.type == .instantVector else {
            throw .unsuitableType(
                message: "invalid expression type \"\(expression.type.documentedName)\" for range query, "
                    + "must be Scalar or instant Vector")
        }
        try Self.check(start)
        try Self.check(end)
        let timeline = Timeline(start: start.milliseconds, end: end.milliseconds, step: stepMilliseconds)
        guard timeline.count <= settings.maximumSamples else { throw .tooManySamples }
        let cached = CachedRangeQuery(
            engine: self, expression: expression, timeline: timeline, querier: querier, options: options)
        var options = options
        // For the next one, which may know these steps.
        if cached != nil, options.showsStatistics { options.countsSteps = true }
        func run(_ timeline: Timeline, memory: MemoryAccount? = nil) -> QueryRun {
            QueryRun(
                engine: self, clock: clock, querier: querier, options: options, timeline: timeline,
                stepMilliseconds: stepMilliseconds, isRangeQuery: true, bounds: (start.milliseconds, end.milliseconds),
                memory: memory)
        }
        let whole = run(timeline)
        guard let cached else { return try whole.result(of: expression) }
        let outcome = try cached.run(from: querier, whole.context) { steps throws(QueryError) in
            try run(steps, memory: whole.context.memory).outcome(of: expression)
        }
        return try whole.result(of: outcome)
    }

    private static func check(_ time: Timestamp) throws(QueryError) {
        guard Timeline.clamped(time.milliseconds) == time.milliseconds else {
            throw .execution(message: "time \(time.milliseconds) ms is out of range")
        }
    }
}

/// One query on its way: plan, run, put the result together.
struct QueryRun {
    let context: QueryContext
    private let planner: Planner
    private let recorder: PlanRecorder?
    private let timeline: Timeline
    private let clock: any WallClock

    /// - Parameter bounds: First and last time that were asked for; nil where the timeline is all of it.
    init(
        engine: QueryEngine, clock: any WallClock, querier: any Querier, options: QueryOptions, timeline: Timeline,
        stepMilliseconds: Int64, isRangeQuery: Bool, bounds: (start: Int64, end: Int64)? = nil,
        memory: MemoryAccount? = nil
    ) {
        context = QueryContext(
            querier: querier, settings: engine.settings, options: options, clock: clock,
            helpers: engine.helpers, isRangeQuery: isRangeQuery, timeline: timeline, memory: memory)
        recorder = options.explains ? PlanRecorder(clock: clock) : nil
        var planner = Planner(
            settings: engine.settings,
            lookbackMilliseconds: options.lookbackDeltaMilliseconds ?? engine.settings.lookbackDeltaMilliseconds,
            queryStart: bounds?.start ?? timeline.start, queryEnd: bounds?.end ?? timeline.end,
            queryStep: stepMilliseconds,
            text: options.text ?? "")
        planner.recorder = recorder
        self.planner = planner
        self.timeline = timeline
        self.clock = clock
    }

    func result(of expression: Expression) throws(QueryError) -> QueryResult {
        let started = clock.monotonicNanoseconds
        noteSelectors(of: expression)
        let value: QueryValue
        var planned = started
        switch expression.type {
        case .string:
            value = .string(
                timestamp: Timestamp(milliseconds: timeline.start), value: try planner.string(expression))
        case .scalar:
            let plan = try planner.plan(expression) { () throws(QueryError) in
                try planner.scalar(expression, on: timeline)
            }
            planned = clock.monotonicNanoseconds
            value = try scalar(plan)
        case .instantVector:
            let plan = try planner.plan(expression) { () throws(QueryError) in
                try planner.vector(expression, on: timeline, keepsKinds: true)
            }
            planned = clock.monotonicNanoseconds
            value = try vector(plan)
        case .rangeVector:
            let plan = try planner.plan(expression) { () throws(QueryError) in
                try planner.range(expression, on: timeline)
            }
            planned = clock.monotonicNanoseconds
            value = try RawRange(plan: plan, timeline: timeline, planner: planner, range: expression.range)
                .matrix(context)
        }
        try context.limits.check()
        let texts = context.texts
        var result = QueryResult(
            value: value, warnings: texts.warnings, infos: texts.infos, statistics: statistics(started, planned))
        result.plan = recorder?.tree
        result.reservation = context.memory
        return result
    }

    /// Tells whoever watches the query what its estimate has to be made of.
    private func noteSelectors(of expression: Expression) {
        guard let progress = context.progress else { return }
        var count = 0
        expression.walk { if case .vectorSelector = $0 { count += 1 } }
        progress.noteSelectors(count)
    }

    private func statistics(_ started: UInt64, _ planned: UInt64) -> QueryStatistics {
        let finished = clock.monotonicNanoseconds
        var statistics = context.statistics
        statistics.steps?.completeRead(statistics.samplesRead)
        statistics.peakBytes = context.memory.peakBytes
        statistics.preparationSeconds = Double(planned &- started) / 1e9
        statistics.evaluationSeconds = Double(finished &- planned) / 1e9
        return statistics
    }

    /// What a range query for an instant vector gives, step by step, before it is put into points.
    struct Outcome {
        /// In order of labels.
        var series: [PackedSeries]
        var texts = AnnotationTexts()
        var statistics: QueryStatistics
        var dependsOnAllSteps = false

        /// Nothing about the steps would be lost if only their floats and the texts were kept.
        var isPlain: Bool { !dependsOnAllSteps && series.allSatisfy(\.histograms.isEmpty) }
    }

    func outcome(of expression: Expression) throws(QueryError) -> Outcome {
        let started = clock.monotonicNanoseconds
        noteSelectors(of: expression)
        let plan = try planner.plan(expression) { () throws(QueryError) in
            try planner.vector(expression, on: timeline, keepsKinds: true)
        }
        let planned = clock.monotonicNanoseconds
        var series = try steps(plan)
        try context.limits.check()
        series.removeAll { $0.isEmpty }
        LabelOrder.sort(&series)
        return Outcome(
            series: series, texts: context.texts, statistics: statistics(started, planned),
            dependsOnAllSteps: context.dependsOnAllSteps)
    }

    /// The points of steps that are counted already.
    func result(of outcome: Outcome) throws(QueryError) -> QueryResult {
        var result = QueryResult(
            value: .matrix(try matrix(outcome.series)), warnings: outcome.texts.warnings, infos: outcome.texts.infos,
            statistics: outcome.statistics)
        result.reservation = context.memory
        return result
    }

    private func scalar(_ plan: any ScalarOperator) throws(QueryError) -> QueryValue {
        let values = try plan.evaluate(context)
        guard context.isRangeQuery else {
            return .scalar(
                timestamp: Timestamp(milliseconds: timeline.start), value: values.first ?? SpecialValue.notANumber)
        }
        let times = (0..<timeline.count).map { timeline.time(at: $0) }
        return .matrix(times.isEmpty ? [] : [MatrixSeries(labels: .empty, timestamps: times, values: values)])
    }

    private func vector(_ plan: any VectorOperator) throws(QueryError) -> QueryValue {
        let series = try steps(plan)
        return context.isRangeQuery ? .matrix(try matrix(series)) : .vector(try elements(series))
    }

    /// All series of the answer, each label set once.
    private func steps(_ plan: any VectorOperator) throws(QueryError) -> [PackedSeries] {
        // Held until the answer is no longer needed.
        var series = try plan.pack(context).series
        if series.contains(where: { $0.dropsName }) {
            for index in series.indices where series[index].dropsName {
                series[index].labels = series[index].labels.droppingMetadata()
                series[index].dropsName = false
            }
        }
        return try PackedSeries.merged(
            series, over: timeline.count, planner.settings.delaysNameRemoval ? .kept : .refused)
    }

    private func elements(_ series: [PackedSeries]) throws(QueryError) -> [VectorElement] {
        try context.hold(QueryCost(bytes: series.count * MemoryLayout<VectorElement>.stride))
        let time = Timestamp(milliseconds: timeline.start)
        return series.map { next in
            let histogram = next.histograms.first?.histogram
            return VectorElement(
                labels: next.labels, timestamp: time, value: histogram == nil ? next.value(at: 0) : 0,
                histogram: histogram)
        }
    }

    private func matrix(_ given: consuming [PackedSeries]) throws(QueryError) -> [MatrixSeries] {
        var series = given
        try context.hold(
            QueryCost(bytes: series.count * MemoryLayout<MatrixSeries>.stride + timeline.count * 8))
        var result: [MatrixSeries] = []
        result.reserveCapacity(series.count)
        var times = RunTimes(timeline)
        for index in series.indices { result.append(try points(of: &series[index], &times)) }
        LabelOrder.sort(&result)
        return result
    }

    /// The points of a series, whose labels and values become this answer's alone where nobody else keeps them.
    private func points(of series: inout PackedSeries, _ times: inout RunTimes) throws(QueryError) -> MatrixSeries {
        let histograms = series.histograms.isEmpty ? [] : try histograms(of: series)
        guard let run = series.run else {
            let floats = try floats(of: series, at: times.all)
            return MatrixSeries(
                labels: series.labels, timestamps: floats.timestamps, values: floats.values, histograms: histograms)
        }
        try times.turn(to: run, context)
        // The values stay in their memory where they are most of it, and are a copy where others keep them whole, as a
        // result cache does. All parts are counted as copies.
        if run.count < timeline.count { try context.hold(QueryCost(bytes: 32 + run.count * 8)) }
        return MatrixSeries(
            labels: series.takeLabels(), timestamps: times.ofRun, values: series.takeValues(of: run),
            histograms: histograms)
    }

    private func histograms(of series: PackedSeries) throws(QueryError) -> [HistogramSample] {
        try context.hold(QueryCost(bytes: 32 + series.histograms.count * MemoryLayout<HistogramSample>.stride))
        return series.histograms.map {
            HistogramSample(timestamp: timeline.time(at: $0.step), histogram: $0.histogram)
        }
    }

    /// The floats of a series that has gaps, with their times.
    private func floats(
        of series: PackedSeries, at times: [Int64]
    ) throws(QueryError) -> (timestamps: [Int64], values: [Double]) {
        let count = series.floatCount
        try context.hold(QueryCost(bytes: 64 + count * 16))
        var timestamps: [Int64] = []
        var values: [Double] = []
        timestamps.reserveCapacity(count)
        values.reserveCapacity(count)
        for place in series.values.indices where !series.values[place].isAbsent {
            timestamps.append(times[series.firstStep + place])
            values.append(series.values[place])
        }
        return (timestamps, values)
    }
}

/// The times of runs of steps: most series have values from some step up to another, and such runs share theirs.
private struct RunTimes {
    /// Those of all steps.
    let all: [Int64]
    /// Those of the run that was turned to last.
    private(set) var ofRun: [Int64] = []
    private var run = 0..<0
    private var known: [Range<Int>: [Int64]] = [:]

    init(_ timeline: Timeline) { all = (0..<timeline.count).map { timeline.time(at: $0) } }

    mutating func turn(to next: Range<Int>, _ context: QueryContext) throws(QueryError) {
        if next == run { return }
        if known[next] == nil { try context.hold(QueryCost(bytes: 64 + next.count * 8)) }
        ofRun = known[next] ?? Array(all[next])
        known[next] = ofRun
        run = next
    }
}
