import Dispatch
import Synchronization
import Testing

@testable import PromQL

@Suite("Helping threads")
struct HelperPoolTests {
    /// Counts its pieces down and writes its name at each.
    private final class CountedJob: HelperJob {
        let name: String
        private let left: Mutex<Int>
        private let done: @Sendable (String) -> Void

        init(_ name: String, pieces: Int, done: @escaping @Sendable (String) -> Void) {
            self.name = name
            left = Mutex(pieces)
            self.done = done
        }

        func runPiece() -> Bool {
            let rest = left.withLock { left in
                left -= 1
                return left
            }
            done(name)
            return rest > 0
        }
    }

    @Test("jobs are served a piece at a time, in turn")
    func fairness() {
        let pool = HelperPool(threadCount: 1)
        let order = Mutex<[String]>([])
        let gate = DispatchSemaphore(value: 0)
        let finished = DispatchSemaphore(value: 0)
        // Holds the only thread until all others stand in line.
        pool.help(with: CountedJob("first", pieces: 1) { _ in gate.wait() })
        for (name, pieces) in [("large", 4), ("small", 1), ("middle", 2)] {
            pool.help(
                with: CountedJob(name, pieces: pieces) { name in
                    order.withLock { $0.append(name) }
                    finished.signal()
                })
        }
        gate.signal()
        for _ in 0..<7 { finished.wait() }
        #expect(order.withLock { $0 } == ["large", "small", "middle", "large", "middle", "large", "large"])
    }

    @Test("a job that was forgotten is not served")
    func forgetting() {
        let pool = HelperPool(threadCount: 1)
        let gate = DispatchSemaphore(value: 0)
        let finished = DispatchSemaphore(value: 0)
        pool.help(with: CountedJob("first", pieces: 1) { _ in gate.wait() })
        let forgotten = CountedJob("forgotten", pieces: 1) { _ in Issue.record("it was served") }
        pool.help(with: forgotten)
        pool.help(with: CountedJob("last", pieces: 1) { _ in finished.signal() })
        pool.forget(forgotten)
        gate.signal()
        finished.wait()
    }

    @Test("bytes are counted, refused beyond the limit, and the peak is remembered")
    func memory() throws {
        let account = MemoryAccount(limitBytes: 100)
        try account.reserve(60)
        try account.reserve(40)
        #expect(throws: QueryError.self) { try account.reserve(1) }
        account.release(70)
        try account.reserve(10)
        #expect(account.peakBytes == 100)
    }
}
