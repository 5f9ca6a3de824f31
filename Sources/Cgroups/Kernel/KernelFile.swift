/// How often a file is read.
enum ReadTier: UInt8 {
    /// Every sweep.
    case everySweep
    /// At the interval of opened files.
    case opened
    /// At the interval of limits.
    case limits
}

/// What must have moved in the cgroup for a file of the first two tiers to be worth a read before its time.
///
/// A full reading (`Sweeper.quietNanoseconds`) is a reason to read every file; each fifth one for those that wait for I/O
/// to move or for a limit.
enum ReadTrigger: UInt8 {
    case always
    /// A tick of CPU time was used since the file was last read: it counts nothing finer.
    case cpuTick
    /// Memory moved by a share worth telling, or five seconds passed.
    case memoryMoved
    /// Threads came or went.
    case threadsMoved
    /// Bytes went to or came from a device.
    case ioMoved
    /// A full reading only: the number moves slowly and costs the opening of a file.
    case fullReading
    /// A limit on CPU time or memory was changed, or it is the fifth time; a full reading is no reason.
    case seldom
}

/// How a file's text becomes numbers.
enum FileFormat {
    case number(Field)
    /// A number above 2^62 means "no limit": the series is left out.
    case limit(Field)
    /// The same, and 0 means "none" as well.
    case positiveLimit(Field)
    case keyed(KeyTable)
    case pressure(waiting: Field?, stalled: Field)
    case blockBytes, blockOperations, unifiedBlock
    case processList
    case unifiedCPULimit, unifiedCPUWeight
    case perCPU
    /// Memory by node; version 2 writes bytes, version 1 pages.
    case nodeMemory(isBytes: Bool)
    /// Numbers of the page size with this index.
    case hugePages(size: Int, HugePageFigure)
}

/// When a file is not read although its directory is there.
enum ReadCondition: UInt8 {
    case always
    /// Throttling is counted only under a quota.
    case underQuota
    /// The limit's own counter cannot move without a limit.
    case underMemoryLimit
    /// The unified hierarchy's CPU times are used where version 1 has no accounting for the cgroup.
    case withoutVersion1Accounting
    /// The file before in the plan is not there.
    case insteadOfPrevious
}

/// One file of a cgroup directory that the collector reads.
struct KernelFile {
    var name: String
    var hierarchy: Int
    var tier: ReadTier
    var format: FileFormat
    var fields: FieldSet
    var trigger = ReadTrigger.always
    var condition = ReadCondition.always
    /// How much a descriptor kept open for it saves: 0 keeps none, the highest are kept first.
    var keptPriority = 0
    /// Its place among the descriptors a cgroup keeps, or -1.
    var keptIndex = -1
    /// Whether the kernel is asked to tell when somebody writes it.
    var isWatched: Bool { tier == .limits && trigger == .always }

    init(
        _ name: String, _ hierarchy: Int, _ tier: ReadTier, _ format: FileFormat, trigger: ReadTrigger = .always,
        condition: ReadCondition = .always, kept: Int = 0
    ) {
        self.name = name
        self.hierarchy = hierarchy
        self.tier = tier
        self.format = format
        self.trigger = trigger
        self.condition = condition
        keptPriority = kept
        fields = Self.fields(of: format)
    }

    private static func fields(of format: FileFormat) -> FieldSet {
        switch format {
        case .number(let field), .limit(let field), .positiveLimit(let field): field.bit
        case .keyed(let table): table.fields
        case .pressure(let waiting, let stalled): (waiting?.bit ?? []).union(stalled.bit)
        case .processList: Field.processes.bit
        case .unifiedCPULimit: Field.cpuPeriod.bit.union(Field.cpuQuota.bit)
        case .unifiedCPUWeight: Field.cpuShares.bit
        case .blockBytes, .blockOperations, .unifiedBlock, .perCPU, .nodeMemory, .hugePages: []
        }
    }

    /// The order of reading: CPU time and memory first, which tell whether anything ran at all; limits before the files
    /// that are read only under a limit; what others wait for before them.
    var rank: Int {
        switch tier {
        case .everySweep: fields.contains(.cpuUsage) ? 0 : fields.contains(.memoryUsage) ? 1 : 2
        case .limits: trigger == .seldom ? 4 : 3
        case .opened: trigger == .always ? 5 : 6
        }
    }
}
