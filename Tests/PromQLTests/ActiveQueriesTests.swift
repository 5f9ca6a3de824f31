import MetricModel
import PromQLSyntax
import Storage
import Synchronization
import TestSupport
import Testing

@testable import PromQL

/// A clock that stands where it is put.
private final class StandingClock: WallClock {
    private let nanoseconds = Atomic<UInt64>(1_000_000_000)
    var now: Timestamp { Timestamp(milliseconds: 0) }
    var monotonicNanoseconds: UInt64 { nanoseconds.load(ordering: .relaxed) }
    func advance(milliseconds: UInt64) { nanoseconds.add(milliseconds &* 1_000_000, ordering: .relaxed) }
    func sleep(milliseconds: Int64) async throws {}
}

@Suite("Queries under control")
struct ActiveQueriesTests {
    private func queries(concurrency: Int = 1, queue: Int = 2, memory: Int = 1 << 20, _ clock: StandingClock)
        -> ActiveQueries
    {
        var limits = ActiveQueries.Limits()
        limits.concurrency = concurrency
        limits.queueLength = queue
        limits.memoryBytes = memory
        return ActiveQueries(limits: limits, clock: clock)
    }

    @Test("as many queries wait as may, the next is refused with the limit's name, and who ends makes room")
    func queue() throws {
        let active = queries(StandingClock())
        let first = try active.admit(QueryDescription(text: "a"))
        for text in ["b", "c"] { _ = try active.admit(QueryDescription(text: text)) }
        let refusal = #expect(throws: QueryError.self) { try active.admit(QueryDescription(text: "d")) }
        #expect(refusal?.description == "2 queries are waiting already, which is the limit (--query.max-queue)")
        #expect(active.counts.refused == 1)
        active.finish(first)
        #expect(try active.admit(QueryDescription(text: "e")).id == 4)
        #expect(active.list().map(\.description.text) == ["b", "c", "e"])
    }

    @Test("who is ended before its turn leaves the line once, and has no turn; who has had its turn does not leave")
    func leaving() throws {
        let active = queries(StandingClock())
        let left = Mutex(0)
        let turns = Mutex(0)
        func wait(_ query: ActiveQuery) {
            query.waitForTurn({ _ in turns.withLock { $0 += 1 } }) { turn in
                left.withLock { $0 += 1 }
                turn(false)
            }
        }
        let waiting = try active.admit(QueryDescription(text: "a"))
        wait(waiting)
        #expect(active.end(id: 1) && active.end(id: 1))
        #expect(left.withLock { $0 } == 1 && turns.withLock { $0 } == 1 && waiting.takeTurn() == nil)
        // One that was ended between two lines leaves the second at once.
        wait(waiting)
        #expect(left.withLock { $0 } == 2 && waiting.takeTurn() == nil)
        let running = try active.admit(QueryDescription(text: "b"))
        wait(running)
        #expect(running.takeTurn() != nil && running.takeTurn() == nil && active.end(id: 2))
        #expect(left.withLock { $0 } == 2 && running.cancellation.isCancelled)
    }

    @Test("a query whose answer is being sent can be seen and ended, and takes no place of others")
    func sending() throws {
        let active = queries(concurrency: 1, queue: 0, StandingClock())
        let first = try active.admit(QueryDescription(text: "large"))
        #expect(throws: QueryError.self) { try active.admit(QueryDescription(text: "b")) }
        var sending: SendingQuery? = active.beginSending(first)
        #expect(active.list().map(\.state) == [.sending] && active.occupancy == (0, 0) && active.lineIsEmpty)
        _ = try active.admit(QueryDescription(text: "b"))
        active.finish(first)
        #expect(sending?.isEnded == false && !first.isEnding)
        #expect(active.end(id: 1))
        #expect(sending?.isEnded == true && first.isEnding)
        sending = nil
        #expect(active.list().map(\.description.text) == ["b"])
        #expect(!active.end(id: 1))
    }

    @Test("nobody waits while no more are in than may run")
    func emptyLine() throws {
        let active = queries(concurrency: 2, StandingClock())
        let first = try active.admit(QueryDescription(text: "a"))
        _ = try active.admit(QueryDescription(text: "b"))
        #expect(active.lineIsEmpty)
        _ = try active.admit(QueryDescription(text: "c"))
        #expect(!active.lineIsEmpty)
        active.finish(first)
        #expect(active.lineIsEmpty)
    }

    @Test("one caller leaves a quarter of the queue to the others")
    func shares() throws {
        var limits = ActiveQueries.Limits()
        limits.concurrency = 4
        limits.queueLength = 996
        let active = ActiveQueries(limits: limits, clock: StandingClock())
        var refusals: [String] = []
        for _ in 0..<1000 {
            do throws(QueryError) {
                _ = try active.admit(QueryDescription(text: "large", userAgent: "flood", client: "10.0.0.1"))
            } catch {
                refusals.append(error.description)
            }
        }
        #expect(active.list().count == 751)
        #expect(refusals.count == 249 && refusals.allSatisfy { $0.hasPrefix("751 queries of this client run or wait") })
        for _ in 0..<249 {
            _ = try active.admit(QueryDescription(text: "small", userAgent: "page", client: "10.0.0.1"))
        }
        let refusal = #expect(throws: QueryError.self) {
            try active.admit(QueryDescription(text: "small", userAgent: "page", client: "10.0.0.2"))
        }
        #expect(refusal?.description == "996 queries are waiting already, which is the limit (--query.max-queue)")
    }

    @Test("a waiting query whose caller has gone makes room for the next")
    func withdrawn() throws {
        let active = queries(StandingClock())
        let hasGone = Atomic<Bool>(false)
        let flag = CancellationFlag { hasGone.load(ordering: .relaxed) }
        let first = try active.admit(QueryDescription(text: "a"), cancellation: flag)
        for text in ["b", "c"] { _ = try active.admit(QueryDescription(text: text)) }
        hasGone.store(true, ordering: .relaxed)
        #expect(try active.admit(QueryDescription(text: "d")).description.text == "d")
        let error = #expect(throws: QueryError.self) { try active.begin(first, timeoutMilliseconds: 1000) }
        #expect(error?.description == "query was canceled in query queue")
    }

    @Test("a waiting query whose caller has gone is not listed")
    func unlisted() throws {
        let active = queries(StandingClock())
        let hasGone = Atomic<Bool>(false)
        let flag = CancellationFlag { hasGone.load(ordering: .relaxed) }
        _ = try active.admit(QueryDescription(text: "a"), cancellation: flag)
        let other = try active.admit(QueryDescription(text: "b"))
        #expect(active.list().count == 2)
        hasGone.store(true, ordering: .relaxed)
        #expect(active.list().map(\.id) == [other.id])
        #expect(active.occupancy.waiting == 1)
    }

    @Test("a query that waits for memory waits, and runs again when it may")
    func waitsForMemory() throws {
        let clock = StandingClock()
        let active = queries(clock)
        let query = try active.admit(QueryDescription(text: "a"))
        _ = try active.begin(query, timeoutMilliseconds: 1000)
        query.noteWait()
        #expect(query.waitsForMemory && query.state == .waiting)
        clock.advance(milliseconds: 400)
        #expect(try active.becomePatient(query, timeoutMilliseconds: 1000) == 600)
        #expect(query.state == .running)
    }

    @Test("waiting takes from a query's time")
    func timeout() throws {
        let clock = StandingClock()
        let active = queries(clock)
        let first = try active.admit(QueryDescription(text: "a"))
        let second = try active.admit(QueryDescription(text: "b"))
        clock.advance(milliseconds: 300)
        #expect(try active.begin(first, timeoutMilliseconds: 1000) == 700)
        #expect(first.state == .running && second.state == .waiting)
        #expect(active.occupancy.running == 1 && active.occupancy.waiting == 1)
        clock.advance(milliseconds: 700)
        let error = #expect(throws: QueryError.self) { try active.begin(second, timeoutMilliseconds: 1000) }
        #expect(error?.description == "query timed out in query queue")
        #expect(first.queueSeconds(now: active.now) == 0.3)
        #expect(first.ageSeconds(now: active.now) == 1)
    }

    @Test("a query is ended by its number")
    func end() throws {
        let active = queries(StandingClock())
        let query = try active.admit(QueryDescription(text: "a"))
        #expect(!active.end(id: 99))
        #expect(active.end(id: query.id))
        #expect(query.cancellation.isCancelled)
        #expect(active.counts.ended == 1)
        let other = try active.admit(QueryDescription(text: "b"))
        active.endAll()
        #expect(other.cancellation.isCancelled)
    }

    @Test("queries share one budget of memory, and give back what they held, after failures too")
    func budget() throws {
        var harness = try QueryHarness(#"metric{id="1"} 1x99"#, #"metric{id="2"} 2x99"#, #"metric{id="3"} 2x99"#)
        let budget = MemoryBudget(limitBytes: 30_000)
        harness.options.budget = budget
        var held: QueryResult? = try harness.result("metric[100m]", atMinute: 99)
        #expect(held != nil)
        let usedByAnswer = budget.usedBytes
        #expect(usedByAnswer > 0)
        harness.options.budget = MemoryBudget(limitBytes: 100)
        let failure = harness.failure("metric", atMinute: 99)
        #expect(
            failure.contains("than all queries together may hold, which are 100 (--query.max-memory)"), "\(failure)")
        #expect(harness.options.budget?.usedBytes == 0)
        held = nil
        #expect(budget.usedBytes == 0)
    }

    @Test("one query at a time may wait for memory; it gets what others give back, and is refused where nobody does")
    func patience() throws {
        let clock = StandingClock()
        let active = queries(clock)
        let first = try active.admit(QueryDescription(text: "a"))
        let second = try active.admit(QueryDescription(text: "b"))
        #expect(try active.becomePatient(first, timeoutMilliseconds: 1000) == 1000)
        second.cancellation.cancel()
        #expect(throws: QueryError.self) { try active.becomePatient(second, timeoutMilliseconds: 1000) }
        active.finish(first)
        let third = try active.admit(QueryDescription(text: "c"))
        #expect(try active.becomePatient(third, timeoutMilliseconds: 500) == 500)
        var harness = try QueryHarness(#"metric{id="1"} 1x99"#)
        harness.options.budget = MemoryBudget(limitBytes: 100)
        harness.options.waitsForMemory = true
        #expect(harness.failure("metric", atMinute: 99).contains("--query.max-memory"))
    }

    @Test("a query tells how far it is")
    func progress() throws {
        var harness = try QueryHarness(#"metric{id="1"} 1x99"#, #"metric{id="2"} 2x99"#)
        let progress = QueryProgress()
        harness.options.progress = progress
        _ = try harness.result("sum(rate(metric[10m]))", atMinute: 50)
        #expect(progress.series == 2)
        #expect(progress.samplesRead == 20)
        #expect(progress.estimatedSamples >= 20 && progress.isEstimateWhole)
    }

    @Test("an estimate is of all series that a selector will find, and whole when the last selector is begun")
    func estimates() {
        let progress = QueryProgress()
        progress.noteSelectors(2)
        var first = SelectorEstimate(progress, expectedSeries: 40)
        first.add(series: 10, samples: 100)
        #expect(progress.series == 10 && progress.estimatedSamples == 400 && !progress.isEstimateWhole)
        first.add(series: 10, samples: 300)
        #expect(progress.series == 20 && progress.estimatedSamples == 800)
        first.end()
        #expect(progress.estimatedSamples == 400)
        var second = SelectorEstimate(progress, expectedSeries: 0)
        second.add(series: 1, samples: 5)
        #expect(progress.estimatedSamples == 405 && progress.isEstimateWhole)
    }

    @Test("a query tells how far it is while several threads read", arguments: [0, 1])
    func progressOfThreads(helpers: Int) throws {
        let lines = (0..<3000).map { "metric{id=\"\($0)\"} 1x59" }
        let progress = QueryProgress()
        var options = QueryOptions()
        options.progress = progress
        let minutes = Timeline(start: 0, step: 60_000, count: 60)
        let context = QueryContext(
            querier: try QueryHarness(lines: lines).store.querier(), settings: EngineSettings(), options: options,
            clock: SystemClock(), helpers: HelperPool(threadCount: helpers), isRangeQuery: true, timeline: minutes)
        let source = SelectorSource(matchers: [LabelMatcher(equal: "__name__", "metric")])
        var seen: [Int] = []
        let windows = WindowTimes(times: minutes, lengthMilliseconds: 60_000)
        try source.evaluate(NewestSample(), windows: windows, timeline: minutes, context: context) {
            (_: inout StepSeries, _) throws(QueryError) in seen.append(progress.samplesRead)
        }
        #expect(seen.count == 3000)
        #expect(seen.first.map { $0 < 90_000 } == true)
        #expect(seen[1500] > 45_000)
        #expect(seen == seen.sorted())
        #expect(progress.samplesRead == 180_000)
        #expect(context.statistics.samplesQueryable == 180_000)
    }

    @Test("a plan has a node for each part, with what it gave and read")
    func plan() throws {
        var harness = try QueryHarness(#"metric{id="1"} 1x99"#, #"metric{id="2"} 2x99"#)
        harness.options.explains = true
        let plan = try #require(
            try harness.result("sum by (id) (rate(metric[10m])) * 2 + (scalar(metric{id=\"1\"}))", atMinute: 50).plan)
        func lines(_ node: PlanNode, _ level: Int) -> [String] {
            let numbers = "\(node.series)/\(node.samples)/\(node.samplesRead)"
            return [String(repeating: " ", count: level) + node.expression + " " + numbers]
                + node.children.flatMap { lines($0, level + 1) }
        }
        #expect(
            lines(plan, 0) == [
                "sum by (id) (rate(metric[10m])) * 2 + (scalar(metric{id=\"1\"})) 2/2/25",
                " sum by (id) (rate(metric[10m])) * 2 2/2/20", "  sum by (id) (rate(metric[10m])) 2/2/20",
                "   rate(metric[10m]) 2/2/20", "    metric[10m] 2/20/20", " scalar(metric{id=\"1\"}) 1/1/5",
                "  metric{id=\"1\"} 1/1/5",
            ])
        #expect(plan.seconds >= plan.children[0].seconds)
    }

    @Test(
        "explaining changes no answer",
        arguments: ["metric", "topk(1, metric)", "metric @ 60 or -metric", "max_over_time(rate(metric[5m])[10m:1m])"])
    func explained(_ query: String) throws {
        var harness = try QueryHarness(#"metric{id="1"} 0+1x99"#, #"metric{id="2"} 0+2x99"#)
        let plain = try harness.lines(query, minutes: 5...9)
        harness.options.explains = true
        #expect(try harness.lines(query, minutes: 5...9) == plain)
        #expect(plain.count > 0)
    }
}
