import Glibc
import MetricModel
import TestSupport
import Testing

@testable import Cgroups

private let identifier = String(repeating: "0123456789abcdef", count: 4)
private let uid = "0a1b2c3d-1111-2222-3333-444455556666"

/// Messages of the kubelet's interface, as containerd 1.6 sent them.
enum KubeletInterface {
    /// A `ContainerStatusResponse`; `state` 2 has ended.
    static func status(
        of identifier: String, _ container: String, _ pod: String, attempt: UInt8 = 0, state: UInt8 = 1,
        code: UInt8 = 0, asked: String = ""
    ) -> [UInt8] {
        let metadata = FakeRuntime.field(1, container) + (attempt > 0 ? [2 << 3, attempt] : [])
        // Field 18 takes two bytes of key.
        let given = asked.isEmpty ? [] : [0x92, 0x01, UInt8(asked.utf8.count)] + Array(asked.utf8)
        var status = FakeRuntime.field(1, identifier) + FakeRuntime.field(2, metadata) + [3 << 3, state]
        if code > 0 { status += [7 << 3] + (code < 0x80 ? [code] : [code, 1]) }
        status += FakeRuntime.field(8, FakeRuntime.field(1, "app:1") + given) + FakeRuntime.field(10, "Error")
        for (key, value) in [
            ("io.kubernetes.pod.name", pod), ("io.kubernetes.pod.namespace", "shop"), ("io.kubernetes.pod.uid", uid),
            ("io.kubernetes.container.name", container), ("team", "red"), ("other", "1"),
        ] {
            status += FakeRuntime.field(12, FakeRuntime.field(1, key) + FakeRuntime.field(2, value))
        }
        return FakeRuntime.field(1, status)
    }

    /// A `PodSandboxStatusResponse`.
    static func sandbox(_ pod: String) -> [UInt8] {
        let metadata = FakeRuntime.field(1, pod) + FakeRuntime.field(2, uid) + FakeRuntime.field(3, "shop")
        let label = FakeRuntime.field(1, "team") + FakeRuntime.field(2, "red")
        return FakeRuntime.field(
            1, FakeRuntime.field(1, identifier) + FakeRuntime.field(2, metadata) + FakeRuntime.field(7, label))
    }
}

@Suite("how containers ended")
struct ContainerEndTests {
    private let folder = TemporaryDirectory("lapwing-ends")
    private var socket: String { folder.path + "/runtime.sock" }
    private static let started: UInt64 = 1_800_000_000_000_000_000

    private func questions(_ kind: RuntimeKind) -> RuntimeQuestions {
        RuntimeQuestions(kind: kind, path: socket, labels: ["team"], patienceMilliseconds: 5_000)
    }

    @Test("CRI-O names containers and sandboxes over the kubelet's interface")
    func crio() throws {
        let sandbox = String(repeating: "f", count: 64)
        let server = FakeRuntime.grpc(at: socket) { headers, message in
            let isSandbox = String(decoding: message, as: UTF8.self).contains(sandbox)
            if headers.contains("/runtime.v1.RuntimeService/ContainerStatus") {
                return isSandbox
                    ? nil : KubeletInterface.status(of: identifier, "app", "web-1", attempt: 3, asked: "quay.io/app:1")
            }
            return isSandbox ? KubeletInterface.sandbox("web-1") : nil
        }
        defer { server.stop() }
        let team = [ContainerLabel(name: "team", value: "red")]
        let app = ContainerNames(
            name: "k8s_app_web-1_shop_\(uid)_3", image: "quay.io/app:1", container: "app", pod: "web-1",
            namespace: "shop", restarts: 3, labels: team)
        let holder = ContainerNames(container: "POD", pod: "web-1", namespace: "shop", labels: team)
        #expect(
            try questions(.crio).answers(about: [identifier, sandbox]) == [
                .names(app, of: identifier), .names(holder, of: sandbox),
            ])
    }

    @Test("the kubelet's interface tells the code of an end, of one that runs and one it does not know nothing")
    func codes() throws {
        let unknown = String(repeating: "a", count: 64)
        let running = String(repeating: "b", count: 64)
        let server = FakeRuntime.grpc(at: socket) { _, message in
            let asked = String(decoding: message, as: UTF8.self)
            if asked.contains(unknown) { return nil }
            return KubeletInterface.status(
                of: identifier, "app", "web-1", state: asked.contains(running) ? 1 : 2, code: 137)
        }
        defer { server.stop() }
        for kind in [RuntimeKind.crio, .containerd] {
            let answers = try questions(kind).ends(of: [identifier: 0, unknown: 0, running: 0])
            #expect(answers == [.exited(code: 137, of: identifier)])
        }
        let whole = KubeletInterface.status(of: identifier, "app", "web-1", attempt: 1, state: 2, code: 1, asked: "x")
        var random = SeededGenerator(seed: 11)
        for round in 0..<4_000 {
            let bytes = round < whole.count ? Array(whole.prefix(round)) : random.mutated(whole)
            _ = RuntimeAnswers.exitCode(bytes)
            _ = RuntimeAnswers.containerStatus(bytes, labels: ["team"])
            _ = RuntimeAnswers.sandboxStatus(bytes, labels: ["team"])
        }
    }

    /// What Docker 20.10 wrote.
    private static func docker(_ state: String, code: Int, finished: String) -> String {
        #"{"State":{\#(state),"OOMKilled":false,"Pid":0,"ExitCode":\#(code),"FinishedAt":"\#(finished)"},"Name":"/web"}"#
    }

    @Test(
        "Docker's word on an end counts when the container has ended since it was started",
        arguments: [
            (#""Running":false,"Restarting":false"#, "2027-01-15T08:00:05.687046565Z", 9),
            (#""Running":true,"Restarting":true"#, "2027-01-15T08:00:05.687046565Z", 9),
            (#""Running":true,"Restarting":false"#, "2027-01-15T08:00:05.687046565Z", nil),
            (#""Running":false,"Restarting":false"#, "2027-01-15T07:59:00Z", nil),
            (#""Running":false,"Restarting":false"#, "0001-01-01T00:00:00Z", nil),
            (#""Running":false,"Restarting":false"#, "soon", nil),
        ] as [(String, String, Int32?)])
    func docker(state: String, finished: String, code: Int32?) throws {
        let text = Self.docker(state, code: 9, finished: finished)
        #expect(RuntimeEnds.docker(Array(text.utf8), started: Self.started) == code)
        let server = FakeRuntime.http(at: socket) { _, _ in FakeRuntime.reply(200, text) }
        defer { server.stop() }
        let answers = try questions(.docker).ends(of: [identifier: Self.started])
        #expect(answers == (code.map { [.exited(code: $0, of: identifier)] } ?? []))
    }

    @Test("runtimes' files may hold anything")
    func changed() {
        let texts = [
            Self.docker(#""Running":false"#, code: 9, finished: "2027-01-15T08:00:05Z"),
            #"{"Version":"v1","FinishedAt":1795658973785247863,"ExitCode":7,"Reason":"OOMKilled"}"#, "137\n",
        ]
        #expect(RuntimeEnds.containerd(Array(texts[1].utf8)) == 7)
        #expect(RuntimeEnds.containerd(Array(#"{"FinishedAt":0,"ExitCode":0}"#.utf8)) == nil)
        #expect(RuntimeEnds.conmon(Array(texts[2].utf8)) == 137)
        #expect(RuntimeEnds.conmon([]) == nil)
        var random = SeededGenerator(seed: 3)
        for round in 0..<3_000 {
            let bytes = random.mutated(Array(texts[round % 3].utf8))
            _ = RuntimeEnds.docker(bytes, started: UInt64.max)
            _ = RuntimeEnds.containerd(bytes)
            _ = RuntimeEnds.conmon(bytes)
        }
    }

    private static let cases: [(path: String, file: String, text: String, code: String)] = [
        (
            "/kubepods/burstable/pod\(uid)/\(identifier)",
            "var/lib/containerd/io.containerd.grpc.v1.cri/containers/\(identifier)/status",
            #"{"Version":"v1","FinishedAt":1800000005000000000,"ExitCode":7,"Reason":"Error"}"#, "7"
        ),
        (
            "/kubepods.slice/kubepods-pod\(uid.replacing("-", with: "_")).slice/cri-containerd-\(identifier).scope",
            "var/lib/rancher/k3s/agent/containerd/io.containerd.grpc.v1.cri/containers/\(identifier)/status",
            #"{"Version":"v1","FinishedAt":1800000005000000000,"ExitCode":0,"Reason":"Completed"}"#, "0"
        ),
        ("/kubepods/burstable/pod\(uid)/crio-\(identifier)", "run/crio/exits/\(identifier)", "137", "137"),
        ("/machine.slice/libpod-\(identifier).scope", "run/libpod/exits/\(identifier)", "3", "3"),
        (
            "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-\(identifier).scope",
            "run/user/1000/libpod/tmp/persist/\(identifier)/exit", "4\n", "4"
        ),
        (
            "/system.slice/docker-\(identifier).scope", "var/lib/docker/containers/\(identifier)/config.v2.json",
            docker(#""Running":false"#, code: 9, finished: "2099-01-15T08:00:05Z"), "9"
        ),
        ("/docker/\(identifier)", "x", "", "unknown"),
    ]

    @Test("where the kernel tells no code a file of the runtime does, now or soon after", arguments: cases.indices)
    func files(index: Int) {
        let (path, file, text, code) = Self.cases[index]
        for isLate in [false, true] {
            let tree = CgroupTree(.unified)
            let clock = StillClock()
            tree.unified(path, ["memory.current": "5\n", "cpu.stat": "usage_usec 7\n"])
            tree.folder.write("var/log/containers/web-1_shop_app-\(identifier).log", "")
            var settings = CollectorSettings()
            settings.rootPath = tree.rootPath
            settings.watchesDirectories = false
            let collector = Collector(settings: settings, clock: clock)
            _ = Page(collector)
            clock.advance(seconds: 2)
            _ = Page(collector)
            if !isLate { tree.folder.write(file, text) }
            tree.remove("sys/fs/cgroup" + path)
            clock.advance(seconds: 61)
            let first = Page(collector).values("lapwing_workload_exits_total")
            #expect(first == (isLate || code == "unknown" ? [] : ["1"]))
            tree.folder.write(file, text)
            clock.advance(seconds: code == "unknown" ? 6 : 2)
            let page = Page(collector)
            #expect(page.values("lapwing_workload_exits_total", "code=\"\(code)\"") == ["1"])
            #expect(page.values("lapwing_workload_exits_total").count == 1)
        }
    }

    @Test("where neither kernel nor files tell the code the runtime is asked, and its events are followed from then on")
    func asked() {
        let tree = CgroupTree(.unified)
        let clock = StillClock()
        let path = "/kubepods/burstable/pod\(uid)/crio-\(identifier)"
        tree.unified(path, ["memory.current": "5\n", "cpu.stat": "usage_usec 7\n"])
        // The files name it, so that the socket is not asked for that.
        tree.folder.write(
            "run/containers/storage/overlay-containers/\(identifier)/userdata/config.json",
            #"{"annotations":{"io.kubernetes.cri-o.ContainerName":"app","io.kubernetes.pod.name":"web-1"}}"#)
        tree.folder.write("run/crio/x", "")
        let server = FakeRuntime.grpc(at: tree.rootPath + "/run/crio/crio.sock") { _, _ in
            KubeletInterface.status(of: identifier, "app", "web-1", state: 2, code: 42)
        }
        defer { server.stop() }
        var settings = CollectorSettings()
        settings.rootPath = tree.rootPath
        settings.watchesDirectories = false
        let collector = Collector(settings: settings, clock: clock)
        #expect(!Page(collector).values("container_memory_usage_bytes", "container=\"app\"").isEmpty)
        #expect(Page(collector).values("lapwing_collector_runtime_state") == [])
        tree.remove("sys/fs/cgroup" + path)
        clock.advance(seconds: 61)
        let real = SystemClock()
        let end = real.monotonicNanoseconds + 10_000_000_000
        var counted: [String] = []
        while counted.isEmpty, real.monotonicNanoseconds < end {
            counted = Page(collector).values("lapwing_workload_exits_total", "code=\"42\"")
            sched_yield()
        }
        #expect(counted == ["1"])
    }
}
