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

/// A query that waits or runs.
///
/// Safe on several threads. It leaves the list with `ActiveQueries.finish`.
package final class ActiveQuery: Sendable {
    package let id: UInt64
    package let description: QueryDescription
    package let cancellation: CancellationFlag
    package let progress = QueryProgress()
    /// When it came, on the wall and on the monotonic clock.
    package let admitted: Timestamp
    let admittedNanoseconds: UInt64
    private let started = Atomic<UInt64>(0)
    private let waits = Atomic<Bool>(false)

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

    package var isRunning: Bool { started.load(ordering: .relaxed) != 0 }

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

    func noteStart(_ nanoseconds: UInt64) { started.store(max(1, nanoseconds), ordering: .relaxed) }
}
