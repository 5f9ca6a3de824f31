/// How often a file is read.
enum ReadTier: UInt8 {
    /// Every sweep, through a descriptor kept open.
    case everySweep
    /// At the interval of opened files.
    case opened
    /// At the interval of limits.
    case limits
}

/// How a file's text becomes numbers.
enum FileFormat {
    case number(Field)
    /// A number above 2^62 means "no limit": the series is left out.
    case limit(Field)
    /// The same, and 0 means "none" as well.
    case positiveLimit(Field)
    case keyed(KeyTable)
    case pressure(waiting: Field, stalled: Field)
    case blockBytes, blockOperations, unifiedBlock
    case processList
    case unifiedCPULimit, unifiedCPUWeight
}

/// When a file is not read although its directory is there.
enum ReadCondition: UInt8 {
    case always
    /// Throttling is counted only under a quota.
    case underQuota
    /// The unified hierarchy's CPU times are used where version 1 has no accounting for the cgroup.
    case withoutVersion1Accounting
}

/// One file of a cgroup directory that the collector reads.
struct KernelFile {
    var name: String
    var hierarchy: Int
    var tier: ReadTier
    var format: FileFormat
    var fields: FieldSet
    var condition = ReadCondition.always
    /// Its place among the descriptors a cgroup keeps, or -1.
    var keptIndex = -1

    /// The order of reading: CPU time and memory first, which tell whether anything ran at all; limits before the files
    /// that are read only under a limit.
    var rank: Int {
        switch tier {
        case .everySweep: fields.contains(.cpuUsage) ? 0 : fields.contains(.memoryUsage) ? 1 : 2
        case .limits: 3
        case .opened: 4
        }
    }
}

/// The list of files to read for the hierarchies that this machine has.
enum ReadingPlan {
    /// Descriptors kept per cgroup at most.
    static let keptPerCgroup = 4
    /// Files per cgroup at most: their absence is kept in one word.
    static let maximumFiles = 64

    static func files(for hierarchies: [Hierarchy], groups: MetricGroups) -> [KernelFile] {
        var files: [KernelFile] = []
        let hasAccounting = hierarchies.contains { !$0.isUnified && $0.controllers.contains(.cpuAccounting) }
        for (index, hierarchy) in hierarchies.enumerated() {
            if hierarchy.isUnified {
                addUnified(hierarchy, index, groups, hasVersion1Accounting: hasAccounting, to: &files)
            } else {
                addVersion1(hierarchy, index, groups, to: &files)
            }
        }
        addProcessList(hierarchies, groups, to: &files)
        files =
            files.filter { $0.rank == 0 } + files.filter { $0.rank == 1 } + files.filter { $0.rank == 2 }
            + files.filter { $0.rank == 3 } + files.filter { $0.rank == 4 }
        var kept = 0
        for index in files.indices where files[index].tier == .everySweep && kept < keptPerCgroup {
            files[index].keptIndex = kept
            kept += 1
        }
        return Array(files.prefix(maximumFiles))
    }

    private static func addVersion1(
        _ hierarchy: Hierarchy, _ index: Int, _ groups: MetricGroups, to files: inout [KernelFile]
    ) {
        func add(_ name: String, _ tier: ReadTier, _ format: FileFormat, _ condition: ReadCondition = .always) {
            files.append(file(name, index, tier, format, condition))
        }
        let controllers = hierarchy.controllers
        if controllers.contains(.cpuAccounting), groups.contains(.cpu) {
            add("cpuacct.usage", .everySweep, .number(.cpuUsage))
            add("cpuacct.stat", .everySweep, .keyed(KernelKeys.cpuAccounting))
        }
        if controllers.contains(.cpu), groups.contains(.cpu) {
            add("cpu.cfs_period_us", .limits, .number(.cpuPeriod))
            add("cpu.cfs_quota_us", .limits, .number(.cpuQuota))
            add("cpu.shares", .limits, .number(.cpuShares))
            add("cpu.stat", .opened, .keyed(KernelKeys.cpuVersion1), .underQuota)
        }
        if controllers.contains(.memory), groups.contains(.memory) {
            add("memory.usage_in_bytes", .everySweep, .number(.memoryUsage))
            add("memory.stat", .everySweep, .keyed(KernelKeys.memoryVersion1))
            add("memory.max_usage_in_bytes", .opened, .number(.memoryMaximumUsage))
            add("memory.failcnt", .opened, .number(.memoryFailureCount))
            add("memory.kmem.usage_in_bytes", .opened, .number(.memoryKernel))
            add("memory.limit_in_bytes", .limits, .limit(.memoryLimit))
            add("memory.memsw.limit_in_bytes", .limits, .limit(.memorySwapLimit))
            add("memory.soft_limit_in_bytes", .limits, .limit(.memoryReservation))
        }
        if controllers.contains(.memory), groups.contains(.oomEvent) {
            add("memory.oom_control", .opened, .keyed(KernelKeys.oomControl))
        }
        if controllers.contains(.blockIO), groups.contains(.diskIO) {
            // The recursive files came with Linux 5.x; before, each cgroup tells of itself alone.
            let suffix = hierarchy.hasRecursiveBlockIO ? "_recursive" : ""
            add("blkio.throttle.io_service_bytes\(suffix)", .opened, .blockBytes)
            add("blkio.throttle.io_serviced\(suffix)", .opened, .blockOperations)
        }
        if controllers.contains(.processes), groups.contains(.process) {
            add("pids.current", .opened, .number(.threads))
            add("pids.max", .limits, .limit(.threadsMaximum))
        }
    }

    private static func addUnified(
        _ hierarchy: Hierarchy, _ index: Int, _ groups: MetricGroups, hasVersion1Accounting: Bool,
        to files: inout [KernelFile]
    ) {
        func add(_ name: String, _ tier: ReadTier, _ format: FileFormat, _ condition: ReadCondition = .always) {
            files.append(file(name, index, tier, format, condition))
        }
        let controllers = hierarchy.controllers
        if groups.contains(.cpu) {
            let condition: ReadCondition = hasVersion1Accounting ? .withoutVersion1Accounting : .always
            add(
                "cpu.stat", hasVersion1Accounting ? .opened : .everySweep, .keyed(KernelKeys.cpuVersion2), condition)
        }
        if controllers.contains(.cpu), groups.contains(.cpu) {
            add("cpu.max", .limits, .unifiedCPULimit)
            add("cpu.weight", .limits, .unifiedCPUWeight)
        }
        if controllers.contains(.memory), groups.contains(.memory) {
            add("memory.current", .everySweep, .number(.memoryUsage))
            add("memory.stat", .everySweep, .keyed(KernelKeys.memoryVersion2))
            add("memory.swap.current", .opened, .number(.memorySwap))
            add("memory.peak", .opened, .number(.memoryMaximumUsage))
            add("memory.max", .limits, .limit(.memoryLimit))
            add("memory.swap.max", .limits, .limit(.swapLimitAlone))
            add("memory.min", .limits, .positiveLimit(.memoryReservation))
        }
        if controllers.contains(.memory), !groups.isDisjoint(with: [.memory, .oomEvent]) {
            add("memory.events", .opened, .keyed(KernelKeys.memoryEvents))
        }
        if controllers.contains(.blockIO), groups.contains(.diskIO) {
            add("io.stat", .everySweep, .unifiedBlock)
        }
        if controllers.contains(.processes), groups.contains(.process) {
            add("pids.current", .opened, .number(.threads))
            add("pids.max", .limits, .limit(.threadsMaximum))
        }
        if groups.contains(.pressure) {
            add("cpu.pressure", .opened, .pressure(waiting: .pressureCPUWaiting, stalled: .pressureCPUStalled))
            add(
                "memory.pressure", .opened,
                .pressure(waiting: .pressureMemoryWaiting, stalled: .pressureMemoryStalled))
            add("io.pressure", .opened, .pressure(waiting: .pressureIOWaiting, stalled: .pressureIOStalled))
        }
    }

    /// The list of processes is the same kind of file everywhere; one hierarchy suffices, best the one that limits
    /// processes, for runtimes put every container there.
    private static func addProcessList(
        _ hierarchies: [Hierarchy], _ groups: MetricGroups, to files: inout [KernelFile]
    ) {
        guard !groups.isDisjoint(with: [.process, .network]) else { return }
        for controllers in [ControllerSet.processes, .memory, .cpuAccounting, .cpu, .blockIO] {
            guard let index = hierarchies.firstIndex(where: { $0.controllers.contains(controllers) }) else { continue }
            files.append(file("cgroup.procs", index, .opened, .processList))
            return
        }
        if let index = hierarchies.firstIndex(where: { $0.isUnified }) {
            files.append(file("cgroup.procs", index, .opened, .processList))
        }
    }

    private static func file(
        _ name: String, _ hierarchy: Int, _ tier: ReadTier, _ format: FileFormat,
        _ condition: ReadCondition = .always
    ) -> KernelFile {
        let fields: FieldSet
        switch format {
        case .number(let field), .limit(let field), .positiveLimit(let field): fields = field.bit
        case .keyed(let table): fields = table.fields
        case .pressure(let waiting, let stalled): fields = waiting.bit.union(stalled.bit)
        case .processList: fields = Field.processes.bit
        case .unifiedCPULimit: fields = Field.cpuPeriod.bit.union(Field.cpuQuota.bit)
        case .unifiedCPUWeight: fields = Field.cpuShares.bit
        case .blockBytes, .blockOperations, .unifiedBlock: fields = []
        }
        return KernelFile(
            name: name, hierarchy: hierarchy, tier: tier, format: format, fields: fields, condition: condition)
    }
}
