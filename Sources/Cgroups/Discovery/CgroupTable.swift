/// What is known of one cgroup beside its row of numbers.
struct CgroupRecord {
    /// The path below the mount point; the mount point itself is `/`.
    var path: [UInt8]
    /// The path from the hierarchy's root.
    var id: [UInt8]
    /// Tells this cgroup from an earlier one in the same slot.
    var generation: UInt32
    var isLive = true
    /// Bit n: the cgroup exists in hierarchy n.
    var hierarchies: UInt16 = 0
    var depth: Int
    var childCount = 0
    /// The slot of the cgroup above, or -1.
    var parent = -1
    var identity: CgroupIdentity
    var names = ContainerNames()
    var labels: [UInt8]
    /// The labels of `container_info` where the names stand there alone.
    var infoLabels: [UInt8] = []
    /// Whether the filters let its series through.
    var isExported = true
    /// Which columns of the row hold a number.
    var present = FieldSet(rawValue: 0)
    var reading = ReadingState()
    var devices: [BlockCounters] = []
    var extra: ExtraNumbers?
    var accounts: ProcessAccounts?
    /// The first process listed, 0 when there is none.
    var firstProcess: UInt64 = 0
    /// The hierarchies in which the running scan met it.
    var seenHierarchies: UInt16 = 0
    var lookup = NameLookup()
    var life = Life()
    /// The watches on its directories and files, by hierarchy.
    var watches: [(hierarchy: Int, number: Int32)] = []
    /// The process whose network namespace was looked at, and the namespace.
    var networkProcess: UInt64 = 0
    var networkNamespace: UInt64 = 0
    /// Whether the start time is that of its first process.
    var knowsStart = false
}

extension CgroupRecord {
    /// Whether its series are written.
    var isShown: Bool { isLive && isExported }
}

/// What decides which of a cgroup's files are read next; plain numbers, copied out of the record and back.
struct ReadingState {
    /// Bit n: file n of the reading plan was not there; it is tried again after a rescan.
    var absentFiles: UInt128 = 0
    var kept: InlineArray<8, Int32> = .init(repeating: -1)
    var openedFilesDue: UInt64 = 0
    /// Something ran since the files that are opened were last read.
    var hasMovedSinceOpened = false
    var limitsDue: UInt64 = 0
    /// How often the limits were read, for those that are read every fifth time only.
    var limitReadings: UInt8 = 0
    /// When files are read whether or not anything ran in the cgroup.
    var fullReadingDue: UInt64 = 0
    /// How many such readings there were, for the files that are read every fifth time only.
    var fullReadings: UInt8 = 0
    /// When memory's parts are read although memory hardly moved.
    var memoryPartsDue: UInt64 = 0
    /// What the numbers were when the files were last read that wait for them to move.
    var cpuAtSplit: UInt64 = 0
    var memoryAtParts: UInt64 = 0

    /// The next reading takes every file there is but limits that are not due.
    mutating func demandAll() {
        openedFilesDue = 0
        fullReadingDue = 0
        fullReadings = 0
    }

    /// The next reading takes every limit.
    mutating func demandLimits() {
        limitsDue = 0
        limitReadings = 0
    }
}

/// How far the search for a cgroup's names in files has come.
struct NameLookup {
    enum State: UInt8 { case unneeded, pending, found, denied }

    var state = State.unneeded
    var attempts = 0
    /// A runtime has told what it knows.
    var isAnswered = false
    var dueNanoseconds: UInt64 = 0
}

/// All cgroups: records and, in one flat array, their rows of numbers.
///
/// Slots are stable and used again.
struct CgroupTable {
    private(set) var liveCount = 0
    var records: [CgroupRecord] = []
    /// Row `slot` begins at `slot * Field.columnCount`.
    var values: [UInt64] = []
    private var slots: [[UInt8]: Int] = [:]
    private var vacant: [Int] = []
    private var nextGeneration: UInt32 = 1

    static let rootPath: [UInt8] = [UInt8(ascii: "/")]

    func slot(of path: [UInt8]) -> Int? { slots[path] }

    /// Adds a cgroup that is not there yet.
    ///
    /// `idPrefix` is what the mounted tree lacks of the ids, see `Hierarchy.idPrefix`.
    mutating func insert(path: [UInt8], depth: Int, idPrefix: [UInt8]) -> Int {
        let id = idPrefix.isEmpty ? path : path.count == 1 ? idPrefix : idPrefix + path
        let identity = CgroupPathParser.identity(of: String(decoding: id, as: UTF8.self))
        let parent = parentSlot(of: path)
        let record = CgroupRecord(
            path: path, id: id, generation: nextGeneration, depth: depth, identity: identity,
            labels: CgroupLabels.rendered(path: id, identity: identity, names: ContainerNames()))
        nextGeneration &+= 1
        let slot: Int
        if let reused = vacant.popLast() {
            slot = reused
            records[slot] = record
            // A cgroup that goes before it is read leaves nothing of the one that had its row.
            for column in slot * Field.columnCount..<(slot + 1) * Field.columnCount { values[column] = 0 }
        } else {
            slot = records.count
            records.append(record)
            values.append(contentsOf: repeatElement(0, count: Field.columnCount))
        }
        records[slot].parent = parent
        if parent >= 0 { records[parent].childCount += 1 }
        slots[path] = slot
        liveCount += 1
        return slot
    }

    /// Forgets a cgroup; the caller has closed its descriptors.
    mutating func remove(_ slot: Int) {
        guard records[slot].isLive else { return }
        let parent = records[slot].parent
        if parent >= 0 { records[parent].childCount -= 1 }
        // Seldom: a parent's end may be told before its children's.
        if records[slot].childCount > 0 {
            for child in records.indices where records[child].parent == slot { records[child].parent = -1 }
        }
        slots[records[slot].path] = nil
        records[slot].parent = -1
        records[slot].isLive = false
        records[slot].present = []
        records[slot].devices = []
        records[slot].extra = nil
        records[slot].accounts = nil
        records[slot].labels = []
        records[slot].infoLabels = []
        vacant.append(slot)
        liveCount -= 1
    }

    func value(_ field: Field, of slot: Int) -> UInt64 {
        values[slot * Field.columnCount + Int(field.rawValue)]
    }

    mutating func set(_ field: Field, of slot: Int, to value: UInt64) {
        values[slot * Field.columnCount + Int(field.rawValue)] = value
        records[slot].present.formUnion(field.bit)
    }

    /// Lifts a number that cannot be lower than another that was read; whether the kernel tells it stays as it was.
    mutating func raise(_ field: Field, of slot: Int, to least: UInt64) {
        let index = slot * Field.columnCount + Int(field.rawValue)
        values[index] = max(values[index], least)
    }

    /// Gives children their parents again that came after them.
    mutating func findParents() {
        for slot in records.indices where records[slot].isLive && records[slot].parent < 0 {
            let parent = parentSlot(of: records[slot].path)
            guard parent >= 0 else { continue }
            records[slot].parent = parent
            records[parent].childCount += 1
        }
    }

    func parentSlot(of path: [UInt8]) -> Int {
        guard path.count > 1, let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return -1 }
        return slots[slash == 0 ? Self.rootPath : Array(path[..<slash])] ?? -1
    }
}
