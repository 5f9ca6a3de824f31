package import MetricModel
import Synchronization

/// Who asks what, as `ActiveQueries` shows it.
package struct QueryDescription: Sendable {
    package var text: String
    /// Start and end of a range query, both the time of an instant query, nil where that is now.
    package var start: Timestamp?
    package var end: Timestamp?
    /// Nil for an instant query.
    package var stepMilliseconds: Int64?
    package var userAgent: String
    package var client: String

    package init(
        text: String, start: Timestamp? = nil, end: Timestamp? = nil, stepMilliseconds: Int64? = nil,
        userAgent: String = "", client: String = ""
    ) {
        self.text = text
        self.start = start
        self.end = end
        self.stepMilliseconds = stepMilliseconds
        self.userAgent = userAgent
        self.client = client
    }

    /// Who asks, as queries share their turns: a program at an address.
    package var caller: String { "\(client) \(userAgent)" }
}

/// A query that waits or runs, or whose answer is being sent.
///
/// Safe on several threads. It leaves the list with `ActiveQueries.finish`, or with the last part of its answer.
package final class ActiveQuery: Sendable {
    package enum State: String, Sendable { case waiting, running, sending }

    /// What a query does when its turn has come; `isStopping` says that it may only be refused.
    package typealias Turn = @Sendable (_ isStopping: Bool) -> Void

    /// A place in line: nothing else holds the turn, so that a line keeps nothing of those that have left it.
    private struct Place {
        let turn: Turn
        let leave: @Sendable (@escaping Turn) -> Void
    }

    package let id: UInt64
    package let description: QueryDescription
    package let cancellation: CancellationFlag
    package let progress = QueryProgress()
    /// When it came, on the wall and on the monotonic clock.
    package let admitted: Timestamp
    let admittedNanoseconds: UInt64
    private let started = Atomic<UInt64>(0)
    private let waits = Atomic<Bool>(false)
    private let sends = Atomic<Bool>(false)
    private let ended = Atomic<Bool>(false)
    /// Nil where it stands in no line.
    private let place = Mutex<Place?>(nil)

    init(
        id: UInt64, description: QueryDescription, cancellation: CancellationFlag, admitted: Timestamp,
        admittedNanoseconds: UInt64
    ) {
        self.id = id
        self.description = description
        self.cancellation = cancellation
        self.admitted = admitted
        self.admittedNanoseconds = admittedNanoseconds
    }

    package var state: State {
        if sends.load(ordering: .relaxed) { return .sending }
        return started.load(ordering: .relaxed) == 0 ? .waiting : .running
    }

    /// Whether somebody asked the query to end; `cancellation` also tells that its caller has gone.
    package var isEnded: Bool { ended.load(ordering: .relaxed) }

    /// Whether it will give back what it holds; a caller that has spoken to its end may still take its answer.
    package var isEnding: Bool { state == .sending ? isEnded : cancellation.isCancelled }

    /// Seconds that the query waited, up to `now` while it still does.
    package func queueSeconds(now: UInt64) -> Double {
        let end = started.load(ordering: .relaxed)
        return Double((end == 0 ? now : end) &- admittedNanoseconds) / 1e9
    }

    /// Seconds since the query came.
    package func ageSeconds(now: UInt64) -> Double { Double(now &- admittedNanoseconds) / 1e9 }

    /// The query goes back into the line, as if it had not run.
    package func waitAgain() {
        started.store(0, ordering: .relaxed)
        progress.forget()
    }

    /// Whether the query found no room beside others and runs only where it may wait for what they give back.
    package var waitsForMemory: Bool { waits.load(ordering: .relaxed) }

    /// The query waits again, for the memory of others.
    package func noteWait() {
        waits.store(true, ordering: .relaxed)
        waitAgain()
    }

    // MARK: Turns

    /// The query stands in line for a thread.
    ///
    /// - Parameter leave: Called at most once, with the turn, where the query is ended before it: it is answered then, and not when
    ///   its turn comes.
    package func waitForTurn(_ turn: @escaping Turn, orLeaveBy leave: @escaping @Sendable (@escaping Turn) -> Void) {
        place.withLock { $0 = Place(turn: turn, leave: leave) }
        if isEnded { leaveLine() }
    }

    /// The query's turn has come; nil where it has left the line.
    package func takeTurn() -> Turn? { takePlace()?.turn }

    func end() {
        ended.store(true, ordering: .relaxed)
        cancellation.cancel()
        leaveLine()
    }

    private func leaveLine() {
        if let place = takePlace() { place.leave(place.turn) }
    }

    private func takePlace() -> Place? {
        place.withLock { place in
            defer { place = nil }
            return place
        }
    }

    func noteSending() { sends.store(true, ordering: .relaxed) }

    func noteStart(_ nanoseconds: UInt64) { started.store(max(1, nanoseconds), ordering: .relaxed) }
}
