import MetricModel
import TestSupport
import Testing

@testable import Cgroups

private let identifier = String(repeating: "0123456789abcdef", count: 4)
private let other = String(repeating: "fedcba9876543210", count: 4)

/// Whole hosts as they are found in the field, and exactly what they are called.
@Suite("names of whole hosts")
struct NodeTreeTests {
    private func page(_ tree: CgroupTree) -> Page {
        var settings = CollectorSettings()
        settings.rootPath = tree.rootPath
        settings.watchesDirectories = false
        let clock = StillClock()
        let collector = Collector(settings: settings, clock: clock)
        // Workloads have their names from the second sweep on.
        collector.sweep()
        clock.advance(seconds: 2)
        return Page(collector)
    }

    /// The labels of every series of memory's use.
    private func named(_ page: Page) -> Set<String> {
        Set(
            page.lines.filter { $0.hasPrefix("container_memory_usage_bytes{") }
                .compactMap { $0.split(separator: "{").last?.split(separator: "}").first.map(String.init) })
    }

    static let clusters: [(CgroupTree.Layout, NodeTree.Driver, NodeTree.Runtime)] = [
        (.unified, .systemd, .containerd), (.version1, .systemd, .containerd), (.hybrid, .systemd, .containerd),
        (.version1, .cgroupfs, .containerd), (.unified, .cgroupfs, .containerd), (.hybrid, .cgroupfs, .containerd),
        (.unified, .systemd, .crio), (.version1, .systemd, .crio), (.hybrid, .cgroupfs, .crio),
        (.version1, .cgroupfs, .crio),
    ]

    /// The labels that a container, `*` its identifier, has on every series; `%` stands for its place in the tree.
    static let golden = [
        #"container="POD",id="%1",image="registry.k8s.io/pause:3.9",name="*",namespace="shop",pod="web-7d4b9c6f5d-x2x4z",pod_uid="0a1b2c3d-1111-2222-3333-444455556666""#,
        #"container="app",id="%2",image="registry.example/app:1.4",name="*",namespace="shop",pod="web-7d4b9c6f5d-x2x4z",pod_uid="0a1b2c3d-1111-2222-3333-444455556666""#,
        #"container="sidecar",id="%3",image="registry.example/sidecar:2",name="*",namespace="shop",pod="web-7d4b9c6f5d-x2x4z",pod_uid="0a1b2c3d-1111-2222-3333-444455556666""#,
        #"container="POD",id="%4",image="registry.k8s.io/pause:3.9",name="*",namespace="shop",pod="db-0",pod_uid="1b2c3d4e-1111-2222-3333-444455556666""#,
        #"container="migrate",id="%5",image="registry.example/db:9",name="*",namespace="shop",pod="db-0",pod_uid="1b2c3d4e-1111-2222-3333-444455556666""#,
        #"container="POD",id="%6",image="registry.k8s.io/pause:3.9",name="*",namespace="kube-system",pod="agent-x2x4z",pod_uid="2c3d4e5f-1111-2222-3333-444455556666""#,
        #"container="agent",id="%7",image="registry.example/agent@sha256:feed",name="*",namespace="kube-system",pod="agent-x2x4z",pod_uid="2c3d4e5f-1111-2222-3333-444455556666""#,
        #"container="POD",id="%8",image="registry.k8s.io/pause:3.9",name="*",namespace="kube-system",pod="etcd-node1",pod_uid="0123456789abcdef0123456789abcdef""#,
        #"container="etcd",id="%9",image="registry.k8s.io/etcd:3.5",name="*",namespace="kube-system",pod="etcd-node1",pod_uid="0123456789abcdef0123456789abcdef""#,
        #"id="&0",namespace="shop",pod="web-7d4b9c6f5d-x2x4z",pod_uid="0a1b2c3d-1111-2222-3333-444455556666""#,
        #"id="&1",namespace="shop",pod="db-0",pod_uid="1b2c3d4e-1111-2222-3333-444455556666""#,
        #"id="&2",namespace="kube-system",pod="agent-x2x4z",pod_uid="2c3d4e5f-1111-2222-3333-444455556666""#,
        #"id="&3",namespace="kube-system",pod="etcd-node1",pod_uid="0123456789abcdef0123456789abcdef""#,
        #"id="/system.slice/kubelet.service",name="kubelet.service""#,
    ]

    @Test(
        "a node of Kubernetes has the same names whatever its driver, its runtime and its kernel", arguments: clusters)
    func kubernetes(layout: CgroupTree.Layout, driver: NodeTree.Driver, runtime: NodeTree.Runtime) {
        let node = NodeTree(layout, driver, runtime)
        let page = page(node.tree)
        var expected: Set<String> = [
            #"id="/system.slice/\#(runtime.rawValue).service",name="\#(runtime.rawValue).service""#
        ]
        for line in Self.golden { expected.insert(filled(line, node)) }
        if runtime == .crio {
            // What looks after a container has its pod and no name, so that sums over names leave it out.
            for pod in NodeTree.pods {
                for container in pod.containers {
                    let uid = pod.uid
                    expected.insert(
                        #"id="\#(node.path(of: container, in: pod, conmon: true))",pod_uid="\#(uid)""#)
                    guard layout == .unified, driver == .systemd else { continue }
                    expected.insert(#"id="\#(node.path(of: container, in: pod))/container",pod_uid="\#(uid)""#)
                }
            }
        }
        let found = named(page)
        #expect(found == expected, "\(found.symmetricDifference(expected).sorted())")
        #expect(!page.lines.contains { $0.contains("SECRET") })
        #expect(page.values("container_memory_usage_bytes", "container=\"etcd\"") == ["10000000"])
        let cpu = layout == .unified ? "577.523901" : "585.590849381"
        #expect(page.values("container_cpu_usage_seconds_total", "container=\"etcd\"") == [cpu])
        #expect(page.values("container_spec_memory_limit_bytes", "container=\"app\"") == ["536870912"])
        #expect(
            page.values("container_pressure_memory_waiting_seconds_total", "container=\"app\"")
                == (layout == .version1 ? [] : ["2"]))
        #expect(page.values("lapwing_collector_nameless_containers") == ["0", "0", "0"])
        #expect(page.values("lapwing_workload_restarts_total", "workload=\"web\"", "container=\"app\"") == ["3"])
    }

    private func filled(_ line: String, _ node: NodeTree) -> String {
        for (index, pod) in NodeTree.pods.enumerated() {
            if line.contains("id=\"&\(index)\"") {
                return line.replacing("&\(index)", with: node.path(of: pod))
            }
            for container in pod.containers where line.contains("id=\"%\(container.digit)\"") {
                let name = node.runtime == .crio ? node.crioName(container, pod) : container.identifier
                return line.replacing("%\(container.digit)", with: node.path(of: container, in: pod))
                    .replacing("*", with: name)
            }
        }
        return line
    }

    @Test("without the runtime's files the kubelet's logs name all but sandboxes and images")
    func logsAlone() {
        let page = page(NodeTree(.unified, .systemd, .containerd, hasRuntimeFiles: false).tree)
        for (container, pod) in [("app", "web-7d4b9c6f5d-x2x4z"), ("migrate", "db-0"), ("etcd", "etcd-node1")] {
            let values = page.values(
                "container_memory_usage_bytes", "container=\"\(container)\"", "pod=\"\(pod)\"")
            #expect(values == ["10000000"])
        }
        // A sandbox has its pod's name through the folder of the pod's logs.
        #expect(page.values("container_memory_usage_bytes", "pod=\"db-0\"", "cri-containerd-4444").count == 1)
        #expect(page.values("lapwing_collector_nameless_containers", "not_found") == ["0"], "a sandbox needs no name")
    }

    @Test("a container that has its pod's name alone is nameless, with a reason")
    func podsAlone() {
        let node = NodeTree(.unified, .systemd, .containerd, hasRuntimeFiles: false)
        node.tree.remove("var/log/containers")
        let page = page(node.tree)
        #expect(page.values("container_memory_usage_bytes", "pod=\"db-0\"", "cri-containerd-4444").count == 1)
        let containers = page.lines.count { $0.hasPrefix("container_last_seen{") && $0.contains("cri-containerd-") }
        #expect(page.values("lapwing_collector_nameless_containers", "not_found") == ["\(containers)"])
    }

    // MARK: Docker and Podman

    private func docker(_ tree: CgroupTree, _ path: String) {
        tree.folder.write("var/lib/docker/containers/\(identifier)/config.v2.json", NamingTests.docker)
        for place in [path, "/system.slice/docker.service"] {
            if tree.layout == .unified {
                tree.unified(place, CgroupTree.unifiedContainer)
            } else {
                tree.version1(place, CgroupTree.version1Container)
            }
        }
    }

    @Test(
        "Docker's containers have their given names under both drivers and all kernels",
        arguments: [
            (CgroupTree.Layout.unified, "/system.slice/docker-\(identifier).scope"),
            (.unified, "/docker/\(identifier)"), (.version1, "/docker/\(identifier)"),
            (.version1, "/system.slice/docker-\(identifier).scope"), (.hybrid, "/docker/\(identifier)"),
            (.hybrid, "/system.slice/docker-\(identifier).scope"),
        ])
    func docker(layout: CgroupTree.Layout, path: String) {
        let tree = CgroupTree(layout)
        docker(tree, path)
        let page = page(tree)
        #expect(
            named(page) == [
                #"id="\#(path)",image="web:1",name="web""#,
                #"id="/system.slice/docker.service",name="docker.service""#,
            ])
        #expect(page.values("container_memory_usage_bytes", "name=\"web\"") == ["10000000"])
        #expect(page.values("container_threads", "name=\"web\"") == ["9"])
        #expect(page.values("lapwing_workload_restarts_total", "workload=\"web\"") == ["3"])
    }

    @Test("a user's Podman is named from that user's home, with pods, monitors and what lies inside apart")
    func podman() {
        let tree = CgroupTree(.unified)
        let user = "/user.slice/user-1000.slice/user@1000.service/user.slice"
        tree.folder.write("etc/passwd", "ann:x:1000:1000::/home/ann:/bin/sh\n")
        tree.folder.write(
            "home/ann/.local/share/containers/storage/overlay-containers/containers.json",
            #"""
            [{"id":"\#(identifier)","names":["web"],"image":"feed","metadata":"{\"image-name\":\"docker.io/web:1\"}"},
            {"id":"\#(other)","names":["job"],"image":"feed","metadata":"{\"image-name\":\"docker.io/job:1\"}"}]
            """#)
        let places = [
            "\(user)/libpod-\(identifier).scope", "\(user)/libpod-\(identifier).scope/container",
            "\(user)/libpod-conmon-\(identifier).scope",
            "\(user)/user-libpod_pod_\(identifier).slice/libpod-\(other).scope",
        ]
        for place in places { tree.unified(place, CgroupTree.unifiedContainer) }
        #expect(
            named(page(tree)) == [
                #"id="\#(places[0])",image="docker.io/web:1",name="web""#, #"id="\#(places[1])""#,
                #"id="\#(places[2])""#, #"id="\#(places[3])",image="docker.io/job:1",name="job""#,
            ])
    }
}
