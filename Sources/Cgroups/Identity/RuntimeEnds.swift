internal import Bytes
import MetricModel

/// Takes the code of a container's end out of what its runtime writes, 128 and the signal where one ended it.
enum RuntimeEnds {
    /// How much earlier than its start an end may seem to be: a process tells its start in ticks after a boot whose time is
    /// told in seconds.
    private static let clockSlackMilliseconds: Int64 = 2_000

    /// Docker's `config.v2.json`, and what Docker and Podman answer about one container.
    ///
    /// A container of the same identifier can be started again; an end before `started`, wall clock nanoseconds, is of an
    /// earlier run, and while it runs there is none.
    static func docker(_ bytes: [UInt8], started: UInt64) -> Int32? {
        var isRunning = false
        var isRestarting = false
        var code: Int32?
        var finished: Timestamp?
        JSONStrings.forEach(in: bytes) { path, value in
            switch path {
            case ["State", "Running"]: isRunning = value == "true"
            case ["State", "Restarting"]: isRestarting = value == "true"
            case ["State", "ExitCode"]: code = Int32(value)
            case ["State", "FinishedAt"]: finished = TimeText.parse(value)
            default: break
            }
        }
        // Docker calls a container that waits to be started again a running one.
        guard !isRunning || isRestarting, let code, let finished else { return nil }
        let startedMilliseconds = Int64(clamping: started / 1_000_000)
        return finished.milliseconds >= startedMilliseconds - clockSlackMilliseconds ? code : nil
    }

    /// The `status` that containerd keeps of a pod's container, which runs once.
    static func containerd(_ bytes: [UInt8]) -> Int32? {
        var code: Int32?
        var hasFinished = false
        JSONStrings.forEach(in: bytes) { path, value in
            switch path {
            case ["FinishedAt"]: hasFinished = value != "0"
            case ["ExitCode"]: code = Int32(value)
            default: break
            }
        }
        return hasFinished ? code : nil
    }

    /// The file that conmon, the parent of CRI-O's and Podman's containers, leaves at the end: the code in decimal digits.
    static func conmon(_ bytes: [UInt8]) -> Int32? {
        Int32(String(decoding: bytes.filter { $0 > 0x20 }, as: UTF8.self))
    }
}

extension NameFiles {
    /// Where containerd keeps what it knows of pods' containers; the distributions of Kubernetes move it.
    private static let podContainerFolders = [
        "/var/lib/containerd/io.containerd.grpc.v1.cri/containers",
        "/var/lib/rancher/k3s/agent/containerd/io.containerd.grpc.v1.cri/containers",
        "/var/lib/k0s/containerd/io.containerd.grpc.v1.cri/containers",
        "/var/snap/microk8s/common/var/lib/containerd/io.containerd.grpc.v1.cri/containers",
    ]

    /// The code with which the container ended, where a file of its runtime tells it; `path` is the cgroup's.
    func exitCode(
        of identity: CgroupIdentity, path: String, started: UInt64, reader: inout FileReader
    ) -> Int32? {
        let identifier = identity.containerID
        let user = Self.user(in: path)
        for kind in identity.askedKinds {
            let files: [String]
            let interpret: ([UInt8]) -> Int32?
            switch kind {
            case .docker:
                let home = user.flatMap { self.home(of: $0, reader: &reader) }
                let folders = dockerFolders(home: home, reader: &reader)
                files = folders.map { "\($0)/containers/\(identifier)/config.v2.json" }
                interpret = { RuntimeEnds.docker($0, started: started) }
            case .containerd:
                guard identity.isKubernetes else { continue }
                files = Self.podContainerFolders.map { "\($0)/\(identifier)/status" }
                interpret = RuntimeEnds.containerd
            case .crio:
                files = ["/run/crio/exits/\(identifier)"]
                interpret = RuntimeEnds.conmon
            case .podman:
                let folders = user.map { ["/run/user/\($0)/libpod/tmp"] } ?? ["/run/libpod"]
                // Podman 4 takes the first away soon, Podman 5 leaves the second until the container is removed.
                files = folders.flatMap { ["\($0)/exits/\(identifier)", "\($0)/persist/\(identifier)/exit"] }
                interpret = RuntimeEnds.conmon
            }
            for file in files {
                guard let bytes = reader.contents(path: rootPath + file, limitBytes: Self.maximumFileBytes) else {
                    continue
                }
                if let code = interpret(bytes) { return code }
            }
        }
        return nil
    }
}
