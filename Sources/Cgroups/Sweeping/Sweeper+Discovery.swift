import Glibc
import MetricModel

/// The directory a watch belongs to.
struct WatchTarget {
    var slot: Int
    var generation: UInt32
    var hierarchy: Int
    var kind = Kind.directory

    enum Kind {
        case directory
        /// The file that tells that the cgroup filled or emptied.
        case population
        /// A limit that somebody may write.
        case limit
        /// The list of processes of version 1, where the kernel tells nothing of the first.
        case arrival
        /// The file in which version 2 counts what memory ran into.
        case memoryEvents
    }
}

/// Learning which cgroups there are.
extension Sweeper {
    /// Buffers of events taken per sweep at most; what is left comes with the next.
    private static let maximumEventBuffers = 64

    /// Follows what the kernel told since the last time.
    mutating func takeEvents() {
        for _ in 0..<Self.maximumEventBuffers {
            let events = watcher?.takeEvents() ?? []
            if events.isEmpty { return }
            isFollowingEvents = true
            for event in events { follow(event) }
            isFollowingEvents = false
        }
    }

    private mutating func follow(_ event: DirectoryEvent) {
        switch event.kind {
        case .overflowed: scanDue = 0
        case .watchEnded: watches[event.watch] = nil
        case .changed:
            guard let target = watches[event.watch], table.records[target.slot].isLive,
                table.records[target.slot].generation == target.generation
            else { return }
            switch target.kind {
            case .directory: break
            case .population:
                populationChanged(target.slot, hierarchy: target.hierarchy, now: clock.monotonicNanoseconds)
            case .limit: table.records[target.slot].reading.demandLimits()
            case .arrival: processArrived(target.slot, now: clock.monotonicNanoseconds)
            case .memoryEvents: memoryChanged(target.slot, now: clock.monotonicNanoseconds)
            }
        case .appeared:
            guard let target = watches[event.watch], let path = childPath(event, target) else { return }
            walk(path, depth: table.records[target.slot].depth + 1, hierarchy: target.hierarchy)
        case .vanished:
            guard let target = watches[event.watch], let path = childPath(event, target) else { return }
            if let slot = table.slot(of: path) { leave(slot, hierarchy: target.hierarchy) }
        }
    }

    private func childPath(_ event: DirectoryEvent, _ target: WatchTarget) -> [UInt8]? {
        let record = table.records[target.slot]
        guard record.isLive, record.generation == target.generation, !event.name.isEmpty else { return nil }
        return Self.join(record.path, event.name)
    }

    private static func join(_ path: [UInt8], _ name: [UInt8]) -> [UInt8] {
        path.count == 1 ? path + name : path + [UInt8(ascii: "/")] + name
    }

    /// Lists all directories, adds what is new and forgets what is gone.
    mutating func scan(now: UInt64) {
        statistics.scans &+= 1
        beginWatching(now: now)
        for slot in table.records.indices {
            table.records[slot].seenHierarchies = 0
            // A controller may have been enabled since: files that were not there are tried again.
            table.records[slot].reading.absentFiles = 0
        }
        isListingWhole = true
        for hierarchy in hierarchies.indices { walk(CgroupTable.rootPath, depth: 0, hierarchy: hierarchy) }
        // What was not met because no descriptor was left is not gone.
        for slot in table.records.indices where table.records[slot].isLive && isListingWhole {
            let lost = table.records[slot].hierarchies & ~table.records[slot].seenHierarchies
            for hierarchy in hierarchies.indices where lost & (1 << UInt16(hierarchy)) != 0 {
                leave(slot, hierarchy: hierarchy)
            }
        }
        table.findParents()
        devices.forget()
        let isSoon = watcher == nil || !isListingWhole
        let interval = isSoon ? settings.pollingIntervalMilliseconds : settings.rescanIntervalMilliseconds
        scanDue = due(interval, after: now)
    }

    /// Adds a directory and all below it.
    private mutating func walk(_ path: [UInt8], depth: Int, hierarchy: Int) {
        var waiting: [(path: [UInt8], depth: Int)] = [(path, depth)]
        while let next = waiting.popLast() {
            guard next.depth <= settings.maximumDepth else {
                statistics.cgroupsLeftOut &+= 1
                continue
            }
            guard enter(next.path, depth: next.depth, hierarchy: hierarchy) else { continue }
            let relative = Self.relative(next.path)
            let directory = hierarchies[hierarchy].descriptor
            // A leaf is told by its link count, which is six times cheaper than listing it.
            if DirectoryListing.subdirectoryCount(at: directory, path: relative) == 0 { continue }
            guard
                let names = DirectoryListing.subdirectories(
                    at: directory, path: relative, limit: settings.maximumCgroups)
            else {
                let outcome = ReadOutcome(errorNumber: errno)
                if outcome == .exhausted { isListingWhole = false }
                count(outcome)
                continue
            }
            for name in names where !Self.isMountUnit(name) {
                waiting.append((Self.join(next.path, name), next.depth + 1))
            }
        }
    }

    /// Systemd gives every mount point a cgroup in which nothing runs.
    private static func isMountUnit(_ name: [UInt8]) -> Bool {
        name.suffix(6).elementsEqual(".mount".utf8)
    }

    static func relative(_ path: [UInt8]) -> [UInt8] {
        path.count == 1 ? [UInt8(ascii: "."), 0] : Array(path.dropFirst()) + [0]
    }

    /// Notes that the cgroup is in the hierarchy; false when it is not taken in.
    private mutating func enter(_ path: [UInt8], depth: Int, hierarchy: Int) -> Bool {
        let bit: UInt16 = 1 << UInt16(hierarchy)
        let slot: Int
        if let known = table.slot(of: path) {
            slot = known
        } else {
            guard table.liveCount < settings.maximumCgroups else {
                statistics.cgroupsLeftOut &+= 1
                return false
            }
            slot = table.insert(path: path, depth: depth, idPrefix: idPrefix)
            statistics.cgroupsAppeared &+= 1
            relabel(slot)
            beginLookup(slot)
            beginLife(slot)
        }
        table.records[slot].seenHierarchies |= bit
        if table.records[slot].hierarchies & bit == 0 {
            table.records[slot].hierarchies |= bit
            table.records[slot].reading.demandAll()
            table.records[slot].reading.demandLimits()
            noteCreation(slot, hierarchy: hierarchy)
            watch(slot, hierarchy: hierarchy)
        }
        return true
    }

    private mutating func watch(_ slot: Int, hierarchy: Int) {
        guard watcher != nil else { return }
        let path = folder(of: slot, hierarchy: hierarchy)
        let target = WatchTarget(slot: slot, generation: table.records[slot].generation, hierarchy: hierarchy)
        add(target) { $0.watch(path + [0]) }
        if table.records[slot].life.isFollowed {
            if hierarchies[hierarchy].isUnified {
                add(target, .population) { $0.watchFile(path + Array("/cgroup.events".utf8) + [0]) }
                watchMemoryEvents(slot)
            } else if table.records[slot].life.wasBornHere, hierarchy == processListHierarchy {
                add(target, .arrival) { $0.watchFile(path + Array("/cgroup.procs".utf8) + [0]) }
            }
        }
        for index in files.indices where files[index].hierarchy == hierarchy && files[index].isWatched {
            let file = path + [UInt8(ascii: "/")] + fileNames[index]
            add(target, .limit) { $0.watchFile(file) }
        }
    }

    /// Where the cgroup lies in one hierarchy, the bytes as they are: a name need not be UTF-8.
    private func folder(of slot: Int, hierarchy: Int) -> [UInt8] {
        Array((settings.rootPath + hierarchies[hierarchy].mountPoint).utf8) + table.records[slot].path
    }

    /// Where the processes of a cgroup are listed.
    private var processListHierarchy: Int? {
        steps.first { $0.isProcessList }.map { Int($0.hierarchy) }
    }

    /// Asks to be told of what memory runs into, of the process that is killed for it above all.
    mutating func watchMemoryEvents(_ slot: Int) {
        guard
            let file = files.first(where: {
                $0.fields.contains(.oomKills) && hierarchies[$0.hierarchy].isUnified
                    && table.records[slot].hierarchies & (1 << UInt16($0.hierarchy)) != 0
            })
        else { return }
        let folder = folder(of: slot, hierarchy: file.hierarchy)
        let target = WatchTarget(slot: slot, generation: table.records[slot].generation, hierarchy: file.hierarchy)
        add(target, .memoryEvents) { $0.watchFile(folder + Array("/\(file.name)".utf8) + [0]) }
    }

    /// Adds one watch, or gives up watching when the kernel has no more.
    private mutating func add(
        _ target: WatchTarget, _ kind: WatchTarget.Kind = .directory, _ watch: (DirectoryWatcher) -> Int32
    ) {
        guard let watcher else { return }
        guard watches.count < settings.maximumWatches else { return stopWatching() }
        let number = watch(watcher)
        guard number >= 0 else {
            // Gone already is no failure of watching; anything else is, and then only listing tells the truth.
            if errno != ENOENT { stopWatching() }
            return
        }
        var target = target
        target.kind = kind
        table.records[target.slot].watches.append((target.hierarchy, number))
        watches[number] = target
    }

    /// Falls back to listing; watching is tried again with the listing of all directories a minute later.
    private mutating func stopWatching() {
        statistics.count(.watch)
        if let watcher { _ = Glibc.close(watcher.descriptor) }
        watcher = nil
        watches = [:]
        for slot in table.records.indices { table.records[slot].watches = [] }
        watchingDue = due(settings.rescanIntervalMilliseconds, after: clock.monotonicNanoseconds)
        // What came or went since the last listing is told by the next alone.
        scanDue = 0
    }

    /// Watches directories, the known ones too; tried again after a failure.
    private mutating func beginWatching(now: UInt64) {
        guard settings.watchesDirectories, watcher == nil, now >= watchingDue else { return }
        guard let started = DirectoryWatcher() else {
            statistics.count(.watch)
            watchingDue = due(settings.rescanIntervalMilliseconds, after: now)
            return
        }
        watcher = started
        _ = queue?.add(started.descriptor, .directories)
        for slot in table.records.indices where table.records[slot].isLive {
            for hierarchy in hierarchies.indices
            where table.records[slot].hierarchies & (1 << UInt16(hierarchy)) != 0 {
                watch(slot, hierarchy: hierarchy)
                if watcher == nil { return }
            }
        }
    }

    /// The oldest modification time among the cgroup's directories and the files made with them, not before boot.
    ///
    /// The kernel keeps no creation time; the times of a directory's first inode come nearest.
    private mutating func noteCreation(_ slot: Int, hierarchy: Int) {
        let file = hierarchies[hierarchy].isUnified ? "cgroup.events" : "cgroup.clone_children"
        let directory = hierarchies[hierarchy].descriptor
        let path = table.records[slot].path
        var oldest = table.records[slot].present.contains(.creationTime) ? table.value(.creationTime, of: slot) : .max
        let filePath = Array(Self.relative(path).dropLast()) + Array("/\(file)".utf8) + [0]
        for candidate in [Self.relative(path), filePath] {
            guard let status = FileStatus.of(candidate, at: directory) else { continue }
            oldest = min(oldest, status.modifiedNanoseconds)
        }
        guard oldest != .max else { return }
        oldest = max(oldest, machine.bootNanoseconds)
        table.set(.creationTime, of: slot, to: oldest)
        table.set(.startTime, of: slot, to: oldest)
    }

    /// Forgets the cgroup's presence in a hierarchy, and the cgroup itself when that was the last.
    mutating func leave(_ slot: Int, hierarchy: Int) {
        let bit: UInt16 = 1 << UInt16(hierarchy)
        guard table.records[slot].isLive, table.records[slot].hierarchies & bit != 0 else { return }
        closeKept(slot, hierarchy: hierarchy)
        unwatch(slot, hierarchy: hierarchy)
        table.records[slot].hierarchies &= ~bit
        for file in files where file.hierarchy == hierarchy { table.records[slot].present.subtract(file.fields) }
        if table.records[slot].hierarchies == 0 {
            bury(slot)
            table.remove(slot)
            statistics.cgroupsVanished &+= 1
        }
    }

    /// Gives the watches of one hierarchy back.
    ///
    /// The kernel does not: a removed cgroup's directory keeps its link count, so its watch would hold it for ever.
    private mutating func unwatch(_ slot: Int, hierarchy: Int) {
        for (place, number) in table.records[slot].watches where place == hierarchy {
            watches[number] = nil
            watcher?.unwatch(number)
        }
        table.records[slot].watches.removeAll { $0.hierarchy == hierarchy }
    }

    /// Gives back the watches of one kind.
    mutating func unwatch(_ slot: Int, _ kind: WatchTarget.Kind) {
        for (_, number) in table.records[slot].watches where watches[number]?.kind == kind {
            watches[number] = nil
            watcher?.unwatch(number)
        }
        table.records[slot].watches.removeAll { watches[$0.number] == nil }
    }

    /// Whether the cgroup's directory is there, though perhaps another of the same name.
    func isThere(_ slot: Int, hierarchy: Int) -> Bool {
        FileStatus.of(Self.relative(table.records[slot].path), at: hierarchies[hierarchy].descriptor) != nil
    }

    /// Closes the descriptors kept in one hierarchy, or in all.
    mutating func closeKept(_ slot: Int, hierarchy: Int?) {
        for index in files.indices where hierarchy == nil || files[index].hierarchy == hierarchy {
            closeKept(slot, file: index)
        }
    }

    /// Closes the descriptor kept for one file, if there is one.
    mutating func closeKept(_ slot: Int, file index: Int) {
        let kept = files[index].keptIndex
        guard kept >= 0 else { return }
        let reading = table.records[slot].reading
        guard reading.kept[kept] >= 0 else { return }
        _ = Glibc.close(reading.kept[kept])
        budget.giveBack()
        table.records[slot].reading.kept[kept] = -1
    }
}
