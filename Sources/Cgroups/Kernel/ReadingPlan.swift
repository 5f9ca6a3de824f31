/// The list of files to read for the hierarchies that this machine has.
struct ReadingPlan {
    /// Descriptors kept per cgroup at most.
    static let keptPerCgroup = 8
    /// Files per cgroup at most: their absence is kept in one number's bits.
    static let maximumFiles = 128

    private let groups: MetricGroups
    private let pageSizes: [String]
    private var files: [KernelFile] = []

    private init(groups: MetricGroups, pageSizes: [String]) {
        self.groups = groups
        self.pageSizes = pageSizes
    }

    /// The files in the order in which they are read.
    ///
    /// `pageSizes` are the machine's sizes of huge pages as the files' names have them (`2MB`).
    static func files(
        for hierarchies: [Hierarchy], groups: MetricGroups, pageSizes: [String] = []
    ) -> [KernelFile] {
        var plan = ReadingPlan(groups: groups, pageSizes: pageSizes)
        let hasAccounting = hierarchies.contains { !$0.isUnified && $0.controllers.contains(.cpuAccounting) }
        for (index, hierarchy) in hierarchies.enumerated() {
            if hierarchy.isUnified {
                plan.addUnified(hierarchy, index, hasVersion1Accounting: hasAccounting)
            } else {
                plan.addVersion1(hierarchy, index)
            }
        }
        plan.addProcessList(hierarchies)
        var files: [KernelFile] = []
        for rank in 0...6 { files += plan.files.filter { $0.rank == rank } }
        files = Array(files.prefix(maximumFiles))
        let hottest = files.indices.filter { files[$0].keptPriority > 0 }
            .sorted { (files[$0].keptPriority, $1) > (files[$1].keptPriority, $0) }
        for (place, index) in hottest.prefix(keptPerCgroup).enumerated() { files[index].keptIndex = place }
        return files
    }

    private mutating func addVersion1(_ hierarchy: Hierarchy, _ index: Int) {
        let controllers = hierarchy.controllers
        if controllers.contains(.cpuAccounting), groups.contains(.cpu) {
            files += [
                KernelFile("cpuacct.usage", index, .everySweep, .number(.cpuUsage), kept: 9),
                KernelFile(
                    "cpuacct.stat", index, .everySweep, .keyed(KernelKeys.cpuAccounting), trigger: .cpuTick, kept: 6),
            ]
        }
        if controllers.contains(.cpuAccounting), groups.contains(.perCPU) {
            files.append(KernelFile("cpuacct.usage_percpu", index, .everySweep, .perCPU, kept: 1))
        }
        if controllers.contains(.cpu), groups.contains(.cpu) {
            files += [
                KernelFile("cpu.cfs_period_us", index, .limits, .number(.cpuPeriod), trigger: .seldom),
                KernelFile("cpu.cfs_quota_us", index, .limits, .number(.cpuQuota)),
                KernelFile("cpu.shares", index, .limits, .number(.cpuShares), trigger: .seldom),
                KernelFile("cpu.stat", index, .opened, .keyed(KernelKeys.cpuVersion1), condition: .underQuota),
            ]
        }
        if controllers.contains(.memory) { addVersion1Memory(index) }
        if controllers.contains(.blockIO), groups.contains(.diskIO) {
            // The recursive files came with Linux 5.x; before, each cgroup tells of itself alone.
            let suffix = hierarchy.hasRecursiveBlockIO ? "_recursive" : ""
            files += [
                KernelFile("blkio.throttle.io_service_bytes\(suffix)", index, .opened, .blockBytes, kept: 4),
                KernelFile(
                    "blkio.bfq.io_service_bytes\(suffix)", index, .opened, .blockBytes, condition: .insteadOfPrevious),
                KernelFile(
                    "blkio.throttle.io_serviced\(suffix)", index, .opened, .blockOperations, trigger: .ioMoved),
                KernelFile(
                    "blkio.bfq.io_serviced\(suffix)", index, .opened, .blockOperations, trigger: .ioMoved,
                    condition: .insteadOfPrevious),
            ]
        }
        if controllers.contains(.processes), groups.contains(.process) {
            files += [
                KernelFile("pids.current", index, .opened, .number(.threads), kept: 3),
                KernelFile("pids.max", index, .limits, .limit(.threadsMaximum), trigger: .seldom),
            ]
        }
        if controllers.contains(.cpuset), groups.contains(.cpuset) {
            files.append(
                KernelFile("cpuset.memory_migrate", index, .limits, .number(.memoryMigrates), trigger: .seldom))
        }
        if controllers.contains(.hugetlb), groups.contains(.hugetlb) { addHugePages(index, isUnified: false) }
    }

    private mutating func addVersion1Memory(_ index: Int) {
        if groups.contains(.memory) {
            files += [
                KernelFile("memory.usage_in_bytes", index, .everySweep, .number(.memoryUsage), kept: 8),
                KernelFile(
                    "memory.stat", index, .everySweep, .keyed(KernelKeys.memoryVersion1), trigger: .memoryMoved,
                    kept: 7),
                KernelFile("memory.max_usage_in_bytes", index, .opened, .number(.memoryMaximumUsage), kept: 2),
                KernelFile(
                    "memory.failcnt", index, .opened, .number(.memoryFailureCount), condition: .underMemoryLimit),
                KernelFile("memory.kmem.usage_in_bytes", index, .opened, .number(.memoryKernel), trigger: .fullReading),
                KernelFile("memory.limit_in_bytes", index, .limits, .limit(.memoryLimit)),
                KernelFile("memory.memsw.limit_in_bytes", index, .limits, .limit(.memorySwapLimit), trigger: .seldom),
                KernelFile("memory.soft_limit_in_bytes", index, .limits, .limit(.memoryReservation), trigger: .seldom),
            ]
        }
        if groups.contains(.oomEvent) {
            // The number of threads does not tell: a worker that was killed may have a successor already.
            files.append(KernelFile("memory.oom_control", index, .opened, .keyed(KernelKeys.oomControl), kept: 5))
        }
        if groups.contains(.memoryNUMA) {
            files.append(KernelFile("memory.numa_stat", index, .opened, .nodeMemory(isBytes: false)))
        }
    }

    private mutating func addUnified(_ hierarchy: Hierarchy, _ index: Int, hasVersion1Accounting: Bool) {
        let controllers = hierarchy.controllers
        if groups.contains(.cpu) {
            files.append(
                KernelFile(
                    "cpu.stat", index, hasVersion1Accounting ? .opened : .everySweep,
                    .keyed(KernelKeys.cpuVersion2),
                    condition: hasVersion1Accounting ? .withoutVersion1Accounting : .always,
                    kept: hasVersion1Accounting ? 0 : 9))
        }
        if controllers.contains(.cpu), groups.contains(.cpu) {
            files += [
                KernelFile("cpu.max", index, .limits, .unifiedCPULimit),
                KernelFile("cpu.weight", index, .limits, .unifiedCPUWeight, trigger: .seldom),
            ]
        }
        if controllers.contains(.memory) { addUnifiedMemory(index) }
        if controllers.contains(.blockIO), groups.contains(.diskIO) {
            files.append(KernelFile("io.stat", index, .everySweep, .unifiedBlock, kept: 6))
        }
        if controllers.contains(.processes), groups.contains(.process) {
            files += [
                KernelFile("pids.current", index, .opened, .number(.threads), kept: 3),
                KernelFile("pids.peak", index, .opened, .number(.threadsPeak), trigger: .threadsMoved),
                KernelFile("pids.events", index, .opened, .keyed(KernelKeys.processEvents), trigger: .threadsMoved),
                KernelFile("pids.max", index, .limits, .limit(.threadsMaximum), trigger: .seldom),
            ]
        }
        if groups.contains(.pressure) {
            files += [
                KernelFile(
                    "cpu.pressure", index, .opened,
                    .pressure(waiting: .pressureCPUWaiting, stalled: .pressureCPUStalled)),
                KernelFile(
                    "memory.pressure", index, .opened,
                    .pressure(waiting: .pressureMemoryWaiting, stalled: .pressureMemoryStalled)),
                KernelFile(
                    "io.pressure", index, .opened,
                    .pressure(waiting: .pressureIOWaiting, stalled: .pressureIOStalled)),
                KernelFile(
                    "irq.pressure", index, .opened, .pressure(waiting: nil, stalled: .pressureInterruptsStalled)),
            ]
        }
        if controllers.contains(.hugetlb), groups.contains(.hugetlb) { addHugePages(index, isUnified: true) }
    }

    private mutating func addUnifiedMemory(_ index: Int) {
        if groups.contains(.memory) {
            files += [
                KernelFile("memory.current", index, .everySweep, .number(.memoryUsage), kept: 8),
                KernelFile(
                    "memory.stat", index, .everySweep, .keyed(KernelKeys.memoryVersion2), trigger: .memoryMoved,
                    kept: 7),
                KernelFile("memory.swap.current", index, .opened, .number(.memorySwap)),
                KernelFile("memory.peak", index, .opened, .number(.memoryMaximumUsage), kept: 2),
                KernelFile("memory.swap.peak", index, .opened, .number(.memoryMaximumSwap), trigger: .fullReading),
                KernelFile("memory.max", index, .limits, .limit(.memoryLimit)),
                KernelFile("memory.high", index, .limits, .limit(.memoryHighLimit)),
                KernelFile("memory.swap.max", index, .limits, .limit(.swapLimitAlone), trigger: .seldom),
                KernelFile("memory.min", index, .limits, .positiveLimit(.memoryReservation), trigger: .seldom),
            ]
        }
        if !groups.isDisjoint(with: [.memory, .oomEvent]) {
            files.append(KernelFile("memory.events", index, .opened, .keyed(KernelKeys.memoryEvents), kept: 4))
        }
        if groups.contains(.memoryNUMA) {
            files.append(KernelFile("memory.numa_stat", index, .opened, .nodeMemory(isBytes: true)))
        }
    }

    /// Reservations are what cAdvisor shows where the kernel has them (5.7), pages in use where not.
    private mutating func addHugePages(_ index: Int, isUnified: Bool) {
        for (size, name) in pageSizes.enumerated() {
            let kinds: [(String, HugePageFigure)] =
                isUnified
                ? [("current", .usage)]
                : [("usage_in_bytes", .usage), ("max_usage_in_bytes", .maximum), ("failcnt", .failures)]
            for (suffix, figure) in kinds {
                files += [
                    KernelFile("hugetlb.\(name).rsvd.\(suffix)", index, .opened, .hugePages(size: size, figure)),
                    KernelFile(
                        "hugetlb.\(name).\(suffix)", index, .opened, .hugePages(size: size, figure),
                        condition: .insteadOfPrevious),
                ]
            }
            if isUnified {
                files.append(KernelFile("hugetlb.\(name).events", index, .opened, .hugePages(size: size, .events)))
            }
        }
    }

    /// The list of processes is the same kind of file everywhere; one hierarchy suffices, best the one that limits
    /// processes, for runtimes put every container there.
    private mutating func addProcessList(_ hierarchies: [Hierarchy]) {
        let perProcess: MetricGroups = [.sched, .descriptors, .cpuLoad, .referencedMemory]
        guard !groups.isDisjoint(with: perProcess.union(.ofNamespaces).union([.process, .workload])) else { return }
        var chosen = hierarchies.firstIndex { $0.isUnified }
        for controllers in [ControllerSet.processes, .memory, .cpuAccounting, .cpu, .blockIO].reversed() {
            chosen = hierarchies.firstIndex { $0.controllers.contains(controllers) } ?? chosen
        }
        guard let chosen else { return }
        let hasThreadCount = groups.contains(.process) && hierarchies.contains { $0.controllers.contains(.processes) }
        let isAskedEachTime = !groups.isDisjoint(with: perProcess) || !hasThreadCount
        files.append(
            KernelFile(
                "cgroup.procs", chosen, .opened, .processList, trigger: isAskedEachTime ? .always : .threadsMoved))
    }
}
