import MetricModel

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
            // A health check changes its mind; the file that tells is read again.
            let changes = lookup.state == .found && table.records[slot].names.health != nil
            guard lookup.state == .pending || lookup.state == .denied || changes, now >= lookup.dueNanoseconds else {
                continue
            }
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
            let path = String(decoding: table.records[slot].id, as: UTF8.self)
            switch nameFiles.runtimeNames(of: identity, path: path, reader: &reader) {
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
        rename(slot, names, now: now)
        askRuntimes(slot, now: now)
    }

    /// Takes names that are better known now.
    mutating func rename(_ slot: Int, _ names: ContainerNames, now: UInt64) {
        guard names != table.records[slot].names else { return }
        table.records[slot].names = names
        if let health = names.health { table.set(.health, of: slot, to: health) }
        let wasExported = table.records[slot].isExported
        relabel(slot)
        // A filter that asks for its name could not let it through before.
        if table.records[slot].isExported, !wasExported { sample(slot, now: now) }
    }

    /// Renders the labels anew and asks the filters.
    mutating func relabel(_ slot: Int) {
        let record = table.records[slot]
        let all = CgroupLabels.rendered(path: record.id, identity: record.identity, names: record.names)
        var short: [UInt8] = []
        if settings.labelPlacement == .info { CgroupLabels.append("id", record.id, to: &short) }
        table.records[slot].labels = settings.labelPlacement == .info ? short : all
        table.records[slot].infoLabels = settings.labelPlacement == .info && all != short ? all : []
        table.records[slot].isExported = settings.filters.allSatisfy { $0.matches(record.labelValue($0.name)) }
    }

    /// Containers and pods that still lack names: those that nothing knows, those whose files or sockets may not be
    /// read, and those whose runtime does not answer.
    ///
    /// One container without a name among named ones of a pod is taken for the one that only holds the pod's
    /// namespaces: no log tells of it, and it has no name that anybody would look for.
    var nameless: (notFound: Int, denied: Int, unanswered: Int) {
        var result = (notFound: 0, denied: 0, unanswered: 0)
        var holders: Set<Int> = []
        let pods = Set(table.records.lazy.filter { $0.isLive && !$0.names.container.isEmpty }.map(\.parent))
        for record in table.records where record.isLive && record.isNameless {
            guard record.lookup.state == .pending || record.lookup.state == .denied else { continue }
            if record.identity.isKubernetes, pods.contains(record.parent), holders.insert(record.parent).inserted {
                continue
            }
            switch runtimes?.obstacle(of: record.identity.askedKinds) {
            case .hung, .failing: result.unanswered += 1
            case .denied: result.denied += 1
            default: if record.lookup.state == .denied { result.denied += 1 } else { result.notFound += 1 }
            }
        }
        return result
    }
}

extension CgroupRecord {
    /// Whether it lacks the name of its own; that of its pod is not a container's.
    var isNameless: Bool {
        guard names.name.isEmpty, names.container.isEmpty else { return false }
        return identity.kind == .container || names.pod.isEmpty
    }

    /// The value of a label by its name, for filters; empty when it has none.
    func labelValue(_ name: String) -> String {
        switch name {
        case "id": return String(decoding: id, as: UTF8.self)
        case "name": return names.name.isEmpty ? identity.name : names.name
        case "image": return names.image
        case "container": return names.container
        case "pod": return names.pod
        case "namespace": return names.namespace
        case "pod_uid": return identity.podUID
        default: return names.labels.first { $0.exportedName == name }?.value ?? ""
        }
    }
}
