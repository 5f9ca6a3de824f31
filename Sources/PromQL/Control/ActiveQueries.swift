import Glibc
package import MetricModel
import Synchronization

/// The queries of a server: how many may wait and what they may hold together; whoever is in can be seen and ended.
///
/// How many run at a time is decided by the threads that take them from the queue. Safe on several threads.
package final class ActiveQueries: Sendable {
    package struct Limits: Sendable {
        /// Queries that run at a time; the flag `--query.max-concurrency`.
        package var concurrency = 20
        /// Queries that wait for others to end; the flag `--query.max-queue`.
        package var queueLength = 500
        /// Bytes that all queries hold together; the flag `--query.max-memory`.
        package var memoryBytes = 1 << 30
        package init() {}
    }

    /// What became of queries since the start.
    package struct Counts: Sendable {
        package var admitted = 0
        package var refused = 0
        package var ended = 0
    }

    private struct State {
        var nextID: UInt64 = 1
        /// Those that wait and run.
        var queries: [UInt64: ActiveQuery] = [:]
        /// Those whose answers are being sent; they take no place of others.
        var sending: [UInt64: ActiveQuery] = [:]
        var counts = Counts()
        /// A query that waits for memory, if there is one.
        var patient: UInt64?
    }

    /// The last part of the queue, one in so many of its places, is for callers who have no more than that part of those in
    /// line: one that asks without end leaves room for the others.
    private static let keptShare = 4

    package let limits: Limits
    package let budget: MemoryBudget
    private let clock: any WallClock
    private let state = Mutex(State())

    /// `leftBytes` says what the process has left of its memory, where it has a limit.
    package init(
        limits: Limits = Limits(), clock: any WallClock = SystemClock(), leftBytes: (@Sendable () -> Int)? = nil
    ) {
        self.limits = limits
        self.clock = clock
        budget = MemoryBudget(limitBytes: limits.memoryBytes, leftBytes: leftBytes)
    }

    /// Lets a query wait for its turn, or refuses it where too many wait already.
    ///
    /// Whoever gets a query in calls `finish`, whatever becomes of it.
    package func admit(
        _ description: QueryDescription, cancellation: CancellationFlag = CancellationFlag()
    ) throws(QueryError) -> ActiveQuery {
        let now = clock.now
        let nanoseconds = clock.monotonicNanoseconds
        let room = limits.concurrency + limits.queueLength
        let shared = room - limits.queueLength / Self.keptShare
        var waitingOfCaller = 0
        let query = state.withLock { state -> ActiveQuery? in
            if state.queries.count >= shared { Self.forgetWithdrawn(&state) }
            if state.queries.count >= shared, state.queries.count < room {
                let caller = description.caller
                let own = state.queries.values.count { $0.description.caller == caller }
                if own > state.queries.count / Self.keptShare { waitingOfCaller = own }
            }
            guard state.queries.count < room, waitingOfCaller == 0 else {
                state.counts.refused += 1
                return nil
            }
            let query = ActiveQuery(
                id: state.nextID, description: description, cancellation: cancellation, admitted: now,
                admittedNanoseconds: nanoseconds)
            state.nextID += 1
            state.counts.admitted += 1
            state.queries[query.id] = query
            return query
        }
        if let query { return query }
        if waitingOfCaller > 0 { throw .queueShareIsFull(waiting: waitingOfCaller) }
        throw .queueIsFull(limit: limits.queueLength)
    }

    /// Waiting queries whose callers have gone make room; their turn will find them gone.
    private static func forgetWithdrawn(_ state: inout State) {
        for (id, query) in state.queries where query.state == .waiting && query.cancellation.isCancelled {
            state.queries[id] = nil
        }
    }

    /// The query's turn has come: the milliseconds of `timeout` that waiting has left.
    package func begin(_ query: ActiveQuery, timeoutMilliseconds: Int64) throws(QueryError) -> Int64 {
        let nanoseconds = clock.monotonicNanoseconds
        let waited = Int64(clamping: (nanoseconds &- query.admittedNanoseconds) / 1_000_000)
        if query.cancellation.isCancelled { throw .cancelled(place: "query queue") }
        guard waited < timeoutMilliseconds else { throw .timedOut(place: "query queue") }
        query.noteStart(nanoseconds)
        return timeoutMilliseconds - waited
    }

    /// Makes the query the one that may wait for the memory of others, when none else is: the milliseconds of its
    /// time that are left then.
    ///
    /// It stays so until it is finished.
    package func becomePatient(_ query: ActiveQuery, timeoutMilliseconds: Int64) throws(QueryError) -> Int64 {
        while true {
            let waited = Int64(clamping: (clock.monotonicNanoseconds &- query.admittedNanoseconds) / 1_000_000)
            if query.cancellation.isCancelled { throw .cancelled(place: "query queue") }
            guard waited < timeoutMilliseconds else { throw .timedOut(place: "query queue") }
            let isNext = state.withLock { state in
                if let other = state.patient, state.queries[other] != nil { return false }
                state.patient = query.id
                return true
            }
            if isNext {
                query.noteStart(clock.monotonicNanoseconds)
                return timeoutMilliseconds - waited
            }
            usleep(MemoryBudget.pauseMicroseconds)
        }
    }

    /// What a query may hold beside others before it has to wait for memory as well, while another one does; nil while none does,
    /// or where much of the budget is free.
    ///
    /// Of a crowd of large queries each would else be run beside the others until the budget is full, and then once more: most of what
    /// they read would be thrown away, and those that wait would not get on.
    package var trialBytes: Int? {
        guard budget.usedBytes > limits.memoryBytes / Self.trialShare else { return nil }
        let isAnyoneWaiting = state.withLock { state in
            state.queries.values.contains { $0.waitsForMemory && !$0.isEnding }
        }
        return isAnyoneWaiting
            ? max(Self.leastTrialBytes, limits.memoryBytes / Self.trialShare / limits.concurrency) : nil
    }

    /// The part of the budget that all queries have together that may run on trial; there are no trials before as much is held.
    private static let trialShare = 4
    private static let leastTrialBytes = 1 << 20

    /// Takes a query off the list.
    package func finish(_ query: ActiveQuery) { state.withLock { $0.queries[query.id] = nil } }

    /// The answer of a query is sent in parts, which hold memory until the last: it stays on the list as long as what is returned
    /// lives.
    package func beginSending(_ query: ActiveQuery) -> SendingQuery {
        query.noteSending()
        state.withLock { state in
            state.queries[query.id] = nil
            state.sending[query.id] = query
        }
        return SendingQuery(query, of: self)
    }

    fileprivate func endSending(_ query: ActiveQuery) { state.withLock { $0.sending[query.id] = nil } }

    /// Asks a query to end; false where there is none of this number.
    package func end(id: UInt64) -> Bool {
        let query = state.withLock { state -> ActiveQuery? in
            guard let query = state.queries[id] ?? state.sending[id] else { return nil }
            state.counts.ended += 1
            return query
        }
        query?.end()
        return query != nil
    }

    /// Asks all queries to end, because the server does.
    ///
    /// Answers that are made already are sent.
    package func endAll() {
        for query in state.withLock({ Array($0.queries.values) }) { query.end() }
    }

    /// All of them, the oldest first; not those that wait although their callers have gone.
    package func list() -> [ActiveQuery] { current.sorted { $0.id < $1.id } }

    private var current: [ActiveQuery] {
        state.withLock { state in
            Self.forgetWithdrawn(&state)
            return Array(state.queries.values) + Array(state.sending.values)
        }
    }

    /// Whether no more queries are in than may run at a time: then each of them may run now.
    package var lineIsEmpty: Bool { state.withLock { $0.queries.count <= limits.concurrency } }

    package var counts: Counts { state.withLock { $0.counts } }

    /// How many run and how many wait.
    package var occupancy: (running: Int, waiting: Int) {
        let all = current
        return (all.count { $0.state == .running }, all.count { $0.state == .waiting })
    }

    package var now: UInt64 { clock.monotonicNanoseconds }
}

/// A query whose answer is being sent.
package final class SendingQuery: Sendable {
    private let query: ActiveQuery
    private let active: ActiveQueries

    fileprivate init(_ query: ActiveQuery, of active: ActiveQueries) {
        self.query = query
        self.active = active
    }

    deinit { active.endSending(query) }

    /// Whether somebody asked it to end: no more of the answer is sent.
    package var isEnded: Bool { query.isEnded }
}
