import Glibc
import MetricModel
import PromQL
import Synchronization

/// Which queries are so small that they are answered at once, on the event loop, without a turn on a thread of their own:
/// handing a request to a thread and its answer back takes longer than most instant queries do.
///
/// Small is what was small when it was answered last, not long ago: then its data is in memory, too. It is run with a limit
/// on its work and without waiting for anybody, so that one that has grown is found before it begins and gets its turn on a
/// thread. Answers of that kind take no more than a part of the event loop's time. Safe on several threads.
final class SmallQueries: Sendable {
    /// The processor time, and the time on the clock, that a small answer may take, from the text to its last byte.
    static let processorNanosecondsLimit: UInt64 = 1_000_000
    static let elapsedNanosecondsLimit: UInt64 = 2_000_000
    /// What takes longer than this is answered at once only when small answers have had less than their share of late.
    static let briefNanosecondsLimit: UInt64 = 500_000
    /// The samples and values that a query may be found to need before it is read on the event loop.
    static let workLimit = 200_000
    /// How long a query is remembered.
    static let memoryNanoseconds: UInt64 = 120_000_000_000
    /// Queries that are remembered; of two that share a place the later one is.
    static let placeCount = 1024
    /// The event loop's time that brief answers may be ahead of their share of three quarters.
    static let aheadNanosecondsLimit: UInt64 = 2_000_000

    private struct State {
        var places = [(hash: Int, until: UInt64, isBrief: Bool)](
            repeating: (0, 0, false), count: SmallQueries.placeCount)
        /// When what was done on the event loop is within its share again.
        var paidUntil: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Whether a query was small, and the event loop has time for it.
    func contain(_ query: QueryDescription, now: UInt64) -> Bool {
        let hash = Self.hash(of: query)
        return state.withLock { state in
            let place = state.places[Self.place(of: hash)]
            let ahead = place.isBrief ? Self.aheadNanosecondsLimit : 0
            return place.hash == hash && now < place.until && state.paidUntil <= now &+ ahead
        }
    }

    /// Remembers what an answer took.
    ///
    /// - Parameter isAtOnce: It was made on the event loop.
    func note(_ cost: AnswerCost, of query: QueryDescription, isAtOnce: Bool, now: UInt64) {
        let isSmall =
            cost.processorNanoseconds <= Self.processorNanosecondsLimit
            && cost.elapsedNanoseconds <= Self.elapsedNanosecondsLimit && cost.isWhole
        let hash = Self.hash(of: query)
        state.withLock { state in
            let place = Self.place(of: hash)
            if isSmall {
                let isBrief = cost.processorNanoseconds <= Self.briefNanosecondsLimit
                state.places[place] = (hash, now &+ Self.memoryNanoseconds, isBrief)
            } else if state.places[place].hash == hash {
                state.places[place].until = 0
            }
            guard isAtOnce else { return }
            let began = now - min(now, cost.elapsedNanoseconds)
            state.paidUntil = max(state.paidUntil, began) &+ cost.elapsedNanoseconds / 3 &* 4
        }
    }

    /// Forgets a query that could not be answered at once.
    func forget(_ query: QueryDescription) {
        let hash = Self.hash(of: query)
        state.withLock { state in
            let place = Self.place(of: hash)
            if state.places[place].hash == hash { state.places[place].until = 0 }
        }
    }

    private static func place(of hash: Int) -> Int { Int(UInt(bitPattern: hash) % UInt(placeCount)) }

    /// The same for queries that differ in their time alone.
    private static func hash(of query: QueryDescription) -> Int {
        var hasher = Hasher()
        hasher.combine(query.text)
        hasher.combine(query.stepMilliseconds)
        if let start = query.start, let end = query.end {
            hasher.combine(end.milliseconds &- start.milliseconds)
        }
        return hasher.finalize()
    }
}

/// What it took to make an answer.
package struct AnswerCost: Sendable {
    package var processorNanoseconds: UInt64
    package var elapsedNanoseconds: UInt64
    /// There is nothing more to be made while it is sent.
    package var isWhole = true

    /// Measures what a thread does from here on.
    struct Watch {
        private let processor: UInt64?
        private let elapsed = Watch.time(CLOCK_MONOTONIC)

        /// - Parameter countsProcessor: Where not, the time on the clock stands for that of the processor, which is no longer and
        ///   takes two system calls to ask for.
        init(countsProcessor: Bool) { processor = countsProcessor ? Self.time(CLOCK_THREAD_CPUTIME_ID) : nil }

        func cost(isWhole: Bool) -> AnswerCost {
            let elapsed = Self.time(CLOCK_MONOTONIC) &- elapsed
            return AnswerCost(
                processorNanoseconds: processor.map { Self.time(CLOCK_THREAD_CPUTIME_ID) &- $0 } ?? elapsed,
                elapsedNanoseconds: elapsed, isWhole: isWhole)
        }

        private static func time(_ clock: clockid_t) -> UInt64 {
            var time = timespec()
            unsafe clock_gettime(clock, &time)
            return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
        }
    }
}
