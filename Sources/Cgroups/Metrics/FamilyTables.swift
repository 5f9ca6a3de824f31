extension Family {
    /// All families of single numbers per cgroup, in the order they are written.
    static let all: [Family] = times + processor + memory + memoryLimits + processes + pressure

    private static let times: [Family] = [
        Family("container_last_seen", .gauge, .seconds, .all, .lastSeen, "When the cgroup was last swept."),
        Family(
            "container_creation_time_seconds", .gauge, .seconds, .all, .creationTime,
            "When the cgroup was made, as the oldest time of its directories tells."),
        Family(
            "container_start_time_seconds", .gauge, .seconds, .all, .startTime,
            "When the container's first process started; of other cgroups when they were made."),
        Family(
            "container_health_state", .gauge, .signed, .all, .health,
            "The runtime's health check: 1 healthy, 0 starting or unhealthy; absent without a check."),
    ]

    static let cpuUsage = Family(
        "container_cpu_usage_seconds_total", .counter, .seconds, .cpu, [Member(.cpuUsage, #",cpu="total""#)],
        "CPU time used by the cgroup and those below it.")

    private static let processor: [Family] = [
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
        Family(
            "container_cpu_load_average_10s", .gauge, .integer, .cpuLoad, .loadAverage,
            "Thousandths of tasks that run or wait for a CPU, smoothed over 10 seconds."),
        Family(
            "container_cpu_load_d_average_10s", .gauge, .integer, .cpuLoad, .uninterruptibleLoadAverage,
            "Thousandths of tasks in uninterruptible sleep, smoothed over 10 seconds."),
        Family(
            "container_tasks_state", .gauge, .integer, .cpuLoad,
            [
                Member(.tasksSleeping, #",state="sleeping""#), Member(.tasksRunning, #",state="running""#),
                Member(.tasksStopped, #",state="stopped""#),
                Member(.tasksUninterruptible, #",state="uninterruptible""#),
                Member(.tasksWaitingForIO, #",state="iowaiting""#),
            ], "Threads of the cgroup itself by state."),
        Family(
            "container_cpu_schedstat_run_seconds_total", .counter, .seconds, .sched, .scheduledTime,
            "CPU time of the cgroup's own processes, main threads alone, as the scheduler counts it."),
        Family(
            "container_cpu_schedstat_runqueue_seconds_total", .counter, .seconds, .sched, .runQueueTime,
            "Time the cgroup's own processes were ready and waited for a CPU."),
        Family(
            "container_cpu_schedstat_run_periods_total", .counter, .integer, .sched, .timeSlices,
            "Time slices that the cgroup's own processes ran."),
    ]

    private static let memory: [Family] = [
        Family(
            "container_memory_usage_bytes", .gauge, .integer, .memory, .memoryUsage,
            "Memory charged to the cgroup, page cache included."),
        Family(
            "container_memory_working_set_bytes", .gauge, .integer, .memory, .memoryWorkingSet,
            "Memory charged less inactive page cache."),
        Family(
            "container_memory_unreclaimable_bytes", .gauge, .integer, .memory, .memoryUnreclaimable,
            "Memory charged less page cache and reclaimable slab: what reclaim cannot free without swap."),
        Family(
            "container_memory_max_usage_bytes", .gauge, .integer, .memory, .memoryMaximumUsage,
            "The most memory that was ever charged."),
        Family("container_memory_cache", .gauge, .integer, .memory, .memoryCache, "Page cache in bytes."),
        Family("container_memory_rss", .gauge, .integer, .memory, .memoryResident, "Anonymous memory in bytes."),
        Family(
            "container_memory_mapped_file", .gauge, .integer, .memory, .memoryMappedFile,
            "Mapped files in bytes, a part of the page cache."),
        Family(
            "container_memory_shmem_bytes", .gauge, .integer, .memory, .memoryShared,
            "Shared memory and tmpfs in bytes, a part of the page cache that cannot be dropped."),
        Family("container_memory_swap", .gauge, .integer, .memory, .memorySwap, "Swapped-out memory in bytes."),
        Family(
            "container_memory_swap_max_usage_bytes", .gauge, .integer, .memory, .memoryMaximumSwap,
            "The most swap that was ever used."),
        Family(
            "container_memory_kernel_usage", .gauge, .integer, .memory, .memoryKernel,
            "Memory of the kernel charged to the cgroup in bytes."),
        Family(
            "container_memory_kernel_part_bytes", .gauge, .integer, .memory,
            [
                Member(.memorySlabReclaimable, #",part="slab_reclaimable""#),
                Member(.memorySlabUnreclaimable, #",part="slab_unreclaimable""#),
                Member(.memoryKernelStack, #",part="stack""#), Member(.memoryPageTables, #",part="page_tables""#),
                Member(.memorySockets, #",part="sockets""#),
            ], "Memory of the kernel and of sockets charged to the cgroup, by what it is for."),
        Family(
            "container_memory_unevictable_bytes", .gauge, .integer, .memory, .memoryUnevictable,
            "Memory locked in place."),
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
                Member(.pageFaults, #",failure_type="pgfault",scope="container""#),
                Member(.majorPageFaults, #",failure_type="pgmajfault",scope="container""#),
                Member(.pageFaultsBelow, #",failure_type="pgfault",scope="hierarchy""#),
                Member(.majorPageFaultsBelow, #",failure_type="pgmajfault",scope="hierarchy""#),
            ], "Page faults of the cgroup alone and with those below it."),
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
            "container_referenced_bytes", .gauge, .integer, .referencedMemory, .referencedMemory,
            "Memory of the cgroup's own processes that was touched since it was mapped."),
    ]

    private static let memoryLimits: [Family] = [
        Family(
            "container_memory_events_low_total", .counter, .integer, .memory, .memoryEventsLow,
            "How often memory protected by memory.low was reclaimed all the same."),
        Family(
            "container_memory_events_high_total", .counter, .integer, .memory, .memoryEventsHigh,
            "How often the cgroup was slowed because it went over memory.high."),
        Family(
            "container_memory_events_max_total", .counter, .integer, .memory, .memoryEventsMaximum,
            "How often the cgroup was about to go over memory.max."),
        Family(
            "container_memory_events_oom_total", .counter, .integer, .memory, .memoryEventsOOM,
            "How often an allocation was about to fail because memory ran out, killed or not."),
        Family(
            "container_memory_migrate", .gauge, .integer, .cpuset, .memoryMigrates,
            "1 when memory follows its tasks to other nodes."),
        Family(
            "container_spec_memory_limit_bytes", .gauge, .integer, .memory, .memoryLimit,
            "Memory limit; absent without one."),
        Family(
            "container_spec_memory_swap_limit_bytes", .gauge, .integer, .memory, .memorySwapLimit,
            "Limit of memory and swap together; of the root the machine's swap; absent without one."),
        Family(
            "container_spec_memory_reservation_limit_bytes", .gauge, .integer, .memory, .memoryReservation,
            "Memory that reclaim leaves alone when it can; absent without one."),
        Family(
            "container_spec_memory_high_limit_bytes", .gauge, .integer, .memory, .memoryHighLimit,
            "Memory above which the cgroup is slowed; absent without such a limit."),
        Family(
            "container_memory_effective_limit_bytes", .gauge, .integer, .memory, .memoryEffectiveLimit,
            "The least limit of the cgroup and all above it, the machine's memory included."),
        Family(
            "container_memory_headroom_bytes", .gauge, .integer, .memory, .memoryHeadroom,
            "How much more unreclaimable memory fits under the limits of the cgroup and all above it."),
        Family(
            "container_oom_events_total", .counter, .integer, .oomEvent, .oomKills,
            "Processes killed because memory ran out, as the kernel counts them."),
        Family(
            "container_oom_group_kills_total", .counter, .integer, .oomEvent, .oomGroupKills,
            "How often the whole cgroup was killed at once because memory ran out."),
    ]

    private static let processes: [Family] = [
        Family(
            "container_processes", .gauge, .integer, .process, .processes,
            "Processes in the cgroup itself, without those below it."),
        Family("container_threads", .gauge, .integer, .process, .threads, "Threads of the cgroup and those below it."),
        Family(
            "container_threads_max", .gauge, .integer, .process, .threadsMaximum,
            "Limit of threads; absent without one."),
        Family(
            "container_threads_peak", .gauge, .integer, .process, .threadsPeak, "The most threads there ever were."),
        Family(
            "container_threads_refused_total", .counter, .integer, .process, .threadsRefused,
            "Threads that could not start because the limit was reached."),
        Family(
            "container_file_descriptors", .gauge, .integer, .descriptors, .fileDescriptors,
            "Files open in the cgroup's own processes."),
        Family(
            "container_sockets", .gauge, .integer, .descriptors, .sockets,
            "Sockets open in the cgroup's own processes."),
        Family(
            "container_ulimits_soft", .gauge, .signed, .descriptors,
            [Member(.openFilesLimit, #",ulimit="max_open_files""#)],
            "Soft limit of the cgroup's first process; -1 without one."),
    ]

    private static let pressure: [Family] = [
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
        Family(
            "container_pressure_irq_stalled_seconds_total", .counter, .seconds, .pressure,
            .pressureInterruptsStalled, "Time in which tasks were held up by interrupts."),
    ]
}
