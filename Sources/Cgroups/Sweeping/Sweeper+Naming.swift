/// Learning the names of containers and pods from files, again and again until they are known.
extension Sweeper {
    /// The first new attempt comes after this time, each further one after twice the last, up to a minute.
    private static let firstRetryNanoseconds: UInt64 = 500_000_000
    private static let lastRetryNanoseconds: UInt64 = 60_000_000_000

    /// Notes that a new cgroup has names to be found.
    mutating func beginLookup(_ slot: Int) {
        let identity = table.records[slot].identity
        let isNamedElsewhere =
            switch identity.runtime {
            case .docker, .containerd, .crio, .podman, .kata: true
            default: identity.isKubernetes
            }
        let isAsked = identity.kind == .container || (identity.kind == .pod && identity.isKubernetes)
        if isAsked, isNamedElsewhere { table.records[slot].lookup.state = .pending }
    }

    /// Tries those that are due; the log folders are listed once for all of them.
    mutating func lookUpNames(now: UInt64) {
        var logs: NameFiles.Logs?
        var left = settings.maximumNameLookupsPerSweep
        for slot in table.records.indices where table.records[slot].isLive {
            let lookup = table.records[slot].lookup
            guard lookup.state == .pending || lookup.state == .denied, now >= lookup.dueNanoseconds else { continue }
            guard left > 0 else { return }
            left -= 1
            lookUp(slot, now: now, logs: &logs)
        }
    }

    /// One more attempt for a cgroup that is about to be forgotten.
    mutating func lookUpNow(_ slot: Int, now: UInt64) {
        var logs: NameFiles.Logs?
        lookUp(slot, now: now, logs: &logs)
    }

    private mutating func lookUp(_ slot: Int, now: UInt64, logs: inout NameFiles.Logs?) {
        let identity = table.records[slot].identity
        var names = table.records[slot].names
        if identity.isKubernetes {
            let found = logs ?? nameFiles.logs()
            logs = found
            if let known = found.containers[identity.containerID] { names.merge(known) }
            if let known = found.pods[identity.podUID] { names.merge(known) }
        }
        var wasDenied = false
        var isFound = identity.kind == .pod && !names.pod.isEmpty
        if identity.kind == .container {
            switch nameFiles.runtimeNames(of: identity, reader: &reader) {
            case .found(let known):
                names.merge(known)
                isFound = true
            case .missing: break
            case .denied: wasDenied = true
            }
        }
        // The logs name a container without its image: good enough to stop asking after some attempts.
        let attempts = table.records[slot].lookup.attempts + 1
        if !names.container.isEmpty, attempts >= 5 { isFound = true }
        table.records[slot].lookup.attempts = attempts
        table.records[slot].lookup.state = isFound ? .found : wasDenied ? .denied : .pending
        let doubled = Self.firstRetryNanoseconds << UInt64(min(attempts - 1, 10))
        table.records[slot].lookup.dueNanoseconds = now &+ min(doubled, Self.lastRetryNanoseconds)
        guard names != table.records[slot].names else { return }
        table.records[slot].names = names
        table.records[slot].labels = CgroupLabels.rendered(
            path: table.records[slot].id, identity: identity, names: names)
    }

    /// Containers and pods that still lack names: those never found, and those whose files may not be read.
    var nameless: (notFound: Int, denied: Int) {
        var result = (notFound: 0, denied: 0)
        for record in table.records where record.isLive {
            let isNameless = record.names.name.isEmpty && record.names.container.isEmpty && record.names.pod.isEmpty
            guard isNameless else { continue }
            if record.lookup.state == .pending { result.notFound += 1 }
            if record.lookup.state == .denied { result.denied += 1 }
        }
        return result
    }
}
