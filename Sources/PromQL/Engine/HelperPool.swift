import Dispatch
import Synchronization

/// Work that helping threads do piece by piece.
protocol HelperJob: AnyObject, Sendable {
    /// Does one piece, some milliseconds at most; false where there is no more to do.
    func runPiece() -> Bool
}

/// The threads that help queries beside the thread that each query has of its own.
///
/// Jobs wait in one line and are served a piece at a time: a query of a thousand pieces gets no more help than its
/// neighbours, and a small query needs none, because the thread that asked works too.
final class HelperPool: Sendable {
    private struct State {
        var idleThreads: Int
        var line: [any HelperJob] = []
    }

    let threadCount: Int
    private let state: Mutex<State>

    init(threadCount: Int) {
        self.threadCount = max(0, threadCount)
        state = Mutex(State(idleThreads: max(0, threadCount)))
    }

    /// Lets one thread help with a job as long as it has pieces; more threads by asking again.
    func help(with job: any HelperJob) {
        let hasThread = state.withLock { state in
            guard state.idleThreads > 0 else {
                state.line.append(job)
                return false
            }
            state.idleThreads -= 1
            return true
        }
        if hasThread { DispatchQueue.global().async { self.serve(job) } }
    }

    /// Takes a job that needs no more help out of the line.
    func forget(_ job: any HelperJob) { state.withLock { $0.line.removeAll { $0 === job } } }

    private func serve(_ first: any HelperJob) {
        var current: (any HelperJob)? = first
        while let job = current {
            let hasMore = job.runPiece()
            current = state.withLock { state in
                if hasMore { state.line.append(job) }
                if state.line.isEmpty {
                    state.idleThreads += 1
                    return nil
                }
                return state.line.removeFirst()
            }
        }
    }
}
