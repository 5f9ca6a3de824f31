/// Who a cgroup belongs to, whichever of its instances it is: what counters that outlive containers are kept by.
struct WorkloadIdentity: Hashable {
    enum Kind: String { case container, service, machine, job }

    var kind: Kind
    /// The deployment, unit, machine or container name; a path for cgroups that nothing names.
    var workload: String
    var namespace = ""
    var container = ""
    /// What stays the same when the instance is replaced in its place: the pod and its container, the name, the unit.
    var place = ""

    /// The identity of a cgroup with these names; nil for cgroups that are no workload's own.
    init?(_ identity: CgroupIdentity, _ names: ContainerNames, path: String) {
        switch identity.kind {
        case .container:
            kind = .container
            if !names.pod.isEmpty || identity.isKubernetes {
                // The container that only holds a pod's namespaces is nobody's workload.
                guard names.container != "POD" else { return nil }
                workload = Self.owner(ofPod: names.pod)
                namespace = names.namespace
                container = names.container
                place = identity.podUID + "/" + (names.container.isEmpty ? identity.containerID : names.container)
            } else {
                workload = names.name.isEmpty ? identity.name : names.name
                place = workload
            }
        case .service:
            kind = .service
            workload = identity.name
            place = path
        case .machine:
            kind = .machine
            workload = identity.name
            place = path
        case .other:
            kind = .job
            workload = path
            place = path
        case .root, .group, .scope, .pod, .monitor, .inner: return nil
        }
    }

    /// The labels of all its series, the place left out.
    var labels: [UInt8] {
        var bytes: [UInt8] = []
        CgroupLabels.append("container", Array(container.utf8), to: &bytes)
        CgroupLabels.append("kind", Array(kind.rawValue.utf8), to: &bytes)
        CgroupLabels.append("namespace", Array(namespace.utf8), to: &bytes)
        CgroupLabels.append("workload", Array(workload.utf8), to: &bytes)
        return bytes
    }

    /// The same without its place: one entry for all replicas.
    var withoutPlace: WorkloadIdentity {
        var copy = self
        copy.place = ""
        return copy
    }

    /// What made a pod, as its name tells: `web` of `web-7d4b9c6f5d-x2x4z`, `db` of `db-0`, `nightly` of
    /// `nightly-28401120-abcde`.
    ///
    /// Controllers add a dash and five letters of an alphabet without vowels (k8s.io/apimachinery `rand.SafeEncodeString`),
    /// before them a hash of eight to ten of the same; sets add a number.
    static func owner(ofPod pod: String) -> String {
        var parts = pod.split(separator: "-", omittingEmptySubsequences: false)
        func isRandom(_ part: Substring) -> Bool {
            part.utf8.allSatisfy { "bcdfghjklmnpqrstvwxz2456789".utf8.contains($0) }
        }
        func isNumber(_ part: Substring) -> Bool {
            !part.isEmpty && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
        }
        guard parts.count > 1, let last = parts.last else { return pod }
        if isNumber(last), last.utf8.count < 5 { return parts.dropLast().joined(separator: "-") }
        guard last.utf8.count == 5, isRandom(last) else { return pod }
        parts.removeLast()
        if parts.count > 1, let hash = parts.last, (8...10).contains(hash.utf8.count), isRandom(hash) || isNumber(hash)
        {
            parts.removeLast()
        }
        return parts.joined(separator: "-")
    }
}

/// What became of a workload's instances, kept after they are gone.
struct Workload {
    let labels: [UInt8]
    /// How often instances ended with each code; -1 is a code nobody told.
    var exits: [(code: Int32, count: UInt64)] = []
    var restarts: UInt64 = 0
    /// Kills that took the instance's first process and those that took another.
    var killsOfFirst: UInt64 = 0
    var killsOfOthers: UInt64 = 0
    var cpuNanoseconds: UInt64 = 0
    var runNanoseconds: UInt64 = 0
    var readBytes: UInt64 = 0
    var writtenBytes: UInt64 = 0
    /// The highest peak of any instance.
    var peakMemoryBytes: UInt64 = 0
    var lastExitWall: UInt64 = 0
    var lastExitCode: Int32 = -1
    /// When something was last told of it.
    var changed: UInt64 = 0
    var livingCount = 0

    /// Codes told apart at most; the rest count as unknown.
    static let maximumCodes = 16

    mutating func countExit(_ code: Int32?, wall: UInt64) {
        var code = code ?? -1
        if !exits.contains(where: { $0.code == code }), exits.count >= Self.maximumCodes { code = -1 }
        if let index = exits.firstIndex(where: { $0.code == code }) {
            exits[index].count &+= 1
        } else {
            exits.append((code, 1))
        }
        lastExitWall = wall
        lastExitCode = code
    }
}

/// All workloads, living and remembered.
struct Workloads {
    /// One instance's place: whoever comes there next with another token has replaced it.
    struct Place {
        var token: String
        var restarts: UInt64
        var isLiving: Bool
        var changed: UInt64
        var workload: WorkloadIdentity
    }

    private var maximumCount = 0
    private var keptNanoseconds: UInt64 = 0
    private(set) var entries: [WorkloadIdentity: Workload] = [:]
    private(set) var places: [WorkloadIdentity: Place] = [:]
    /// Workloads and places forgotten because there were too many.
    private(set) var dropped: UInt64 = 0

    init(maximumCount: Int, keptMilliseconds: Int64) {
        setLimits(maximumCount: maximumCount, keptMilliseconds: keptMilliseconds)
    }

    mutating func setLimits(maximumCount: Int, keptMilliseconds: Int64) {
        self.maximumCount = maximumCount
        keptNanoseconds = UInt64(clamping: keptMilliseconds) &* 1_000_000
    }

    /// Notes that an instance runs; false when there is no room.
    ///
    /// `told` is the number of restarts that the runtime or the kubelet counted, 0 when unknown.
    mutating func begin(_ identity: WorkloadIdentity, token: String, told: UInt64, now: UInt64) -> Bool {
        let key = identity.withoutPlace
        guard makeRoom(for: key, now: now) else { return false }
        var entry = entries[key] ?? Workload(labels: key.labels)
        entries[key] = nil
        var place = places[identity] ?? Place(token: token, restarts: 0, isLiving: false, changed: now, workload: key)
        let before = place.restarts
        if place.token != token { place.restarts &+= 1 }
        place.restarts = max(place.restarts, told)
        if !place.isLiving { entry.livingCount += 1 }
        place.token = token
        place.isLiving = true
        place.changed = now
        entry.restarts &+= place.restarts &- before
        entry.changed = now
        if places.count < maximumCount || places[identity] != nil {
            places[identity] = place
        } else {
            dropped &+= 1
            entry.livingCount -= 1
        }
        entries[key] = entry
        return true
    }

    /// Adds what an ended instance leaves behind.
    mutating func end(_ identity: WorkloadIdentity, now: UInt64, _ add: (inout Workload) -> Void) {
        let key = identity.withoutPlace
        guard var entry = entries[key] else { return }
        entries[key] = nil
        if places[identity]?.isLiving == true {
            places[identity]?.isLiving = false
            places[identity]?.changed = now
            entry.livingCount -= 1
        }
        add(&entry)
        entry.changed = now
        entries[key] = entry
    }

    mutating func change(_ identity: WorkloadIdentity, _ body: (inout Workload) -> Void) {
        guard var entry = entries[identity.withoutPlace] else { return }
        body(&entry)
        entries[identity.withoutPlace] = entry
    }

    /// Forgets those of which nothing runs and nothing was told for long.
    mutating func forgetOld(now: UInt64) {
        let oldest = now > keptNanoseconds ? now - keptNanoseconds : 0
        places = places.filter { $0.value.isLiving || $0.value.changed >= oldest }
        entries = entries.filter { $0.value.livingCount > 0 || $0.value.changed >= oldest }
    }

    /// When there are too many the quarter goes that was silent longest.
    private mutating func makeRoom(for key: WorkloadIdentity, now: UInt64) -> Bool {
        if entries[key] != nil || entries.count < maximumCount, places.count < maximumCount { return true }
        let silent = entries.filter { $0.value.livingCount == 0 }.sorted { $0.value.changed < $1.value.changed }
        for (old, _) in silent.prefix(max(1, maximumCount / 4)) where old != key {
            entries[old] = nil
            dropped &+= 1
        }
        let gone = places.filter { !$0.value.isLiving }.sorted { $0.value.changed < $1.value.changed }
        for (old, _) in gone.prefix(max(1, maximumCount / 4)) { places[old] = nil }
        guard entries[key] != nil || entries.count < maximumCount else {
            dropped &+= 1
            return false
        }
        return true
    }
}
