import Logging
import MetricModel
import PromQL
import PromQLSyntax
import Storage
import TSDB
import TestSupport
import Testing

/// Answers from the cache are those without it, whatever happens to the database in between.
@Suite("Result cache")
struct ResultCacheTests {
    private static let expressions = [
        "load", "sum by (job) (rate(load[2m]))", "avg(load) / on() count(load)", "topk(2, load)",
        "max_over_time(sum(load)[3m:30s])", "load offset 1m", "load offset -90s", "absent(load{instance=\"3\"})",
        "stddev by (job) (load * 1.7)", "quantile_over_time(0.3, load[4m])", "count_values(\"v\", load > 0)",
        "sum(sum by (instance) (load))", "rate(load[90s] smoothed)", "limitk(3, load)",
        "label_replace(load, \"x\", \"$1\", \"instance\", \"(.)\") or up", "timestamp(load) - time()",
        "load @ start()", "sum(load @ end())", "load + vector(end())",
        "load * step()", "load * range()", "load offset step()", "sum_over_time(load[2m:step()])", "sort(load)",
        "sum(load) + fill_right(0) sum(late)", "load == load offset 1m", "increase(load[5m] anchored)",
        "min_over_time(load[10m:17s] offset 3s)", "scalar(load{instance=\"2\"}) + load", uneven,
        uneven + " > 3 or rate(load[1m])", uneven + " or on () " + uneven.replacing("load", with: "load offset 2m"),
        // The parameter of the first step holds for all.
        "limit_ratio(time() % 2 - 1, vector(1))", "topk(time() % 30 / 15, vector(1))",
    ]

    /// The quantile of buckets whose counts do not rise with their bounds, as a rule.
    private static let uneven =
        #"histogram_quantile(0.5, sum by (le) (label_replace(label_replace(load, "le", "$1", "instance", "([0-3])"), "#
        + #""le", "+Inf", "instance", "4")))"#

    /// A database that changes, and two engines that look at it.
    private final class Scene {
        let database: TimeSeriesDatabase
        let cached = QueryEngine()
        let plain: QueryEngine
        var sources: [any SourceWriter] = []
        var now: Int64 = 1_700_000_000_000
        var generator = SystemRandomNumberGenerator()
        var stepsFromCache = 0
        let expressions: [Expression]

        init(_ folder: TemporaryDirectory) throws {
            var settings = DatabaseSettings.anyTime
            settings.maintainsByItself = false
            settings.retentionMilliseconds = 3_600_000
            database = try TimeSeriesDatabase.open(
                path: folder.path + "/data", settings: settings, clock: SystemClock(),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            var without = EngineSettings()
            without.resultCacheBytes = 0
            plain = QueryEngine(settings: without)
            expressions = try ResultCacheTests.expressions.map { try Parser.parse($0) }
            for source in 0..<5 {
                let writer = try database.openSource(named: "source \(source)")
                for name in ["load", "up"] {
                    _ = try writer.slot(
                        for: LabelSet([
                            "__name__": name, "instance": "\(4 - source)", "job": source < 2 ? "a" : "b",
                        ]))
                }
                sources.append(writer)
            }
        }

        /// A scrape of all sources; now and then one is missing, or its series ends.
        func scrape() throws {
            now += 15_000
            for (number, source) in sources.enumerated() where Int.random(in: 0..<12, using: &generator) > 0 {
                let isEnded = Int.random(in: 0..<20, using: &generator) == 0
                let value = isEnded ? SpecialValue.stale : Double.random(in: -1...1000, using: &generator)
                try source.append(
                    timestamp: Timestamp(milliseconds: now + Int64(number) * 37), values: [value, isEnded ? 0 : 1],
                    histograms: [])
            }
        }

        /// Samples that come late, into a series of their own.
        func appendLate() throws {
            let time = now - Int64.random(in: 0...600_000, using: &generator)
            let labels = LabelSet([
                "__name__": "load", "instance": "late \(Int.random(in: 0..<1000, using: &generator))", "job": "c",
            ])
            _ = try database.append(
                SampleBatch([
                    .init(
                        labels: labels, columns: SampleColumns(timestamps: [time, time + 1], values: [7.25, 1e9 / 3]))
                ]), onRejection: .skipRejected)
        }

        /// What an engine answers at steps of 15 seconds up to the last one before now, or from one time to another.
        func answer(
            _ expression: Expression, by engine: QueryEngine, over span: Int64, to end: Int64? = nil,
            options: QueryOptions = QueryOptions()
        ) throws -> QueryResult {
            let last = end ?? now / 15_000 * 15_000
            return try engine.rangeQuery(
                expression, start: Timestamp(milliseconds: last - span), end: Timestamp(milliseconds: last),
                stepMilliseconds: 15_000, from: try database.querier(), options: options)
        }

        func compare(step: Int64, span: Int64, end: Int64) throws {
            let last = end / step * step
            for (index, expression) in expressions.enumerated() {
                let querier = try database.querier()
                func answer(_ engine: QueryEngine) throws -> QueryResult {
                    try engine.rangeQuery(
                        expression, start: Timestamp(milliseconds: last - span / step * step),
                        end: Timestamp(milliseconds: last), stepMilliseconds: step, from: querier)
                }
                let known = try answer(cached)
                stepsFromCache += known.statistics.stepsFromCache
                let text = ResultCacheTests.expressions[index]
                #expect(
                    ResultCacheTests.plain(known) == ResultCacheTests.plain(try answer(plain)),
                    "\(text) at \(last), \(known.statistics.stepsFromCache) steps known")
            }
        }
    }

    /// Everything of an answer that a reader can see, values as bits.
    private static func plain(_ result: QueryResult) -> [String] {
        guard case .matrix(let series) = result.value else { return ["no matrix"] }
        return series.map { "\($0.labels) \($0.timestamps) \($0.values.map(\.bitPattern))" } + result.warnings
            + result.infos
    }

    @Test("scrapes, late samples, staleness, sealing and deletion between two looks")
    func differential() throws {
        let folder = TemporaryDirectory("result-cache")
        let scene = try Scene(folder)
        for round in 0..<90 {
            try scene.scrape()
            if round % 7 == 3 { try scene.appendLate() }
            if round % 31 == 30 { try scene.database.seal() }
            if round % 45 == 44 { scene.database.maintain() }
            if round > 8, round % 2 == 0 {
                try scene.compare(step: 15_000, span: 600_000, end: scene.now + Int64(round % 3) * 15_000)
            }
            if round > 8, round % 4 == 0 {
                try scene.compare(step: 15_000, span: 300_000, end: scene.now - Int64(round % 5) * 15_000)
            }
            if round > 8, round % 9 == 0 { try scene.compare(step: 60_000, span: 1_200_000, end: scene.now) }
        }
        #expect(scene.stepsFromCache > 5000)
        scene.database.close()
    }

    @Test("a query moved on by a step reads only the new step")
    func oneStep() throws {
        let folder = TemporaryDirectory("result-cache")
        let scene = try Scene(folder)
        for _ in 0..<60 { try scene.scrape() }
        let expression = try Parser.parse("sum(load)")
        func query() throws -> QueryStatistics {
            try scene.answer(expression, by: scene.cached, over: 600_000).statistics
        }
        #expect(try query().stepsFromCache == 0)
        #expect(try query().stepsFromCache == 41)
        try scene.scrape()
        #expect(try query().stepsFromCache == 40)
        try scene.database.seal()
        #expect(try query().stepsFromCache == 0)
        scene.database.close()
    }

    @Test(
        "steps are known of what says something at all of them, and of subqueries over what has no name",
        arguments: [
            ("rate(load[2m])", 40), ("max_over_time(sum by (job) (rate(load[1m]))[3m:30s])", 40),
            ("avg_over_time((load / on (instance) up)[2m:15s])", 40),
            ("max_over_time(quantile without (job) (0.5, load)[2m:15s])", 40),
            ("histogram_quantile(0.9, sum(rate(sizes[2m])))", 40),
            // Answers that have histograms are not kept.
            ("sum(rate(sizes[2m]))", 0),
            // The one new step says it too, though alone it would be sorted.
            ("sort(load)", 40), ("sort(vector(7))", 40), ("max_over_time(sort_desc(load)[15s:15s])", 40),
            // The text tells of how many steps it is true, and which they are is known,
            (uneven, 40), (uneven + " or sum(load)", 40),
            // but not of those of a subquery.
            ("max_over_time(\(uneven)[1m:15s])", 0),
            // Names may meet at other steps.
            ("max_over_time(sum by (__name__) (load)[2m:15s])", 0),
        ])
    func texts(query: String, whenMoved: Int) throws {
        let folder = TemporaryDirectory("result-cache")
        let scene = try Scene(folder)
        var histogram = NativeHistogram()
        histogram.positiveSpans = [.init(offset: 1, length: 1)]
        histogram.positiveBuckets = [0]
        func scrape() throws {
            scene.now += 15_000
            histogram.positiveBuckets[0] += 2
            (histogram.count, histogram.sum) = (histogram.positiveBuckets[0], histogram.sum + 1.5)
            let sample = HistogramSample(timestamp: scene.now, histogram: histogram)
            _ = try scene.database.append(
                SampleBatch([
                    .init(labels: LabelSet(["__name__": "sizes"]), columns: SampleColumns(histograms: [sample]))
                ]), onRejection: .refuseAll)
            for source in scene.sources {
                let values = [Double.random(in: 0...1000, using: &scene.generator), 1]
                try source.append(timestamp: Timestamp(milliseconds: scene.now), values: values, histograms: [])
            }
        }
        for _ in 0..<90 { try scrape() }
        let expression = try Parser.parse(query)
        func answer(_ engine: QueryEngine) throws -> QueryResult {
            try scene.answer(expression, by: engine, over: 600_000)
        }
        let isNeverKept = query.contains("__name__") || query.hasPrefix("sum(rate(sizes")
        #expect(try answer(scene.cached).statistics.stepsFromCache == 0)
        for isMoved in [false, true, true] {
            if isMoved { try scrape() }
            let known = try answer(scene.cached)
            #expect(known.statistics.stepsFromCache == (isMoved || isNeverKept ? whenMoved : 41))
            #expect(Self.plain(known) == Self.plain(try answer(scene.plain)))
        }
        scene.database.close()
    }

    @Test("of two parts that say the same the one is pointed at that says it at the steps that are asked for")
    func speakers() throws {
        let folder = TemporaryDirectory("result-cache")
        let scene = try Scene(folder)
        // The buckets of one are uneven at the first four steps, those of the other at three later ones.
        for (name, uneven) in [("a", 0..<4), ("b", 10..<13)] {
            for (bound, count) in [("1", 1.0), ("2", 5), ("+Inf", 20)] {
                let values = (0..<20).map { bound == "1" && uneven.contains($0) ? 10 : count }
                let times = (0..<20).map { scene.now + Int64($0) * 15_000 }
                _ = try scene.database.append(
                    SampleBatch([
                        .init(
                            labels: LabelSet(["__name__": name, "le": bound]),
                            columns: SampleColumns(timestamps: times, values: values))
                    ]), onRejection: .refuseAll)
            }
        }
        let expression = try Parser.parse("histogram_quantile(0.5, a) or on () histogram_quantile(0.5, b)")
        var seen: Set<String> = []
        for steps in [0..<13, 5..<15, 6..<12] {
            func answer(_ engine: QueryEngine) throws -> QueryResult {
                try scene.answer(
                    expression, by: engine, over: Int64(steps.count - 1) * 15_000,
                    to: scene.now + Int64(steps.upperBound - 1) * 15_000)
            }
            let plain = Self.plain(try answer(scene.plain))
            #expect(Self.plain(try answer(scene.cached)) == plain)
            seen.insert(plain.last ?? "")
        }
        #expect(seen.count == 3)
        scene.database.close()
    }

    @Test("who spells a query in another way is not told where its parts stood in the first")
    func spellings() throws {
        let folder = TemporaryDirectory("result-cache")
        let scene = try Scene(folder)
        for _ in 0..<60 { try scene.scrape() }
        func answer(_ text: String, _ engine: QueryEngine, steps: Int64) throws -> QueryResult {
            try scene.answer(
                Parser.parse(text), by: engine, over: steps * 15_000, options: QueryOptions(text: text))
        }
        for (text, steps) in [(Self.uneven, 0), (Self.uneven, 41), (" " + Self.uneven, 0), (" " + Self.uneven, 31)] {
            let known = try answer(text, scene.cached, steps: steps == 31 ? 30 : 40)
            #expect(known.statistics.stepsFromCache == steps)
            #expect(Self.plain(known) == Self.plain(try answer(text, scene.plain, steps: steps == 31 ? 30 : 40)))
        }
        scene.database.close()
    }

    @Test(
        "whoever looks at the statistics sees the samples of steps that were known, whoever asks for all has all read")
    func statistics() throws {
        let folder = TemporaryDirectory("result-cache")
        let scene = try Scene(folder)
        for _ in 0..<60 { try scene.scrape() }
        let expression = try Parser.parse("sum(avg_over_time(load[2m]))")
        func query(_ engine: QueryEngine, shows: Bool = true, counts: Bool = false) throws -> QueryStatistics {
            var options = QueryOptions()
            options.showsStatistics = shows
            options.countsSteps = counts
            return try scene.answer(expression, by: engine, over: 600_000, options: options).statistics
        }
        let wanted = try query(scene.plain).samplesQueryable
        #expect(wanted > 0)
        // What was kept for somebody who did not look says nothing of samples.
        #expect(try query(scene.cached, shows: false).stepsFromCache == 0)
        #expect(try query(scene.cached).stepsFromCache == 0)
        for _ in 0..<2 {
            let known = try query(scene.cached)
            #expect(known.stepsFromCache == 41 && known.samplesQueryable == wanted && known.steps == nil)
            #expect(try query(scene.cached, shows: false).stepsFromCache == 41)
        }
        try scene.scrape()
        let moved = try query(scene.cached)
        #expect(moved.stepsFromCache == 40)
        #expect(moved.samplesQueryable == (try query(scene.plain).samplesQueryable))
        let all = try query(scene.cached, counts: true)
        #expect(all.stepsFromCache == 0 && all.samplesRead > 0 && all.steps?.queryable.count == 41)
        scene.database.close()
    }
}
