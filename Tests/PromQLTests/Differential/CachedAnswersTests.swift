import MetricModel
import PromQL
import PromQLSyntax
import Storage
import TSDB
import TestSupport
import Testing

/// Random queries, asked again and again of a history that changes: with a cache and without one.
///
/// Some thousands always; `LAPWING_FUZZ_QUERIES=100000` asks for more, `LAPWING_FUZZ_SEED` for others.
@Suite("Answers of the result cache are those without it")
struct CachedAnswersTests {
    private static let lanes: UInt64 = 2
    private static let changesPerHistory = 150
    private static let queriesPerChange = 4

    @Test("after late samples, deletions, staleness, sealing and retention, moved on or not", arguments: 0..<lanes)
    func agree(_ lane: UInt64) throws {
        let total = FuzzSetting.queries(or: 2400)
        let first = FuzzSetting.seed(or: 1)
        let perHistory = UInt64(Self.changesPerHistory * Self.queriesPerChange)
        var differences: [String] = []
        var stepsFromCache = 0
        for index in 0..<max(1, total / Self.lanes / perHistory) {
            let seed = first &+ (index &* Self.lanes &+ lane) &* 1_000_003
            var repetition = try RepeatedQueries(seed: seed)
            for _ in 0..<Self.changesPerHistory {
                try repetition.history.change()
                for _ in 0..<Self.queriesPerChange {
                    if let difference = try repetition.ask() { differences.append("seed \(seed): \(difference)") }
                }
            }
            stepsFromCache += repetition.stepsFromCache
        }
        #expect(differences.isEmpty, "\(differences.count) differ:\n\(differences.prefix(6).joined(separator: "\n\n"))")
        #expect(stepsFromCache > 500)
    }
}

/// A few queries that come again over times that move on.
struct RepeatedQueries {
    private struct Repeated {
        var text: String
        var expression: Expression
        var step: Int64
        var steps: Int64
        var phase: Int64
    }

    let history: ChangingHistory
    private let cached: QueryEngine
    private let plain: QueryEngine
    private var queries: [Repeated] = []
    private(set) var stepsFromCache = 0

    init(seed: UInt64) throws {
        history = try ChangingHistory(seed: seed)
        var settings = EngineSettings()
        settings.delaysNameRemoval = history.random.oneIn(4)
        settings.usesStartTimestamps = history.random.oneIn(4)
        settings.defaultSubqueryStepMilliseconds = history.random.pick([60_000, 30_000])
        settings.resultCacheBytes = history.random.oneIn(3) ? 30_000 : 8 << 20
        settings.blockSeries = 3
        cached = QueryEngine(settings: settings)
        settings.resultCacheBytes = 0
        plain = QueryEngine(settings: settings)
        while queries.count < 14 {
            var generator = RandomQuery(seed: history.random.next())
            let text = generator.text()
            // Most are such that an answer may be kept.
            let isWhole = ["@", "start()", "end()", "range()", "info(", "fill"].contains { text.contains($0) }
            guard !isWhole || history.random.oneIn(10) else { continue }
            let step: Int64 = history.random.pick([15_000, 15_000, 30_000, 60_000, 7000])
            queries.append(
                Repeated(
                    text: text, expression: try Parser.parse(text), step: step,
                    steps: Int64(2 + history.random.below(30)),
                    phase: history.random.oneIn(3) ? Int64(history.random.below(Int(step))) : 0))
        }
    }

    /// What differs; nil for nothing.
    mutating func ask() throws -> String? {
        let query = history.random.pick(queries)
        let shift = Int64(history.random.pick([0, 0, 0, 1, -1, 2, -5, history.random.below(60) - 50]))
        let last = (history.now / query.step + shift) * query.step + query.phase
        let steps = history.random.oneIn(4) ? Int64(2 + history.random.below(50)) : query.steps
        var options = QueryOptions(text: query.text)
        if history.random.oneIn(8) { options.lookbackDeltaMilliseconds = history.random.pick([60_000, 20_000]) }
        options.countsSteps = history.random.oneIn(10)
        options.showsStatistics = history.random.oneIn(2)
        let querier = try history.database.querier()
        func answer(_ engine: QueryEngine) -> (text: [String], stepsFromCache: Int) {
            do throws(QueryError) {
                let result = try engine.rangeQuery(
                    query.expression, start: Timestamp(milliseconds: last - (steps - 1) * query.step),
                    end: Timestamp(milliseconds: last), stepMilliseconds: query.step, from: querier, options: options)
                let samples = options.showsStatistics ? ["\(result.statistics.samplesQueryable) samples"] : []
                return (Self.lines(result) + samples, result.statistics.stepsFromCache)
            } catch {
                return (["\(error)"], 0)
            }
        }
        let known = answer(cached)
        let wanted = answer(plain)
        stepsFromCache += known.stepsFromCache
        if known.text == wanted.text { return nil }
        let unlike = zip(known.text, wanted.text).first { $0 != $1 }
        return
            "\(query.text)\n  to \(last), \(steps) steps of \(query.step), \(known.stepsFromCache) of them known, after "
            + "\(history.deeds)\n  \(known.text.count) lines, not \(wanted.text.count); "
            + "\(unlike?.0 ?? "-")\n  not \(unlike?.1 ?? "-")"
    }

    /// Everything of an answer that a reader can see, values as bits.
    private static func lines(_ result: QueryResult) -> [String] {
        guard case .matrix(let series) = result.value else { return ["no matrix"] }
        return series.map {
            "\($0.labels) \($0.timestamps) \($0.values) \($0.values.map(\.bitPattern)) "
                + $0.histograms.map { "\($0.timestamp) \($0.histogram)" }.joined(separator: " ")
        } + result.warnings + result.infos
    }
}
