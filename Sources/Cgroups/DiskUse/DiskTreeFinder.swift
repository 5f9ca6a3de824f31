import Glibc

/// Finds the folders in which containers and pods keep what they write.
///
/// Everything here may touch a file system that does not answer, so it is for the walker's thread alone.
struct DiskTreeFinder {
    /// Volumes of one pod looked at, at most.
    static let maximumVolumes = 256
    private static let maximumTableBytes = 4 << 20

    let rootPath: String
    private let nameFiles: NameFiles
    private var reader = FileReader()
    private(set) var mounts = HostMounts()

    init(rootPath: String) {
        self.rootPath = rootPath
        nameFiles = NameFiles(rootPath: rootPath)
    }

    /// Reads the host's mount table.
    mutating func refreshMounts() {
        // Where the root path is a mount of the host's root, the host's own table names what lies below it.
        let process = rootPath.isEmpty ? "self" : "1"
        if let bytes = table(of: process) ?? table(of: "self") { mounts = HostMounts(MountText.parse(bytes)) }
    }

    private mutating func table(of process: String) -> [UInt8]? {
        reader.contents(path: "\(rootPath)/proc/\(process)/mountinfo", limitBytes: Self.maximumTableBytes)
    }

    /// The trees of a container or pod, and why one could not be found.
    mutating func parts(of subject: DiskSubject) -> (parts: [DiskPart: DiskTree], failure: DiskFailure?) {
        if subject.identity.kind == .pod { return volumes(ofPod: subject.identity.podUID) }
        var parts: [DiskPart: DiskTree] = [:]
        let home = NameFiles.user(in: subject.cgroupPath).flatMap { nameFiles.home(of: $0, reader: &reader) }
        let dockerFolders = nameFiles.dockerFolders(home: home, reader: &reader)
        var stores = ["/var/lib/containers/storage", "/run/containers/storage"]
        if let home { stores.insert(home + "/.local/share/containers/storage", at: 0) }
        let (own, failure) = containerMounts(of: subject)
        if let folder = layer(subject, own, dockerFolders: dockerFolders, stores: stores) {
            parts[.layer] = DiskTree(path: folder)
        }
        for volume in own?.volumes ?? [] {
            guard let path = mounts.path(of: volume.root, device: volume.device) else { continue }
            parts[.volume(volume.name)] = DiskTree(path: path)
        }
        parts[.log] = log(subject, dockerFolders: dockerFolders, stores: stores)
        return (parts, parts[.layer] == nil ? failure : nil)
    }

    // MARK: The writable layer

    /// What the container's own mount table says, if the process is still its.
    private mutating func containerMounts(of subject: DiskSubject) -> (ContainerMounts?, DiskFailure?) {
        guard subject.process > 0 else { return (nil, nil) }
        let folder = "\(rootPath)/proc/\(subject.process)"
        // A number may have gone to another process since the sweep.
        guard let groups = reader.contents(path: folder + "/cgroup", limitBytes: 1 << 16) else {
            return (nil, DiskFailure(errorNumber: errno))
        }
        let isOurs = String(decoding: groups, as: UTF8.self).contains(subject.identity.containerID)
        guard isOurs else { return (nil, .missing) }
        guard let bytes = reader.contents(path: folder + "/mountinfo", limitBytes: Self.maximumTableBytes) else {
            return (nil, DiskFailure(errorNumber: errno))
        }
        return (ContainerMounts(MountText.parse(bytes)), nil)
    }

    private mutating func layer(
        _ subject: DiskSubject, _ own: ContainerMounts?, dockerFolders: [String], stores: [String]
    ) -> String? {
        let overlays = dockerFolders.map { $0 + "/overlay2" } + stores.map { $0 + "/overlay" }
        if let upper = own?.upperFolder {
            if upper.hasPrefix("/") { return upper }
            // Runtimes change into their folder when the options would else be longer than a page.
            return overlays.map { "\($0)/\(upper)" }.first { exists($0) }
        }
        guard subject.identity.runtime == .docker else { return nil }
        for folder in dockerFolders {
            let file = "\(rootPath)\(folder)/image/overlay2/layerdb/mounts/\(subject.identity.containerID)/mount-id"
            guard let bytes = reader.contents(path: file, limitBytes: 256) else { continue }
            let identifier = String(decoding: bytes, as: UTF8.self)
            guard !identifier.isEmpty, identifier.utf8.allSatisfy({ $0 > 0x2F && $0 < 0x7B }) else { continue }
            return "\(folder)/overlay2/\(identifier)/diff"
        }
        return nil
    }

    private func exists(_ path: String) -> Bool {
        FileStatus.of(Array((rootPath + path).utf8) + [0], at: AT_FDCWD) != nil
    }

    // MARK: Logs

    private func log(_ subject: DiskSubject, dockerFolders: [String], stores: [String]) -> DiskTree? {
        let identifier = subject.identity.containerID
        let names = subject.names
        var candidates: [DiskTree] = []
        let measure = DiskTree.Measure.walk(names: [identifier + "-json.log", "local-logs"])
        if subject.identity.runtime == .docker || subject.identity.runtime == .none {
            candidates += dockerFolders.map { DiskTree(path: "\($0)/containers/\(identifier)", measure: measure) }
        }
        if subject.identity.runtime == .podman {
            candidates += stores.map {
                DiskTree(path: "\($0)/overlay-containers/\(identifier)/userdata", measure: .walk(names: ["ctr.log"]))
            }
        }
        if subject.identity.isKubernetes, !names.pod.isEmpty, !names.container.isEmpty {
            let pod = "\(names.namespace)_\(names.pod)_\(subject.identity.podUID)"
            candidates.append(DiskTree(path: "/var/log/pods/\(pod)/\(names.container)"))
        }
        return candidates.first { exists($0.path) }
    }

    // MARK: Volumes of pods

    /// What the kubelet made for the pod: folders of its own are walked, mounts are asked, what holds only
    /// configuration is left alone.
    private func volumes(ofPod uid: String) -> (parts: [DiskPart: DiskTree], failure: DiskFailure?) {
        var parts: [DiskPart: DiskTree] = [:]
        let folder = "/var/lib/kubelet/pods/\(uid)/volumes"
        guard let plugins = names(folder) else {
            let failure = DiskFailure(errorNumber: errno)
            return (parts, failure == .missing ? nil : failure)
        }
        for plugin in plugins where !Self.configuration.contains(plugin) {
            for name in names("\(folder)/\(plugin)") ?? [] where parts.count < Self.maximumVolumes {
                let path = "\(folder)/\(plugin)/\(name)"
                let point = [path, path + "/mount"].first { mounts.isPoint($0) }
                if let point {
                    parts[.volume(name)] = DiskTree(path: point, measure: .mount)
                } else if plugin == "kubernetes.io~empty-dir" {
                    parts[.volume(name)] = DiskTree(path: path)
                }
            }
        }
        return (parts, nil)
    }

    private static let configuration: Set<String> = [
        "kubernetes.io~configmap", "kubernetes.io~downward-api", "kubernetes.io~projected", "kubernetes.io~secret",
    ]

    private func names(_ path: String) -> [String]? {
        DirectoryListing.names(path: rootPath + path, limit: Self.maximumVolumes)?
            .map { String(decoding: $0, as: UTF8.self) }.sorted()
    }
}
