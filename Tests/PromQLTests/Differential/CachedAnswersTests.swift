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
    private static let changesPerHistory: UInt64 = 150
    private static let queriesPerChange: UInt64 = 4

    @Test("after late samples, deletions, staleness, sealing and retention, moved on or not", arguments: 0..<lanes)
    func agree(_ lane: UInt64) throws {
        var differences: [String] = []
        var stepsFromCache = 0
        for seed in FuzzSetting.seeds(
            lane, of: Self.lanes, total: 2400, each: Self.changesPerHistory * Self.queriesPerChange)
        {
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
        var settings = history.engineSettings()
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
                return (AnswerLines.of(result) + samples, result.statistics.stepsFromCache)
            } catch {
                return (["\(error)"], 0)
            }
        }
        let known = answer(cached)
        let wanted = answer(plain)
        stepsFromCache += known.stepsFromCache
        return AnswerLines.difference(known.text, wanted.text).map {
            "\(query.text)\n  to \(last), \(steps) steps of \(query.step), \(known.stepsFromCache) of them known, after "
                + "\(history.deeds)\n  \($0)"
        }
    }
}
