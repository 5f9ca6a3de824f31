import Synchronization

/// The settings of a query engine; defaults are Prometheus'.
package struct EngineSettings: Sendable {
    /// How far back an instant selector looks for the newest sample.
    package var lookbackDeltaMilliseconds: Int64 = 300_000
    package var timeoutMilliseconds: Int64 = 120_000
    /// The most samples that a query may hold at a time.
    package var maximumSamples = 50_000_000
    /// The most series that the selectors of a query may find together; 0 has no limit.
    package var maximumSeries = 0
    /// The step of subqueries that name none: the server's evaluation interval.
    package var defaultSubqueryStepMilliseconds: Int64 = 60_000
    /// Names are dropped at the end of the query, not operator by operator.
    package var delaysNameRemoval = false
    /// `rate` and its like look at the start timestamps of counters.
    package var usesStartTimestamps = false
    /// `rate` judges by `__type__` whether a metric is a counter.
    package var usesTypeAndUnitLabels = false
    /// Whether statistics by step are given where all statistics are asked for (Prometheus' `promql-per-step-stats`).
    package var offersStepCounts = false
    /// The bytes that the columns of one query may take.
    package var memoryLimitBytes = 1 << 30
    /// The bytes that answers of range queries may take, kept for the next query a step later; 0 keeps none.
    package var resultCacheBytes = 32 << 20
    /// About how many series of a selector are held at a time; what is done with them may hold more.
    package var blockSeries = 16_384
    /// From so many steps on, operators that change labels ask for those of all series before the first one: with fewer, what is
    /// put aside takes no more than labels.
    package var labelsFirstSteps = 32
    /// Whether every operator of a range query gives its series in order of labels, not in the store's order.
    ///
    /// Without it equal elements are chosen as at one time, in the order in which the head got its series; answers then
    /// may change when the head is sealed, which a kept answer does not know.
    package var ordersRangesByLabels = true
    /// Threads that one query may use.
    package var maximumThreads = 2

    package init() {}
}

/// What one query asks for beside its text.
package struct QueryOptions: Sendable {
    /// The text that the expression was parsed from; positions in errors and annotations are lines and columns of it.
    package var text: String?
    package var lookbackDeltaMilliseconds: Int64?
    /// A shorter timeout than the engine's; longer ones are cut to that.
    package var timeoutMilliseconds: Int64?
    package var cancellation: CancellationFlag?
    /// Where the query's cost so far is noted, for whoever watches it.
    package var progress: QueryProgress?
    /// The bytes that the query shares with others; nil leaves it with its own limit alone.
    package var budget: MemoryBudget?
    /// Where the shared bytes run out the query waits for others to end, as long as its time lasts.
    ///
    /// One query at a time may, or two of them could wait for each other.
    package var waitsForMemory = false
    /// Where the query would hold more it is as if the shared bytes had run out; nil lets it take what it finds.
    package var trialBytes: Int?
    /// The query gets what its own limit allows even where the shared bytes have run out, at the cost of those that come
    /// after it: rules, which must go on whoever asks what.
    package var comesFirst = false
    /// The most work that the query may find itself to be, in samples and values about; nil has no limit.
    ///
    /// With a limit the query waits for nobody, and ends with `QueryError.notSmall` where it is more work.
    package var workLimit: Int?
    /// The result comes with the plan and what each part of it took.
    package var explains = false
    /// Samples are counted for each step too, of an evaluation of every step.
    package var countsSteps = false
    /// Somebody looks at the statistics: samples of steps that are known from before count as if they were evaluated.
    package var showsStatistics = false

    package init(
        text: String? = nil, lookbackDeltaMilliseconds: Int64? = nil, timeoutMilliseconds: Int64? = nil,
        cancellation: CancellationFlag? = nil
    ) {
        self.text = text
        self.lookbackDeltaMilliseconds = lookbackDeltaMilliseconds
        self.timeoutMilliseconds = timeoutMilliseconds
        self.cancellation = cancellation
    }
}

/// A flag that another thread raises to end a query early.
package final class CancellationFlag: Sendable {
    private let raised = Atomic<Bool>(false)
    private let isWithdrawn: (@Sendable () -> Bool)?

    /// - Parameter isWithdrawn: Says whether whoever asked has gone; it is asked often, from any thread.
    package init(isWithdrawn: (@Sendable () -> Bool)? = nil) { self.isWithdrawn = isWithdrawn }

    package func cancel() { raised.store(true, ordering: .relaxed) }

    package var isCancelled: Bool { raised.load(ordering: .relaxed) || isWithdrawn?() ?? false }
}
