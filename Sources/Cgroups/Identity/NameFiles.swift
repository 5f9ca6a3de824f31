import Glibc

/// Looks for names in the files that the kubelet and the runtimes leave on disk; never asks a socket.
struct NameFiles {
    /// Entries of a log folder read at most.
    static let maximumEntries = 50_000
    static let maximumFileBytes = 4 << 20

    let rootPath: String
    /// The container labels that may be kept.
    let labels: Set<String>

    init(rootPath: String, labels: Set<String> = []) {
        self.rootPath = rootPath
        self.labels = labels
    }

    /// What `/var/log/containers` and `/var/log/pods` say, asked for once for many containers.
    struct Logs {
        /// By container identifier.
        var containers: [String: ContainerNames] = [:]
        /// By pod UID.
        var pods: [String: ContainerNames] = [:]
    }

    /// Lists both log folders; a folder that is not there gives nothing.
    func logs() -> Logs {
        var logs = Logs()
        for name in DirectoryListing.names(path: rootPath + "/var/log/containers", limit: Self.maximumEntries) ?? [] {
            guard let (identifier, names) = Self.containerLog(String(decoding: name, as: UTF8.self)) else { continue }
            logs.containers[identifier] = names
        }
        for name in DirectoryListing.names(path: rootPath + "/var/log/pods", limit: Self.maximumEntries) ?? [] {
            guard let (uid, names) = Self.podFolder(String(decoding: name, as: UTF8.self)) else { continue }
            logs.pods[uid] = names
        }
        return logs
    }

    /// The number of restarts in the names of a container's logs,
    /// `/var/log/pods/<namespace>_<pod>_<uid>/<container>/<restarts>.log`; 0 when there are none.
    func restarts(uid: String, names: ContainerNames) -> UInt64 {
        guard !names.container.isEmpty, !names.pod.isEmpty else { return 0 }
        let folder = "\(rootPath)/var/log/pods/\(names.namespace)_\(names.pod)_\(uid)/\(names.container)"
        let files = DirectoryListing.names(path: folder, limit: 1_000) ?? []
        return files.reduce(0) { most, name in
            let text = String(decoding: name, as: UTF8.self)
            guard text.hasSuffix(".log"), let number = UInt64(text.dropLast(4)) else { return most }
            return max(most, number)
        }
    }

    /// `<pod>_<namespace>_<container>-<64 digits>.log`, the kubelet's symbolic links.
    static func containerLog(_ name: String) -> (identifier: String, names: ContainerNames)? {
        guard name.hasSuffix(".log") else { return nil }
        let stem = name.dropLast(4)
        guard stem.utf8.count > 65 else { return nil }
        let identifier = stem.suffix(64)
        let parts = stem.dropLast(65).split(separator: "_", omittingEmptySubsequences: false)
        guard CgroupPathParser.isIdentifier(identifier), parts.count == 3, parts.allSatisfy({ !$0.isEmpty }) else {
            return nil
        }
        return (
            String(identifier),
            ContainerNames(container: String(parts[2]), pod: String(parts[0]), namespace: String(parts[1]))
        )
    }

    /// `<namespace>_<pod>_<uid>`, the kubelet's folders of logs.
    static func podFolder(_ name: String) -> (uid: String, names: ContainerNames)? {
        let parts = name.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        return (String(parts[2]), ContainerNames(pod: String(parts[1]), namespace: String(parts[0])))
    }

    /// What came of looking at a runtime's own file.
    enum Outcome: Equatable {
        case found(ContainerNames)
        case missing
        case denied
    }
}
