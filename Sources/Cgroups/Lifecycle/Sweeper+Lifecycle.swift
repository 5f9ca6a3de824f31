import Glibc
import MetricModel

/// What is followed of one cgroup from its first process to its end.
struct Life {
    /// Whether it is somebody's own: a container, a unit, a machine, a job.
    var isFollowed = false
    var process = ProcessHandle()
    var processID: UInt64 = 0
    /// The first process ended, or the last one did where the kernel tells that.
    var hasEnded = false
    var exitCode: Int32?
    /// Kills counted so far, and those of which it is not known yet whom they took.
    var kills: UInt64 = 0
    /// Charges that the limit refused, as of then.
    var failures: UInt64 = 0
    var knowsKills = false
    var unresolvedKills: UInt64 = 0
    /// When they were another process' if the first still lives.
    var killsDue: UInt64 = 0
    var workload: WorkloadIdentity?
    /// How often a new cgroup was looked at for its first process, or an ended one for its last numbers, and when it is
    /// next.
    var looks = 0
    var lookDue: UInt64 = 0
    var isLookedAt = false
    /// Whether it was made while we watched, so that its counters began at zero.
    var wasBornHere = false
    /// How often the kernel told of memory's events since the last sweep.
    var memoryEvents = 0
}

/// Following cgroups from birth to burial, so that what happened in them outlives them.
extension Sweeper {
    /// A new cgroup gets its process later than its directory; where the kernel does not tell when, it is looked at
    /// after these times.
    static let lookDelaysMilliseconds: [UInt64] = [0, 4, 15, 40, 100, 250, 600, 1_500]

    mutating func beginLife(_ slot: Int) {
        guard settings.groups.contains(.workload) else { return }
        switch table.records[slot].identity.kind {
        case .container, .service, .machine, .other: break
        default: return
        }
        table.records[slot].life.isFollowed = true
        guard isFollowingEvents else { return }
        table.records[slot].life.wasBornHere = true
        look(at: slot, from: 0)
    }

    private mutating func look(at slot: Int, from due: UInt64) {
        table.records[slot].life.looks = 0
        table.records[slot].life.lookDue = due
        if table.records[slot].life.isLookedAt { return }
        table.records[slot].life.isLookedAt = true
        lookedAt.append((slot, table.records[slot].generation))
    }

    /// The last numbers of an ended cgroup may still count its last process.
    ///
    /// The kernel tells an end in `do_exit`, but takes the process off `pids.current` in `release_task`, when the
    /// parent has its status; nothing tells of that.
    private mutating func lookAgainAtEnd(_ slot: Int, now: UInt64) {
        guard table.records[slot].isLive, mayCountTheDead(slot) || lacksCode(slot) else { return }
        look(at: slot, from: now &+ Self.lookDelaysMilliseconds[1] &* 1_000_000)
    }

    private func mayCountTheDead(_ slot: Int) -> Bool {
        table.records[slot].life.hasEnded && table.records[slot].present.contains(.threads)
            && table.value(.threads, of: slot) > 0
    }

    /// Whether a look can tell more: of the first process, or of the last.
    private func deservesLook(_ slot: Int) -> Bool {
        let life = table.records[slot].life
        guard life.looks < Self.lookDelaysMilliseconds.count else { return false }
        return life.hasEnded ? mayCountTheDead(slot) || lacksCode(slot) : !life.process.isOpen
    }

    /// Reads new and ended cgroups that are due; gives the time of the next look, nil when there is none.
    mutating func lookAtDue(now: UInt64) -> UInt64? {
        var next: UInt64?
        var index = 0
        while index < lookedAt.count {
            let (slot, generation) = lookedAt[index]
            let isSame = table.records[slot].isLive && table.records[slot].generation == generation
            guard isSame, deservesLook(slot) else {
                if isSame { table.records[slot].life.isLookedAt = false }
                lookedAt.swapAt(index, lookedAt.count - 1)
                lookedAt.removeLast()
                continue
            }
            if now >= table.records[slot].life.lookDue {
                let looks = table.records[slot].life.looks
                table.records[slot].life.looks = looks + 1
                let delay = Self.lookDelaysMilliseconds[min(looks + 1, Self.lookDelaysMilliseconds.count - 1)]
                table.records[slot].life.lookDue = now &+ delay &* 1_000_000
                sample(slot, now: now)
            }
            let due = table.records[slot].life.lookDue
            next = min(next ?? due, due)
            index += 1
        }
        if let due = lookForCodes(now: now) { next = min(next ?? due, due) }
        return next
    }

    /// Reads all files of one cgroup outside a sweep: at its birth and at its end.
    mutating func sample(_ slot: Int, now: UInt64) {
        guard table.records[slot].isLive else { return }
        // An ended one may be removed while it is read: what counts most is read first, through open descriptors.
        if table.records[slot].life.hasEnded { readLastWords(slot, now: now) }
        table.records[slot].reading.demandAll()
        readCgroup(slot, now: now)
        guard table.records[slot].isLive else { return }
        readInside(slot, now: now)
        table.set(.lastSeen, of: slot, to: UInt64(clamping: clock.now.milliseconds) &* 1_000_000)
        statistics.extraSamples &+= 1
        if lacksCode(slot) { readCode(slot) }
        follow(slot, now: now)
    }

    /// Reads what lies in a container without processes of its own: crun and CRI-O put them into a cgroup below.
    private mutating func readInside(_ slot: Int, now: UInt64) {
        let record = table.records[slot]
        guard record.identity.kind == .container, record.firstProcess == 0, record.childCount > 0 else { return }
        for child in table.records.indices where table.records[child].parent == slot {
            table.records[child].reading.demandAll()
            readCgroup(child, now: now)
        }
    }

    /// The first process of a cgroup inside a container is the container's, where that has none of its own.
    mutating func holdForContainer(above slot: Int) {
        guard table.records[slot].identity.kind == .inner else { return }
        let parent = table.records[slot].parent
        guard parent >= 0, table.records[parent].isLive, table.records[parent].identity.kind == .container,
            table.records[parent].firstProcess == 0, !table.records[parent].life.process.isOpen
        else { return }
        holdFirstProcess(parent, isInside: true)
    }

    /// Takes hold of the cgroup's first process, now that the list of its processes was read.
    mutating func holdFirstProcess(_ slot: Int, isInside: Bool = false) {
        guard table.records[slot].life.isFollowed, let queue,
            let first = firstOwnProcess(slot, isInside: isInside)
        else { return }
        let life = table.records[slot].life
        if life.process.isOpen || first == life.processID { return }
        guard isOurProcessNumber(first), budget.take() else { return }
        guard table.records[slot].life.process.open(process: first) else {
            budget.giveBack()
            return
        }
        table.records[slot].life.processID = first
        table.records[slot].life.hasEnded = false
        table.records[slot].life.exitCode = nil
        let source = EventQueue.Source.process(slot: slot, generation: table.records[slot].generation)
        if !queue.add(table.records[slot].life.process.descriptor, source) { closeProcess(slot) }
    }

    /// In a container the process that is number 1 inside; elsewhere the first listed.
    private mutating func firstOwnProcess(_ slot: Int, isInside: Bool) -> UInt64? {
        if table.records[slot].identity.kind == .container {
            for process in processScratch.prefix(32) {
                let path = Array("\(settings.rootPath)/proc/\(process)/status".utf8) + [0]
                guard reader.readRecords(at: AT_FDCWD, path: path) == .read else { continue }
                let buffer = reader.buffer
                if ProcessText.isFirstInNamespace(buffer.span.extracting(0..<reader.byteCount)) { return process }
            }
        }
        return isInside ? nil : processScratch.first
    }

    /// Whether numbers of processes below the root path mean what they mean to us.
    private func isOurProcessNumber(_ process: UInt64) -> Bool {
        guard !settings.rootPath.isEmpty else { return true }
        let theirs = FileStatus.of(Array("\(settings.rootPath)/proc/\(process)".utf8) + [0], at: AT_FDCWD)
        let ours = FileStatus.of(Array("/proc/\(process)".utf8) + [0], at: AT_FDCWD)
        return theirs != nil && theirs?.inode == ours?.inode
    }

    private mutating func closeProcess(_ slot: Int) {
        guard table.records[slot].life.process.isOpen else { return }
        table.records[slot].life.process.close()
        budget.giveBack()
    }

    /// The first process ended, or its status can now be had: the last numbers are read before the cgroup goes.
    mutating func processEnded(slot: Int, generation: UInt32, now: UInt64) {
        guard table.records.indices.contains(slot), table.records[slot].isLive,
            table.records[slot].generation == generation, table.records[slot].life.process.isOpen
        else { return }
        if !table.records[slot].life.hasEnded {
            table.records[slot].life.hasEnded = true
            sample(slot, now: now)
            lookAgainAtEnd(slot, now: now)
            guard table.records[slot].isLive, table.records[slot].life.process.isOpen else { return }
        } else {
            // Told a second time: its parent took the status, so there will be no third.
            takeKernelCode(slot)
            closeProcess(slot)
            sample(slot, now: now)
            return
        }
        takeKernelCode(slot)
        if table.records[slot].life.exitCode != nil {
            closeProcess(slot)
        } else {
            queue?.watchEnd(
                of: table.records[slot].life.process.descriptor, .process(slot: slot, generation: generation))
        }
    }

    /// The kernel's word on how the first process ended, where it has one.
    private mutating func takeKernelCode(_ slot: Int) {
        let life = table.records[slot].life
        table.records[slot].life.exitCode = life.process.exitCode ?? life.exitCode
    }

    /// Version 2 told that the cgroup filled or emptied.
    mutating func populationChanged(_ slot: Int, hierarchy: Int, now: UInt64) {
        let path = Self.relative(table.records[slot].path).dropLast() + Array("/cgroup.events".utf8) + [0]
        guard reader.read(at: hierarchies[hierarchy].descriptor, path: Array(path)) == .read else { return }
        let buffer = reader.buffer
        let isPopulated = KernelText.keyed(buffer.span.extracting(0..<reader.byteCount), "populated") != 0
        if !isPopulated, !table.records[slot].life.process.isOpen { table.records[slot].life.hasEnded = true }
        sample(slot, now: now)
        if !isPopulated { lookAgainAtEnd(slot, now: now) }
    }

    /// Reads what nothing tells any more when the cgroup is gone: CPU time, peak, kills.
    private mutating func readLastWords(_ slot: Int, now: UInt64) {
        readUrgent(slot, now: now)
        guard table.records[slot].isLive else { return }
        // Before its hierarchy is found to be gone: then its numbers count as absent.
        noteKills(slot, now: now)
    }

    /// A process was put into a cgroup of version 1 that has had none.
    mutating func processArrived(_ slot: Int, now: UInt64) {
        if !table.records[slot].life.process.isOpen { sample(slot, now: now) }
        guard table.records[slot].isLive, table.records[slot].life.process.isOpen else { return }
        unwatch(slot, .arrival)
    }

    /// Events of memory that are followed between two sweeps at most; a cgroup that lives at its limit has a hundred a
    /// second.
    private static let maximumMemoryEvents = 16

    /// Version 2 told that memory ran into a limit or that something was killed for want of it.
    mutating func memoryChanged(_ slot: Int, now: UInt64) {
        guard table.records[slot].life.isFollowed else { return }
        table.records[slot].life.memoryEvents += 1
        // What comes after the last event that is followed is read when it is due, though all is quiet by then.
        table.records[slot].reading.hasMovedSinceOpened = true
        readLastWords(slot, now: now)
        if table.records[slot].isLive, table.records[slot].life.memoryEvents >= Self.maximumMemoryEvents {
            unwatch(slot, .memoryEvents)
        }
    }

    /// Follows memory's events again after a sweep.
    private mutating func followMemoryEvents(_ slot: Int) {
        let wasMuted = table.records[slot].life.memoryEvents >= Self.maximumMemoryEvents
        table.records[slot].life.memoryEvents = 0
        if wasMuted { watchMemoryEvents(slot) }
    }

    // MARK: Workloads

    /// Names the workload when its names are known, and tells kills apart.
    mutating func follow(_ slot: Int, now: UInt64) {
        guard table.records[slot].life.isFollowed else { return }
        if table.records[slot].life.workload == nil {
            switch table.records[slot].lookup.state {
            case .unneeded, .found: register(slot, now: now)
            case .pending, .denied: if table.records[slot].lookup.attempts >= 8 { register(slot, now: now) }
            }
        }
        noteKills(slot, now: now)
        if table.records[slot].life.memoryEvents > 0 { followMemoryEvents(slot) }
    }

    private mutating func register(_ slot: Int, now: UInt64) {
        // A folder of others is nobody's job.
        if table.records[slot].identity.kind == .other {
            guard table.records[slot].childCount == 0, table.records[slot].firstProcess > 0 else { return }
        }
        let record = table.records[slot]
        let path = String(decoding: record.id, as: UTF8.self)
        guard let workload = WorkloadIdentity(record.identity, record.names, path: path) else {
            table.records[slot].life.isFollowed = false
            return
        }
        var token = "\(record.identity.containerID)#\(record.generation)"
        var told = record.names.restarts
        if workload.kind == .service, let invocation = invocation(of: record.identity.name) { token = invocation }
        if record.identity.isKubernetes {
            told = max(told, nameFiles.restarts(uid: record.identity.podUID, names: record.names))
        }
        if workloads.begin(workload, token: token, told: told, now: now) {
            table.records[slot].life.workload = workload
        }
    }

    /// What systemd calls this run of the unit: another one after every restart.
    private func invocation(of unit: String) -> String? {
        SymbolicLink.target(of: "\(settings.rootPath)/run/systemd/units/invocation:\(unit)")
    }

    /// A killed process takes this long to end at most: it gives its memory back first.
    private static let killNanoseconds: UInt64 = 1_000_000_000

    /// A kill is the first process' when it ended too, and another's when it still lives at a look some time after.
    private mutating func noteKills(_ slot: Int, now: UInt64) {
        guard table.records[slot].present.contains(.oomKills) else { return }
        let kills = table.value(.oomKills, of: slot)
        let failures = table.value(.memoryFailureCount, of: slot)
        var life = table.records[slot].life
        if !life.knowsKills {
            life.knowsKills = true
            life.kills = life.wasBornHere ? 0 : kills
            life.failures = life.wasBornHere ? 0 : failures
        }
        let added = kills > life.kills ? kills - life.kills : 0
        if added > 0, failures > life.failures { provePeak(slot) }
        life.kills = kills
        life.failures = failures
        let isSettled = now >= life.killsDue && !life.hasEnded && life.workload != nil
        let old = isSettled ? life.unresolvedKills : 0
        life.unresolvedKills = life.unresolvedKills - old + added
        if added > 0 { life.killsDue = now &+ Self.killNanoseconds }
        table.records[slot].life = life
        if old > 0, let workload = life.workload { workloads.change(workload) { $0.killsOfOthers &+= old } }
    }

    /// A kill after charges that the cgroup's own limit refused: memory was at the limit, whatever was read of it.
    ///
    /// Only of a leaf: on version 2 both counters tell of those below, which have limits of their own.
    private mutating func provePeak(_ slot: Int) {
        guard table.records[slot].childCount == 0, table.records[slot].present.contains(.memoryLimit) else { return }
        table.raise(.memoryMaximumUsage, of: slot, to: table.value(.memoryLimit, of: slot))
    }

    /// The cgroup is about to be forgotten: what it leaves goes to its workload.
    mutating func bury(_ slot: Int) {
        guard table.records[slot].life.isFollowed else { return }
        if table.records[slot].life.process.isOpen {
            takeKernelCode(slot)
            closeProcess(slot)
        }
        if table.records[slot].identity.kind == .container { readCode(slot) }
        let now = clock.monotonicNanoseconds
        if table.records[slot].life.workload == nil {
            if table.records[slot].lookup.state == .pending { lookUpNow(slot, now: now) }
            register(slot, now: now)
        }
        let life = table.records[slot].life
        guard let workload = life.workload else { return }
        let devices = table.records[slot].devices
        let wall = UInt64(clamping: clock.now.milliseconds) &* 1_000_000
        let cpu = table.value(.cpuUsage, of: slot)
        let started = table.value(.startTime, of: slot)
        // By now no column counts as present: its hierarchy is gone. The highest number that was read stands.
        let peak = max(table.value(.memoryMaximumUsage, of: slot), table.value(.memoryUsage, of: slot))
        // A first process that ended otherwise than by SIGKILL was not the one that was killed.
        let tookFirst = life.unresolvedKills > 0 && (life.exitCode ?? 137) == 137
        let waits = waitsForCode(slot, workload, now: now, wall: wall)
        workloads.end(workload, now: now) { entry in
            if !waits { entry.countExit(life.exitCode, wall: wall) }
            entry.cpuNanoseconds &+= cpu
            entry.runNanoseconds &+= wall > started ? wall - started : 0
            entry.peakMemoryBytes = max(entry.peakMemoryBytes, peak)
            for device in devices {
                entry.readBytes &+= device.readBytes
                entry.writtenBytes &+= device.writeBytes
            }
            entry.killsOfFirst &+= tookFirst ? 1 : 0
            entry.killsOfOthers &+= life.unresolvedKills &- (tookFirst ? 1 : 0)
        }
        if !life.hasEnded { statistics.endsWithoutFinalSample &+= 1 }
    }
}
