/// The programs that run containers and can be asked about them.
package enum RuntimeKind: String, CaseIterable, Sendable {
    case docker, podman, containerd, crio

    /// Whether it tells what happens to its containers without being asked each time.
    var hasEvents: Bool { self != .crio }
}

/// A socket behind which a runtime answers.
package struct RuntimeSocket: Hashable, Sendable {
    package var kind: RuntimeKind
    /// On the host, without the root path.
    package var path: String

    init(_ kind: RuntimeKind, _ path: String) {
        self.kind = kind
        self.path = path
    }

    /// Reads `docker=/run/docker.sock`; the path may be written `unix:///run/docker.sock`.
    package init?(_ text: String) {
        let parts = text.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, let kind = RuntimeKind(rawValue: String(parts[0])) else { return nil }
        let path = parts[1].hasPrefix("unix://") ? parts[1].dropFirst(7) : parts[1]
        guard path.hasPrefix("/") else { return nil }
        self.init(kind, String(path))
    }

    /// Where the runtimes and the distributions of Kubernetes put their sockets.
    private static let usualPlaces = [
        RuntimeSocket(.docker, "/run/docker.sock"),
        RuntimeSocket(.podman, "/run/podman/podman.sock"),
        RuntimeSocket(.containerd, "/run/containerd/containerd.sock"),
        RuntimeSocket(.containerd, "/run/k3s/containerd/containerd.sock"),
        RuntimeSocket(.containerd, "/run/k0s/containerd.sock"),
        RuntimeSocket(.containerd, "/var/snap/microk8s/common/run/containerd.sock"),
        RuntimeSocket(.crio, "/run/crio/crio.sock"),
    ]
    /// Users whose runtimes are looked for at most.
    private static let maximumUsers = 256

    /// The sockets that are there now: the usual ones, those of users, those that were named.
    static func present(rootPath: String, named: [RuntimeSocket]) -> [RuntimeSocket] {
        var places = named + usualPlaces.filter { !named.contains($0) }
        for name in DirectoryListing.names(path: rootPath + "/run/user", limit: maximumUsers) ?? [] {
            let user = "/run/user/\(String(decoding: name, as: UTF8.self))"
            places.append(RuntimeSocket(.docker, user + "/docker.sock"))
            places.append(RuntimeSocket(.podman, user + "/podman/podman.sock"))
            // A user's containerd has mounts of its own; they are seen through a process that lives in them.
            var reader = FileReader()
            let file = rootPath + user + "/containerd-rootless/child_pid"
            guard let bytes = reader.contents(path: file, limitBytes: 32),
                let process = UInt32(String(decoding: bytes.filter { $0 > 0x20 }, as: UTF8.self))
            else { continue }
            places.append(RuntimeSocket(.containerd, "/proc/\(process)/root/run/containerd/containerd.sock"))
        }
        return places.filter { FileStatus.of(Array("\(rootPath)\($0.path)".utf8) + [0], at: -100) != nil }
    }
}

extension CgroupIdentity {
    /// The kinds of runtimes that may know this container.
    var askedKinds: [RuntimeKind] {
        guard kind == .container else { return [] }
        switch runtime {
        case .docker: return [.docker]
        case .podman: return [.podman]
        case .crio: return [.crio]
        // A bare identifier in a pod's folder is taken for containerd's and may be another's.
        case .containerd: return isKubernetes ? [.containerd, .docker, .crio] : [.containerd]
        case .kata: return [.containerd, .crio]
        case .none: return isKubernetes ? RuntimeKind.allCases : []
        default: return []
        }
    }
}
