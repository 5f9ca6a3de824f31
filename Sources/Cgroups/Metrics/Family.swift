/// A metric family made of columns of the table: its name, its help, and which column gives which series.
struct Family {
    enum Kind { case counter, gauge }

    enum Unit {
        /// The number as it is.
        case integer
        /// Nanoseconds, written as seconds.
        case seconds
    }

    struct Member {
        var field: Field
        /// Labels after the cgroup's own, with a comma before them.
        var labels: [UInt8] = []
    }

    var name: [UInt8]
    var heading: [UInt8]
    var unit: Unit
    var group: MetricGroups
    var members: [Member]

    init(
        _ name: String, _ kind: Kind, _ unit: Unit, _ group: MetricGroups, _ members: [Member], _ help: String
    ) {
        self.name = Array(name.utf8)
        heading = Self.heading(name, kind, help)
        self.unit = unit
        self.group = group
        self.members = members
    }

    init(_ name: String, _ kind: Kind, _ unit: Unit, _ group: MetricGroups, _ field: Field, _ help: String) {
        self.init(name, kind, unit, group, [Member(field: field)], help)
    }

    /// The two lines that introduce a family in the text format.
    static func heading(_ name: String, _ kind: Kind, _ help: String) -> [UInt8] {
        Array("# HELP \(name) \(help)\n# TYPE \(name) \(kind == .counter ? "counter" : "gauge")\n".utf8)
    }
}

extension Family {
    /// All families of single numbers per cgroup, in the order they are written.
    static let all: [Family] = times + processor + memory + others

    private static let times: [Family] = [
        Family("container_last_seen", .gauge, .seconds, .all, .lastSeen, "When the cgroup was last swept."),
        Family(
            "container_creation_time_seconds", .gauge, .seconds, .all, .creationTime,
            "When the cgroup was made, as the oldest time of its directories tells."),
        Family(
            "container_start_time_seconds", .gauge, .seconds, .all, .startTime,
            "When the container's first process started; of other cgroups when they were made."),
    ]

    private static let processor: [Family] = [
        Family(
            "container_cpu_usage_seconds_total", .counter, .seconds, .cpu,
            [Member(field: .cpuUsage, labels: Array(#",cpu="total""#.utf8))],
            "CPU time used by the cgroup and those below it."),
        Family(
            "container_cpu_user_seconds_total", .counter, .seconds, .cpu, .cpuUser, "CPU time used in user mode."),
        Family(
            "container_cpu_system_seconds_total", .counter, .seconds, .cpu, .cpuSystem,
            "CPU time used in kernel mode."),
        Family(
            "container_cpu_cfs_periods_total", .counter, .integer, .cpu, .cfsPeriods,
            "Periods in which the cgroup's quota was enforced."),
        Family(
            "container_cpu_cfs_throttled_periods_total", .counter, .integer, .cpu, .cfsThrottledPeriods,
            "Periods in which the quota ran out."),
        Family(
            "container_cpu_cfs_throttled_seconds_total", .counter, .seconds, .cpu, .cfsThrottledTime,
            "Time spent waiting because the quota had run out."),
        Family(
            "container_cpu_cfs_burst_periods_total", .counter, .integer, .cpu, .cfsBurstPeriods,
            "Periods in which more than the quota was used by bursting."),
        Family(
            "container_cpu_cfs_burst_seconds_total", .counter, .seconds, .cpu, .cfsBurstTime,
            "CPU time used above the quota by bursting."),
        Family(
            "container_spec_cpu_period", .gauge, .integer, .cpu, .cpuPeriod,
            "Length of the quota's period in microseconds."),
        Family(
            "container_spec_cpu_quota", .gauge, .integer, .cpu, .cpuQuota,
            "CPU time allowed per period in microseconds; absent without a quota."),
        Family(
            "container_spec_cpu_shares", .gauge, .integer, .cpu, .cpuShares,
            "CPU shares; on version 2 worked out from the weight."),
    ]

    private static let memory: [Family] = [
        Family(
            "container_memory_usage_bytes", .gauge, .integer, .memory, .memoryUsage,
            "Memory charged to the cgroup, page cache included."),
        Family(
            "container_memory_working_set_bytes", .gauge, .integer, .memory, .memoryWorkingSet,
            "Memory charged less inactive page cache."),
        Family(
            "container_memory_max_usage_bytes", .gauge, .integer, .memory, .memoryMaximumUsage,
            "The most memory that was ever charged."),
        Family("container_memory_cache", .gauge, .integer, .memory, .memoryCache, "Page cache in bytes."),
        Family("container_memory_rss", .gauge, .integer, .memory, .memoryResident, "Anonymous memory in bytes."),
        Family(
            "container_memory_mapped_file", .gauge, .integer, .memory, .memoryMappedFile,
            "Mapped files in bytes, a part of the page cache."),
        Family("container_memory_swap", .gauge, .integer, .memory, .memorySwap, "Swapped-out memory in bytes."),
        Family(
            "container_memory_kernel_usage", .gauge, .integer, .memory, .memoryKernel,
            "Memory of the kernel charged to the cgroup in bytes."),
        Family(
            "container_memory_failcnt", .counter, .integer, .memory, .memoryFailureCount,
            "How often the memory limit was run into."),
        Family(
            "container_memory_total_active_file_bytes", .gauge, .integer, .memory, .memoryActiveFile,
            "Page cache in active use."),
        Family(
            "container_memory_total_inactive_file_bytes", .gauge, .integer, .memory, .memoryInactiveFile,
            "Page cache that is reclaimed first."),
        Family(
            "container_memory_failures_total", .counter, .integer, .memory,
            [
                Member(field: .pageFaults, labels: Array(#",failure_type="pgfault",scope="container""#.utf8)),
                Member(field: .majorPageFaults, labels: Array(#",failure_type="pgmajfault",scope="container""#.utf8)),
                Member(field: .pageFaultsBelow, labels: Array(#",failure_type="pgfault",scope="hierarchy""#.utf8)),
                Member(
                    field: .majorPageFaultsBelow, labels: Array(#",failure_type="pgmajfault",scope="hierarchy""#.utf8)),
            ], "Page faults of the cgroup alone and with those below it."),
        Family(
            "container_memory_events_high_total", .counter, .integer, .memory, .memoryEventsHigh,
            "How often the cgroup was slowed because it went over memory.high."),
        Family(
            "container_memory_events_max_total", .counter, .integer, .memory, .memoryEventsMaximum,
            "How often the cgroup was about to go over memory.max."),
        Family(
            "container_memory_file_dirty_bytes", .gauge, .integer, .memory, .memoryDirty,
            "Page cache not yet written to disk."),
        Family(
            "container_memory_file_writeback_bytes", .gauge, .integer, .memory, .memoryWriteback,
            "Page cache being written to disk."),
        Family(
            "container_memory_pgscan_total", .counter, .integer, .memory, .pagesScanned, "Pages scanned by reclaim."),
        Family(
            "container_memory_pgsteal_total", .counter, .integer, .memory, .pagesStolen, "Pages taken by reclaim."),
        Family(
            "container_memory_workingset_refault_file_total", .counter, .integer, .memory, .refaultsFile,
            "Pages of files that had to be read again soon after reclaim."),
        Family(
            "container_memory_workingset_refault_anon_total", .counter, .integer, .memory, .refaultsAnonymous,
            "Anonymous pages that had to be read again soon after reclaim."),
        Family(
            "container_spec_memory_limit_bytes", .gauge, .integer, .memory, .memoryLimit,
            "Memory limit; absent without one."),
        Family(
            "container_spec_memory_swap_limit_bytes", .gauge, .integer, .memory, .memorySwapLimit,
            "Limit of memory and swap together; of the root the machine's swap; absent without one."),
        Family(
            "container_spec_memory_reservation_limit_bytes", .gauge, .integer, .memory, .memoryReservation,
            "Memory that reclaim leaves alone when it can; absent without one."),
    ]

    private static let others: [Family] = [
        Family(
            "container_oom_events_total", .counter, .integer, .oomEvent, .oomKills,
            "Processes killed because memory ran out, as the kernel counts them."),
        Family(
            "container_processes", .gauge, .integer, .process, .processes,
            "Processes in the cgroup itself, without those below it."),
        Family("container_threads", .gauge, .integer, .process, .threads, "Threads of the cgroup and those below it."),
        Family(
            "container_threads_max", .gauge, .integer, .process, .threadsMaximum,
            "Limit of threads; absent without one."),
        Family(
            "container_pressure_cpu_waiting_seconds_total", .counter, .seconds, .pressure, .pressureCPUWaiting,
            "Time in which some task waited for a CPU."),
        Family(
            "container_pressure_cpu_stalled_seconds_total", .counter, .seconds, .pressure, .pressureCPUStalled,
            "Time in which no task got on for want of a CPU."),
        Family(
            "container_pressure_memory_waiting_seconds_total", .counter, .seconds, .pressure, .pressureMemoryWaiting,
            "Time in which some task waited for memory."),
        Family(
            "container_pressure_memory_stalled_seconds_total", .counter, .seconds, .pressure, .pressureMemoryStalled,
            "Time in which no task got on for want of memory."),
        Family(
            "container_pressure_io_waiting_seconds_total", .counter, .seconds, .pressure, .pressureIOWaiting,
            "Time in which some task waited for I/O."),
        Family(
            "container_pressure_io_stalled_seconds_total", .counter, .seconds, .pressure, .pressureIOStalled,
            "Time in which no task got on for want of I/O."),
    ]
}
