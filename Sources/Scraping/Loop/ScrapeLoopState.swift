import MetricModel

/// When a target is scraped: a value that takes events and the time and says what to do; nothing in it waits or acts.
///
///     waiting --timer--> scraping --finished--> waiting ...
///        |                   |
///        +------ ended ------+--> ending --timer--> stopped       (the markers are written in between)
///                                    |
///                                    +-- revived --> waiting
struct ScrapeLoopState: Sendable {
    enum Event: Sendable {
        case started
        /// The time asked for by `.wait` has come.
        case timerFired
        case scrapeFinished
        /// Discovery no longer names the target.
        case targetEnded
        /// Discovery names it again.
        case targetRevived
        case shutDown
    }

    enum Action: Sendable, Equatable {
        case nothing
        /// Send `.timerFired` at that time.
        case wait(until: Timestamp)
        /// Scrape now; the samples get this timestamp.
        case scrape(timestamp: Timestamp)
        /// Give up what is in flight and send `.timerFired` at that time.
        case cancelAndWait(until: Timestamp)
        /// Say with this timestamp that all series ended, then stop for good.
        case writeEnd(timestamp: Timestamp)
        /// Give up what is in flight, write nothing, stop for good.
        case stop
    }

    private enum Phase: Sendable, Equatable {
        case idle
        case waiting(tick: Int64)
        case scraping(tick: Int64)
        case ending(marker: Int64)
        case stopped
    }

    /// The largest difference from the ideal schedule that a timestamp is moved back to it, in milliseconds; the other
    /// bound is one percent of the interval.
    static let alignmentToleranceMilliseconds: Int64 = 2

    /// Phases are multiples of this, or of a twentieth of a shorter interval: targets that are due together share the
    /// wake-up, which costs as much as the scrape of a small page.
    static let phaseStepMilliseconds: Int64 = 100

    let intervalMilliseconds: Int64
    /// The phase: ideal ticks are the times that leave this rest when divided by the interval.
    let offsetMilliseconds: Int64
    private var phase = Phase.idle
    /// Ticks that passed while a scrape was still running and were left out.
    private(set) var droppedTicks = 0

    init(intervalMilliseconds: Int64, spreadHash: UInt64, seed: UInt64) {
        self.intervalMilliseconds = max(1, intervalMilliseconds)
        let phase = Self.phase(intervalMilliseconds: intervalMilliseconds, spreadHash: spreadHash, seed: seed)
        offsetMilliseconds = phase.number * phase.stepMilliseconds
    }

    /// The phase of a target as the number of steps from the beginning of the interval.
    static func phase(
        intervalMilliseconds: Int64, spreadHash: UInt64, seed: UInt64
    ) -> (number: Int64, stepMilliseconds: Int64) {
        let step = max(1, min(Self.phaseStepMilliseconds, intervalMilliseconds / 20))
        return (Int64((spreadHash ^ seed) % UInt64(max(1, intervalMilliseconds))) / step, step)
    }

    mutating func handle(_ event: Event, now: Timestamp) -> Action {
        let now = now.milliseconds
        switch (event, phase) {
        case (_, .stopped): return .nothing
        case (.shutDown, _):
            phase = .stopped
            return .stop
        case (.started, .idle): return wait(for: nextTick(after: now &- 1))
        case (.timerFired, .waiting(let tick)): return scrape(tick: tick, now: now)
        case (.scrapeFinished, .scraping(let tick)): return afterScrape(tick: tick, now: now)
        case (.targetEnded, .idle):
            phase = .stopped
            return .stop
        case (.targetEnded, .waiting(let tick)): return end(marker: tick)
        case (.targetEnded, .scraping): return end(marker: nextTick(after: now))
        case (.timerFired, .ending(let marker)):
            phase = .stopped
            return .writeEnd(timestamp: Timestamp(milliseconds: marker))
        case (.targetRevived, .ending): return wait(for: nextTick(after: now))
        default: return .nothing
        }
    }

    var isStopped: Bool { phase == .stopped }
    var isScraping: Bool { if case .scraping = phase { true } else { false } }

    /// The first ideal tick after a time.
    private func nextTick(after now: Int64) -> Int64 {
        let rest = (now &- offsetMilliseconds) % intervalMilliseconds
        let sinceTick = rest < 0 ? rest + intervalMilliseconds : rest
        return now &- sinceTick &+ intervalMilliseconds
    }

    private mutating func wait(for tick: Int64) -> Action {
        phase = .waiting(tick: tick)
        return .wait(until: Timestamp(milliseconds: tick))
    }

    private mutating func scrape(tick: Int64, now: Int64) -> Action {
        phase = .scraping(tick: tick)
        let tolerance = min(Self.alignmentToleranceMilliseconds, max(1, intervalMilliseconds / 100))
        let isClose = (now &- tick).magnitude <= UInt64(tolerance)
        return .scrape(timestamp: Timestamp(milliseconds: isClose ? tick : now))
    }

    /// One tick that passed meanwhile is made up for at once, as a Go ticker would; the others are dropped.
    private mutating func afterScrape(tick: Int64, now: Int64) -> Action {
        let next = tick &+ intervalMilliseconds
        if now < tick { return wait(for: nextTick(after: now)) }
        guard now >= next else { return wait(for: next) }
        let newest = nextTick(after: now) &- intervalMilliseconds
        droppedTicks &+= Int((newest &- next) / intervalMilliseconds)
        return scrape(tick: newest, now: now)
    }

    /// Waits as long as the reference does, so that a target that comes back at once (a reload, a move between jobs)
    /// is not interrupted: the marker's tick, one more, and a tenth of the interval.
    private mutating func end(marker: Int64) -> Action {
        phase = .ending(marker: marker)
        return .cancelAndWait(
            until: Timestamp(milliseconds: marker &+ intervalMilliseconds &+ intervalMilliseconds / 10))
    }
}
