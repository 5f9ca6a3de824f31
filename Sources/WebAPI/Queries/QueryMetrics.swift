import PromQL
import SelfMetrics

/// What the server tells of its queries at `/metrics`.
struct QueryMetrics: Sendable {
    enum Outcome: String, CaseIterable { case success, error, timeout, canceled, refused }

    private let totals: [Outcome: Counter]
    private let duration: LatencyHistogram
    private let queueDuration: LatencyHistogram
    private let samples: Counter
    /// Those that were answered without a turn on a thread.
    let answeredAtOnce: Counter

    init(_ registry: Registry, _ active: ActiveQueries, _ log: QueryLog) {
        let name = "lapwing_queries_total"
        let help = "Queries of the HTTP API by what became of them."
        var totals: [Outcome: Counter] = [:]
        for outcome in Outcome.allCases {
            totals[outcome] = registry.counter(name, help: help, labels: ["outcome": outcome.rawValue])
        }
        self.totals = totals
        duration = registry.histogram(
            "lapwing_query_duration_seconds", help: "How long queries ran, without the time they waited.")
        queueDuration = registry.histogram(
            "lapwing_query_queue_duration_seconds", help: "How long queries waited for their turn.")
        samples = registry.counter("lapwing_query_samples_total", help: "Samples that queries read from the store.")
        answeredAtOnce = registry.counter(
            "lapwing_queries_answered_at_once_total",
            help: "Queries known to be small that were answered without a turn on a thread.")
        registry.gauge("lapwing_queries_running", help: "Queries that run now.") { Double(active.occupancy.running) }
        registry.gauge("lapwing_queries_waiting", help: "Queries that wait for their turn.") {
            Double(active.occupancy.waiting)
        }
        registry.gauge("lapwing_query_memory_bytes", help: "Bytes that queries and their answers hold now.") {
            Double(active.budget.usedBytes)
        }
        registry.gauge("lapwing_query_memory_limit_bytes", help: "Bytes that queries may hold together.") {
            Double(active.limits.memoryBytes)
        }
        registry.gauge("lapwing_query_concurrency_limit", help: "Queries that may run at a time.") {
            Double(active.limits.concurrency)
        }
        registry.gauge("lapwing_query_queue_limit", help: "Queries that may wait.") {
            Double(active.limits.queueLength)
        }
        registry.counter("lapwing_queries_ended_total", help: "Queries that somebody asked to end.") {
            Double(active.counts.ended)
        }
        registry.counter("lapwing_query_log_lost_lines_total", help: "Lines of the query log that were not written.") {
            Double(log.lostLines)
        }
    }

    func count(_ outcome: Outcome) { totals[outcome]?.increment() }

    func count(_ error: QueryError) {
        switch error {
        case .timedOut: count(.timeout)
        case .cancelled: count(.canceled)
        case .queueIsFull, .queueShareIsFull, .tooManyBytesTogether: count(.refused)
        default: count(.error)
        }
    }

    func observe(_ statistics: QueryStatistics) {
        queueDuration.observe(statistics.queueSeconds)
        duration.observe(statistics.preparationSeconds + statistics.evaluationSeconds)
        samples.add(statistics.samplesRead)
    }
}
