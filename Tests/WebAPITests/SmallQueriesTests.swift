import MetricModel
import PromQL
import PromQLSyntax
import SelfMetrics
import Storage
import TestSupport
import Testing

@testable import WebAPI

@Suite("Small queries")
struct SmallQueriesTests {
    private let small = SmallQueries()
    private static let cheap = AnswerCost(processorNanoseconds: 50_000, elapsedNanoseconds: 60_000)

    private func query(_ text: String, at seconds: Int64 = 1_000, over span: Int64 = 0, step: Int64? = nil)
        -> QueryDescription
    {
        QueryDescription(
            text: text, start: Timestamp(milliseconds: (seconds - span) * 1000),
            end: Timestamp(milliseconds: seconds * 1000), stepMilliseconds: step)
    }

    @Test("expressions that were read are known, a limited number of them; faults and long texts are read each time")
    func knownExpressions() throws {
        let known = KnownExpressions(countLimit: 256, textBytesLimit: 512)
        for _ in 0..<2 { #expect(try known.parse("sum(rate(a[5m]))") == Parser.parse("sum(rate(a[5m]))")) }
        #expect(known.count == 1)
        #expect(throws: SyntaxError.self) { try known.parse("sum(") }
        _ = try known.parse(String(repeating: "1+", count: known.textBytesLimit / 2) + "1")
        #expect(known.count == 1)
        // Texts that look alike are equal to Swift, and ask for different series.
        let alike = KnownExpressions(countLimit: 2)
        for text in ["a{x=\"\u{e9}\"}", "a{x=\"e\u{301}\"}"] {
            #expect(Array(try alike.parse(text).description.utf8) == Array(text.utf8))
        }
        for number in 1...known.countLimit { _ = try known.parse("\(number)") }
        #expect(known.count == 1)
    }

    @Test("small is what was small not long ago, at whatever time")
    func memory() {
        #expect(!small.contain(query("up"), now: 0))
        small.note(Self.cheap, of: query("up"), isAtOnce: false, now: 0)
        #expect(small.contain(query("up"), now: 1))
        #expect(small.contain(query("up", at: 2_000), now: 1))
        #expect(!small.contain(query("up"), now: SmallQueries.memoryNanoseconds))
        #expect(!small.contain(query("down"), now: 1))
        #expect(!small.contain(query("up", over: 60, step: 15_000), now: 1))
    }

    @Test(
        "what takes long, waits, or is too large to be made as a whole is not small, though it was",
        arguments: [
            AnswerCost(processorNanoseconds: 1_000_001, elapsedNanoseconds: 1_000_001),
            AnswerCost(processorNanoseconds: 10_000, elapsedNanoseconds: 2_000_001),
            AnswerCost(processorNanoseconds: 10_000, elapsedNanoseconds: 10_000, isWhole: false),
        ])
    func large(cost: AnswerCost) {
        small.note(Self.cheap, of: query("up"), isAtOnce: false, now: 0)
        small.note(cost, of: query("up"), isAtOnce: true, now: 0)
        #expect(!small.contain(query("up"), now: 1_000_000_000))
    }

    @Test("a query that could not be answered at once is forgotten")
    func forgetting() {
        small.note(Self.cheap, of: query("up"), isAtOnce: false, now: 0)
        small.forget(query("up"))
        #expect(!small.contain(query("up"), now: 1))
    }

    @Test(
        "what is not brief has the event loop when small answers have had no more than their share, brief ones before that"
    )
    func brief() {
        let long = AnswerCost(processorNanoseconds: 900_000, elapsedNanoseconds: 900_000)
        small.note(Self.cheap, of: query("up"), isAtOnce: false, now: 0)
        small.note(long, of: query("rate"), isAtOnce: false, now: 0)
        #expect(small.contain(query("rate"), now: 0))
        // It has had 0.9 ms of the loop's time, which 1.2 ms are long enough for.
        small.note(long, of: query("rate"), isAtOnce: true, now: 900_000)
        #expect(small.contain(query("up"), now: 900_000))
        #expect(!small.contain(query("rate"), now: 1_199_999))
        #expect(small.contain(query("rate"), now: 1_200_000))
    }

    @Test("small answers leave a quarter of the event loop's time to others", arguments: [300_000 as UInt64, 900_000])
    func share(nanoseconds: UInt64) {
        let cost = AnswerCost(processorNanoseconds: nanoseconds, elapsedNanoseconds: nanoseconds)
        var now: UInt64 = 0
        var answered: UInt64 = 0
        small.note(cost, of: query("up"), isAtOnce: false, now: 0)
        while now < 1_000_000_000 {
            if small.contain(query("up"), now: now) {
                now += cost.elapsedNanoseconds
                answered += 1
                small.note(cost, of: query("up"), isAtOnce: true, now: now)
            } else {
                now += 10_000
            }
        }
        let share = Double(answered * cost.elapsedNanoseconds) / 1e9
        #expect(share > 0.72 && share < 0.77)
    }

    // MARK: Queries on the event loop

    private static func endpoints(_ store: any SampleStore, _ active: ActiveQueries, _ registry: Registry)
        -> QueryEndpoints
    {
        let log = QueryLog(clock: SystemClock())
        return QueryEndpoints(
            engine: QueryEngine(),
            runner: QueryRunner(
                store: store, active: active, log: log, metrics: QueryMetrics(registry, active, log),
                timeoutMilliseconds: 10_000), clock: SystemClock())
    }

    /// A request for a query that stands in line, tried at once.
    private static func request(_ text: String, _ active: ActiveQueries) throws -> APIRequest {
        var request = APIRequest(
            path: "/api/v1/query", parameters: QueryParameters(formEncoded: "time=1&query=" + text))
        request.query = try active.admit(QueryEndpoints.description(of: request))
        request.isTriedAtOnce = true
        return request
    }

    private static func outcomes(_ registry: Registry) -> String {
        var page: [UInt8] = []
        registry.render(into: &page)
        return String(decoding: page, as: UTF8.self)
    }

    @Test("a query that is more work than it may be stays in line and counts nowhere, and is answered in its turn")
    func tooLarge() throws {
        let store = MemoryStore()
        let series = (0..<2_400).map { number in
            SampleBatch.Series(
                labels: LabelSet(["__name__": "many", "number": "\(number)"]),
                columns: SampleColumns(timestamps: [1_000], values: [1]))
        }
        _ = try store.append(SampleBatch(series), onRejection: .refuseAll)
        let (active, registry) = (ActiveQueries(), Registry())
        let endpoints = Self.endpoints(store, active, registry)
        var request = try Self.request("count(many)", active)
        #expect(throws: APIError.self) { try endpoints.instant(request) }
        let query = try #require(request.query)
        query.waitAgain()
        #expect(active.list().map(\.id) == [query.id])
        #expect(query.state == .waiting && query.progress.estimatedSamples == 0 && query.progress.series == 0)
        #expect(!Self.outcomes(registry).contains("lapwing_queries_total{outcome=\"error\"} 1"))
        request.isTriedAtOnce = false
        _ = try endpoints.instant(request)
        #expect(active.list().isEmpty)
        #expect(Self.outcomes(registry).contains("lapwing_queries_total{outcome=\"success\"} 1"))
    }

    @Test("while a query waits for memory others wait as well as soon as they hold more than a little")
    func trials() throws {
        let store = MemoryStore()
        let series = (0..<20_000).map { number in
            SampleBatch.Series(
                labels: LabelSet(["__name__": "a", "number": "\(number)"]),
                columns: SampleColumns(timestamps: [1_000], values: [7]))
        }
        _ = try store.append(SampleBatch(series), onRejection: .refuseAll)
        var limits = ActiveQueries.Limits()
        limits.memoryBytes = 32 << 20
        limits.concurrency = 4
        let active = ActiveQueries(limits: limits)
        let endpoints = Self.endpoints(store, active, Registry())
        func waits(_ text: String) throws -> Bool {
            var request = try Self.request(text, active)
            request.isTriedAtOnce = false
            request.mayComeAgain = true
            _ = try? endpoints.instant(request)
            return request.query?.waitsForMemory == true
        }
        #expect(try !waits("a"))
        let waiting = try active.admit(QueryDescription(text: "large"))
        waiting.noteWait()
        // Nor where there is much room.
        #expect(active.trialBytes == nil)
        let others = active.budget.reservation()
        try others.hold(9 << 20)
        #expect(active.trialBytes == 2 << 20)
        #expect(try waits("a"))
        #expect(try !waits(#"a{number="7"}"#))
        for query in active.list() { active.finish(query) }
        #expect(active.trialBytes == nil)
    }

    @Test("a small query at once counts as any other and leaves the line")
    func atOnce() throws {
        let (active, registry) = (ActiveQueries(), Registry())
        let endpoints = Self.endpoints(MemoryStore(), active, registry)
        _ = try endpoints.instant(try Self.request("vector(1)", active))
        #expect(active.list().isEmpty)
        #expect(Self.outcomes(registry).contains("lapwing_queries_total{outcome=\"success\"} 1"))
    }
}
