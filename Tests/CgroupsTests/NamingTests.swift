import MetricModel
import TestSupport
import Testing

@testable import Cgroups

private let identifier = String(repeating: "0123456789abcdef", count: 4)

@Suite("names from files")
struct NamingTests {
    private func page(_ tree: CgroupTree, _ change: (inout CollectorSettings) -> Void = { _ in }) -> Page {
        var settings = CollectorSettings()
        settings.rootPath = tree.rootPath
        change(&settings)
        return Page(Collector(settings: settings, clock: StillClock()))
    }

    static let docker = #"""
        {"State":{"Health":{"Status":"unhealthy"}},"Name":"/web","RestartCount":3,"Config":{"Image":"web:1","Env":["A=b"],
        "Labels":{"com.example/team":"red","com.example.team":"blue","secret":"x"}}}
        """#

    @Test(
        "a container's file is found where each installation keeps it",
        arguments: [
            ("/docker/\(identifier)", "var/lib/docker/containers/\(identifier)/config.v2.json", docker),
            // `--cgroup-parent=/build`: the path does not tell Docker's containers from containerd's.
            ("/build/\(identifier)", "var/lib/docker/containers/\(identifier)/config.v2.json", docker),
            ("/docker/\(identifier)", "srv/docker/containers/\(identifier)/config.v2.json", docker),
            (
                "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-\(identifier).scope",
                "home/ann/.local/share/docker/containers/\(identifier)/config.v2.json", docker
            ),
            (
                "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-\(identifier).scope",
                "home/ann/.local/share/containers/storage/overlay-containers/containers.json",
                #"[{"id":"\#(identifier)","names":["web"]}]"#
            ),
            (
                "/machine.slice/libpod-\(identifier).scope",
                "var/lib/containers/storage/overlay-containers/volatile-containers.json",
                #"[{"id":"\#(identifier)","names":["web"]}]"#
            ),
            (
                "/system.slice/nerdctl-\(identifier).scope",
                "run/containerd/io.containerd.runtime.v2.task/shop/\(identifier)/config.json",
                #"{"annotations":{"nerdctl/name":"web"}}"#
            ),
            (
                "/default/\(identifier)",
                "run/k3s/containerd/io.containerd.runtime.v2.task/default/\(identifier)/config.json",
                #"{"annotations":{"nerdctl/name":"web"}}"#
            ),
        ])
    func places(path: String, file: String, text: String) {
        let tree = CgroupTree(.unified)
        tree.folder.write("etc/passwd", "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n")
        tree.folder.write("etc/docker/daemon.json", #"{"data-root":"/srv/docker"}"#)
        tree.folder.write(file, text)
        tree.unified(path, ["memory.current": "5\n"])
        #expect(page(tree).values("container_memory_usage_bytes", "id=\"\(path)\"", "name=\"web\"") == ["5"])
    }

    @Test("container labels come by allow-list, the first of two that become one; health is told, environment never")
    func labels() {
        let tree = CgroupTree(.unified)
        tree.folder.write("var/lib/docker/containers/\(identifier)/config.v2.json", Self.docker)
        tree.unified("/docker/\(identifier)", ["memory.current": "5\n"])
        #expect(!page(tree).lines.contains { $0.contains("container_label") || $0.contains("A=b") })
        let some = page(tree) { $0.containerLabels = ["com.example/team", "com.example.team"] }
        let line = some.lines.first { $0.hasPrefix("container_memory_usage_bytes{container_label") }
        #expect(line?.contains("container_label_com_example_team=\"") == true, "\(String(describing: line))")
        #expect(line?.contains("secret") == false)
        #expect(some.values("container_health_state", identifier) == ["0"])
    }

    @Test("filters by id, name and label leave the rest out")
    func filters() throws {
        let tree = CgroupTree(.unified)
        tree.folder.write("var/lib/docker/containers/\(identifier)/config.v2.json", Self.docker)
        tree.unified("/docker/\(identifier)", ["memory.current": "5\n"])
        tree.unified("/system.slice/a.service", ["memory.current": "6\n"])
        tree.unified("/system.slice/b.service", ["memory.current": "7\n"])
        let byID = page(tree) { $0.filters = (try? [LabelMatcher("id", .regex, "/system.*")]) ?? [] }
        #expect(byID.values("container_memory_usage_bytes").sorted() == ["6", "7"])
        let byName = page(tree) { $0.filters = [LabelMatcher(equal: "name", "web")] }
        #expect(byName.values("container_memory_usage_bytes") == ["5"])
        let byLabel = page(tree) {
            $0.containerLabels = ["secret"]
            $0.filters = [LabelMatcher(equal: "container_label_secret", "x")]
        }
        #expect(byLabel.values("container_memory_usage_bytes") == ["5"])
    }

    @Test("names stand once on an info series when so configured")
    func info() {
        let tree = CgroupTree(.unified)
        tree.folder.write("var/lib/docker/containers/\(identifier)/config.v2.json", Self.docker)
        tree.unified("/docker/\(identifier)", ["memory.current": "5\n"])
        let page = page(tree) { $0.labelPlacement = .info }
        #expect(page.lines.contains("container_memory_usage_bytes{id=\"/docker/\(identifier)\"} 5"))
        #expect(page.lines.contains("container_info{id=\"/docker/\(identifier)\",image=\"web:1\",name=\"web\"} 1"))
    }

    @Test(
        "a pod's name tells what made it",
        arguments: [
            ("web-7d4b9c6f5d-x2x4z", "web"), ("db-0", "db"), ("nightly-28401120-bcdfg", "nightly"),
            ("agent-x2x4z", "agent"), ("plain", "plain"), ("etcd-control-plane", "etcd-control-plane"),
            ("web-1234567", "web-1234567"), ("", ""),
        ])
    func owners(pod: String, owner: String) {
        #expect(WorkloadIdentity.owner(ofPod: pod) == owner)
    }
}

@Suite("workloads")
struct WorkloadTests {
    private func identity(_ place: String, _ workload: String = "web") throws -> WorkloadIdentity {
        var made = try #require(
            WorkloadIdentity(CgroupIdentity(kind: .service, name: workload), ContainerNames(), path: place))
        made.place = place
        return made
    }

    @Test("the next instance in a place is a restart, another place is not, and what the runtime told counts too")
    func restarts() throws {
        var workloads = Workloads(maximumCount: 10, keptMilliseconds: 1_000)
        let first = try identity("a")
        let second = try identity("b")
        func entry() -> Workload? { workloads.entries[first.withoutPlace] }
        do {
            let isTaken = workloads.begin(first, token: "1", told: 0, now: 0)
            #expect(isTaken)
        }
        do {
            let isTaken = workloads.begin(second, token: "1", told: 0, now: 0)
            #expect(isTaken)
        }
        #expect(entry()?.restarts == 0 && entry()?.livingCount == 2)
        workloads.end(first, now: 1) { $0.countExit(137, wall: 5) }
        do {
            let isTaken = workloads.begin(first, token: "2", told: 0, now: 2)
            #expect(isTaken)
        }
        #expect(entry()?.restarts == 1 && entry()?.exits.first?.code == 137)
        do {
            let isTaken = workloads.begin(first, token: "3", told: 7, now: 3)
            #expect(isTaken)
        }
        #expect(entry()?.restarts == 7)
    }

    @Test("what is silent for long goes, living ones stay, and a ceiling is kept and counted")
    func limits() throws {
        var workloads = Workloads(maximumCount: 8, keptMilliseconds: 1)
        for number in 0..<20 {
            let workload = try identity("p\(number)", "w\(number)")
            _ = workloads.begin(workload, token: "1", told: 0, now: UInt64(number))
            if number != 0 { workloads.end(workload, now: UInt64(number)) { $0.countExit(nil, wall: 0) } }
            #expect(workloads.entries.count <= 8 && workloads.places.count <= 8)
        }
        #expect(workloads.dropped > 0)
        workloads.forgetOld(now: 10_000_000_000)
        #expect(workloads.entries.count == 1 && workloads.places.count == 1)
    }
}
