import Dispatch
import Synchronization
import Threads

/// Threads that may wait and compute, so many pieces at a time: the work of each caller in order of arrival, callers in turn.
///
/// The thread that came to rest last takes the next piece: its stack and what it works with are still near the processor, and
/// one query after the other keeps one thread's memory, not everybody's. Threads are made when they are needed.
/// Safe on several threads.
package final class WorkerThreads: Sendable {
    /// Work; `isStopping` says that it will not be done and may only be refused.
    package typealias Work = @Sendable (_ isStopping: Bool) -> Void

    private final class Worker: Sendable {
        let wakes = DispatchSemaphore(value: 0)
        private let next = Mutex<Work?>(nil)

        func give(_ work: @escaping Work) { next.withLock { $0 = work } }

        func take() -> Work? {
            next.withLock { next in
                defer { next = nil }
                return next
            }
        }
    }

    private struct State {
        var resting: [Worker] = []
        var waiting = FairLine<Work>()
        var threadCount = 0
        var isStopping = false
    }

    private let maximum: Int
    private let state = Mutex(State())
    private let ended = DispatchSemaphore(value: 0)

    private let startThread: @Sendable (@escaping @Sendable () -> Void) -> Bool

    package convenience init(maximum: Int) {
        self.init(maximum: maximum) { OwnThread.start(name: "lapwing-worker", $0) }
    }

    /// `startThread` runs a closure on a thread of its own; false when there is none.
    init(maximum: Int, startThread: @escaping @Sendable (@escaping @Sendable () -> Void) -> Bool) {
        self.maximum = max(1, maximum)
        self.startThread = startThread
    }

    /// Threads without work, for tests.
    var restingCount: Int { state.withLock { $0.resting.count } }

    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// Has a piece of work done; after `stop` it is refused at once, on the thread that submits it.
    ///
    /// - Parameter caller: On whose behalf; where threads are short, callers have their turns one after the other.
    package func submit(of caller: String = "", _ work: @escaping Work) {
        enum Step {
            case wake(Worker)
            case start, wait, refuse
        }
        let step = state.withLock { state -> Step in
            if state.isStopping { return .refuse }
            if let worker = state.resting.popLast() { return .wake(worker) }
            guard state.threadCount < maximum else {
                state.waiting.append(work, of: caller)
                return .wait
            }
            state.threadCount += 1
            return .start
        }
        switch step {
        case .wake(let worker):
            worker.give(work)
            worker.wakes.signal()
        case .start: start(with: work, of: caller)
        case .wait: break
        case .refuse: work(true)
        }
    }

    /// Waits for the work that is being done and refuses what waits.
    ///
    /// Called once more it does nothing.
    package func stop() {
        let (resting, waiting, count) = state.withLock { state -> ([Worker], [Work], Int) in
            if state.isStopping { return ([], [], 0) }
            state.isStopping = true
            defer { state.resting = [] }
            return (state.resting, state.waiting.removeAll(), state.threadCount)
        }
        for worker in resting { worker.wakes.signal() }
        for work in waiting { work(true) }
        for _ in 0..<count { ended.wait() }
    }

    private func start(with work: @escaping Work, of caller: String) {
        let worker = Worker()
        worker.give(work)
        let isStarted = startThread { [self] in
            run(worker)
            ended.signal()
        }
        if !isStarted { placeWithoutThread(work, of: caller) }
    }

    /// The kernel gives no thread: one of those that there are takes the work, or nobody can.
    private func placeWithoutThread(_ work: @escaping Work, of caller: String) {
        let (resting, refused, isStopping) = state.withLock { state -> (Worker?, [Work], Bool) in
            state.threadCount -= 1
            if state.isStopping { return (nil, [work], true) }
            // It may have come to rest since the work was submitted; one that is busy looks for more before it rests.
            if let worker = state.resting.popLast() { return (worker, [], false) }
            state.waiting.append(work, of: caller)
            if state.threadCount > 0 { return (nil, [], false) }
            // Nor is there anybody for what others left here, who counted on this thread.
            return (nil, state.waiting.removeAll(), false)
        }
        if let resting {
            resting.give(work)
            resting.wakes.signal()
        }
        for work in refused { work(true) }
        // Whoever stops counted on the thread, too.
        if isStopping { ended.signal() }
    }

    private func run(_ worker: Worker) {
        while true {
            if let work = worker.take() { work(false) }
            let next = state.withLock { state -> (work: Work?, isStopping: Bool) in
                if let work = state.waiting.next() { return (work, false) }
                if !state.isStopping { state.resting.append(worker) }
                return (nil, state.isStopping)
            }
            if let work = next.work {
                worker.give(work)
            } else if next.isStopping {
                return
            } else {
                worker.wakes.wait()
            }
        }
    }
}
