import MetricModel
import PromQLSyntax
import Storage
import TestSupport
import Testing

@testable import PromQL

@Suite("Work limits")
struct WorkLimitTests {
    private static func store() throws -> MemoryStore {
        let store = MemoryStore()
        let series = (0..<20).map { number in
            SampleBatch.Series(
                labels: LabelSet(["__name__": "metric", "number": "\(number)"]),
                columns: SampleColumns(timestamps: [1_000, 2_000], values: [1, 2]))
        }
        _ = try store.append(SampleBatch(series), onRejection: .refuseAll)
        return store
    }

    @Test(
        "a query that selects more work than it may be ends before it reads, all its selectors together",
        arguments: [
            ("metric", true), ("metric + metric", false), ("sum(rate(metric[10s]))", true), ("vector(1)", true),
        ])
    func limit(text: String, isSmall: Bool) throws {
        let store = try Self.store()
        var options = QueryOptions(text: text)
        options.workLimit = 3_000
        let expression = try Parser.parse(text)
        func run(_ options: QueryOptions) throws(QueryError) -> Bool {
            do {
                _ = try QueryEngine().instantQuery(
                    expression, at: Timestamp(milliseconds: 2_000), from: store.querier(), options: options)
                return true
            } catch let error as QueryError {
                guard case .notSmall = error else { throw error }
                return false
            } catch {
                return false
            }
        }
        #expect(try run(options) == isSmall)
        options.workLimit = nil
        #expect(try run(options))
    }
}
