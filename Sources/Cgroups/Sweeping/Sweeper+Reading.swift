import Glibc

/// What the loop over all cgroups needs of a `KernelFile`: plain numbers, nothing to retain.
struct ReadStep {
    var tier: ReadTier
    var trigger: ReadTrigger
    var condition: ReadCondition
    var hierarchy: UInt16
    var keptIndex: Int8
    var isProcessList = false
    /// Whether it is read first when a cgroup has ended.
    var isUrgent: Bool
    var fields: FieldSet

    /// What is owed to a workload for good.
    private static let urgent = FieldSet([.cpuUsage, .memoryMaximumUsage, .memoryFailureCount, .oomKills])

    init(_ file: KernelFile) {
        tier = file.tier
        trigger = file.trigger
        condition = file.condition
        hierarchy = UInt16(file.hierarchy)
        keptIndex = Int8(file.keptIndex)
        fields = file.fields
        isUrgent = !file.fields.isDisjoint(with: Self.urgent)
        if case .processList = file.format { isProcessList = true }
    }
}

/// Reading the files of one cgroup into its row.
extension Sweeper {
    /// What moved in a cgroup since the files were last read that wait for it.
    private struct Movement {
        /// Files are read although nothing ran.
        var isFull: Bool
        /// And so are those that wait for I/O to move.
        var isComplete: Bool
        var threads = false
        var io = false
        var limits = false
    }

    /// Memory's parts are read when memory moved by this share of itself, or by the kernel's batch of charges.
    private static let memoryShare: UInt64 = 64
    private static let memoryBatchBytes: UInt64 = 256 << 10
    private static let memoryPartsNanoseconds: UInt64 = 5_000_000_000
    /// Limits that hardly ever change, and files that wait for I/O to move, are read each so many times that the others
    /// are.
    private static let seldomReadings: UInt8 = 5

    /// Reads all files of the cgroup that are due, and derives what follows from them.
    ///
    /// When neither CPU time nor memory changed since the last sweep nothing ran there, and most other numbers cannot
    /// have changed either: they are then kept until the next full reading, once what ran before was read. A file that
    /// can only have changed when some number moved is read when that number moved.
    mutating func readCgroup(_ slot: Int, now: UInt64) {
        let knownBefore = table.records[slot].present
        let cpuBefore = table.value(.cpuUsage, of: slot)
        let memoryBefore = table.value(.memoryUsage, of: slot)
        // The root's usage may be our own sum of the last sweep; if there is a file, it is read again.
        if table.records[slot].path.count == 1 { table.records[slot].present.subtract(Field.memoryUsage.bit) }
        let isFull = now >= table.records[slot].reading.fullReadingDue
        var movement = Movement(
            isFull: isFull, isComplete: isFull && table.records[slot].reading.fullReadings % Self.seldomReadings == 0)
        var openedDue = movement.isFull || now >= table.records[slot].reading.openedFilesDue
        let limitsDue = now >= table.records[slot].reading.limitsDue
        var isQuiet = false
        for index in steps.indices {
            let step = steps[index]
            switch step.tier {
            case .everySweep:
                if isQuiet, !openedDue { continue }
                readFile(index, step, slot, now, &movement)
                if step.fields.contains(.memoryUsage), !movement.isFull {
                    isQuiet =
                        knownBefore.contains(.cpuUsage) && table.value(.cpuUsage, of: slot) == cpuBefore
                        && knownBefore.contains(.memoryUsage)
                        && table.records[slot].present.contains(.memoryUsage)
                        && table.value(.memoryUsage, of: slot) == memoryBefore
                    if isQuiet { openedDue = openedDue && table.records[slot].reading.hasMovedSinceOpened }
                }
            case .opened: if openedDue { readFile(index, step, slot, now, &movement) }
            case .limits: if limitsDue { readFile(index, step, slot, now, &movement) }
            }
            if !table.records[slot].isLive { return }
        }
        if openedDue {
            table.records[slot].reading.hasMovedSinceOpened = false
        } else if !isQuiet {
            table.records[slot].reading.hasMovedSinceOpened = true
        }
        if isQuiet, !limitsDue, !openedDue {
            // The file that was read to see this tells zeros of a quota too where there is none.
            deriveThrottling(slot)
            return
        }
        schedule(slot, now: now, isFull: movement.isFull, openedDue: openedDue, limitsDue: limitsDue)
        derive(slot)
    }

    /// Reads the few files that tell what a cgroup leaves behind.
    mutating func readUrgent(_ slot: Int, now: UInt64) {
        var movement = Movement(isFull: true, isComplete: false)
        for index in steps.indices where steps[index].isUrgent {
            readFile(index, steps[index], slot, now, &movement)
            if !table.records[slot].isLive { return }
        }
        derive(slot)
    }

    /// The dear readings are spread, so that cgroups made together do not stay together.
    private mutating func schedule(_ slot: Int, now: UInt64, isFull: Bool, openedDue: Bool, limitsDue: Bool) {
        let spread = UInt64(truncatingIfNeeded: slot & 15)
        if isFull {
            table.records[slot].reading.fullReadings &+= 1
            let least = Self.quietNanoseconds / 2
            table.records[slot].reading.fullReadingDue = now &+ least &+ least / 16 &* (spread &+ 1)
        }
        if openedDue {
            table.records[slot].reading.openedFilesDue = due(settings.openedFilesIntervalMilliseconds, after: now)
        }
        if limitsDue {
            table.records[slot].reading.limitReadings &+= 1
            var interval = due(settings.limitsIntervalMilliseconds, after: 0)
            // The kernel tells who writes a limit; then a look is for what it may not have told.
            if watcher != nil { interval = interval &* UInt64(Self.seldomReadings) }
            table.records[slot].reading.limitsDue = now &+ interval &- interval / 32 &* spread
        }
    }

    func due(_ intervalMilliseconds: Int64, after now: UInt64) -> UInt64 {
        now &+ UInt64(clamping: intervalMilliseconds) &* 1_000_000
    }

    private mutating func readFile(
        _ index: Int, _ step: ReadStep, _ slot: Int, _ now: UInt64, _ movement: inout Movement
    ) {
        let bit: UInt128 = 1 << UInt128(index)
        guard table.records[slot].hierarchies & (1 << step.hierarchy) != 0,
            table.records[slot].reading.absentFiles & bit == 0,
            applies(step.condition, index, slot, isComplete: movement.isComplete),
            isTriggered(step.trigger, slot, now, movement)
        else { return }
        var outcome = step.isProcessList ? readProcesses(index, slot) : readText(index, step, slot)
        if outcome == .removed, isThere(slot, hierarchy: Int(step.hierarchy)) {
            // The file is another's now, or its controller was switched off: only a new descriptor tells.
            count(outcome)
            closeKept(slot, file: index)
            outcome = readText(index, step, slot)
        }
        switch outcome {
        case .read:
            let threadsBefore = table.value(.threads, of: slot)
            let limitsBefore = step.tier == .limits ? limits(of: slot) : (0, 0)
            if parse(index, slot) { movement.io = true }
            if table.value(.threads, of: slot) != threadsBefore { movement.threads = true }
            if step.tier == .limits, limits(of: slot) != limitsBefore { movement.limits = true }
            note(step.trigger, slot, now)
        case .missing, .unsupported, .denied:
            count(outcome)
            table.records[slot].reading.absentFiles |= bit
            table.records[slot].present.subtract(step.fields)
        case .removed:
            count(outcome)
            leave(slot, hierarchy: Int(step.hierarchy))
        case .exhausted, .failed: count(outcome)
        }
    }

    /// The limits that others are changed with: quota and memory, 0 for none.
    private func limits(of slot: Int) -> (UInt64, UInt64) {
        let present = table.records[slot].present
        return (
            present.contains(.cpuQuota) ? table.value(.cpuQuota, of: slot) : 0,
            present.contains(.memoryLimit) ? table.value(.memoryLimit, of: slot) : 0
        )
    }

    private func isTriggered(_ trigger: ReadTrigger, _ slot: Int, _ now: UInt64, _ movement: Movement) -> Bool {
        switch trigger {
        case .always: return true
        case .cpuTick:
            if movement.isFull { return true }
            let used = table.value(.cpuUsage, of: slot) &- table.records[slot].reading.cpuAtSplit
            return used >= KernelKeys.nanosecondsPerTick
        case .memoryMoved:
            if movement.isFull || now >= table.records[slot].reading.memoryPartsDue { return true }
            // The root of version 2 tells no usage; its parts are all there is.
            guard table.records[slot].present.contains(.memoryUsage) else { return true }
            let usage = table.value(.memoryUsage, of: slot)
            let before = table.records[slot].reading.memoryAtParts
            let moved = usage > before ? usage &- before : before &- usage
            return moved >= max(usage / Self.memoryShare, Self.memoryBatchBytes)
        case .threadsMoved: return movement.threads || movement.isFull
        case .ioMoved: return movement.io || movement.isComplete
        case .fullReading: return movement.isFull
        case .seldom:
            // Where limits are watched each reading of them is that long after the one before.
            return movement.limits || watcher != nil
                || table.records[slot].reading.limitReadings % Self.seldomReadings == 0
        }
    }

    /// Remembers what the triggers of later sweeps are compared with.
    private mutating func note(_ trigger: ReadTrigger, _ slot: Int, _ now: UInt64) {
        switch trigger {
        case .cpuTick: table.records[slot].reading.cpuAtSplit = table.value(.cpuUsage, of: slot)
        case .memoryMoved:
            table.records[slot].reading.memoryAtParts = table.value(.memoryUsage, of: slot)
            table.records[slot].reading.memoryPartsDue = now &+ Self.memoryPartsNanoseconds
        case .always, .threadsMoved, .ioMoved, .fullReading, .seldom: break
        }
    }

    private func applies(_ condition: ReadCondition, _ index: Int, _ slot: Int, isComplete: Bool) -> Bool {
        switch condition {
        case .always: return true
        case .underQuota: return table.records[slot].present.contains(.cpuQuota)
        case .underMemoryLimit: return isComplete || table.records[slot].present.contains(.memoryLimit)
        case .insteadOfPrevious:
            return index > 0 && table.records[slot].reading.absentFiles & (1 << UInt128(index - 1)) != 0
        case .withoutVersion1Accounting:
            let mask = table.records[slot].hierarchies
            for index in hierarchies.indices
            where mask & (1 << UInt16(index)) != 0 && !hierarchies[index].isUnified
                && hierarchies[index].controllers.contains(.cpuAccounting)
            {
                return false
            }
            return true
        }
    }

    private mutating func readText(_ index: Int, _ step: ReadStep, _ slot: Int) -> ReadOutcome {
        let kept = Int(step.keptIndex)
        if kept >= 0 {
            // Copied first: a subscript right on the record would copy all of it, names and labels too.
            let reading = table.records[slot].reading
            let descriptor = reading.kept[kept]
            if descriptor >= 0 { return reader.read(descriptor: descriptor) }
            if budget.take() {
                let opened = open(index, slot)
                guard opened >= 0 else {
                    budget.giveBack()
                    return ReadOutcome(errorNumber: errno)
                }
                table.records[slot].reading.kept[kept] = opened
                return reader.read(descriptor: opened)
            }
        }
        composePath(index, slot)
        return reader.read(at: hierarchies[files[index].hierarchy].descriptor, path: pathBuffer)
    }

    private mutating func open(_ index: Int, _ slot: Int) -> Int32 {
        composePath(index, slot)
        return FileReader.open(at: hierarchies[files[index].hierarchy].descriptor, path: pathBuffer)
    }

    /// Puts the file's path below its hierarchy's mount point into the reused buffer.
    private mutating func composePath(_ index: Int, _ slot: Int) {
        pathBuffer.removeAll(keepingCapacity: true)
        if table.records[slot].path.count > 1 {
            pathBuffer.append(contentsOf: table.records[slot].path.dropFirst())
            pathBuffer.append(UInt8(ascii: "/"))
        }
        pathBuffer.append(contentsOf: fileNames[index])
    }

    /// Counts the lines of a process list of any length and keeps the first, or all where a group looks at each.
    private mutating func readProcesses(_ index: Int, _ slot: Int) -> ReadOutcome {
        let descriptor = open(index, slot)
        guard descriptor >= 0 else { return ReadOutcome(errorNumber: errno) }
        defer { _ = Glibc.close(descriptor) }
        processScratch.removeAll(keepingCapacity: true)
        var lines: UInt64 = 0
        // A number may be cut in two by the end of a buffer.
        var current: UInt64 = 0
        while true {
            let outcome = reader.readOn(descriptor: descriptor)
            guard outcome == .read else { return outcome }
            if reader.byteCount == 0 { break }
            let buffer = reader.buffer
            let bytes = buffer.span.extracting(0..<reader.byteCount)
            for position in bytes.indices {
                let byte = bytes[position]
                if byte == KernelText.newline {
                    if lines < 32 || looksAtProcesses { processScratch.append(current) }
                    lines &+= 1
                    current = 0
                } else {
                    current = current &* 10 &+ UInt64(byte &- 0x30)
                }
            }
        }
        table.records[slot].firstProcess = processScratch.first ?? 0
        table.set(.processes, of: slot, to: lines)
        holdFirstProcess(slot)
        holdForContainer(above: slot)
        if looksAtProcesses { readEachProcess(slot) }
        return .read
    }
}
