import TestSupport

/// A node of a cluster or a host of containers, laid out as its kubelet and runtime lay it out.
struct NodeTree {
    enum Driver: String, CaseIterable, Sendable { case systemd, cgroupfs }
    enum Runtime: String, CaseIterable, Sendable { case containerd, crio }
    enum Class: String, Sendable { case guaranteed, burstable, besteffort }

    /// A container of a pod; `sandbox` is the one that holds the pod's namespaces.
    struct Container: Sendable {
        var digit: Character
        var name: String
        var image: String
        var restarts = 0
        var isSandbox: Bool { name == "POD" }

        var identifier: String { String(repeating: digit, count: 64) }
    }

    struct Pod: Sendable {
        var uid: String
        var name: String
        var namespace: String
        var quality: Class
        var containers: [Container]
    }

    /// What a kubeadm node runs: a pod of each class, a static one, each with its sandbox; one still in its init container.
    static let pods = [
        Pod(
            uid: "0a1b2c3d-1111-2222-3333-444455556666", name: "web-7d4b9c6f5d-x2x4z", namespace: "shop",
            quality: .guaranteed,
            containers: [
                Container(digit: "1", name: "POD", image: "registry.k8s.io/pause:3.9"),
                Container(digit: "2", name: "app", image: "registry.example/app:1.4", restarts: 3),
                Container(digit: "3", name: "sidecar", image: "registry.example/sidecar:2"),
            ]),
        Pod(
            uid: "1b2c3d4e-1111-2222-3333-444455556666", name: "db-0", namespace: "shop", quality: .burstable,
            containers: [
                Container(digit: "4", name: "POD", image: "registry.k8s.io/pause:3.9"),
                Container(digit: "5", name: "migrate", image: "registry.example/db:9"),
            ]),
        Pod(
            uid: "2c3d4e5f-1111-2222-3333-444455556666", name: "agent-x2x4z", namespace: "kube-system",
            quality: .besteffort,
            containers: [
                Container(digit: "6", name: "POD", image: "registry.k8s.io/pause:3.9"),
                Container(digit: "7", name: "agent", image: "registry.example/agent@sha256:feed"),
            ]),
        Pod(
            uid: "0123456789abcdef0123456789abcdef", name: "etcd-node1", namespace: "kube-system", quality: .burstable,
            containers: [
                Container(digit: "8", name: "POD", image: "registry.k8s.io/pause:3.9"),
                Container(digit: "9", name: "etcd", image: "registry.k8s.io/etcd:3.5", restarts: 1),
            ]),
    ]

    let tree: CgroupTree
    let driver: Driver
    let runtime: Runtime

    /// `hasRuntimeFiles` is false where the runtime's folder may not be looked at: the kubelet's logs alone name then.
    init(_ layout: CgroupTree.Layout, _ driver: Driver, _ runtime: Runtime, hasRuntimeFiles: Bool = true) {
        tree = CgroupTree(layout)
        self.driver = driver
        self.runtime = runtime
        for unit in ["kubelet", "\(runtime.rawValue)"] { fill("/system.slice/\(unit).service") }
        for pod in Self.pods {
            fill(path(of: pod))
            for container in pod.containers {
                fill(path(of: container, in: pod))
                if runtime == .crio { fill(path(of: container, in: pod, conmon: true)) }
                if runtime == .crio, driver == .systemd, layout == .unified {
                    fill(path(of: container, in: pod) + "/container")
                }
                writeFiles(of: container, in: pod, hasRuntimeFiles: hasRuntimeFiles)
            }
        }
    }

    private func fill(_ path: String) {
        if tree.layout == .unified {
            tree.unified(path, CgroupTree.unifiedContainer)
        } else {
            tree.version1(path, CgroupTree.version1Container)
            if tree.layout == .hybrid {
                tree.unified(path, ["memory.pressure": CgroupTree.pressure(some: 2_000_000, full: 3)])
            }
        }
    }

    func path(of pod: Pod) -> String {
        let word = pod.quality == .guaranteed ? "" : pod.quality.rawValue
        switch driver {
        case .cgroupfs: return "/kubepods\(word.isEmpty ? "" : "/" + word)/pod\(pod.uid)"
        case .systemd:
            let uid = String(pod.uid.map { $0 == "-" ? "_" : $0 })
            guard !word.isEmpty else { return "/kubepods.slice/kubepods-pod\(uid).slice" }
            return "/kubepods.slice/kubepods-\(word).slice/kubepods-\(word)-pod\(uid).slice"
        }
    }

    func path(of container: Container, in pod: Pod, conmon: Bool = false) -> String {
        var prefix = ""
        switch (runtime, driver) {
        case (.containerd, .systemd): prefix = "cri-containerd-"
        case (.containerd, .cgroupfs): prefix = ""
        case (.crio, _): prefix = conmon ? "crio-conmon-" : "crio-"
        }
        return path(of: pod) + "/" + prefix + container.identifier + (driver == .systemd ? ".scope" : "")
    }

    private func writeFiles(of container: Container, in pod: Pod, hasRuntimeFiles: Bool) {
        let identifier = container.identifier
        if !container.isSandbox {
            // The kubelet's link; sandboxes have no log.
            tree.folder.write("var/log/containers/\(pod.name)_\(pod.namespace)_\(container.name)-\(identifier).log", "")
            let folder = "var/log/pods/\(pod.namespace)_\(pod.name)_\(pod.uid)/\(container.name)"
            tree.folder.write("\(folder)/\(container.restarts).log", "")
        }
        guard hasRuntimeFiles else { return }
        let type = container.isSandbox ? "sandbox" : "container"
        switch runtime {
        case .containerd:
            tree.folder.write(
                "run/containerd/io.containerd.runtime.v2.task/k8s.io/\(identifier)/config.json",
                #"""
                {"process":{"env":["SECRET=x"]},"annotations":{"io.kubernetes.cri.container-type":"\#(type)",
                "io.kubernetes.cri.image-name":"\#(container.image)","io.kubernetes.cri.sandbox-name":"\#(pod.name)",
                "io.kubernetes.cri.sandbox-namespace":"\#(pod.namespace)","io.kubernetes.cri.sandbox-uid":"\#(pod.uid)"
                \#(container.isSandbox ? "" : #","io.kubernetes.cri.container-name":"\#(container.name)""#)}}
                """#)
        case .crio:
            tree.folder.write(
                "run/containers/storage/overlay-containers/\(identifier)/userdata/config.json",
                #"""
                {"process":{"env":["SECRET=x"]},"annotations":{"io.kubernetes.cri-o.ContainerType":"\#(type)",
                "io.kubernetes.cri-o.ImageName":"\#(container.image)","io.kubernetes.pod.name":"\#(pod.name)",
                "io.kubernetes.cri-o.Namespace":"\#(pod.namespace)","io.kubernetes.pod.uid":"\#(pod.uid)",
                "io.kubernetes.cri-o.Name":"\#(crioName(container, pod))"
                \#(container.isSandbox ? "" : #","io.kubernetes.container.name":"\#(container.name)""#)}}
                """#)
        }
    }

    func crioName(_ container: Container, _ pod: Pod) -> String {
        "k8s_\(container.name)_\(pod.name)_\(pod.namespace)_\(pod.uid)_\(container.restarts)"
    }
}
