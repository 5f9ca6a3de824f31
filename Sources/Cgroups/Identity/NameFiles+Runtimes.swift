import Glibc

/// The files in which runtimes keep the names of their containers, wherever an installation puts them.
extension NameFiles {
    /// Where containerd keeps a folder for each namespace and task; the distributions of Kubernetes move it.
    private static let taskFolders = [
        "/run/containerd/io.containerd.runtime.v2.task",
        "/run/k3s/containerd/io.containerd.runtime.v2.task",
        "/run/k0s/containerd/io.containerd.runtime.v2.task",
        "/var/snap/microk8s/common/run/containerd/io.containerd.runtime.v2.task",
    ]
    /// Namespaces of one containerd looked through at most.
    private static let maximumNamespaces = 64

    /// Reads the file in which the container's runtime keeps its names.
    ///
    /// `path` is the cgroup's; a user's runtime is found below that user's home.
    func runtimeNames(of identity: CgroupIdentity, path: String, reader: inout FileReader) -> Outcome {
        let identifier = identity.containerID
        var wasDenied = false
        func read(_ path: String, _ interpret: ([UInt8]) -> ContainerNames?) -> ContainerNames? {
            guard let bytes = reader.contents(path: rootPath + path, limitBytes: Self.maximumFileBytes) else {
                if errno == EACCES || errno == EPERM { wasDenied = true }
                return nil
            }
            return interpret(bytes)
        }
        func first(_ paths: [String], _ interpret: ([UInt8]) -> ContainerNames?) -> ContainerNames? {
            for path in paths {
                if let names = read(path, interpret) { return names }
            }
            return nil
        }
        let home = Self.user(in: path).flatMap { self.home(of: $0, reader: &reader) }
        let docker = dockerFolders(home: home, reader: &reader).map { "\($0)/containers/\(identifier)/config.v2.json" }
        let readDocker: ([UInt8]) -> ContainerNames? = { RuntimeFiles.docker($0, labels: labels) }
        let readAnnotations: ([UInt8]) -> ContainerNames? = { RuntimeFiles.annotations($0, labels: labels) }
        let overlay = "overlay-containers"
        var names: ContainerNames?
        switch identity.runtime {
        case .docker: names = first(docker, readDocker)
        case .containerd, .kata: names = first(taskFiles(identity), readAnnotations)
        case .crio:
            let folders = ["/run/containers/storage", "/var/lib/containers/storage"]
            names = first(folders.map { "\($0)/\(overlay)/\(identifier)/userdata/config.json" }, readAnnotations)
        case .podman:
            var files = [
                "/var/lib/containers/storage/\(overlay)/containers.json",
                "/var/lib/containers/storage/\(overlay)/volatile-containers.json",
                "/run/containers/storage/volatile-containers.json",
            ]
            if let home {
                files.insert("\(home)/.local/share/containers/storage/\(overlay)/containers.json", at: 0)
                files.insert("\(home)/.local/share/containers/storage/\(overlay)/volatile-containers.json", at: 1)
            }
            names = first(files) { RuntimeFiles.podman($0, identifier: identifier) }
        default: break
        }
        // A bare identifier in a pod may be Docker's or CRI-O's as well as containerd's, and one in a folder that looks
        // like a namespace Docker's with `--cgroup-parent`.
        let mayBeDockers = identity.isKubernetes || identity.runtime == .containerd
        if names == nil, mayBeDockers, identity.runtime != .docker { names = first(docker, readDocker) }
        if let names { return .found(names) }
        return wasDenied ? .denied : .missing
    }

    /// `config.json` of a task: in the namespace that the path told, else in any that has it.
    private func taskFiles(_ identity: CgroupIdentity) -> [String] {
        Self.taskFolders.flatMap { folder in
            var namespaces = [identity.runtimeNamespace]
            if identity.runtimeNamespace.isEmpty || identity.runtimeNamespace == "default" {
                let all = DirectoryListing.names(path: rootPath + folder, limit: Self.maximumNamespaces) ?? []
                namespaces += all.map { String(decoding: $0, as: UTF8.self) }
            }
            return namespaces.filter { !$0.isEmpty }.map { "\(folder)/\($0)/\(identity.containerID)/config.json" }
        }
    }

    /// Docker's folders: the configured one, the usual one, the snap's, the user's.
    func dockerFolders(home: String?, reader: inout FileReader) -> [String] {
        var folders: [String] = []
        if let bytes = reader.contents(path: rootPath + "/etc/docker/daemon.json", limitBytes: 1 << 20) {
            JSONStrings.forEach(in: bytes) { path, value in
                if path == ["data-root"] || path == ["graph"] { folders.append(value) }
            }
        }
        folders += ["/var/lib/docker", "/var/snap/docker/common/var-lib-docker"]
        if let home { folders.insert(home + "/.local/share/docker", at: 0) }
        return folders
    }

    /// The number of the user in `/user.slice/user-1000.slice/…`.
    static func user(in path: String) -> UInt32? {
        for component in path.split(separator: "/") where component.hasPrefix("user-") && component.hasSuffix(".slice")
        {
            if let number = UInt32(component.dropFirst(5).dropLast(6)) { return number }
        }
        return nil
    }

    /// The home folder of a user as `/etc/passwd` has it, see passwd(5).
    func home(of user: UInt32, reader: inout FileReader) -> String? {
        guard let bytes = reader.contents(path: rootPath + "/etc/passwd", limitBytes: 1 << 20) else { return nil }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            if fields.count == 7, UInt32(fields[2]) == user, fields[5].hasPrefix("/") { return String(fields[5]) }
        }
        return nil
    }
}
