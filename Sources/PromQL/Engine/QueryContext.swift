import MetricModel
import PromQLSyntax
import Storage

/// What the operators of one query share: the view of the database, limits, annotations and counters.
///
/// Belongs to the thread that runs the query. Threads that help decode get `limits` and `memory`, which are safe on all of them.
final class QueryContext {
    let querier: any Querier
    let settings: EngineSettings
    let limits: QueryLimits
    /// What the query's selections, columns, groups and blocks take.
    let memory: MemoryAccount
    /// Threads that read along.
    let helpers: HelperPool
    /// Where others watch the query.
    let progress: QueryProgress?
    private let text: String?
    private var annotations = Annotations()
    private(set) var statistics = QueryStatistics()
    private var heldSamples = 0
    private var selectedSeries = 0
    /// What is left of the work that the query may be.
    private var workLeft: Int
    /// Steps of the query as asked, not of a subquery: whether this is a range query.
    let isRangeQuery: Bool
    /// Whether series go from operator to operator in order of labels.
    let ordersByLabels: Bool
    /// Whether there is an answer depends on which steps are evaluated together.
    private(set) var dependsOnAllSteps = false
    /// The steps that the query is evaluated at.
    let timeline: Timeline
    /// The same where samples are counted for each.
    private let countedTimeline: Timeline?
    /// How many subqueries deep: what they select is counted by the windows over it.
    private var uncountedDepth = 0

    init(
        querier: any Querier, settings: EngineSettings, options: QueryOptions, clock: any WallClock,
        helpers: HelperPool, isRangeQuery: Bool, timeline: Timeline, memory shared: MemoryAccount? = nil
    ) {
        self.querier = querier
        self.settings = settings
        self.isRangeQuery = isRangeQuery
        ordersByLabels = isRangeQuery && settings.ordersRangesByLabels
        self.helpers = helpers
        progress = options.progress
        workLeft = options.workLimit ?? .max
        text = options.text
        self.timeline = timeline
        countedTimeline = options.countsSteps ? timeline : nil
        statistics.steps = countedTimeline.map(StepCounts.init(over:))
        let wanted = options.timeoutMilliseconds ?? settings.timeoutMilliseconds
        let timeout = UInt64(max(0, min(wanted, settings.timeoutMilliseconds)))
        limits = QueryLimits(
            clock: clock, deadlineNanoseconds: clock.monotonicNanoseconds &+ timeout &* 1_000_000,
            cancellation: options.cancellation)
        memory =
            shared
            ?? MemoryAccount(
                limitBytes: settings.memoryLimitBytes, trialBytes: options.trialBytes, budget: options.budget,
                progress: options.progress,
                waitsWithin: options.waitsForMemory ? limits : nil, comesFirst: options.comesFirst,
                mayWait: options.workLimit == nil)
    }

    /// Warns of what stands at `range`; `speaker` is the part of the query that says so, where it is another one.
    func warn(_ message: String, at range: SourceRange, by speaker: SourceRange? = nil) {
        annotations.add(.warning, message, from: Annotations.Origin(range: range, speaker: speaker ?? range))
    }

    /// Warns of something that is counted.
    func warn(ofTimes count: Int, _ message: String, at range: SourceRange, by speaker: SourceRange) {
        annotations.add(times: count, .warning, message, from: Annotations.Origin(range: range, speaker: speaker))
    }

    func inform(_ message: String, at range: SourceRange, by speaker: SourceRange? = nil) {
        annotations.add(.info, message, from: Annotations.Origin(range: range, speaker: speaker ?? range))
    }

    /// Informs of repairs at steps of a timeline.
    func inform(of repairs: MonotonicityRepairs, on steps: Timeline, _ message: String, at range: SourceRange) {
        annotations.add(
            repairs, areOfQuery: steps == timeline, message, from: Annotations.Origin(range: range, speaker: range))
    }

    /// The texts so far, as the API shows them.
    var texts: AnnotationTexts { annotations.texts(position: position(of:)) }

    private func position(of range: SourceRange) -> String {
        guard let text else { return "1:\(range.start + 1)" }
        return range.position(in: text)
    }

    /// Counts series that a selector found.
    func count(series: Int) throws(QueryError) {
        selectedSeries += series
        let maximum = settings.maximumSeries
        if maximum > 0, selectedSeries > maximum { throw .tooManySeries(found: selectedSeries, maximum: maximum) }
    }

    /// Counts work that is about to be done, in samples and values about.
    func spend(_ work: Int) throws(QueryError) {
        guard work <= workLeft else { throw .notSmall }
        workLeft -= work
    }

    /// Counts what the query will hold until `release`.
    func hold(_ cost: QueryCost) throws(QueryError) {
        heldSamples += cost.samples
        statistics.peakSamples = max(statistics.peakSamples, heldSamples)
        guard heldSamples <= settings.maximumSamples else { throw .tooManySamples }
        try memory.reserve(cost.bytes)
    }

    func release(_ cost: QueryCost) {
        heldSamples -= cost.samples
        memory.release(cost.bytes)
    }

    /// Puts series that an operator has gathered in order of labels where it matters.
    ///
    /// Sums round by the order of what they add. In a range query operators give their series in order of labels,
    /// so that a step's value does not depend on which other steps are evaluated with it.
    func order(_ series: inout [StepSeries]) { if ordersByLabels { LabelOrder.sort(&series) } }

    /// The same for series that are put aside.
    func order(_ series: inout [PackedSeries]) { if ordersByLabels { LabelOrder.sort(&series) } }

    /// Notes that a part of the query might have failed with other steps beside.
    func noteDependenceOnAllSteps() { dependsOnAllSteps = true }

    func count(_ samples: CountedSamples) {
        if uncountedDepth == 0 { statistics.samplesQueryable += samples.queryable }
        statistics.samplesRead += samples.read
        progress?.noteRead(samples.read)
    }

    /// Empty counts for a selector over so many steps; nil where nobody asked, or where windows over it will count.
    func stepCounts(over timeline: Timeline) -> StepCounts? {
        guard let countedTimeline, uncountedDepth == 0, [1, countedTimeline.count].contains(timeline.count) else {
            return nil
        }
        return StepCounts(over: timeline)
    }

    func count(_ steps: StepCounts?) {
        if let steps { statistics.steps? += steps }
    }

    /// Runs what lies below a subquery: Prometheus counts its points in the windows over them, not its samples.
    func withoutCounting(_ body: () throws(QueryError) -> Void) throws(QueryError) {
        uncountedDepth += 1
        defer { uncountedDepth -= 1 }
        try body()
    }

    /// Runs what has a timeline of its own and no windows over it, in a query for one time.
    func countingAtFirstStep(_ body: () throws(QueryError) -> Void) throws(QueryError) {
        let before = statistics.samplesQueryable
        let firstStep = statistics.steps?.queryable.first ?? 0
        try body()
        let counted = (statistics.steps?.queryable.first ?? 0) - firstStep
        let missing = statistics.samplesQueryable - before - counted
        statistics.steps?.countQueryable(missing, at: 0)
    }

    /// Runs what is evaluated for one step and holds at all: its samples count at each of them.
    func repeatingCounts(over steps: Int, _ body: () throws(QueryError) -> Void) throws(QueryError) {
        let before = statistics.samplesQueryable
        let firstStep = statistics.steps?.queryable.first ?? 0
        try body()
        guard uncountedDepth == 0 else { return }
        statistics.samplesQueryable += (statistics.samplesQueryable - before) * (steps - 1)
        statistics.steps?.repeatFirstStep(since: firstStep)
    }
}

/// Whether a query may go on.
///
/// Safe on several threads.
final class QueryLimits: Sendable {
    private let clock: any WallClock
    private let deadlineNanoseconds: UInt64
    private let cancellation: CancellationFlag?

    init(clock: any WallClock, deadlineNanoseconds: UInt64, cancellation: CancellationFlag?) {
        self.clock = clock
        self.deadlineNanoseconds = deadlineNanoseconds
        self.cancellation = cancellation
    }

    /// Throws once the time is over or the caller has withdrawn.
    ///
    /// Asked once per series, never per sample.
    func check() throws(QueryError) {
        if cancellation?.isCancelled ?? false { throw .cancelled(place: "expression evaluation") }
        if clock.monotonicNanoseconds > deadlineNanoseconds { throw .timedOut(place: "expression evaluation") }
    }

    /// Whether `check` would throw.
    var isOver: Bool { (cancellation?.isCancelled ?? false) || clock.monotonicNanoseconds > deadlineNanoseconds }
}
