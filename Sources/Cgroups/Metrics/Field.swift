/// A number kept per cgroup; its raw value is its column in the table and its bit in a `FieldSet`.
enum Field: UInt8, CaseIterable {
    case lastSeen, creationTime, startTime
    case cpuUsage, cpuUser, cpuSystem
    case cfsPeriods, cfsThrottledPeriods, cfsThrottledTime, cfsBurstPeriods, cfsBurstTime
    case cpuPeriod, cpuQuota, cpuShares
    case memoryUsage, memoryWorkingSet, memoryMaximumUsage, memoryCache, memoryResident, memoryMappedFile
    case memorySwap, memoryKernel, memoryFailureCount, memoryActiveFile, memoryInactiveFile
    case pageFaults, majorPageFaults, pageFaultsBelow, majorPageFaultsBelow
    case memoryEventsHigh, memoryEventsMaximum, memoryDirty, memoryWriteback, pagesScanned, pagesStolen
    case refaultsFile, refaultsAnonymous
    case memoryLimit, memorySwapLimit, memoryReservation
    case oomKills
    case processes, threads, threadsMaximum
    case pressureCPUWaiting, pressureCPUStalled, pressureMemoryWaiting, pressureMemoryStalled
    case pressureIOWaiting, pressureIOStalled
    /// Not exported: version 2's limit of swap alone, which others are made of.
    case swapLimitAlone

    var bit: FieldSet { FieldSet(rawValue: 1 << UInt64(rawValue)) }

    /// Columns of a row in the table.
    static let columnCount = 64
}

/// A set of fields as one word: which columns of a cgroup's row hold a number the kernel gave.
struct FieldSet: OptionSet {
    var rawValue: UInt64

    func contains(_ field: Field) -> Bool { rawValue & (1 << UInt64(field.rawValue)) != 0 }

    init(rawValue: UInt64) { self.rawValue = rawValue }

    init(_ fields: [Field]) {
        rawValue = fields.reduce(0) { $0 | 1 << UInt64($1.rawValue) }
    }
}
