import MetricModel
import PromQL
import PromQLSyntax
import Storage
import TSDB
import TestSupport
import Testing

/// Random queries of a history that changes, asked of the database and of lists with the same samples.
///
/// Whether the database has the right samples is held against lists by its own tests. Here it is what engine and database know of
/// samples that makes them fast: clocks in common, values that rise, the newest row, what is found once for all.
@Suite("Answers from a database are those from lists")
struct StoredAnswersTests {
    private static let lanes: UInt64 = 2
    private static let changesPerHistory: UInt64 = 60
    private static let queriesPerChange: UInt64 = 5

    @Test("after late samples, deletions, staleness, sealing and retention", arguments: 0..<lanes)
    func agree(_ lane: UInt64) throws {
        var differences: [String] = []
        var answered = 0
        for seed in FuzzSetting.seeds(
            lane, of: Self.lanes, total: 2400, each: Self.changesPerHistory * Self.queriesPerChange)
        {
            let history = try ChangingHistory(seed: seed)
            var settings = history.engineSettings()
            settings.resultCacheBytes = 0
            settings.blockSeries = history.random.pick([3, 100])
            let engine = QueryEngine(settings: settings)
            for _ in 0..<Self.changesPerHistory {
                try history.change()
                let lists = try Self.lists(of: history.database)
                for _ in 0..<Self.queriesPerChange {
                    let difference = try Self.difference(history, lists, engine, &answered)
                    if let difference { differences.append("seed \(seed): \(difference)") }
                }
            }
        }
        #expect(differences.isEmpty, "\(differences.count) differ:\n\(differences.prefix(6).joined(separator: "\n\n"))")
        #expect(answered > 300)
    }

    /// All samples of a database.
    private static func lists(of database: TimeSeriesDatabase) throws -> MemoryStore {
        let selected = try database.querier().select(SelectRequest(matchers: [], range: .all))
        var reader = selected.makeReader(over: 0..<selected.count)
        var batch = SampleBatch()
        for index in 0..<selected.count {
            var columns = SampleColumns()
            guard try reader.next(into: &columns) else { break }
            batch.series.append(.init(labels: selected.labels(at: index), columns: columns))
        }
        let lists = MemoryStore()
        _ = try lists.append(batch, onRejection: .refuseAll)
        return lists
    }

    /// - Parameter answered: Counts queries that found something.
    private static func difference(
        _ history: ChangingHistory, _ lists: MemoryStore, _ engine: QueryEngine, _ answered: inout Int
    ) throws -> String? {
        var generator = RandomQuery(seed: history.random.next())
        let text = generator.text()
        let expression = try Parser.parse(text)
        let step: Int64 = history.random.pick([15_000, 15_000, 30_000, 60_000, 7000])
        let steps = Int64(history.random.oneIn(3) ? 1 : 2 + history.random.below(40))
        let last = history.now - Int64(history.random.oneIn(2) ? 0 : history.random.below(600)) * 1000
        func answer(_ store: any SampleStore) throws -> [String] {
            let querier = try store.querier()
            do throws(QueryError) {
                let result = try engine.rangeQuery(
                    expression, start: Timestamp(milliseconds: last - (steps - 1) * step),
                    end: Timestamp(milliseconds: last), stepMilliseconds: step, from: querier)
                // What a store knows of resets is its own business.
                return AnswerLines.of(result, showsResetHints: false)
                    + ["\(result.statistics.samplesQueryable) samples"]
            } catch {
                return ["\(error)"]
            }
        }
        let found = try answer(history.database)
        let wanted = try answer(lists)
        if wanted.count > 1 { answered += 1 }
        return AnswerLines.difference(found, wanted).map {
            "\(text)\n  to \(last), \(steps) steps of \(step), after \(history.deeds)\n  \($0)"
        }
    }
}
