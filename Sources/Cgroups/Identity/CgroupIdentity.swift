/// What a cgroup is, as far as its path tells.
struct CgroupIdentity: Equatable {
    enum Kind: UInt8 {
        case root
        /// A group of others: a slice, a Kubernetes class of service, a runtime's parent folder.
        case group
        case service
        case scope
        case pod
        case container
        /// A process that looks after a container (conmon, an LXC monitor).
        case monitor
        /// A cgroup below a container's, a machine's or a unit's own, made by what runs in it.
        case inner
        /// A system container or virtual machine: LXC, nspawn, libvirt.
        case machine
        case other
    }

    enum Runtime: UInt8 {
        case none, docker, containerd, crio, podman, buildkit, kata, lxc, nspawn, libvirt, ecs, nomad, mesos, garden
    }

    var kind: Kind
    var runtime: Runtime = .none
    /// The runtime's identifier of the container, or of the pod for Podman's pods.
    var containerID = ""
    /// The pod's UID with dashes, or 32 hexadecimal digits for a static pod.
    var podUID = ""
    /// The name the path gives: a unit, a machine; for a container its identifier until something better is known.
    var name = ""
    /// Containerd's namespace where the path shows it.
    var runtimeNamespace = ""

    var isKubernetes: Bool { !podUID.isEmpty }
}

/// Reads what a cgroup is from its path, for every shape that runtimes and systemd are known to make.
struct CgroupPathParser {
    private let components: [Substring]
    private var podUID = ""

    /// The identity of the cgroup with this path below its hierarchy's root, `/` being the root itself.
    static func identity(of path: String) -> CgroupIdentity {
        var parser = CgroupPathParser(components: path.split(separator: "/"))
        return parser.parse()
    }

    private init(components: [Substring]) {
        self.components = components
    }

    private mutating func parse() -> CgroupIdentity {
        guard !components.isEmpty else { return CgroupIdentity(kind: .root) }
        // The last component that is somebody decides: with Docker in Docker the inner container is meant. What lies
        // below it is its own affair.
        var found: (identity: CgroupIdentity, index: Int)?
        for index in components.indices {
            if let uid = Self.podUID(in: components[index]) {
                podUID = uid
                found = (CgroupIdentity(kind: .pod, podUID: uid), index)
            }
            // Driver mismatch puts pod and container into one component.
            if let identity = container(at: index) ?? machine(at: index) { found = (identity, index) }
        }
        guard let found else { return unit() }
        if found.index == components.count - 1 { return found.identity }
        if found.identity.kind == .pod { return CgroupIdentity(kind: .other, podUID: found.identity.podUID) }
        return CgroupIdentity(kind: .inner, podUID: found.identity.podUID)
    }

    // MARK: Containers

    private func container(at index: Int) -> CgroupIdentity? {
        var text = components[index]
        if text.hasSuffix(".scope") { text = text.dropLast(6) }
        let parent = index > 0 ? components[index - 1] : ""
        if text.hasPrefix("machine-libpod_pod_"), text.hasSuffix(".slice") {
            let identifier = text.dropFirst(19).dropLast(6)
            guard Self.isIdentifier(identifier) else { return nil }
            return CgroupIdentity(kind: .pod, runtime: .podman, containerID: String(identifier))
        }
        guard text.utf8.count >= 64, Self.isIdentifier(text.suffix(64)) else {
            return shortContainer(at: index, parent: parent)
        }
        let identifier = String(text.suffix(64))
        let prefix = text.dropLast(64)
        var identity = CgroupIdentity(
            kind: .container, containerID: identifier, podUID: podUID, name: identifier)
        if prefix.isEmpty {
            classifyBare(&identity, at: index, parent: parent)
            return identity
        }
        // "docker-", "crio-conmon-", "kata_", or the mismatch form "kubepods-…-podUID.slice:cri-containerd:".
        var word = prefix.dropLast()
        if let colon = word.lastIndex(of: ":") {
            if let slice = word[..<colon].split(separator: ":").first, let uid = Self.podUID(in: slice) {
                identity.podUID = uid
            }
            word = word[word.index(after: colon)...]
        }
        switch word {
        case "docker": identity.runtime = .docker
        case "cri-containerd", "nerdctl": identity.runtime = .containerd
        case "crio": identity.runtime = .crio
        case "libpod", "libpod-payload": identity.runtime = .podman
        case "kata": identity.runtime = .kata
        case "crio-conmon", "libpod-conmon":
            identity.runtime = word == "crio-conmon" ? .crio : .podman
            identity.kind = .monitor
            identity.name = ""
        default:
            // A prefix nobody told us of still names a container by its identifier.
            identity.runtime = .none
        }
        if word == "nerdctl" { identity.runtimeNamespace = "default" }
        if identity.runtime == .containerd, identity.isKubernetes { identity.runtimeNamespace = "k8s.io" }
        return identity
    }

    private func classifyBare(_ identity: inout CgroupIdentity, at index: Int, parent: Substring) {
        if parent == "kata_overhead" {
            identity.runtime = .kata
            identity.kind = .monitor
            identity.name = ""
        } else if parent == "libpod_parent" {
            identity.runtime = .podman
            identity.kind = .pod
            identity.name = ""
        } else if identity.isKubernetes {
            identity.runtime = .containerd
            identity.runtimeNamespace = "k8s.io"
        } else if parent == "docker" || index == 0 || components[0] == "ecs" {
            identity.runtime = .docker
        } else if index == 1 {
            identity.runtime = .containerd
            identity.runtimeNamespace = String(parent)
        }
    }

    /// Containers whose identifiers are not 64 hexadecimal digits, known by the folder they lie in.
    private func shortContainer(at index: Int, parent: Substring) -> CgroupIdentity? {
        let text = components[index]
        func container(_ runtime: CgroupIdentity.Runtime, _ identifier: Substring) -> CgroupIdentity {
            CgroupIdentity(
                kind: .container, runtime: runtime, containerID: String(identifier), name: String(identifier))
        }
        if parent == "buildkit", index <= 2, text.utf8.count >= 20 { return container(.buildkit, text) }
        if index == 2, components[0] == "ecs", text.hasPrefix(parent), text.utf8.count > parent.utf8.count {
            return container(.ecs, text)
        }
        if index == 1, parent == "nomad" { return container(.nomad, text) }
        if index == 2, components[0] == "nomad.slice", text.hasSuffix(".scope") {
            return container(.nomad, text.dropLast(6))
        }
        if index == 1, parent == "mesos" { return container(.mesos, text) }
        if index == 1, parent == "garden" { return container(.garden, text) }
        // Of containers alone, or of those of a pod, whose folder lies between.
        if index == 1 || index == 2, components[0] == "libpod_parent", text == "conmon" {
            return CgroupIdentity(kind: .monitor, runtime: .podman)
        }
        return nil
    }

    // MARK: Machines

    private func machine(at index: Int) -> CgroupIdentity? {
        let text = components[index]
        let parent = index > 0 ? components[index - 1] : ""
        func machine(_ runtime: CgroupIdentity.Runtime, _ name: some StringProtocol) -> CgroupIdentity {
            CgroupIdentity(kind: .machine, runtime: runtime, name: String(name))
        }
        if text.hasPrefix("lxc.payload.") { return machine(.lxc, text.dropFirst(12)) }
        if text.hasPrefix("lxc.monitor.") { return CgroupIdentity(kind: .monitor, runtime: .lxc) }
        if parent == "lxc" || parent == "lxc.payload", index == 1 { return machine(.lxc, text) }
        if parent == "machine.slice" {
            if text.hasPrefix("systemd-nspawn@"), text.hasSuffix(".service") {
                return machine(.nspawn, Self.unescaped(text.dropFirst(15).dropLast(8)))
            }
            if text.hasPrefix("machine-"), text.hasSuffix(".scope") {
                let whole = Self.unescaped(text.dropFirst(8).dropLast(6))
                guard whole.hasPrefix("qemu-") || whole.hasPrefix("lxc-") else { return machine(.nspawn, whole) }
                let parts = whole.split(separator: "-", maxSplits: 2)
                return machine(.libvirt, parts.count == 3 ? String(parts[2]) : whole)
            }
        }
        if parent == "qemu.slice", text.hasSuffix(".scope") { return machine(.libvirt, text.dropLast(6)) }
        return nil
    }

    // MARK: Units

    private func unit() -> CgroupIdentity {
        guard let last = components.last else { return CgroupIdentity(kind: .root) }
        if last.hasSuffix(".service") || last.hasSuffix(".socket") || last.hasSuffix(".mount")
            || last.hasSuffix(".swap")
        {
            return CgroupIdentity(kind: .service, name: String(last))
        }
        if last.hasSuffix(".scope") { return CgroupIdentity(kind: .scope, name: String(last)) }
        if last.hasSuffix(".slice") { return CgroupIdentity(kind: .group) }
        let isInsideUnit = components.dropLast().contains { $0.hasSuffix(".service") || $0.hasSuffix(".scope") }
        if isInsideUnit { return CgroupIdentity(kind: .inner) }
        switch last {
        case "docker", "kubepods", "burstable", "besteffort", "guaranteed", "lxc", "ecs", "system", "podruntime",
            "libpod_parent", "buildkit", "kubelet", "lxc.payload":
            if components.count > 1, components[components.count - 2] == "podruntime" { break }
            return CgroupIdentity(kind: .group)
        default: break
        }
        if components.count == 2, components[0] == "podruntime" || components[0] == "system" {
            return CgroupIdentity(kind: .service, name: String(last))
        }
        return CgroupIdentity(kind: .other)
    }

    // MARK: Pieces

    /// 64 hexadecimal digits.
    static func isIdentifier(_ text: Substring) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy(isHexadecimal)
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }

    /// The UID in `podUID`, `kubepods-burstable-podUID_.slice` and the like.
    static func podUID(in component: Substring) -> String? {
        var text = component
        if text.hasSuffix(".slice") {
            text = text.dropLast(6)
            guard let dash = text.lastIndex(of: "-") else { return nil }
            text = text[text.index(after: dash)...]
        }
        guard text.hasPrefix("pod") else { return nil }
        let digits = text.dropFirst(3).utf8
        if digits.count == 32, digits.allSatisfy(isHexadecimal) { return String(text.dropFirst(3)) }
        guard digits.count == 36 else { return nil }
        var uid = ""
        for (position, byte) in digits.enumerated() {
            let isSeparator = [8, 13, 18, 23].contains(position)
            if isSeparator {
                guard byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") else { return nil }
                uid.append("-")
            } else {
                guard isHexadecimal(byte) else { return nil }
                uid.unicodeScalars.append(Unicode.Scalar(byte))
            }
        }
        return uid
    }

    /// Undoes systemd's `\x2d`, see systemd.unit(5) "String Escaping for Inclusion in Unit Names".
    static func unescaped(_ text: Substring) -> String {
        guard text.utf8.contains(UInt8(ascii: "\\")) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            let following = Array(rest.prefix(3))
            if byte == UInt8(ascii: "\\"), following.count == 3, following[0] == UInt8(ascii: "x"),
                following[1...].allSatisfy(isHexadecimal),
                let value = UInt8(String(decoding: following[1...], as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
