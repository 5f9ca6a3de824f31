import Dispatch
import Glibc
import Synchronization

/// Threads that may wait and compute: work is done in order of arrival, so many pieces at a time.
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
        var waiting: [Work] = []
        /// Of `waiting` those that were taken already.
        var taken = 0
        var threadCount = 0
        var isStopping = false

        mutating func takeWaiting() -> Work? {
            guard taken < waiting.count else { return nil }
            defer {
                taken += 1
                if taken == waiting.count || taken >= 1024 {
                    waiting.removeFirst(taken)
                    taken = 0
                }
            }
            return waiting[taken]
        }
    }

    private let maximum: Int
    private let state = Mutex(State())
    private let ended = DispatchSemaphore(value: 0)

    package init(maximum: Int) { self.maximum = max(1, maximum) }

    /// Has a piece of work done; after `stop` it is refused at once, on the caller's thread.
    package func submit(_ work: @escaping Work) {
        enum Step {
            case wake(Worker)
            case start, wait, refuse
        }
        let step = state.withLock { state -> Step in
            if state.isStopping { return .refuse }
            if let worker = state.resting.popLast() { return .wake(worker) }
            guard state.threadCount < maximum else {
                state.waiting.append(work)
                return .wait
            }
            state.threadCount += 1
            return .start
        }
        switch step {
        case .wake(let worker):
            worker.give(work)
            worker.wakes.signal()
        case .start: start(with: work)
        case .wait: break
        case .refuse: work(true)
        }
    }

    /// Waits for the work that is being done and refuses what waits.
    ///
    /// Called once.
    package func stop() {
        let (resting, waiting, count) = state.withLock { state in
            state.isStopping = true
            defer {
                state.resting = []
                state.waiting = []
                state.taken = 0
            }
            return (state.resting, state.waiting[state.taken...], state.threadCount)
        }
        for worker in resting { worker.wakes.signal() }
        for work in waiting { work(true) }
        for _ in 0..<count { ended.wait() }
    }

    private func start(with work: @escaping Work) {
        let worker = Worker()
        worker.give(work)
        let isStarted = Self.detach { [self] in
            run(worker)
            ended.signal()
        }
        if isStarted { return }
        // The kernel gives no thread: one of those that there are takes the work, or nobody can.
        let isLeft = state.withLock { state in
            state.threadCount -= 1
            if state.threadCount > 0 { state.waiting.append(work) }
            return state.threadCount == 0
        }
        if isLeft { work(true) }
    }

    private func run(_ worker: Worker) {
        while true {
            if let work = worker.take() { work(false) }
            let next = state.withLock { state -> (work: Work?, isStopping: Bool) in
                if let work = state.takeWaiting() { return (work, false) }
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

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private static func detach(_ run: @escaping @Sendable () -> Void) -> Bool {
        let body = unsafe Unmanaged.passRetained(Body(run))
        var thread = pthread_t()
        let result = unsafe pthread_create(
            &thread, nil,
            { argument in
                if let argument = unsafe argument {
                    unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                }
                return nil
            }, body.toOpaque())
        guard result == 0 else {
            unsafe body.release()
            return false
        }
        pthread_detach(thread)
        return true
    }
}
