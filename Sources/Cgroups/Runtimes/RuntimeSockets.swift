import Synchronization

/// All runtimes that can be asked about containers which no file names.
///
/// Nothing here waits: questions are left, answers are fetched later. A runtime is only spoken to when one of its
/// containers needs it.
final class RuntimeSockets: Sendable {
    /// Sockets spoken to at most, and how often new ones are looked for.
    static let maximumSockets = 16
    private static let lookIntervalNanoseconds: UInt64 = 5_000_000_000
    /// Answers kept until they are fetched.
    private static let maximumAnswers = 65_536

    private struct State {
        var workers: [RuntimeSocket: RuntimeWorker] = [:]
        var answers: [RuntimeAnswer] = []
        /// Sockets whose trouble was told already.
        var told: Set<RuntimeSocket> = []
        var lookDue: UInt64 = 0
        var failures: [RuntimeSocket: UInt64] = [:]
    }

    private let state = Mutex(State())
    private let rootPath: String
    private let labels: Set<String>
    private let patienceMilliseconds: UInt64
    private let named: [RuntimeSocket]
    private let notice: @Sendable (CollectorNotice) -> Void
    private let answered: @Sendable () -> Void

    /// `answered` is called on another thread when there is something to fetch.
    init(settings: CollectorSettings, answered: @escaping @Sendable () -> Void) {
        rootPath = settings.rootPath
        labels = settings.containerLabels
        patienceMilliseconds = settings.runtimePatienceMilliseconds
        named = settings.runtimeSockets
        notice = settings.notice
        self.answered = answered
    }

    /// Looks for sockets that came, a few seconds after the last look at the earliest; true when there are new ones.
    func look(now: UInt64) -> Bool {
        let isDue = state.withLock { state in
            guard now >= state.lookDue else { return false }
            state.lookDue = now &+ Self.lookIntervalNanoseconds
            return true
        }
        guard isDue else { return false }
        let present = RuntimeSocket.present(rootPath: rootPath, named: named)
        return state.withLock { state in
            state.workers = state.workers.filter { !$0.value.hasEnded }
            var hasNew = false
            for socket in present where state.workers[socket] == nil && state.workers.count < Self.maximumSockets {
                let worker = makeWorker(socket)
                guard worker.start() else { break }
                state.workers[socket] = worker
                hasNew = true
            }
            return hasNew
        }
    }

    private func makeWorker(_ socket: RuntimeSocket) -> RuntimeWorker {
        RuntimeWorker(
            socket,
            questions: RuntimeQuestions(
                kind: socket.kind, path: rootPath + socket.path, labels: labels,
                patienceMilliseconds: patienceMilliseconds),
            deliver: { [weak self] answers in self?.take(answers) },
            failed: { [weak self] socket, failure in self?.note(failure, of: socket) })
    }

    /// Leaves a question with all runtimes that may know the container.
    func want(_ identifier: String, of kinds: [RuntimeKind]) {
        for worker in workers(of: kinds) { worker.want(identifier) }
    }

    /// Asks with which code a container ended that began at this time of the wall clock, in nanoseconds.
    func wantEnd(of identifier: String, started: UInt64, kinds: [RuntimeKind]) {
        for worker in workers(of: kinds) { worker.wantEnd(of: identifier, started: started) }
    }

    /// The answers since the last time.
    func takeAnswers() -> [RuntimeAnswer] {
        state.withLock { state in
            defer { state.answers = [] }
            return state.answers
        }
    }

    /// The worst that stands in the way of an answer: a socket that may not be opened, one that does not answer.
    func obstacle(of kinds: [RuntimeKind]) -> RuntimeState? {
        let known = workers(of: kinds).map(\.known)
        return [.denied, .hung, .failing].first { known.contains($0) }
    }

    /// How things stand with each socket, in a fixed order.
    var overview: [(socket: RuntimeSocket, state: RuntimeState, failures: UInt64)] {
        state.withLock { state in
            state.workers.sorted { ($0.key.kind.rawValue, $0.key.path) < ($1.key.kind.rawValue, $1.key.path) }
                .map { ($0.key, $0.value.known, state.failures[$0.key] ?? 0) }
        }
    }

    /// Ends all threads; those that wait for an answer end with its deadline.
    func stop() {
        state.withLock { state in
            for worker in state.workers.values { worker.stop() }
            state.workers = [:]
        }
    }

    private func workers(of kinds: [RuntimeKind]) -> [RuntimeWorker] {
        state.withLock { state in state.workers.filter { kinds.contains($0.key.kind) }.map(\.value) }
    }

    private func take(_ answers: [RuntimeAnswer]) {
        state.withLock { state in
            state.answers += answers.prefix(Self.maximumAnswers - state.answers.count)
        }
        answered()
    }

    private func note(_ failure: RuntimeFailure, of socket: RuntimeSocket) {
        let isFirst = state.withLock { state in
            state.failures[socket, default: 0] &+= 1
            return failure != .absent && state.told.insert(socket).inserted
        }
        if isFirst { notice(CollectorNotice(socket: socket, failure: failure)) }
    }
}

/// Something its owner should tell people, once.
package struct CollectorNotice: Sendable, CustomStringConvertible {
    let socket: RuntimeSocket
    let failure: RuntimeFailure

    package var description: String {
        let what = "\(socket.kind.rawValue) cannot be asked at \(socket.path): \(failure)"
        let remedy =
            switch failure {
            case .denied:
                "give this user's group access to the socket, or leave it: what files on disk tell is shown all the same"
            default: "it is tried again, more and more seldom; nothing else waits for it"
            }
        return "\(what). Some containers lack names or the codes of their ends; \(remedy). "
            + "To never ask: --no-collector.runtimes, or runtimes: false in the section collector."
    }
}
