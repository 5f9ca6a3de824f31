import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Threads

@Suite("threads of one's own")
struct OwnThreadTests {
    private final class Seen: Sendable {
        let name = Mutex("")
        let isDone = Atomic<Bool>(false)

        func note() {
            name.withLock { $0 = TemporaryDirectory.read("/proc/thread-self/comm") }
            isDone.store(true, ordering: .releasing)
        }
    }

    @Test("a joined one has done its work, under its name, of which the kernel keeps fifteen bytes")
    func joined() {
        let seen = Seen()
        OwnThread(name: "lapwing-test-of-threads") { seen.note() }?.join()
        let isDone = seen.isDone.load(ordering: .acquiring)
        #expect(isDone)
        #expect(seen.name.withLock { $0 } == "lapwing-test-of\n")
    }

    @Test("one that nobody waits for runs by itself")
    func detached() {
        let seen = Seen()
        #expect(OwnThread.start(name: "lapwing-test") { seen.note() })
        while !seen.isDone.load(ordering: .acquiring) { sched_yield() }
    }

    @Test("what is given to threads is given back with them")
    func released() {
        final class Held: Sendable {}
        weak var held: Held?
        for _ in 0..<50 {
            let one = Held()
            held = one
            OwnThread(name: "lapwing-test") { withExtendedLifetime(one) {} }?.join()
        }
        #expect(held == nil)
    }
}
