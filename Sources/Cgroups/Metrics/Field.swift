/// A number kept per cgroup; its raw value is its column in the table and its bit in a `FieldSet`.
enum Field: UInt8, CaseIterable {
    case lastSeen, creationTime, startTime, health
    case cpuUsage, cpuUser, cpuSystem
    case cfsPeriods, cfsThrottledPeriods, cfsThrottledTime, cfsBurstPeriods, cfsBurstTime
    case cpuPeriod, cpuQuota, cpuShares
    case memoryUsage, memoryWorkingSet, memoryMaximumUsage, memoryCache, memoryResident, memoryMappedFile
    case memorySwap, memoryMaximumSwap, memoryKernel, memoryFailureCount, memoryActiveFile, memoryInactiveFile
    case memoryShared, memorySlabReclaimable, memorySlabUnreclaimable, memorySockets, memoryKernelStack
    case memoryPageTables, memoryUnevictable
    case memoryUnreclaimable, memoryEffectiveLimit, memoryHeadroom
    case pageFaults, majorPageFaults, pageFaultsBelow, majorPageFaultsBelow
    case memoryEventsLow, memoryEventsHigh, memoryEventsMaximum, memoryEventsOOM, memoryDirty, memoryWriteback
    case pagesScanned, pagesStolen
    case refaultsFile, refaultsAnonymous
    case memoryLimit, memorySwapLimit, memoryReservation, memoryHighLimit, memoryMigrates
    case oomKills, oomGroupKills
    case processes, threads, threadsMaximum, threadsPeak, threadsRefused
    case fileDescriptors, sockets, openFilesLimit
    case scheduledTime, runQueueTime, timeSlices
    case loadAverage, uninterruptibleLoadAverage
    case tasksSleeping, tasksRunning, tasksStopped, tasksUninterruptible, tasksWaitingForIO
    case referencedMemory
    case pressureCPUWaiting, pressureCPUStalled, pressureMemoryWaiting, pressureMemoryStalled
    case pressureIOWaiting, pressureIOStalled, pressureInterruptsStalled
    /// Not exported: version 2's limit of swap alone, which others are made of.
    case swapLimitAlone

    var bit: FieldSet { FieldSet(rawValue: 1 << UInt128(rawValue)) }

    /// Columns of a row in the table.
    static let columnCount = 96
}

/// A set of fields as two words: which columns of a cgroup's row hold a number the kernel gave.
struct FieldSet: OptionSet {
    var rawValue: UInt128

    func contains(_ field: Field) -> Bool { rawValue & (1 << UInt128(field.rawValue)) != 0 }

    init(rawValue: UInt128) { self.rawValue = rawValue }

    init(_ fields: [Field]) {
        rawValue = fields.reduce(0) { $0 | 1 << UInt128($1.rawValue) }
    }
}
