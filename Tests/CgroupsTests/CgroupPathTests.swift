import Testing

@testable import Cgroups

private let identifier = String(repeating: "0123456789abcdef", count: 4)
private let other = String(repeating: "fedcba9876543210", count: 4)
private let uid = "0a1b2c3d-1111-2222-3333-444455556666"
private let systemdUID = "0a1b2c3d_1111_2222_3333_444455556666"
private let staticUID = "0123456789abcdef0123456789abcdef"

/// A path and what it must be read as.
struct PathCase: CustomTestStringConvertible, Sendable {
    var path: String
    var identity: CgroupIdentity

    init(
        _ path: String, _ kind: CgroupIdentity.Kind, _ runtime: CgroupIdentity.Runtime = .none, id: String = "",
        uid: String = "", name: String? = nil, namespace: String = ""
    ) {
        self.path = path
        identity = CgroupIdentity(
            kind: kind, runtime: runtime, containerID: id, podUID: uid, name: name ?? (kind == .container ? id : ""),
            runtimeNamespace: namespace)
    }

    var testDescription: String { path }
}

@Suite("cgroup paths")
struct CgroupPathTests {
    @Test(
        "containers outside Kubernetes are known by their paths",
        arguments: [
            PathCase("/", .root),
            PathCase("/docker", .group),
            PathCase("/docker/\(identifier)", .container, .docker, id: identifier),
            PathCase("/system.slice/docker-\(identifier).scope", .container, .docker, id: identifier),
            PathCase(
                "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-\(identifier).scope", .container,
                .docker,
                id: identifier),
            PathCase(
                "/user.slice/user-1000.slice/user@1000.service/app.slice/docker-\(identifier).scope", .container,
                .docker,
                id: identifier),
            PathCase(
                "/docker/buildkit/abcdefghijklmnopqrstuvwxy", .container, .buildkit, id: "abcdefghijklmnopqrstuvwxy"),
            PathCase("/buildkit/abcdefghijklmnopqrstuvwxy", .container, .buildkit, id: "abcdefghijklmnopqrstuvwxy"),
            PathCase("/docker/\(identifier)/docker/\(other)", .container, .docker, id: other),
            PathCase("/docker/\(identifier)/system.slice/nginx.service", .inner),
            PathCase("/docker/\(identifier)/init", .inner),
            PathCase("/system.slice/docker.service/buildkit", .inner),
            PathCase("/default/\(identifier)", .container, .containerd, id: identifier, namespace: "default"),
            PathCase(
                "/system.slice/nerdctl-\(identifier).scope", .container, .containerd, id: identifier,
                namespace: "default"),
            PathCase(
                "/user.slice/user-1000.slice/user@1000.service/user.slice/nerdctl-\(identifier).scope", .container,
                .containerd, id: identifier, namespace: "default"),
            PathCase(
                "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-\(identifier).scope", .container,
                .podman, id: identifier),
            PathCase(
                "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-\(identifier).scope/container", .inner
            ),
            PathCase("/libpod_parent", .group),
            PathCase("/libpod_parent/conmon", .monitor, .podman),
            PathCase("/nomad.slice/reserve.slice/1b2c.web.scope", .container, .nomad, id: "1b2c.web"),
            PathCase("/machine.slice/libpod-\(identifier).scope", .container, .podman, id: identifier),
            PathCase("/machine.slice/libpod-\(identifier).scope/container", .inner),
            PathCase("/machine.slice/libpod-conmon-\(identifier).scope", .monitor, .podman, id: identifier),
            PathCase("/machine.slice/machine-libpod_pod_\(other).slice", .pod, .podman, id: other),
            PathCase(
                "/machine.slice/machine-libpod_pod_\(other).slice/libpod-\(identifier).scope", .container, .podman,
                id: identifier),
            PathCase("/libpod_parent/libpod-\(identifier)", .container, .podman, id: identifier),
            PathCase("/libpod_parent/\(other)", .pod, .podman, id: other),
            PathCase("/libpod_parent/\(other)/conmon", .monitor, .podman),
            PathCase("/libpod_parent/\(other)/libpod-\(identifier)", .container, .podman, id: identifier),
            PathCase(
                "/system.slice/web.service/libpod-payload-\(identifier)", .container, .podman, id: identifier),
            PathCase("/system.slice/web.service/runtime", .inner),
            PathCase("/ecs/0123abcd/\(identifier)", .container, .docker, id: identifier),
            PathCase("/ecs/0123abcd/0123abcd-17", .container, .ecs, id: "0123abcd-17"),
            PathCase(
                "/ecstasks.slice/ecstasks-0123abcd.slice/docker-\(identifier).scope", .container, .docker,
                id: identifier),
            PathCase("/nomad/1b2c.web", .container, .nomad, id: "1b2c.web"),
            PathCase("/nomad.slice/share.slice/1b2c.web.scope", .container, .nomad, id: "1b2c.web"),
            PathCase("/mesos/5a4b", .container, .mesos, id: "5a4b"),
            PathCase("/garden/handle", .container, .garden, id: "handle"),
            PathCase("/kata_overhead/\(identifier)", .monitor, .kata, id: identifier),
        ])
    func containers(_ example: PathCase) {
        #expect(CgroupPathParser.identity(of: example.path) == example.identity)
    }

    @Test(
        "pods and their containers are known by their paths",
        arguments: [
            PathCase("/kubepods", .group),
            PathCase("/kubepods/burstable", .group),
            PathCase("/kubepods/pod\(uid)", .pod, uid: uid),
            PathCase(
                "/kubepods/pod\(uid)/\(identifier)", .container, .containerd, id: identifier, uid: uid,
                namespace: "k8s.io"),
            PathCase(
                "/kubepods/burstable/pod\(uid)/\(identifier)", .container, .containerd, id: identifier, uid: uid,
                namespace: "k8s.io"),
            PathCase(
                "/kubepods/besteffort/pod\(staticUID)/\(identifier)", .container, .containerd, id: identifier,
                uid: staticUID, namespace: "k8s.io"),
            PathCase(
                "/kubepods/burstable/pod\(uid)/crio-\(identifier)", .container, .crio, id: identifier, uid: uid),
            PathCase(
                "/kubepods/burstable/pod\(uid)/crio-conmon-\(identifier)", .monitor, .crio, id: identifier, uid: uid),
            PathCase("/kubepods.slice", .group),
            PathCase("/kubepods.slice/kubepods-burstable.slice", .group),
            PathCase(
                "/kubepods.slice/kubepods-pod\(systemdUID).slice/crio-\(identifier).scope", .container, .crio,
                id: identifier, uid: uid),
            PathCase(
                "/kubepods.slice/kubepods-pod\(systemdUID).slice/crio-conmon-\(identifier).scope", .monitor, .crio,
                id: identifier, uid: uid),
            PathCase(
                "/kubelet/kubepods/burstable/pod\(uid)/\(identifier)", .container, .containerd, id: identifier,
                uid: uid, namespace: "k8s.io"),
            PathCase(
                "/system.slice/docker-\(other).scope/kubelet.slice/kubelet-kubepods.slice/"
                    + "kubelet-kubepods-pod\(systemdUID).slice/cri-containerd-\(identifier).scope",
                .container, .containerd, id: identifier, uid: uid, namespace: "k8s.io"),
            PathCase(
                "/user.slice/user-1000.slice/user@1000.service/k3s/kubepods/besteffort/pod\(uid)/\(identifier)",
                .container, .containerd, id: identifier, uid: uid, namespace: "k8s.io"),
            PathCase(
                "/kubepods/burstable/pod\(uid)/kata_overhead/\(identifier)", .monitor, .kata, id: identifier, uid: uid),
            PathCase("/kubepods.slice/kubepods-pod\(systemdUID).slice", .pod, uid: uid),
            PathCase(
                "/kubepods.slice/kubepods-pod\(systemdUID).slice/cri-containerd-\(identifier).scope", .container,
                .containerd,
                id: identifier, uid: uid, namespace: "k8s.io"),
            PathCase(
                "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod\(systemdUID).slice/docker-\(identifier).scope",
                .container, .docker, id: identifier, uid: uid),
            PathCase(
                "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod\(systemdUID).slice/libpod-\(identifier).scope",
                .container, .podman, id: identifier, uid: uid),
            PathCase(
                "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod\(staticUID).slice/crio-\(identifier).scope",
                .container, .crio, id: identifier, uid: staticUID),
            PathCase(
                "/kubepods.slice/kubepods-pod\(systemdUID).slice/crio-\(identifier).scope/container", .inner, uid: uid),
            PathCase(
                "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
                    + "kubelet-kubepods-burstable-pod\(systemdUID).slice/cri-containerd-\(identifier).scope",
                .container, .containerd, id: identifier, uid: uid, namespace: "k8s.io"),
            PathCase(
                "/docker/\(other)/kubelet/kubepods/besteffort/pod\(uid)/\(identifier)", .container, .containerd,
                id: identifier, uid: uid, namespace: "k8s.io"),
            PathCase(
                "/system.slice/containerd.service/kubepods-burstable-pod\(systemdUID).slice:cri-containerd:\(identifier)",
                .container, .containerd, id: identifier, uid: uid, namespace: "k8s.io"),
            PathCase(
                "/kubepods/besteffort/pod\(uid)/kata_\(identifier)", .container, .kata, id: identifier, uid: uid),
        ])
    func pods(_ example: PathCase) {
        #expect(CgroupPathParser.identity(of: example.path) == example.identity)
    }

    @Test(
        "units, machines and everything else are known by their paths",
        arguments: [
            PathCase("/init.scope", .scope, name: "init.scope"),
            PathCase("/system.slice", .group),
            PathCase("/system.slice/ssh.service", .service, name: "ssh.service"),
            PathCase(
                "/system.slice/system-getty.slice/getty@tty1.service", .service, name: "getty@tty1.service"),
            PathCase("/system.slice/system-systemd\\x2dfsck.slice", .group),
            PathCase("/user.slice/user-1000.slice/session-3.scope", .scope, name: "session-3.scope"),
            PathCase(
                "/user.slice/user-1000.slice/user@1000.service/app.slice/web.service", .service, name: "web.service"),
            PathCase("/system.slice/web.service/worker", .inner),
            PathCase("/lxc/web1", .machine, .lxc, name: "web1"),
            PathCase("/lxc/101/ns", .inner),
            PathCase("/lxc.payload.web1", .machine, .lxc, name: "web1"),
            PathCase("/lxc.payload.web1/system.slice/cron.service", .inner),
            PathCase("/lxc.payload/web1", .machine, .lxc, name: "web1"),
            PathCase("/lxc.monitor.web1", .monitor, .lxc),
            PathCase("/machine.slice/systemd-nspawn@deb.service", .machine, .nspawn, name: "deb"),
            PathCase("/machine.slice/systemd-nspawn@deb.service/payload", .inner),
            PathCase(
                "/machine.slice/machine-qemu\\x2d1\\x2dold\\x2dbox.scope", .machine, .libvirt, name: "old-box"),
            PathCase("/machine.slice/machine-qemu\\x2d1\\x2dbox.scope/libvirt/vcpu0", .inner),
            PathCase("/qemu.slice/101.scope", .machine, .libvirt, name: "101"),
            PathCase("/runtime.slice/containerd.service", .service, name: "containerd.service"),
            PathCase("/system.slice/k3s.service", .service, name: "k3s.service"),
            PathCase(
                "/system.slice/snap.microk8s.daemon-kubelite.service", .service,
                name: "snap.microk8s.daemon-kubelite.service"),
            PathCase(
                "/user.slice/user-1000.slice/user@1000.service/init.scope", .scope, name: "init.scope"),
            PathCase("/system/containerd", .service, name: "containerd"),
            PathCase("/podruntime/kubelet", .service, name: "kubelet"),
            PathCase("/something/else", .other),
        ])
    func others(_ example: PathCase) {
        #expect(CgroupPathParser.identity(of: example.path) == example.identity)
    }

    @Test("changed paths never trap and never lose the root")
    func mutations() {
        var random = SeededGenerator(seed: 7)
        let paths = [
            "/kubepods.slice/kubepods-pod\(systemdUID).slice/cri-containerd-\(identifier).scope",
            "/docker/\(identifier)",
            "/machine.slice/machine-qemu\\x2d1\\x2dbox.scope/libvirt",
        ]
        for _ in 0..<3_000 {
            guard let path = paths.randomElement(using: &random) else { return }
            let bytes = random.mutated(Array(path.utf8))
            let identity = CgroupPathParser.identity(of: String(decoding: bytes, as: UTF8.self))
            #expect(identity.name.utf8.count <= 3 * bytes.count)
        }
    }
}

/// Random numbers that are the same in every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// The bytes with a few changed, removed, doubled or cut off.
    mutating func mutated(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...Int.random(in: 0..<6, using: &self) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &self)
            switch Int.random(in: 0..<5, using: &self) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &self)
            case 1: bytes.remove(at: index)
            case 2: bytes.insert(contentsOf: bytes[index...].prefix(20), at: index)
            case 3: bytes.removeSubrange(index...)
            default: bytes.insert(contentsOf: Array("99999999999999999999".utf8), at: index)
            }
        }
        return bytes
    }
}
