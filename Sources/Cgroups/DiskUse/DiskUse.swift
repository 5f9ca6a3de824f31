internal import CKernel
import Glibc
import MetricModel
import Synchronization
import Threads

/// What containers and pods take on disk: sweeps say who is wanted, a thread of its own finds their trees and walks them.
///
/// The thread is paced: it looks at so many entries a second and sleeps in between. Before a path is touched the mount
/// table is asked where it lies; what lies on another machine is left alone. Where the thread makes no progress for
/// some time it is given up, and another goes on with the rest: a mount that does not answer costs its own figures.
final class DiskUse: Sendable {
    /// A thread that has made no progress for this long waits for something that does not answer.
    static let timeoutNanoseconds: UInt64 = 10_000_000_000
    /// Turns per second while there is work; each does its share of the entries and sleeps.
    private static let turnsPerSecond = 10
    /// What finding a container's trees and opening one cost, in entries.
    private static let findingEntries = 20
    private static let openingEntries = 5

    private let clock: any WallClock
    private let rootPath: String
    private let entriesPerTurn: Int
    private let state: Mutex<DiskState>
    private let progress = Atomic<UInt64>(0)
    private let isStopping = Atomic<Bool>(false)
    private let wakeDescriptor: Int32
    private let startsThreads: Bool
    private let timeoutNanoseconds: UInt64
    /// Asks for a file system's space; others than the kernel in tests.
    private let space: @Sendable (String) -> FileSystemSpace?

    init(
        settings: CollectorSettings, clock: any WallClock, startsThreads: Bool = true,
        timeoutNanoseconds: UInt64 = DiskUse.timeoutNanoseconds,
        space: @escaping @Sendable (String) -> FileSystemSpace? = { FileSystemSpace.of($0) }
    ) {
        self.clock = clock
        rootPath = settings.rootPath
        entriesPerTurn = max(1, settings.diskEntriesPerSecond / Self.turnsPerSecond)
        state = Mutex(
            DiskState(
                intervalNanoseconds: UInt64(clamping: settings.diskIntervalMilliseconds) &* 1_000_000,
                maximumTrees: settings.maximumDiskTrees))
        wakeDescriptor = eventfd(0, Int32(O_CLOEXEC | O_NONBLOCK))
        self.startsThreads = startsThreads
        self.timeoutNanoseconds = timeoutNanoseconds
        self.space = space
    }

    deinit { _ = close(wakeDescriptor) }

    /// Takes the list of all containers and pods that are wanted.
    func setSubjects(_ subjects: [DiskSubject]) {
        let isNew = state.withLock { $0.setSubjects(subjects) }
        if isNew { startWorker() }
        wake()
    }

    /// Looks whether the thread still makes progress; costs nothing.
    func watch() {
        let count = progress.load(ordering: .relaxed)
        let now = clock.monotonicNanoseconds
        let isNew = state.withLock {
            $0.giveUp(progress: count, now: now, timeoutNanoseconds: timeoutNanoseconds)
        }
        if isNew { startWorker() }
    }

    /// Ends the thread; what hangs stays until it is answered.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        wake()
    }

    /// What is known, for the page.
    func withState<Result>(_ body: (borrowing DiskState) -> Result) -> Result {
        state.withLock { body($0) }
    }

    private func wake() { _ = eventfd_write(wakeDescriptor, 1) }

    private func startWorker() {
        guard startsThreads else { return }
        let worker = state.withLock { $0.worker }
        if !OwnThread.start(name: "lapwing-disk", { self.work(as: worker) }) { state.withLock { $0.couldNotStart() } }
    }

    /// A worker's life.
    private func work(as worker: UInt64) {
        lapwing_yield_to_others()
        var walks = DiskWalks(worker: worker, rootPath: rootPath)
        while !isStopping.load(ordering: .acquiring) {
            let used = turn(&walks)
            let now = clock.monotonicNanoseconds
            if used > 0 {
                guard state.withLock({ $0.worker == worker }) else { return }
                pause(milliseconds: 1_000 * used / (entriesPerTurn * Self.turnsPerSecond), endsEarly: false)
            } else {
                guard let due = state.withLock({ $0.nextDue(for: worker) }) else { return }
                let left = (due > now ? due - now : 0) / 1_000_000
                pause(milliseconds: Int(clamping: min(max(left, 1_000), 60_000)), endsEarly: true)
            }
        }
    }

    /// Does what is due, at most about `entriesPerTurn` entries; the number of those done.
    func turn(_ walks: inout DiskWalks) -> Int {
        var used = 0
        while used < entriesPerTurn, let subject = nextFinding(walks.worker) {
            walks.refreshMounts(now: clock.monotonicNanoseconds)
            progress.wrappingAdd(1, ordering: .relaxed)
            let found = walks.finder.parts(of: subject)
            progress.wrappingAdd(1, ordering: .relaxed)
            state.withLock {
                $0.found(
                    found.parts, failure: found.failure, for: subject.key, from: walks.worker,
                    now: clock.monotonicNanoseconds)
            }
            used += Self.findingEntries
        }
        for lane in DiskState.Lane.allCases {
            // The long lane gets half, however many short trees wait.
            let share = lane == .long ? entriesPerTurn / 2 + 1 : entriesPerTurn
            var done = 0
            while done < share, let count = walk(lane, &walks, limit: share - done) { done += count }
            used += done
        }
        return used
    }

    private func nextFinding(_ worker: UInt64) -> DiskSubject? {
        state.withLock { $0.nextFinding(for: worker, now: clock.monotonicNanoseconds) }
    }

    /// Goes on with the lane's tree or begins the next; the entries done, nil when there is none.
    private func walk(_ lane: DiskState.Lane, _ walks: inout DiskWalks, limit: Int) -> Int? {
        if walks.open[lane.rawValue] == nil {
            let now = clock.monotonicNanoseconds
            guard let tree = state.withLock({ $0.nextTree(lane, for: walks.worker, now: now) }) else { return nil }
            progress.wrappingAdd(1, ordering: .relaxed)
            begin(tree, lane, &walks, now: now)
            return Self.openingEntries
        }
        guard let open = walks.open[lane.rawValue] else { return nil }
        guard state.withLock({ $0.goOn(with: open.tree, for: walks.worker) }) else {
            walks.open = [nil, nil]
            return nil
        }
        let before = open.walk.entries
        let isOver = open.walk.advance(entries: limit, progress: progress)
        if isOver {
            walks.open[lane.rawValue] = nil
            var figure = open.figure
            figure.use = open.walk.use
            finish(
                open.tree, walks.worker, figure, open.walk.use.isPartial ? .partial : nil, open.walk.entries,
                started: open.started)
        } else if lane == .short, open.walk.entries > DiskState.shortEntries {
            walks.open[lane.rawValue] = nil
            state.withLock { $0.postpone(open.tree, from: walks.worker, entries: open.walk.entries) }
        }
        return open.walk.entries - before + 1
    }

    /// Opens a tree, or answers at once for one that need not be walked.
    private func begin(_ tree: DiskTree, _ lane: DiskState.Lane, _ walks: inout DiskWalks, now: UInt64) {
        walks.refreshMounts(now: now)
        let mount = walks.finder.mounts.mount(of: tree.path)
        if mount?.isRemote == true { return finish(tree, walks.worker, nil, .remote, 0, started: now) }
        let path = rootPath + tree.path
        var figure = DiskFigure()
        figure.space = space(path)
        if figure.space == nil {
            return finish(tree, walks.worker, nil, DiskFailure(errorNumber: errno), 0, started: now)
        }
        figure.device = mount.map { $0.source.hasPrefix("/dev/") ? $0.source : $0.point } ?? ""
        var names: [String] = []
        if case .walk(let wanted) = tree.measure { names = wanted }
        if let space = figure.space, tree.measure == .mount || isProject(space, on: mount, names: names) {
            figure.use.bytes = space.sizeBytes - min(space.freeBytes, space.sizeBytes)
            figure.use.inodes = space.files - min(space.filesFree, space.files)
            return finish(tree, walks.worker, figure, nil, 0, started: now)
        }
        let points = walks.finder.mounts.points(below: tree.path).map { Array((rootPath + $0).utf8) }
        guard let walk = DirectoryWalk(path: path, names: names, mountPoints: Set(points)) else {
            return finish(tree, walks.worker, nil, DiskFailure(errorNumber: errno), 0, started: now)
        }
        walks.open[lane.rawValue] = DiskWalks.Open(tree: tree, walk: walk, figure: figure, started: now)
    }

    /// Whether the folder has a project's quota: XFS and ext4 then tell the quota's space in place of the whole file
    /// system's, so that there is nothing to walk.
    private func isProject(_ space: FileSystemSpace, on mount: MountEntry?, names: [String]) -> Bool {
        guard names.isEmpty, let mount, mount.type == "xfs" || mount.type == "ext4",
            let whole = self.space(rootPath + mount.point)
        else { return false }
        return whole.sizeBytes != space.sizeBytes
    }

    private func finish(
        _ tree: DiskTree, _ worker: UInt64, _ figure: DiskFigure?, _ failure: DiskFailure?, _ entries: Int,
        started: UInt64
    ) {
        let now = clock.monotonicNanoseconds
        var taken = figure
        taken?.takenNanoseconds = now
        progress.wrappingAdd(1, ordering: .relaxed)
        state.withLock {
            $0.finish(tree, from: worker, taken, failure: failure, entries: entries, started: started, now: now)
        }
    }

    /// Sleeps; a wake ends it where it may.
    private func pause(milliseconds: Int, endsEarly: Bool) {
        var descriptor = pollfd(fd: wakeDescriptor, events: Int16(POLLIN), revents: 0)
        guard endsEarly else {
            _ = poll(nil, 0, Int32(clamping: max(1, milliseconds)))
            return
        }
        guard unsafe poll(&descriptor, 1, Int32(clamping: milliseconds)) > 0 else { return }
        var value: eventfd_t = 0
        _ = unsafe eventfd_read(wakeDescriptor, &value)
    }
}

/// What one worker holds open: a walk in each lane at most.
struct DiskWalks {
    struct Open {
        var tree: DiskTree
        var walk: DirectoryWalk
        var figure: DiskFigure
        var started: UInt64
    }

    let worker: UInt64
    var finder: DiskTreeFinder
    var open: [Open?] = [nil, nil]
    private var mountsDue: UInt64 = 0

    /// The table of mounts is never older than this when something is begun.
    private static let mountsNanoseconds: UInt64 = 5_000_000_000

    /// Reads the host's mount table again if it is old; a worker that takes over has none.
    mutating func refreshMounts(now: UInt64) {
        guard now >= mountsDue else { return }
        mountsDue = now &+ Self.mountsNanoseconds
        finder.refreshMounts()
    }

    init(worker: UInt64, rootPath: String) {
        self.worker = worker
        finder = DiskTreeFinder(rootPath: rootPath)
    }
}
