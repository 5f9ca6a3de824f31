internal import CKernel
import Glibc
import MetricModel
import Synchronization
import Threads

/// Talks to one runtime's socket on a thread of its own, so that one that hangs delays neither a sweep nor another.
///
/// A runtime with events is followed from the first container on that it named: its stream tells of health and ends.
final class RuntimeWorker: Sendable {
    /// Containers that wait to be asked about at most.
    static let maximumWanted = 4_096
    /// After a failure it is tried again after this time, after each further one after twice the last.
    private static let firstPauseMilliseconds: UInt64 = 1_000
    private static let lastPauseMilliseconds: UInt64 = 60_000
    private static let maximumEventBytes = 1 << 20

    private struct State {
        var wanted: [String] = []
        /// Ended containers whose codes are wanted, with their starts.
        var wantedEnds: [String: UInt64] = [:]
        var known: RuntimeState = .idle
        /// It knows containers of this host, or shall tell of their ends, so that its events concern us.
        var isConcerned = false
        var isStopping = false
        var hasEnded = false
    }

    let socket: RuntimeSocket
    private let questions: RuntimeQuestions
    private let state = Mutex(State())
    /// Readable when there is something new to do; -1 when the kernel gave none, and then nothing is asked.
    private let wakeDescriptor: Int32
    private let deliver: @Sendable ([RuntimeAnswer]) -> Void
    private let failed: @Sendable (RuntimeSocket, RuntimeFailure) -> Void

    init(
        _ socket: RuntimeSocket, questions: RuntimeQuestions, deliver: @escaping @Sendable ([RuntimeAnswer]) -> Void,
        failed: @escaping @Sendable (RuntimeSocket, RuntimeFailure) -> Void
    ) {
        self.socket = socket
        self.questions = questions
        self.deliver = deliver
        self.failed = failed
        wakeDescriptor = eventfd(0, Int32(O_CLOEXEC | O_NONBLOCK))
    }

    deinit {
        if wakeDescriptor >= 0 { _ = Glibc.close(wakeDescriptor) }
    }

    // MARK: From other threads

    var known: RuntimeState { state.withLock { $0.known } }
    /// The socket is gone, and the thread with it.
    var hasEnded: Bool { state.withLock { $0.hasEnded } }

    /// Begins; false when no thread can be had.
    func start() -> Bool {
        guard wakeDescriptor >= 0 else { return false }
        return OwnThread.start(name: "lapwing-runtime") { self.run() }
    }

    func want(_ identifier: String) {
        let isNew = state.withLock { state in
            guard !state.wanted.contains(identifier), state.wanted.count < Self.maximumWanted else { return false }
            state.wanted.append(identifier)
            return true
        }
        if isNew { wake() }
    }

    /// Asks with which code a container ended that began at this time of the wall clock, in nanoseconds.
    func wantEnd(of identifier: String, started: UInt64) {
        let isNew = state.withLock { state in
            guard state.wantedEnds[identifier] == nil, state.wantedEnds.count < Self.maximumWanted else { return false }
            state.wantedEnds[identifier] = started
            return true
        }
        if isNew { wake() }
    }

    /// Ends the thread soon; what it waits for ends with its deadline at the latest.
    func stop() {
        state.withLock { $0.isStopping = true }
        wake()
    }

    private func wake() {
        if wakeDescriptor >= 0 { _ = eventfd_write(wakeDescriptor, 1) }
    }

    // MARK: The thread

    private var isStopping: Bool { state.withLock { $0.isStopping } }

    private func run() {
        var pauseMilliseconds = Self.firstPauseMilliseconds
        while !isStopping {
            do throws(RuntimeFailure) {
                try work { pauseMilliseconds = Self.firstPauseMilliseconds }
            } catch {
                state.withLock { state in
                    state.known = RuntimeState(error)
                    // Nobody waits long for these.
                    state.wantedEnds = [:]
                }
                failed(socket, error)
                // Whoever looks for sockets will find it again.
                if error == .absent { break }
                pause(milliseconds: pauseMilliseconds)
                pauseMilliseconds = min(pauseMilliseconds * 2, Self.lastPauseMilliseconds)
            }
        }
        state.withLock { $0.hasEnded = true }
    }

    /// Asks when there is something to ask, until told to stop or something fails.
    private func work(onSuccess: () -> Void) throws(RuntimeFailure) {
        while !isStopping {
            if try ask() > 0 { onSuccess() }
            if socket.kind.hasEvents, state.withLock({ $0.isConcerned }) {
                if socket.kind == .containerd { try followCalls() } else { try follow() }
            }
            if !isStopping { waitForWake(milliseconds: -1) }
        }
    }

    /// Asks about all that are wanted, and gives their number; names stay wanted when it fails.
    private func ask() throws(RuntimeFailure) -> Int {
        let (wanted, ends) = state.withLock { ($0.wanted, $0.wantedEnds) }
        guard !wanted.isEmpty || !ends.isEmpty else { return 0 }
        let answers = try questions.ends(of: ends) + questions.answers(about: wanted)
        state.withLock { state in
            state.known = .answering
            state.isConcerned = state.isConcerned || !answers.isEmpty || !ends.isEmpty
            state.wanted.removeAll { wanted.contains($0) }
            state.wantedEnds = state.wantedEnds.filter { ends[$0.key] == nil }
        }
        if !answers.isEmpty { deliver(answers) }
        return wanted.count + ends.count
    }

    /// Takes events as they come, and asks in between.
    private func follow() throws(RuntimeFailure) {
        var events = try LocalConversation(
            path: questions.path, patienceMilliseconds: questions.patienceMilliseconds, wake: wakeDescriptor)
        let (status, body) = try events.beginGet(RuntimeQuestions.eventsPath)
        guard status == 200 else { throw .status(status) }
        // What happened before the stream began is not told; what is wanted is asked now.
        var line: [UInt8] = []
        while !isStopping {
            events.deadline = .max
            guard try events.waitForInput() else {
                takeWake()
                _ = try ask()
                continue
            }
            // A piece that has begun to come must come whole.
            events.deadline = SystemClock().monotonicNanoseconds &+ questions.patienceMilliseconds &* 1_000_000
            if body == .chunked {
                guard let chunk = try events.nextChunk(limitBytes: Self.maximumEventBytes) else { throw .closed }
                line += chunk
            } else {
                line += try events.line(limitBytes: Self.maximumEventBytes) + [KernelText.newline]
            }
            var answers: [RuntimeAnswer] = []
            while let end = line.firstIndex(of: KernelText.newline) {
                if let answer = RuntimeAnswers.event(Array(line[..<end])) { answers.append(answer) }
                line.removeSubrange(...end)
            }
            guard line.count <= Self.maximumEventBytes else { throw .tooLong(limitBytes: Self.maximumEventBytes) }
            if !answers.isEmpty { deliver(answers) }
        }
    }

    /// The same of containerd, whose ends come as messages.
    private func followCalls() throws(RuntimeFailure) {
        var calls = try RemoteCalls(
            LocalConversation(
                path: questions.path, patienceMilliseconds: questions.patienceMilliseconds, wake: wakeDescriptor))
        let stream = try calls.begin(RuntimeQuestions.exitsMethod, message: RuntimeQuestions.exitsRequest)
        var bytes: [UInt8] = []
        while !isStopping {
            calls.deadline = .max
            guard try calls.waitForInput() else {
                takeWake()
                _ = try ask()
                continue
            }
            calls.deadline = SystemClock().monotonicNanoseconds &+ questions.patienceMilliseconds &* 1_000_000
            let isLast = try calls.takeFrame(of: stream, into: &bytes)
            var answers: [RuntimeAnswer] = []
            while let message = try RemoteCalls.takeMessage(from: &bytes) {
                if let answer = RuntimeAnswers.taskExit(message) { answers.append(answer) }
            }
            if !answers.isEmpty { deliver(answers) }
            // It tells no events; codes that the kernel does not tell stay unknown.
            if isLast { break }
        }
    }

    /// Waits the time out, whoever wakes, unless told to stop.
    private func pause(milliseconds: UInt64) {
        let end = SystemClock().monotonicNanoseconds &+ milliseconds &* 1_000_000
        while !isStopping {
            let now = SystemClock().monotonicNanoseconds
            guard now < end else { return }
            waitForWake(milliseconds: Int32(clamping: (end - now + 999_999) / 1_000_000))
        }
    }

    private func waitForWake(milliseconds: Int32) {
        var descriptor = pollfd(fd: wakeDescriptor, events: Int16(POLLIN), revents: 0)
        _ = unsafe poll(&descriptor, 1, milliseconds)
        takeWake()
    }

    private func takeWake() {
        var value: eventfd_t = 0
        _ = unsafe eventfd_read(wakeDescriptor, &value)
    }
}
