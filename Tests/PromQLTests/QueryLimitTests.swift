import MetricModel
import PromQL
import PromQLSyntax
import Storage
import Synchronization
import TestSupport
import Testing

/// A clock that goes on by a fixed amount whenever it is asked.
private final class SteppingClock: WallClock {
    private let nanoseconds = Mutex<UInt64>(0)
    let step: UInt64
    init(step: UInt64) { self.step = step }
    var now: Timestamp { Timestamp(milliseconds: 0) }
    var monotonicNanoseconds: UInt64 {
        nanoseconds.withLock { time in
            time += step
            return time
        }
    }
    func sleep(milliseconds: Int64) async throws {}
}

@Suite("Limits, cancellation and annotations")
struct QueryLimitTests {
    @Test("a query that holds too many samples is refused")
    func sampleLimit() throws {
        var harness = try QueryHarness(#"metric{id="1"} 1x9"#, #"metric{id="2"} 1x9"#)
        harness.settings.maximumSamples = 5
        #expect(
            harness.failure("metric[9m]", atMinute: 9)
                == "query processing would load too many samples into memory in query execution")
        #expect(harness.failure("sum(metric)", atMinute: 9) == "no error")
    }

    @Test(
        "two series that lose what tells them apart are an error before all others are held",
        arguments: [
            "rate({__name__=~\"a|b\"}[2m])", "sum(rate({__name__=~\"a|b\"}[2m]))", "abs({__name__=~\"a|b\"})",
            "{__name__=~\"a|b\"} * 2", "-{__name__=~\"a|b\"}", "clamp_min({__name__=~\"a|b\"}, 0)",
            "max_over_time({__name__=~\"a|b\"}[2m:1m])",
        ], [false, true])
    func equalLabels(_ query: String, explains: Bool) throws {
        let manySeries = (0..<300).map { "b{id=\"\(100 + $0)\"} 1x9" }
        var harness = try QueryHarness(lines: [#"a{id="100"} 1x9"#, #"a{id="101"} 1x9"#] + manySeries)
        harness.options.explains = explains
        harness.settings.maximumSamples = 50
        let isRefused = "vector cannot contain metrics with the same labelset"
        #expect(harness.failure(query, atMinute: 9) == isRefused)
        harness.settings.maximumSamples = 50_000_000
        #expect(harness.failure(query, atMinute: 9) == isRefused)
        #expect(harness.failure(query.replacing("a|b", with: "b|c"), atMinute: 9) == "no error")
    }

    @Test("a query that selects too many series is refused, whether by one selector or by several together")
    func seriesLimit() throws {
        var harness = try QueryHarness(#"metric{id="1"} 1x9"#, #"metric{id="2"} 1x9"#)
        harness.settings.maximumSeries = 3
        #expect(harness.failure("sum(metric)", atMinute: 9) == "no error")
        #expect(
            harness.failure("sum(metric) + count(metric)", atMinute: 9)
                == "the query selects 4 series, 3 are allowed (--query.max-series)")
    }

    @Test(
        "a join of series that come and go holds what exists together, not every pair",
        arguments: [
            "many * on (job) group_left () one", "one + on (job) group_right () many",
            "sum by (job) (one) + on (job) one",
        ])
    func churnMemory(_ query: String) throws {
        let harness = try QueryHarness()
        let generations = 250
        let steps = generations * 3
        let whole = Clock((0..<steps).map { Int64($0) * 60_000 })
        var series = (0..<40).map { number in
            SampleBatch.Series(
                labels: LabelSet(["__name__": "many", "job": "a", "pod": "\(number)"]),
                columns: SampleColumns(clock: whole, values: [Double](repeating: 2, count: steps)))
        }
        for number in 0..<generations {
            let first = Int64(number) * 180_000
            let values = [3, 4, SpecialValue.stale]
            series.append(
                SampleBatch.Series(
                    labels: LabelSet(["__name__": "one", "job": "a", "generation": "\(number)"]),
                    columns: SampleColumns(timestamps: [first, first + 60_000, first + 120_000], values: values)))
        }
        _ = try harness.store.append(SampleBatch(series), onRejection: .refuseAll)
        var settings = EngineSettings()
        settings.maximumThreads = 1
        let result = try QueryEngine(settings: settings).rangeQuery(
            try Parser.parse(query), start: Timestamp(seconds: 0), end: Timestamp(seconds: Double(steps) * 60 - 60),
            stepMilliseconds: 60_000, from: try harness.store.querier())
        guard case .matrix(let answer) = result.value else {
            Issue.record("no matrix")
            return
        }
        #expect(answer.allSatisfy { $0.values.count == generations * 2 })
        // The windows, both sides and the results: three columns at most for each of the series.
        #expect(result.statistics.peakBytes < (4 << 20) + 3 * series.count * (steps * 8 + 1024))
    }

    @Test("an aggregation holds its groups, not what it aggregates", arguments: ["sum by (group)", "count", "avg"])
    func aggregationMemory(_ aggregation: String) throws {
        let harness = try QueryHarness()
        let clock = Clock((0..<3).map { Int64($0) * 60_000 })
        let steps = 400
        var settings = EngineSettings()
        settings.maximumThreads = 1
        let series = (0..<4000).map { number in
            SampleBatch.Series(
                labels: LabelSet(["__name__": "metric", "group": "\(number % 7)", "id": "\(number)"]),
                columns: SampleColumns(clock: clock, values: [1, 2, 3]))
        }
        _ = try harness.store.append(SampleBatch(series), onRejection: .refuseAll)
        let result = try QueryEngine(settings: settings).rangeQuery(
            try Parser.parse("\(aggregation) (metric)"), start: Timestamp(seconds: 0),
            end: Timestamp(seconds: Double(steps - 1)), stepMilliseconds: 1000, from: try harness.store.querier())
        let inputBytes = 4000 * steps * 8
        // The windows of the clocks and the blocks under way.
        #expect(result.statistics.peakBytes < inputBytes / 2)
        #expect(result.statistics.peakSamples < 8 * 2 * steps)
        let collected = try QueryEngine().rangeQuery(
            try Parser.parse("metric"), start: Timestamp(seconds: 0),
            end: Timestamp(seconds: Double(steps - 1)), stepMilliseconds: 1000, from: try harness.store.querier())
        #expect(collected.statistics.peakBytes > inputBytes)
    }

    @Test("a query ends when its time is over")
    func timeout() throws {
        var harness = try QueryHarness("metric 1")
        harness.clock = SteppingClock(step: 200_000_000_000)
        #expect(harness.failure("metric") == "query timed out in expression evaluation")
    }

    @Test("a long window of one series is left in the middle")
    func longWindow() throws {
        var harness = try QueryHarness("metric 1")
        let asked = Mutex(0)
        // Withdrawn once the limits were looked at more often than once a series and operator.
        harness.options.cancellation = CancellationFlag {
            asked.withLock { count in
                count += 1
                return count > 60
            }
        }
        #expect(
            harness.failure("count_over_time(stddev_over_time(vector(time())[1h:1m])[2h:1s])")
                == "query was canceled in expression evaluation")
    }

    @Test("a query ends when its caller withdraws it")
    func cancellation() throws {
        var harness = try QueryHarness("metric 1")
        let flag = CancellationFlag()
        flag.cancel()
        harness.options.cancellation = flag
        #expect(harness.failure("metric") == "query was canceled in expression evaluation")
    }

    @Test("too many bytes of columns are refused before they are made")
    func memoryLimit() throws {
        var harness = try QueryHarness(#"metric{id="1"} 1"#, #"metric{id="2"} 1"#)
        harness.settings.memoryLimitBytes = 8
        let refusal = harness.failure("metric")
        #expect(refusal.hasPrefix("query processing would take "))
        #expect(refusal.hasSuffix(" bytes of memory in query execution, 8 are allowed (--query.max-query-memory)"))
    }

    @Test("annotations name their position, each once")
    func annotations() throws {
        let harness = try QueryHarness("gauge 1 2 3", #"other{id="1"} 1 2 3"#)
        let result = try harness.result(
            "rate(gauge[3m]) + rate(gauge[3m])\n  + quantile_over_time(2, gauge[3m])", atMinute: 2)
        #expect(
            result.infos == [
                "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "
                    + #""gauge" (1:24)"#
            ])
        #expect(result.warnings == ["PromQL warning: quantile value should be between 0 and 1, got 2 (2:24)"])
    }

    @Test("parameters that make no sense are errors with Prometheus' texts")
    func parameterErrors() throws {
        let harness = try QueryHarness("metric 1 2 3")
        #expect(harness.failure("topk(NaN, metric)") == "Parameter value is NaN")
        #expect(harness.failure("limit_ratio(NaN, metric)") == "Ratio value is NaN")
        #expect(
            harness.failure("double_exponential_smoothing(metric[3m], 1, 0.5)")
                == "invalid smoothing factor. Expected: 0 < sf < 1, got: 1.000000")
        #expect(
            harness.failure("max_over_time(metric[3m] anchored)")
                == "anchored modifier can only be used with: changes, delta, increase, rate, resets - not with "
                + "max_over_time")
        #expect(
            harness.failure(#"label_replace(metric, "x", "", "y", "(")"#)
                == "invalid regular expression in label_replace(): (")
    }

    @Test("two threads give the same bits as one")
    func threads() throws {
        var harness = try QueryHarness("other 1")
        var batch = SampleBatch()
        for index in 0..<600 {
            let values = (0..<200).map { Double(($0 * 7919 + index * 104_729) % 1009) / 7 }
            batch.series.append(
                .init(
                    labels: LabelSet(["__name__": "load_total", "id": String(index)]),
                    columns: SampleColumns(timestamps: (0..<200).map { Int64($0) * 60_000 }, values: values)))
        }
        _ = try harness.store.append(batch, onRejection: .refuseAll)
        harness.settings.maximumThreads = 1
        let querier = try harness.store.querier()
        let expression = try Parser.parse("rate(load_total[5m])")
        func matrix(threads: Int) throws -> [MatrixSeries] {
            var settings = EngineSettings()
            settings.maximumThreads = threads
            let result = try QueryEngine(settings: settings).rangeQuery(
                expression, start: Timestamp(milliseconds: 0), end: Timestamp(milliseconds: 12_000_000),
                stepMilliseconds: 60_000, from: querier)
            guard case .matrix(let series) = result.value else { return [] }
            return series
        }
        let one = try matrix(threads: 1)
        let two = try matrix(threads: 2)
        #expect(one.count == 600)
        #expect(one.map(\.labels) == two.map(\.labels))
        #expect(one.map(\.values) == two.map(\.values))
    }

    @Test("statistics count what was read and looked at")
    func statistics() throws {
        let harness = try QueryHarness("metric 1x9")
        let statistics = try harness.result("sum_over_time(metric[3m])", atMinute: 9).statistics
        #expect(statistics.samplesRead == 3)
        #expect(statistics.samplesQueryable == 3)
        #expect(statistics.peakSamples == 1)
    }

    @Test(
        "samples are counted by step as Prometheus counts them",
        arguments: [
            ("metric", [1, 1, 1], [1, 1, 1]),
            ("max_over_time(metric[3m])", [3, 3, 3], [3, 1, 1]),
            ("max_over_time(metric[3m] @ 60)", [2, 2, 2], [2, 0, 0]),
            ("metric + metric", [2, 2, 2], [2, 2, 2]),
            // Points of the inner grid, each from one sample.
            ("max_over_time(metric[2m:1m])", [2, 2, 2], [4, 1, 1]),
            ("max_over_time(sum_over_time(metric[2m])[2m:1m])", [2, 2, 2], [7, 1, 1]),
            ("sum(max_over_time(metric[2m:1m] @ 120))", [2, 2, 2], [3, 0, 0]),
            ("scalar(metric) + time() + scalar(metric @ 60)", [2, 2, 2], [2, 1, 1]),
        ])
    func countsBySteps(_ query: String, _ queryable: [Int], _ read: [Int]) throws {
        let harness = try QueryHarness("metric 1x9")
        var options = QueryOptions(text: query)
        options.countsSteps = true
        let expression = try Parser.parse(query)
        let result = try QueryEngine().rangeQuery(
            expression, start: Timestamp(milliseconds: 240_000), end: Timestamp(milliseconds: 360_000),
            stepMilliseconds: 60_000, from: try harness.store.querier(), options: options)
        let steps = try #require(result.statistics.steps)
        #expect(steps.queryable == queryable)
        #expect(steps.read.reduce(0, +) == result.statistics.samplesRead)
        #expect(Array(steps.read.dropFirst()) == Array(read.dropFirst()))
        #expect(result.statistics.samplesQueryable == queryable.reduce(0, +))
        #expect(steps.time(at: 2) == 360_000)
    }

    @Test("a subquery that is the answer counts the samples of its points")
    func rawSubquery() throws {
        var harness = try QueryHarness("metric 1x9")
        harness.options.countsSteps = true
        let statistics = try harness.result("sum_over_time(metric[3m])[2m:1m]", atMinute: 9).statistics
        #expect(statistics.samplesQueryable == 6)
        #expect(statistics.steps?.queryable == [6])
    }

    @Test("a selector counts the steps where it found a sample, not those before the series began or after it ended")
    func partialSeries() throws {
        let harness = try QueryHarness("metric _x10 1x4 stale")
        let querier = try harness.store.querier()
        let result = try QueryEngine().rangeQuery(
            try Parser.parse("metric"), start: Timestamp(milliseconds: 0), end: Timestamp(milliseconds: 1_800_000),
            stepMilliseconds: 60_000, from: querier)
        #expect(result.statistics.samplesQueryable == 5)
        #expect(try harness.result("metric", atMinute: 16).statistics.samplesQueryable == 0)
        #expect(try harness.result("metric", atMinute: 12).statistics.samplesQueryable == 1)
    }
}
