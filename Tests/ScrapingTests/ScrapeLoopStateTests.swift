import MetricModel
import Testing

@testable import Scraping

@Suite("The schedule of a target")
struct ScrapeLoopStateTests {
    /// Interval 10 s, phase 3 s.
    static func state() -> ScrapeLoopState {
        ScrapeLoopState(intervalMilliseconds: 10_000, spreadHash: 3_000, seed: 0)
    }

    static func at(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: milliseconds) }

    @Test(
        "the first scrape waits for the phase",
        arguments: [(0, 3_000), (3_000, 3_000), (3_001, 13_000), (12_999, 13_000)])
    func startsAtPhase(_ now: Int64, _ tick: Int64) {
        var state = Self.state()
        #expect(state.handle(.started, now: Self.at(now)) == .wait(until: Self.at(tick)))
    }

    @Test("the phase is the hash modulo the interval, mixed with the seed, in steps that let targets wake up together")
    func spreads() {
        var offsets: Set<Int64> = []
        for hash in 0..<200 {
            let state = ScrapeLoopState(
                intervalMilliseconds: 10_000, spreadHash: UInt64(hash) &* 0x9e37_79b9_7f4a_7c15, seed: 42)
            #expect((0..<10_000).contains(state.offsetMilliseconds))
            #expect(state.offsetMilliseconds % 50 == 0)
            offsets.insert(state.offsetMilliseconds / 1000)
        }
        #expect(offsets.count == 10)
    }

    @Test(
        "a timestamp close to the schedule is moved onto it",
        arguments: [(3_000, 3_000), (3_002, 3_000), (2_999, 3_000), (3_003, 3_003), (4_500, 4_500)])
    func aligns(_ now: Int64, _ timestamp: Int64) {
        var state = Self.state()
        _ = state.handle(.started, now: Self.at(0))
        #expect(state.handle(.timerFired, now: Self.at(now)) == .scrape(timestamp: Self.at(timestamp)))
    }

    @Test("after a scrape the next tick is waited for")
    func waitsForNext() {
        var state = Self.state()
        _ = state.handle(.started, now: Self.at(0))
        _ = state.handle(.timerFired, now: Self.at(3_000))
        #expect(state.handle(.scrapeFinished, now: Self.at(3_200)) == .wait(until: Self.at(13_000)))
    }

    @Test("a scrape that takes longer than the interval makes up for one tick and drops the others")
    func overruns() {
        var state = Self.state()
        _ = state.handle(.started, now: Self.at(0))
        _ = state.handle(.timerFired, now: Self.at(3_000))
        #expect(state.handle(.scrapeFinished, now: Self.at(13_001)) == .scrape(timestamp: Self.at(13_000)))
        #expect(state.droppedTicks == 0)
        #expect(state.handle(.scrapeFinished, now: Self.at(45_000)) == .scrape(timestamp: Self.at(45_000)))
        #expect(state.droppedTicks == 2)
        #expect(state.handle(.scrapeFinished, now: Self.at(46_000)) == .wait(until: Self.at(53_000)))
    }

    @Test("a clock that goes back does not stop the scrapes")
    func clockGoesBack() {
        var state = Self.state()
        _ = state.handle(.started, now: Self.at(1_000_000))
        _ = state.handle(.timerFired, now: Self.at(500_000))
        #expect(state.handle(.scrapeFinished, now: Self.at(500_100)) == .wait(until: Self.at(503_000)))
    }

    @Test("the end is written at the next tick's time, a tick and a tenth later")
    func ends() {
        var state = Self.state()
        _ = state.handle(.started, now: Self.at(0))
        #expect(state.handle(.targetEnded, now: Self.at(500)) == .cancelAndWait(until: Self.at(14_000)))
        #expect(state.handle(.timerFired, now: Self.at(14_000)) == .writeEnd(timestamp: Self.at(3_000)))
        #expect(state.isStopped)
        #expect(state.handle(.timerFired, now: Self.at(15_000)) == .nothing)
    }

    @Test("a target that ends while it is scraped gives the scrape up")
    func endsWhileScraping() {
        var state = Self.state()
        _ = state.handle(.started, now: Self.at(0))
        _ = state.handle(.timerFired, now: Self.at(3_000))
        #expect(state.handle(.targetEnded, now: Self.at(3_100)) == .cancelAndWait(until: Self.at(24_000)))
        #expect(state.handle(.scrapeFinished, now: Self.at(3_101)) == .nothing)
    }

    @Test("a target that comes back in time goes on as if nothing had been")
    func revives() {
        var state = Self.state()
        _ = state.handle(.started, now: Self.at(0))
        _ = state.handle(.targetEnded, now: Self.at(500))
        #expect(state.handle(.targetRevived, now: Self.at(900)) == .wait(until: Self.at(3_000)))
        #expect(state.handle(.targetRevived, now: Self.at(901)) == .nothing)
    }

    @Test("shutting down stops from any phase and writes nothing")
    func shutsDown() {
        var waiting = Self.state()
        _ = waiting.handle(.started, now: Self.at(0))
        #expect(waiting.handle(.shutDown, now: Self.at(1)) == .stop)
        #expect(waiting.handle(.shutDown, now: Self.at(2)) == .nothing)
        var ending = Self.state()
        _ = ending.handle(.started, now: Self.at(0))
        _ = ending.handle(.targetEnded, now: Self.at(1))
        #expect(ending.handle(.shutDown, now: Self.at(2)) == .stop)
    }
}
