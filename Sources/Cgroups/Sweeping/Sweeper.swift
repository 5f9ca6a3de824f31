import Glibc
import MetricModel

/// Everything the collector knows, and the sweep that renews it.
///
/// Not shared: its owner holds a lock around it.
struct Sweeper {
    /// A cgroup is read completely this often, whether anything moved in it or not.
    static let quietNanoseconds: UInt64 = 60_000_000_000

    var settings: CollectorSettings
    let clock: any WallClock
    var reader = FileReader()
    var budget: DescriptorBudget
    var table = CgroupTable()
    var hierarchies: [Hierarchy] = []
    var idPrefix: [UInt8] = []
    var files: [KernelFile] = []
    /// The names of the files with a zero byte, beside `files`, so that opening needs no String.
    var fileNames: [[UInt8]] = []
    /// The same list as plain numbers, for the loop over all cgroups.
    var steps: [ReadStep] = []
    /// The sizes of huge pages as cgroup files spell them.
    var pageSizes: [String] = []
    /// The processes of the cgroup being read, where a group looks at each.
    var processScratch: [UInt64] = []
    var looksAtProcesses = false
    /// Where the owner's thread waits for events; nil when nobody waits.
    var queue: EventQueue?
    var isFollowingEvents = false
    /// New cgroups whose first process was not found yet, and ended ones that still count their last.
    var lookedAt: [(slot: Int, generation: UInt32)] = []
    var workloads: Workloads
    /// The runtimes that can be asked; nil when they shall not be.
    var runtimes: RuntimeSockets?
    /// Ends that are counted when a runtime tells their code, by the container's identifier.
    var waitingEnds: [String: WaitingEnd] = [:]
    var watchingDue: UInt64 = 0
    var workloadsDue: UInt64 = 0
    var watcher: DirectoryWatcher?
    var watches: [Int32: WatchTarget] = [:]
    /// Whether the last listing of all directories met no lack of descriptors.
    var isListingWhole = true
    /// Whether a file could not be opened in the last sweep because no descriptor was left.
    var lacksDescriptors = false
    var statistics = SweepStatistics()
    var devices: BlockDeviceNames
    var networks = NetworkTable()
    var machine: MachineFacts
    var topology: MachineTopology
    var nameFiles: NameFiles
    var hostDisks: [DiskCounters] = []
    let disk: DiskUse
    var hostSpaces: HostSpaces
    var diskDue: UInt64 = 0
    var pathBuffer: [UInt8] = []
    var scanDue: UInt64 = 0
    var lastSweepMonotonic: UInt64?
    var lastSweepWall: UInt64 = 0

    init(settings: CollectorSettings, clock: any WallClock) {
        self.settings = settings
        self.clock = clock
        budget = DescriptorBudget(settings: settings)
        devices = BlockDeviceNames(rootPath: settings.rootPath)
        machine = MachineFacts(rootPath: settings.rootPath)
        topology = MachineTopology(
            rootPath: settings.rootPath, isDetailed: settings.groups.contains(.cpuTopology))
        disk = DiskUse(settings: settings, clock: clock, startsThreads: settings.walksDisks)
        hostSpaces = HostSpaces(rootPath: settings.rootPath, clock: clock)
        nameFiles = NameFiles(rootPath: settings.rootPath, labels: settings.containerLabels)
        workloads = Workloads(
            maximumCount: settings.maximumWorkloads, keptMilliseconds: settings.workloadsKeptMilliseconds)
        hierarchies = MountTable.open(rootPath: settings.rootPath, reader: &reader)
        if let first = hierarchies.first, hierarchies.allSatisfy({ $0.idPrefix == first.idPrefix }) {
            idPrefix = Array(first.idPrefix.utf8)
        }
        queue = EventQueue()
        planReading()
        beginAsking()
    }

    /// Closes every descriptor; the sweeper is not used afterwards.
    mutating func close() {
        for slot in table.records.indices where table.records[slot].isLive {
            closeKept(slot, hierarchy: nil)
            table.records[slot].life.process.close()
        }
        disk.stop()
        runtimes?.stop()
        queue?.close()
        for hierarchy in hierarchies { _ = Glibc.close(hierarchy.descriptor) }
        if let watcher { _ = Glibc.close(watcher.descriptor) }
    }

    /// Learns what came and went and reads what is due.
    mutating func sweep() {
        let start = clock.monotonicNanoseconds
        let exhausted = statistics.errors[SweepStatistics.ErrorKind.exhausted.rawValue]
        machine.refresh(now: start, reader: &reader)
        if !settings.groups.isDisjoint(with: [.machine, .cpuTopology]) {
            topology.refresh(now: start, reader: &reader)
        }
        takeEvents()
        if start >= scanDue { scan(now: start) }
        let wall = UInt64(clamping: clock.now.milliseconds) &* 1_000_000
        for slot in table.records.indices where table.records[slot].isLive {
            // Cgroups that are filtered out still bound those below them.
            guard table.records[slot].isExported || table.records[slot].childCount > 0 else { continue }
            readCgroup(slot, now: start)
            guard table.records[slot].isLive else { continue }
            table.set(.lastSeen, of: slot, to: wall)
            if table.records[slot].life.isFollowed { follow(slot, now: start) }
        }
        deriveAncestry()
        if !settings.groups.isDisjoint(with: .ofNamespaces) { readNetworks(now: start) }
        if settings.groups.contains(.diskIO) { readHostDisks() }
        takeRuntimeAnswers(now: start)
        lookUpNames(now: start)
        if settings.groups.contains(.disk) { followDisks(now: start) }
        if start >= workloadsDue {
            workloads.forgetOld(now: start)
            workloadsDue = due(settings.limitsIntervalMilliseconds, after: start)
        }
        lacksDescriptors = statistics.errors[SweepStatistics.ErrorKind.exhausted.rawValue] != exhausted
        let end = clock.monotonicNanoseconds
        statistics.sweeps &+= 1
        statistics.lastSweepNanoseconds = end &- start
        statistics.sweepNanoseconds &+= end &- start
        lastSweepMonotonic = start
        lastSweepWall = wall
    }

    /// Follows what the owner's thread was woken for; ends of processes first, for their cgroups may go any moment.
    mutating func follow(_ sources: [EventQueue.Source]) {
        let now = clock.monotonicNanoseconds
        for source in sources {
            if case .process(let slot, let generation) = source {
                processEnded(slot: slot, generation: generation, now: now)
            }
        }
        if sources.contains(.directories) { takeEvents() }
        if sources.contains(.wake) { takeRuntimeAnswers(now: now) }
    }

    /// Counts an outcome that is worth counting.
    mutating func count(_ outcome: ReadOutcome) {
        switch outcome {
        case .read, .missing, .unsupported: break
        case .removed: statistics.count(.vanished)
        case .denied: statistics.count(.denied)
        case .exhausted: statistics.count(.exhausted)
        case .failed: statistics.count(.other)
        }
    }
}
