import MetricModel
import PromQL
import PromQLSyntax
import Storage

/// A line of a query file: `instant QUERY` or `SPAN/STEP QUERY`, in seconds.
struct BenchmarkQuery {
    let line: String
    private let expression: Expression
    /// Nil for an instant query.
    private let range: (spanSeconds: Int, stepSeconds: Int)?

    /// - Parameter line: Nil is the answer for an empty line or a comment.
    init?(_ line: String) throws {
        let words = line.split(separator: " ", maxSplits: 1)
        guard words.count == 2, !line.hasPrefix("#") else { return nil }
        self.line = line
        expression = try Parser.parse(String(words[1]))
        let numbers = words[0].split(separator: "/").compactMap { Int($0) }
        range = numbers.count == 2 ? (numbers[0], numbers[1]) : nil
    }

    /// Whether the history is long enough.
    func fits(spanSeconds: Int) -> Bool { (range?.spanSeconds ?? 0) <= spanSeconds }

    func run(_ engine: QueryEngine, _ database: any SampleStore, end: Int64) throws -> QueryResult {
        let querier = try database.querier()
        let last = Timestamp(milliseconds: end)
        guard let range else { return try engine.instantQuery(expression, at: last, from: querier) }
        return try engine.rangeQuery(
            expression, start: Timestamp(milliseconds: end - Int64(range.spanSeconds) * 1000), end: last,
            stepMilliseconds: Int64(range.stepSeconds) * 1000, from: querier)
    }

    /// The shapes that dashboards and rules are made of, and those that are hard.
    static let standard = [
        "instant up",
        "instant go_goroutines{instance=\"127.1.0.1:9100\"}",
        "instant rate(go_goroutines{instance=\"127.1.0.1:9100\"}[5m])",
        "instant topk(10, container_memory_rss)",
        "instant topk(10, go_memstats_heap_inuse_bytes)",
        "instant up == 0",
        "instant sum by (mode) (rate(node_cpu_seconds_total[5m]))",
        "instant sum by (mode) (increase(node_cpu_seconds_total[6h]))",
        "instant count by (__name__) ({__name__=~\"node_.+\"})",
        "instant max_over_time(go_goroutines[6h])",
        "instant histogram_quantile(0.99, sum by (le, handler) "
            + "(rate(prometheus_http_request_duration_seconds_bucket[1m])))",
        "instant sum by (job) ({job=\"bench\"})",
        "3600/15 avg by (instance) (node_load1)",
        "3600/15 sum(rate(node_cpu_seconds_total{mode!=\"idle\"}[5m]))",
        "10800/15 rate(prometheus_http_request_duration_seconds_bucket[5m])",
        "10800/15 sum(rate(prometheus_http_request_duration_seconds_bucket[5m]))",
        "read 10800 prometheus_http_request_duration_seconds_bucket",
        "21600/30 rate(prometheus_http_request_duration_seconds_bucket[5m])",
        "21600/60 sum by (mode) (rate(node_cpu_seconds_total[5m]))",
        "21600/60 node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
        "21600/60 quantile_over_time(0.9, go_goroutines[30m])",
        "21600/60 histogram_quantile(0.99, sum by (le, handler) "
            + "(rate(prometheus_http_request_duration_seconds_bucket[5m])))",
        "21600/60 sum by (instance) ({__name__=~\"node_netstat_.+\"})",
        "21600/300 count({instance=~\"127.1.0.+\"})",
        "21600/300 count({job=\"bench\"})",
        "21600/60 max_over_time(sum by (mode) (rate(node_cpu_seconds_total[2m]))[30m:1m])",
        "21600/60 topk(5, container_memory_rss)",
        "86400/300 sum by (mode) (rate(node_cpu_seconds_total[5m]))",
        "604800/60 max_over_time(go_goroutines{instance=\"127.1.0.1:9100\"}[1d])",
        "604800/60 sum_over_time(go_goroutines{instance=\"127.1.0.1:9100\"}[1d])",
        "604800/60 avg_over_time(go_goroutines{instance=\"127.1.0.1:9100\"}[1d])",
        "604800/60 quantile_over_time(0.9, go_goroutines{instance=\"127.1.0.1:9100\"}[1d])",
        "604800/60 stddev_over_time(go_goroutines{instance=\"127.1.0.1:9100\"}[1d])",
        "604800/600 sum by (mode) (rate(node_cpu_seconds_total[20m]))",
    ]
}
