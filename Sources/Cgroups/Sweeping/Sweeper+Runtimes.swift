/// Names, health and ends that runtimes tell over their sockets, after the files were looked at.
extension Sweeper {
    /// Leaves a question about a container that its files did not name, or of which they do not tell all.
    mutating func askRuntimes(_ slot: Int, now: UInt64) {
        guard let runtimes else { return }
        let record = table.records[slot]
        let kinds = record.identity.askedKinds
        guard !kinds.isEmpty, !record.lookup.isAnswered, needsRuntime(record) else { return }
        let hasNew = runtimes.look(now: now)
        runtimes.want(record.identity.containerID, of: kinds)
        // A runtime that came late: those that were given up for a while are asked about at once.
        guard hasNew else { return }
        for other in table.records.indices where table.records[other].lookup.state != .unneeded {
            table.records[other].lookup.dueNanoseconds = 0
        }
    }

    private func needsRuntime(_ record: CgroupRecord) -> Bool {
        if record.lookup.state != .found { return true }
        switch record.identity.runtime {
        // Only its socket tells of health and labels.
        case .podman: return true
        case .containerd, .kata: return !settings.containerLabels.isEmpty && record.names.labels.isEmpty
        default: return false
        }
    }

    /// Takes in what runtimes have told since the last time.
    mutating func takeRuntimeAnswers(now: UInt64) {
        let answers = runtimes?.takeAnswers() ?? []
        if !answers.isEmpty {
            var slots: [String: Int] = [:]
            for slot in table.records.indices where table.records[slot].isLive {
                let identity = table.records[slot].identity
                if identity.kind == .container { slots[identity.containerID] = slot }
            }
            for answer in answers { take(answer, slots: slots, now: now) }
        }
        _ = lookForCodes(now: now)
    }

    private mutating func take(_ answer: RuntimeAnswer, slots: [String: Int], now: UInt64) {
        switch answer {
        case .names(let told, let identifier):
            guard let slot = slots[identifier] else { return }
            var names = table.records[slot].names
            names.merge(told)
            table.records[slot].lookup.isAnswered = true
            table.records[slot].lookup.state = .found
            rename(slot, names, now: now)
            namePod(above: slot, now: now)
        case .health(let health, let identifier):
            guard let slot = slots[identifier], let health else { return }
            table.records[slot].names.health = health
            table.set(.health, of: slot, to: health)
        case .exited(let code, let identifier):
            if let slot = slots[identifier] {
                table.records[slot].life.exitCode = table.records[slot].life.exitCode ?? code
            }
            countEnd(of: identifier, code: code)
        }
    }

    /// A pod that no log folder names has the names that its containers tell.
    private mutating func namePod(above slot: Int, now: UInt64) {
        let parent = table.records[slot].parent
        guard parent >= 0, table.records[parent].isLive, table.records[parent].identity.kind == .pod else { return }
        let told = table.records[slot].names
        guard !told.pod.isEmpty, table.records[parent].names.pod.isEmpty else { return }
        var names = table.records[parent].names
        names.pod = told.pod
        names.namespace = told.namespace
        table.records[parent].lookup.state = .found
        rename(parent, names, now: now)
    }

    // MARK: Ends

    /// An end whose code the kernel did not tell waits for the runtime's word, this long at most.
    private static let patienceNanoseconds: UInt64 = 5_000_000_000
    private static let maximumWaitingEnds = 1_024

    /// Whether the runtime of an ended container may tell its code, which the kernel did not (before Linux 6.15, or when
    /// the container's processes cannot be seen from here).
    func lacksCode(_ slot: Int) -> Bool {
        let record = table.records[slot]
        return record.life.hasEnded && record.life.exitCode == nil && !record.identity.askedKinds.isEmpty
    }

    /// Looks for the code in the files of the container's runtime.
    mutating func readCode(_ slot: Int) {
        let record = table.records[slot]
        guard record.life.exitCode == nil else { return }
        table.records[slot].life.exitCode = nameFiles.exitCode(
            of: record.identity, path: String(decoding: record.id, as: UTF8.self),
            started: table.value(.startTime, of: slot), reader: &reader)
    }

    /// Whether the count of this end may wait for a code.
    mutating func waitsForCode(_ slot: Int, _ workload: WorkloadIdentity, now: UInt64, wall: UInt64) -> Bool {
        let record = table.records[slot]
        let identifier = record.identity.containerID
        guard record.life.exitCode == nil, !record.identity.askedKinds.isEmpty else { return false }
        // An earlier end of the same container waits no longer.
        countEnd(of: identifier, code: nil)
        guard waitingEnds.count < Self.maximumWaitingEnds else { return false }
        waitingEnds[identifier] = WaitingEnd(
            workload: workload, wall: wall, identity: record.identity, path: String(decoding: record.id, as: UTF8.self),
            started: table.value(.startTime, of: slot), due: now &+ Self.patienceNanoseconds, lookDue: now)
        return true
    }

    private mutating func countEnd(of identifier: String, code: Int32?) {
        guard let end = waitingEnds.removeValue(forKey: identifier) else { return }
        workloads.change(end.workload) { $0.countExit(code, wall: end.wall) }
    }

    /// Looks for codes of ends that wait, first in files, then at the runtime; gives the time of the next look, nil when
    /// nothing waits.
    mutating func lookForCodes(now: UInt64) -> UInt64? {
        var next: UInt64?
        for (identifier, end) in waitingEnds {
            if now >= end.due {
                countEnd(of: identifier, code: nil)
                continue
            }
            if now >= end.lookDue {
                let code = nameFiles.exitCode(
                    of: end.identity, path: end.path, started: end.started, reader: &reader)
                if let code {
                    countEnd(of: identifier, code: code)
                    continue
                }
                _ = runtimes?.look(now: now)
                runtimes?.wantEnd(of: identifier, started: end.started, kinds: end.identity.askedKinds)
                waitingEnds[identifier]?.looks = end.looks + 1
                let delay = Self.lookDelaysMilliseconds[min(end.looks + 1, Self.lookDelaysMilliseconds.count - 1)]
                waitingEnds[identifier]?.lookDue = min(now &+ delay &* 1_000_000, end.due)
            }
            let due = waitingEnds[identifier]?.lookDue ?? end.due
            next = min(next ?? due, due)
        }
        return next
    }
}

/// An end that is counted when its code is known.
struct WaitingEnd {
    var workload: WorkloadIdentity
    var wall: UInt64
    var identity: CgroupIdentity
    var path: String
    /// Wall clock nanoseconds.
    var started: UInt64
    var due: UInt64
    var looks = 0
    var lookDue: UInt64
}
