import Logging
import MetricModel
import PromQL
import PromQLSyntax
import Storage
import Synchronization
import TSDB
import TestSupport
import Testing

/// Compares what queries count with what the allocator gives out, each query in a process of its own.
@Suite("Memory of queries")
struct QueryMemoryTests {
    private static let seriesCount = 4000
    private static let steps = 20
    private static let padding = String(repeating: "x", count: 300)

    private static func makeDatabase(_ folder: TemporaryDirectory) throws -> TimeSeriesDatabase {
        var settings = DatabaseSettings.anyTime
        // What maintenance takes, whose turn may come while queries run, is not the query's.
        settings.maintainsByItself = false
        let database = try TimeSeriesDatabase.open(
            path: folder.path + "/data", settings: settings, clock: SystemClock(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let writer = try database.openSource(named: "t")
        for series in 0..<seriesCount {
            _ = try writer.slot(for: LabelSet(["__name__": "m", "i": "\(series)\(padding)", "instance": "host"]))
        }
        for row in 0..<steps {
            try writer.append(
                timestamp: Timestamp(milliseconds: Int64(row) * 1000),
                values: (0..<seriesCount).map { Double($0 + row) }, histograms: [])
        }
        // The journal's buffers are not the query's.
        try database.flush()
        return database
    }

    /// The most by which the memory taken was more than the memory counted, and the most that was counted.
    private static func measure(
        _ query: String, isRange: Bool, _ database: TimeSeriesDatabase
    ) throws -> (uncounted: Int, counted: Int) {
        final class Watch: Sendable {
            let uncounted = Atomic<Int>(0)
            let budget = Mutex<MemoryBudget?>(nil)
            let baseBytes = AllocatedMemory.byteCount

            func look() {
                let counted = budget.withLock { $0?.usedBytes ?? 0 }
                _ = uncounted.max(AllocatedMemory.byteCount - baseBytes - counted, ordering: .relaxed)
            }
        }
        var settings = EngineSettings()
        settings.resultCacheBytes = 0
        let engine = QueryEngine(settings: settings)
        let expression = try Parser.parse(query)
        // What is made once is not the query's.
        _ = try engine.instantQuery(expression, at: Timestamp(milliseconds: -1000), from: try database.querier())
        let watch = Watch()
        let budget = MemoryBudget(limitBytes: 1 << 30) {
            watch.look()
            return .max
        }
        watch.budget.withLock { $0 = budget }
        var options = QueryOptions(text: query)
        options.budget = budget
        let end = Timestamp(milliseconds: Int64(steps - 1) * 1000)
        let result =
            isRange
            ? try engine.rangeQuery(
                expression, start: Timestamp(milliseconds: 0), end: end, stepMilliseconds: 1000,
                from: try database.querier(), options: options)
            : try engine.instantQuery(expression, at: end, from: try database.querier(), options: options)
        watch.look()
        let peak = result.statistics.peakBytes
        return (watch.uncounted.load(ordering: .relaxed), peak)
    }

    private static func check(_ queries: [String]) throws {
        let folder = TemporaryDirectory("lapwing-query-memory")
        let database = try makeDatabase(folder)
        for query in queries {
            for isRange in [false, true] {
                let (uncounted, counted) = try measure(query, isRange: isRange, database)
                // Recorded, not trapped: a signal would not say what was measured.
                #expect(
                    uncounted < counted / 10 + (512 << 10),
                    "\(query), range \(isRange): \(uncounted) bytes more than the \(counted) counted")
            }
        }
    }

    @Test("what a wide query takes is counted: selections, sorting, labels")
    func gathering() async {
        await #expect(processExitsWith: .success) {
            try QueryMemoryTests.check([
                "{__name__=~\".+\"}", "sort_desc(m)", "sort_by_label(m, \"i\")",
                "label_replace(m, \"j\", \"$1$1$1\", \"i\", \"(.*)\")", "abs(m)", "rate(m[5s])",
            ])
        }
    }

    @Test("what a wide query takes is counted: groups, matches, sets")
    func grouping() async {
        await #expect(processExitsWith: .success) {
            try QueryMemoryTests.check([
                "sum by (i) (rate(m[5s]))", "count by (__name__, i) ({__name__=~\".+\"})", "m + on (i, instance) m",
                "m and on (i) m", "m or m", "topk by (i) (1, m)", "limitk by (i) (1, m)", "quantile by (i) (0.5, m)",
                "count_values by (i) (\"v\", m)", "count(m)",
            ])
        }
    }
}
