import Synchronization

/// Lets a few at a time do what costs much CPU; others wait in line, and when the line is long they are turned away.
///
/// A flood of wrong logins then costs at most this many threads, and requests with known logins never stand in line.
final class HashingSlots: Sendable {
    private struct State {
        var running = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    let parallel: Int
    let maximumWaiting: Int
    private let state = Mutex(State())

    init(parallel: Int = 2, maximumWaiting: Int = 32) {
        self.parallel = parallel
        self.maximumWaiting = maximumWaiting
    }

    /// Runs the work when its turn comes; nil when the line was full.
    func run<Result: Sendable>(_ work: @Sendable () async -> Result) async -> Result? {
        guard await enter() else { return nil }
        let result = await work()
        leave()
        return result
    }

    private enum Entry { case now, wait, refused }

    private func enter() async -> Bool {
        let entry = state.withLock { state in
            if state.running < parallel {
                state.running += 1
                return Entry.now
            }
            return state.waiting.count < maximumWaiting ? .wait : .refused
        }
        switch entry {
        case .now: return true
        case .refused: return false
        case .wait: break
        }
        await withCheckedContinuation { continuation in
            let mayGo = state.withLock { state in
                // A place may have become free in between.
                if state.running < parallel {
                    state.running += 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if mayGo { continuation.resume() }
        }
        return true
    }

    /// Hands the place to the first in line.
    private func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if state.waiting.isEmpty {
                state.running -= 1
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}
