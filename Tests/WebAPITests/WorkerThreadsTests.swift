import Dispatch
import Synchronization
import TestSupport
import Testing
import Threads

@testable import WebAPI

@Suite("threads that answer requests")
struct WorkerThreadsTests {
    /// Gives so many threads and then none, as a kernel at its limit does.
    private final class Kernel: Sendable {
        private let left: Mutex<Int>
        /// What happens at the moment a thread is refused.
        let onRefusal = Mutex<(@Sendable () -> Void)?>(nil)

        init(_ count: Int) { left = Mutex(count) }

        func start(_ run: @escaping @Sendable () -> Void) -> Bool {
            let mayStart = left.withLock { left in
                left -= 1
                return left >= 0
            }
            if mayStart { return OwnThread.start(name: "lapwing-test", run) }
            onRefusal.withLock { $0.take() }?()
            return false
        }
    }

    /// What became of pieces of work.
    private final class Outcomes: Sendable {
        private let counts = Mutex((done: 0, refused: 0))
        let signal = DispatchSemaphore(value: 0)

        func note(_ isStopping: Bool) {
            counts.withLock { counts in
                if isStopping { counts.refused += 1 } else { counts.done += 1 }
            }
            signal.signal()
        }

        var done: Int { counts.withLock { $0.done } }
        var refused: Int { counts.withLock { $0.refused } }
    }

    @Test("a caller with one small query does not wait for the thousand of another")
    func turns() {
        let threads = WorkerThreads(maximum: 1)
        let order = Mutex<[String]>([])
        let gate = DispatchSemaphore(value: 0)
        let done = DispatchSemaphore(value: 0)
        func submit(_ name: String, of caller: String) {
            threads.submit(of: caller) { _ in
                order.withLock { $0.append(name) }
                done.signal()
            }
        }
        threads.submit { _ in gate.wait() }
        for number in 0..<1000 { submit("large \(number)", of: "flood") }
        for number in 0..<3 { submit("small \(number)", of: "page") }
        submit("other", of: "rules")
        gate.signal()
        for _ in 0..<1004 { done.wait() }
        let first = order.withLock { Array($0.prefix(8)) }
        #expect(
            first == [
                "large 0", "small 0", "other", "large 1", "small 1", "large 2", "small 2", "large 3",
            ])
        #expect(order.withLock { $0.last } == "large 999")
        threads.stop()
    }

    @Test("work is done though no thread can be had for it, by one that came to rest meanwhile")
    func restedMeanwhile() {
        let kernel = Kernel(1)
        let threads = WorkerThreads(maximum: 4, startThread: kernel.start)
        let outcomes = Outcomes()
        let goOn = DispatchSemaphore(value: 0)
        threads.submit {
            goOn.wait()
            outcomes.note($0)
        }
        kernel.onRefusal.withLock { body in
            body = {
                // The one thread ends its work and rests before the refusal is dealt with.
                goOn.signal()
                outcomes.signal.wait()
                while threads.restingCount == 0 {}
            }
        }
        threads.submit { outcomes.note($0) }
        #expect(outcomes.signal.wait(timeout: .now() + .seconds(20)) == .success)
        #expect(outcomes.done == 2)
        threads.stop()
    }

    @Test("work waits for a busy thread where no other can be had, and is refused where there is none at all")
    func refused() {
        let outcomes = Outcomes()
        let none = WorkerThreads(maximum: 4, startThread: Kernel(0).start)
        for _ in 0..<3 { none.submit { outcomes.note($0) } }
        #expect(outcomes.refused == 3)
        none.stop()
        let one = WorkerThreads(maximum: 4, startThread: Kernel(1).start)
        let goOn = DispatchSemaphore(value: 0)
        one.submit { _ in goOn.wait() }
        for _ in 0..<3 { one.submit { outcomes.note($0) } }
        goOn.signal()
        for _ in 0..<6 { #expect(outcomes.signal.wait(timeout: .now() + .seconds(20)) == .success) }
        #expect(outcomes.done == 3)
        one.stop()
    }

    @Test("what others left to a thread that then could not be had is refused with it, and stopping waits for nobody")
    func bothRefused() {
        let kernel = Kernel(0)
        let threads = WorkerThreads(maximum: 4, startThread: kernel.start)
        let outcomes = Outcomes()
        kernel.onRefusal.withLock { body in body = { threads.submit { outcomes.note($0) } } }
        threads.submit { outcomes.note($0) }
        #expect(outcomes.refused == 2)
        let other = Kernel(0)
        let stopped = WorkerThreads(maximum: 4, startThread: other.start)
        let ended = DispatchSemaphore(value: 0)
        other.onRefusal.withLock { body in
            body = {
                _ = OwnThread.start(name: "lapwing-test") {
                    stopped.stop()
                    ended.signal()
                }
                while !stopped.isStopping {}
            }
        }
        stopped.submit { outcomes.note($0) }
        #expect(ended.wait(timeout: .now() + .seconds(20)) == .success)
        #expect(outcomes.refused == 3)
    }
}
