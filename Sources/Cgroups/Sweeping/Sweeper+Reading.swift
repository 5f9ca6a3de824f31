import Glibc

/// Reading the files of one cgroup into its row.
extension Sweeper {
    private static let throttling = FieldSet([
        .cfsPeriods, .cfsThrottledPeriods, .cfsThrottledTime, .cfsBurstPeriods, .cfsBurstTime,
    ])
    /// Limits at or above this mean "none": version 1 writes 2^63 less a page.
    private static let unlimited: UInt64 = 1 << 62

    /// Reads all files of the cgroup that are due, and derives what follows from them.
    ///
    /// When neither CPU time nor memory changed since the last sweep nothing ran there, and most other numbers cannot
    /// have changed either: they are then kept for up to half a minute.
    mutating func readCgroup(_ slot: Int, now: UInt64) {
        let cpuBefore = table.value(.cpuUsage, of: slot)
        let memoryBefore = table.value(.memoryUsage, of: slot)
        let knownBefore = table.records[slot].present
        // The root's usage may be our own sum of the last sweep; if there is a file, it is read again.
        if table.records[slot].path.count == 1 { table.records[slot].present.subtract(Field.memoryUsage.bit) }
        var isQuiet = false
        var openedDue = now >= table.records[slot].openedFilesDue
        let limitsDue = now >= table.records[slot].limitsDue
        for index in files.indices {
            switch files[index].tier {
            case .everySweep:
                if isQuiet { continue }
                readFile(index, slot)
                if files[index].fields.contains(.memoryUsage), now < table.records[slot].fullReadingDue {
                    isQuiet =
                        knownBefore.contains(.cpuUsage) && table.value(.cpuUsage, of: slot) == cpuBefore
                        && knownBefore.contains(.memoryUsage)
                        && table.records[slot].present.contains(.memoryUsage)
                        && table.value(.memoryUsage, of: slot) == memoryBefore
                    if isQuiet { openedDue = false }
                }
            case .opened: if openedDue { readFile(index, slot) }
            case .limits: if limitsDue { readFile(index, slot) }
            }
            if !table.records[slot].isLive { return }
        }
        if !isQuiet { table.records[slot].fullReadingDue = now &+ Self.quietNanoseconds }
        if openedDue { table.records[slot].openedFilesDue = due(settings.openedFilesIntervalMilliseconds, after: now) }
        if limitsDue {
            table.records[slot].limitsDue = due(settings.limitsIntervalMilliseconds, after: now)
        }
        derive(slot)
    }

    func due(_ intervalMilliseconds: Int64, after now: UInt64) -> UInt64 {
        now &+ UInt64(clamping: intervalMilliseconds) &* 1_000_000
    }

    private mutating func readFile(_ index: Int, _ slot: Int) {
        let hierarchy = files[index].hierarchy
        let bit: UInt64 = 1 << UInt64(index)
        guard table.records[slot].hierarchies & (1 << UInt16(hierarchy)) != 0,
            table.records[slot].absentFiles & bit == 0, applies(files[index].condition, to: slot)
        else { return }
        let outcome: ReadOutcome
        if case .processList = files[index].format {
            outcome = readProcesses(index, slot)
        } else {
            outcome = readText(index, slot)
        }
        switch outcome {
        case .read: parse(index, slot)
        case .missing, .unsupported, .denied:
            count(outcome)
            table.records[slot].absentFiles |= bit
            table.records[slot].present.subtract(files[index].fields)
        case .removed:
            count(outcome)
            leave(slot, hierarchy: hierarchy)
        case .exhausted, .failed: count(outcome)
        }
    }

    private func applies(_ condition: ReadCondition, to slot: Int) -> Bool {
        switch condition {
        case .always: return true
        case .underQuota: return table.records[slot].present.contains(.cpuQuota)
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

    private mutating func readText(_ index: Int, _ slot: Int) -> ReadOutcome {
        let kept = files[index].keptIndex
        if kept >= 0 {
            let descriptor = table.records[slot].kept[kept]
            if descriptor >= 0 { return reader.read(descriptor: descriptor) }
            if budget.take() {
                let opened = open(index, slot)
                guard opened >= 0 else {
                    budget.giveBack()
                    return ReadOutcome(errorNumber: errno)
                }
                table.records[slot].kept[kept] = opened
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

    /// Counts the lines of a process list of any length and keeps the first.
    private mutating func readProcesses(_ index: Int, _ slot: Int) -> ReadOutcome {
        let descriptor = open(index, slot)
        guard descriptor >= 0 else { return ReadOutcome(errorNumber: errno) }
        defer { _ = Glibc.close(descriptor) }
        var lines: UInt64 = 0
        var first: UInt64 = 0
        while true {
            let outcome = reader.readOn(descriptor: descriptor)
            guard outcome == .read else { return outcome }
            if reader.byteCount == 0 { break }
            let bytes = reader.buffer.span.extracting(0..<reader.byteCount)
            if lines == 0 { first = KernelText.onlyNumber(bytes) ?? 0 }
            for position in bytes.indices where bytes[position] == KernelText.newline { lines &+= 1 }
        }
        table.records[slot].firstProcess = first
        table.set(.processes, of: slot, to: lines)
        return .read
    }

    private mutating func parse(_ index: Int, _ slot: Int) {
        // A reference of its own: what is parsed goes into other parts of the sweeper.
        let buffer = reader.buffer
        let bytes = buffer.span.extracting(0..<reader.byteCount)
        let row = slot * Field.columnCount
        var found: FieldSet = []
        switch files[index].format {
        case .number(let field):
            if let number = KernelText.onlyNumber(bytes) {
                table.values[row + Int(field.rawValue)] = number
                found = field.bit
            } else if reader.byteCount == 0 || bytes[0] != UInt8(ascii: "-") {
                statistics.count(.malformed)
            }
        case .limit(let field), .positiveLimit(let field):
            var least: UInt64 = 0
            if case .positiveLimit = files[index].format { least = 1 }
            if let number = KernelText.onlyNumber(bytes), number >= least, number < Self.unlimited {
                table.values[row + Int(field.rawValue)] = number
                found = field.bit
            }
        case .keyed(let keys): found = keys.parse(bytes, into: &table.values, at: row)
        case .pressure(let waiting, let stalled):
            let totals = PressureText.parse(bytes)
            if let total = totals.some {
                table.values[row + Int(waiting.rawValue)] = total &* KernelKeys.nanosecondsPerMicrosecond
                found.formUnion(waiting.bit)
            }
            if let total = totals.full {
                table.values[row + Int(stalled.rawValue)] = total &* KernelKeys.nanosecondsPerMicrosecond
                found.formUnion(stalled.bit)
            }
        case .blockBytes, .blockOperations:
            var isBytes = false
            if case .blockBytes = files[index].format { isBytes = true }
            BlockText.parseVersion1(
                bytes, areBytes: isBytes, into: &table.records[slot].devices,
                limit: settings.maximumDevicesPerCgroup)
        case .unifiedBlock:
            BlockText.parseUnified(
                bytes, into: &table.records[slot].devices, limit: settings.maximumDevicesPerCgroup)
        case .processList: found = .init(rawValue: Field.processes.bit.rawValue)
        case .unifiedCPULimit: found = parseCPULimit(bytes, row)
        case .unifiedCPUWeight:
            if let weight = KernelText.onlyNumber(bytes) {
                // The inverse of what runtimes do when they are given shares, see opencontainers/runc `ConvertCPUSharesToCgroupV2Value`.
                table.values[row + Int(Field.cpuShares.rawValue)] =
                    2 + (max(1, min(weight, 10_000)) - 1) * 262_142 / 9_999
                found = Field.cpuShares.bit
            }
        }
        table.records[slot].present.subtract(files[index].fields)
        table.records[slot].present.formUnion(found)
    }

    /// `cpu.max`: the quota or "max", and the period, in microseconds.
    private mutating func parseCPULimit(_ bytes: Span<UInt8>, _ row: Int) -> FieldSet {
        var position = 0
        var found: FieldSet = []
        if let quota = KernelText.number(bytes, at: &position) {
            table.values[row + Int(Field.cpuQuota.rawValue)] = quota
            found.formUnion(Field.cpuQuota.bit)
        } else {
            _ = KernelText.word(bytes, at: &position)
        }
        KernelText.skipSpaces(bytes, at: &position)
        if let period = KernelText.number(bytes, at: &position) {
            table.values[row + Int(Field.cpuPeriod.rawValue)] = period
            found.formUnion(Field.cpuPeriod.bit)
        }
        return found
    }

    // MARK: What follows from several files

    private mutating func derive(_ slot: Int) {
        let isRoot = table.records[slot].path.count == 1
        if isRoot { deriveRoot(slot) }
        let present = table.records[slot].present
        if present.contains(.memoryUsage), present.contains(.memoryInactiveFile) {
            let usage = table.value(.memoryUsage, of: slot)
            let inactive = table.value(.memoryInactiveFile, of: slot)
            table.set(.memoryWorkingSet, of: slot, to: usage > inactive ? usage - inactive : 0)
        } else {
            table.records[slot].present.subtract(Field.memoryWorkingSet.bit)
        }
        deriveSwapLimit(slot)
        if !present.contains(.cpuQuota) { table.records[slot].present.subtract(Self.throttling) }
        guard present.contains(.memoryEventsMaximum) || present.contains(.pagesScanned) else { return }
        // Version 2 counts the same thing as version 1's failcnt: how often the limit was run into.
        if present.contains(.memoryEventsMaximum) {
            table.set(.memoryFailureCount, of: slot, to: table.value(.memoryEventsMaximum, of: slot))
        }
        // Its faults include descendants; only a leaf's are surely its own.
        if present.contains(.pageFaultsBelow), table.records[slot].childCount == 0 {
            table.set(.pageFaults, of: slot, to: table.value(.pageFaultsBelow, of: slot))
            table.set(.majorPageFaults, of: slot, to: table.value(.majorPageFaultsBelow, of: slot))
        } else {
            table.records[slot].present.subtract(FieldSet([.pageFaults, .majorPageFaults]))
        }
    }

    /// Version 2 limits swap alone; the series means memory and swap together, as version 1 and Docker's options do.
    private mutating func deriveSwapLimit(_ slot: Int) {
        guard table.records[slot].present.contains(.swapLimitAlone) else { return }
        if table.records[slot].present.contains(.memoryLimit) {
            let sum = table.value(.memoryLimit, of: slot) &+ table.value(.swapLimitAlone, of: slot)
            table.set(.memorySwapLimit, of: slot, to: sum)
        } else {
            table.records[slot].present.subtract(Field.memorySwapLimit.bit)
        }
    }

    /// The root has no limits of its own but the machine's, and on version 2 no usage.
    private mutating func deriveRoot(_ slot: Int) {
        let present = table.records[slot].present
        guard settings.groups.contains(.memory), idPrefix.isEmpty else { return }
        if !present.contains(.memoryUsage), present.contains(.memoryResident), present.contains(.memoryCache) {
            let sum = table.value(.memoryResident, of: slot) &+ table.value(.memoryCache, of: slot)
            table.set(.memoryUsage, of: slot, to: sum)
        }
        if let memory = machine.memoryBytes { table.set(.memoryLimit, of: slot, to: memory) }
        if let swap = machine.swapBytes { table.set(.memorySwapLimit, of: slot, to: swap) }
    }
}
