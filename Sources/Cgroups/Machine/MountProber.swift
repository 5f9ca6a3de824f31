import Glibc
import MetricModel
import Synchronization
import Threads

/// What statvfs(3) tells about a file system.
struct FileSystemSpace: Equatable, Sendable {
    var sizeBytes: UInt64
    var freeBytes: UInt64
    var availableBytes: UInt64
    var files: UInt64
    var filesFree: UInt64

    /// Asks the kernel; nil when it refuses.
    static func of(_ path: String) -> FileSystemSpace? {
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0 else { return nil }
        let block = UInt64(status.f_frsize)
        return FileSystemSpace(
            sizeBytes: UInt64(status.f_blocks) &* block, freeBytes: UInt64(status.f_bfree) &* block,
            availableBytes: UInt64(status.f_bavail) &* block, files: UInt64(status.f_files),
            filesFree: UInt64(status.f_ffree))
    }
}

/// What is known of a mount.
enum MountOutcome: Equatable, Sendable {
    case space(FileSystemSpace)
    case failed
    /// The question was asked long ago and is not answered: the server of a network mount is gone.
    case hanging
}

/// Which mount is asked, by whom, since when; events in, decisions out.
struct MountProberState {
    /// Threads that may hang at most: nothing can end one that waits for a mount.
    let maximumHanging: Int
    private(set) var outcomes: [String: MountOutcome] = [:]
    private(set) var hanging: Set<String> = []
    private var pending: [String] = []
    private var current: (path: String, since: UInt64)?
    /// The worker that may go on; those before it were given up on a mount that does not answer.
    private(set) var worker: UInt64 = 0
    private(set) var isWorking = false

    init(maximumHanging: Int) {
        self.maximumHanging = maximumHanging
    }

    /// Begins a round unless one is under way; true when a worker must be started.
    mutating func begin(_ paths: [String]) -> Bool {
        guard !isWorking else { return false }
        outcomes = outcomes.filter { paths.contains($0.key) }
        guard hanging.count < maximumHanging else {
            for path in paths where !hanging.contains(path) { outcomes[path] = .failed }
            return false
        }
        pending = paths.reversed().filter { !hanging.contains($0) }
        return startWorker()
    }

    /// Gives up a worker that has waited too long; true when another must be started for the rest.
    mutating func giveUp(now: UInt64, timeoutNanoseconds: UInt64) -> Bool {
        guard let asked = current, now &- asked.since >= timeoutNanoseconds, now >= asked.since else { return false }
        hanging.insert(asked.path)
        outcomes[asked.path] = .hanging
        current = nil
        isWorking = false
        if hanging.count >= maximumHanging {
            pending = []
            worker &+= 1
            return false
        }
        return startWorker()
    }

    private mutating func startWorker() -> Bool {
        worker &+= 1
        isWorking = !pending.isEmpty
        return isWorking
    }

    /// The next mount for a worker; nil when the round is over or the worker was given up.
    mutating func next(for worker: UInt64, now: UInt64) -> String? {
        guard worker == self.worker else { return nil }
        guard let path = pending.popLast() else {
            current = nil
            isWorking = false
            return nil
        }
        current = (path, now)
        return path
    }

    /// Takes an answer; one that comes from a worker given up shows that the mount is back.
    mutating func answer(_ outcome: MountOutcome, for path: String, from worker: UInt64) {
        if worker != self.worker { hanging.remove(path) }
        outcomes[path] = outcome
    }
}

/// Asks for the space of file systems on a thread of its own, so that a mount that hangs delays nobody.
final class MountProber: Sendable {
    /// A page waits this long for fresh answers, and not at all while a mount is slow to answer.
    static let patienceMilliseconds: Int64 = 50
    /// A mount that has not answered after this time hangs.
    static let timeoutNanoseconds: UInt64 = 5_000_000_000
    static let maximumHanging = 16

    private let state = Mutex(MountProberState(maximumHanging: maximumHanging))
    private let clock: any WallClock
    private let probe: @Sendable (String) -> FileSystemSpace?

    init(
        clock: any WallClock, probe: @escaping @Sendable (String) -> FileSystemSpace? = { FileSystemSpace.of($0) }
    ) {
        self.clock = clock
        self.probe = probe
    }

    /// What is known of the mounts at these paths, renewed if it can be had soon.
    func outcomes(of paths: [String]) -> [String: MountOutcome] {
        let now = clock.monotonicNanoseconds
        let (worker, isNew) = state.withLock { state in
            var isNew = state.giveUp(now: now, timeoutNanoseconds: Self.timeoutNanoseconds)
            isNew = state.begin(paths) || isNew
            return (state.worker, isNew)
        }
        if isNew {
            let round = Round(prober: self, worker: worker)
            if round.start() { round.wait(milliseconds: Self.patienceMilliseconds) }
        }
        return state.withLock { $0.outcomes }
    }

    /// What is known of the mounts at these paths, without waiting; a new round is begun.
    func knownOutcomes(of paths: [String]) -> [String: MountOutcome] {
        let now = clock.monotonicNanoseconds
        let (worker, isNew, known) = state.withLock { state in
            let known = state.outcomes
            var isNew = state.giveUp(now: now, timeoutNanoseconds: Self.timeoutNanoseconds)
            isNew = state.begin(paths) || isNew
            return (state.worker, isNew, known)
        }
        if isNew { _ = Round(prober: self, worker: worker).start() }
        return known
    }

    /// A worker's life: one mount after another until none is left.
    fileprivate func work(as worker: UInt64) {
        while let path = state.withLock({ $0.next(for: worker, now: clock.monotonicNanoseconds) }) {
            let outcome = probe(path).map { MountOutcome.space($0) } ?? .failed
            state.withLock { $0.answer(outcome, for: path, from: worker) }
        }
    }
}

/// One worker's thread, and the signal that it is done.
///
/// Unchecked, because the semaphore is made for two threads and nothing else changes.
@safe
private final class Round: @unchecked Sendable {
    private let prober: MountProber
    private let worker: UInt64
    private let done: UnsafeMutablePointer<sem_t>

    init(prober: MountProber, worker: UInt64) {
        self.prober = prober
        self.worker = worker
        unsafe done = .allocate(capacity: 1)
        unsafe sem_init(done, 0, 0)
    }

    deinit {
        unsafe sem_destroy(done)
        unsafe done.deallocate()
    }

    /// False when no thread can be had; the mounts then keep what is known of them.
    func start() -> Bool {
        OwnThread.start(name: "lapwing-mounts") { [self] in
            prober.work(as: worker)
            unsafe sem_post(done)
        }
    }

    func wait(milliseconds: Int64) {
        var end = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &end)
        let nanoseconds = Int64(end.tv_nsec) + milliseconds * 1_000_000
        end.tv_sec += time_t(nanoseconds / 1_000_000_000)
        end.tv_nsec = Int(nanoseconds % 1_000_000_000)
        while unsafe sem_timedwait(done, &end) != 0, errno == EINTR {}
    }
}
