/// The keys we take from each flat keyed file of the kernel.
///
/// Times become nanoseconds. Version 1's `total_` keys include descendants like all numbers of version 2 do.
/// Kernel documents: admin-guide/cgroup-v1/memory.rst, admin-guide/cgroup-v2.rst.
enum KernelKeys {
    static let nanosecondsPerMicrosecond: UInt64 = 1_000
    /// `cpuacct.stat` counts USER_HZ ticks, 100 a second on every architecture that Linux has today.
    static let nanosecondsPerTick: UInt64 = 10_000_000

    static let memoryVersion1 = KeyTable([
        ("total_cache", .memoryCache, 1), ("total_rss", .memoryResident, 1),
        ("total_mapped_file", .memoryMappedFile, 1), ("total_swap", .memorySwap, 1),
        ("total_active_file", .memoryActiveFile, 1), ("total_inactive_file", .memoryInactiveFile, 1),
        ("total_dirty", .memoryDirty, 1), ("total_writeback", .memoryWriteback, 1),
        ("total_shmem", .memoryShared, 1), ("total_unevictable", .memoryUnevictable, 1),
        ("total_workingset_refault_file", .refaultsFile, 1),
        ("total_workingset_refault_anon", .refaultsAnonymous, 1),
        ("pgfault", .pageFaults, 1), ("pgmajfault", .majorPageFaults, 1),
        ("total_pgfault", .pageFaultsBelow, 1), ("total_pgmajfault", .majorPageFaultsBelow, 1),
    ])

    static let memoryVersion2 = KeyTable([
        ("file", .memoryCache, 1), ("anon", .memoryResident, 1), ("kernel", .memoryKernel, 1),
        ("file_mapped", .memoryMappedFile, 1), ("active_file", .memoryActiveFile, 1),
        ("inactive_file", .memoryInactiveFile, 1), ("file_dirty", .memoryDirty, 1),
        ("file_writeback", .memoryWriteback, 1), ("shmem", .memoryShared, 1),
        ("unevictable", .memoryUnevictable, 1), ("slab_reclaimable", .memorySlabReclaimable, 1),
        ("slab_unreclaimable", .memorySlabUnreclaimable, 1), ("kernel_stack", .memoryKernelStack, 1),
        ("pagetables", .memoryPageTables, 1), ("sock", .memorySockets, 1), ("pgscan", .pagesScanned, 1),
        ("pgsteal", .pagesStolen, 1),
        ("workingset_refault_file", .refaultsFile, 1), ("workingset_refault_anon", .refaultsAnonymous, 1),
        ("pgfault", .pageFaultsBelow, 1), ("pgmajfault", .majorPageFaultsBelow, 1),
    ])

    static let memoryEvents = KeyTable([
        ("low", .memoryEventsLow, 1), ("high", .memoryEventsHigh, 1), ("max", .memoryEventsMaximum, 1),
        ("oom", .memoryEventsOOM, 1), ("oom_kill", .oomKills, 1), ("oom_group_kill", .oomGroupKills, 1),
    ])

    static let processEvents = KeyTable([("max", .threadsRefused, 1)])

    static let oomControl = KeyTable([("oom_kill", .oomKills, 1)])

    static let cpuAccounting = KeyTable([
        ("user", .cpuUser, nanosecondsPerTick), ("system", .cpuSystem, nanosecondsPerTick),
    ])

    static let cpuVersion1 = KeyTable([
        ("nr_periods", .cfsPeriods, 1), ("nr_throttled", .cfsThrottledPeriods, 1),
        ("throttled_time", .cfsThrottledTime, 1), ("nr_bursts", .cfsBurstPeriods, 1),
        ("burst_time", .cfsBurstTime, 1),
    ])

    static let cpuVersion2 = KeyTable([
        ("usage_usec", .cpuUsage, nanosecondsPerMicrosecond), ("user_usec", .cpuUser, nanosecondsPerMicrosecond),
        ("system_usec", .cpuSystem, nanosecondsPerMicrosecond), ("nr_periods", .cfsPeriods, 1),
        ("nr_throttled", .cfsThrottledPeriods, 1),
        ("throttled_usec", .cfsThrottledTime, nanosecondsPerMicrosecond), ("nr_bursts", .cfsBurstPeriods, 1),
        ("burst_usec", .cfsBurstTime, nanosecondsPerMicrosecond),
    ])
}
