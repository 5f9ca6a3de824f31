import Glibc
import MetricModel
import Synchronization
import TestSupport
import Testing

@testable import Cgroups

private let identifier = String(repeating: "0123456789abcdef", count: 4)

/// A collector over a tree with one container, which no file names.
private struct NamelessHost {
    let tree = CgroupTree(.unified)
    let clock = StillClock()
    let collector: Collector
    let notices: Notices

    final class Notices: Sendable {
        let texts = Mutex<[String]>([])
    }

    init(_ path: String = "/docker/\(identifier)", _ change: (inout CollectorSettings) -> Void = { _ in }) {
        let notices = Notices()
        tree.unified(path, ["memory.current": "5\n", "cpu.stat": "usage_usec 7\n"])
        for folder in ["run/podman", "run/user/1000/podman", "run/containerd"] { tree.folder.write("\(folder)/x", "") }
        var settings = CollectorSettings()
        settings.rootPath = tree.rootPath
        settings.watchesDirectories = false
        settings.notice = { notice in notices.texts.withLock { $0.append(notice.description) } }
        change(&settings)
        collector = Collector(settings: settings, clock: clock)
        self.notices = notices
    }

    var page: Page { Page(collector) }

    func socket(_ path: String) -> String { tree.rootPath + path }

    /// Looks at the page again and again until it is as wanted; false after ten seconds.
    func waitUntil(advancing: UInt64 = 0, _ isWanted: (Page) -> Bool) -> Bool {
        let real = SystemClock()
        let end = real.monotonicNanoseconds + 10_000_000_000
        while real.monotonicNanoseconds < end {
            if isWanted(page) { return true }
            clock.advance(seconds: advancing)
            sched_yield()
        }
        return false
    }
}

@Suite("names from runtimes")
struct RuntimeNamingTests {
    private static let docker: @Sendable (String, LocalServer.Connection) -> [UInt8]? = { path, connection in
        path.hasPrefix("/events") ? nil : FakeRuntime.reply(200, RuntimeQuestionTests.inspected)
    }

    @Test("what no file names a socket does, with health and the labels that were asked for")
    func named() {
        let host = NamelessHost { $0.containerLabels = ["team"] }
        let server = FakeRuntime.http(at: host.socket("/run/docker.sock"), Self.docker)
        defer { server.stop() }
        #expect(
            host.waitUntil { !$0.values("container_memory_usage_bytes", "name=\"web\"", "image=\"busy:1\"").isEmpty })
        let page = host.page
        #expect(page.values("container_memory_usage_bytes", "container_label_team=\"red\"") == ["5"])
        #expect(page.values("container_health_state", identifier) == ["1"])
        #expect(!page.lines.contains { $0.contains("SECRET") || $0.contains("label_other") })
        #expect(
            page.values(
                "lapwing_collector_runtime_state", "runtime=\"docker\"", "socket=\"/run/docker.sock\"",
                "state=\"answering\"") == ["1"])
        #expect(page.values("lapwing_collector_nameless_containers") == ["0", "0", "0"])
        #expect(host.notices.texts.withLock { $0.isEmpty })
    }

    @Test("a runtime that comes late is found, and several are asked at once")
    func late() {
        let host = NamelessHost("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-\(identifier).scope")
        #expect(host.page.values("lapwing_collector_nameless_containers", "not_found") == ["1"])
        #expect(host.page.values("lapwing_collector_runtime_state") == [])
        let empty = FakeRuntime.http(at: host.socket("/run/podman/podman.sock")) { _, _ in
            FakeRuntime.reply(404, #"{"message":"no such container"}"#)
        }
        defer { empty.stop() }
        #expect(host.waitUntil(advancing: 1) { $0.values("lapwing_collector_runtime_state", "podman").count == 1 })
        #expect(host.page.values("lapwing_collector_nameless_containers", "not_found") == ["1"])
        let rootless = FakeRuntime.http(at: host.socket("/run/user/1000/podman/podman.sock"), Self.docker)
        defer { rootless.stop() }
        #expect(host.waitUntil(advancing: 1) { !$0.values("container_memory_usage_bytes", "name=\"web\"").isEmpty })
    }

    @Test("a runtime that hangs keeps nobody waiting, is told of once, and one that comes back is asked again")
    func hung() {
        let host = NamelessHost { $0.runtimePatienceMilliseconds = 50 }
        let silent = FakeRuntime.http(at: host.socket("/run/docker.sock")) { _, _ in nil }
        #expect(host.waitUntil { $0.values("lapwing_collector_runtime_state", "state=\"hung\"") == ["1"] })
        #expect(host.page.values("container_memory_usage_bytes", identifier) == ["5"])
        #expect(host.page.values("lapwing_collector_nameless_containers", "unanswered") == ["1"])
        #expect(host.page.values("lapwing_collector_runtime_failures_total", "docker") != ["0"])
        silent.stop()
        let server = FakeRuntime.http(at: host.socket("/run/docker.sock"), Self.docker)
        defer { server.stop() }
        #expect(host.waitUntil(advancing: 1) { !$0.values("container_memory_usage_bytes", "name=\"web\"").isEmpty })
        let told = host.notices.texts.withLock { $0 }
        #expect(told.count == 1)
        #expect(told.first?.hasPrefix("docker cannot be asked at /run/docker.sock: no answer in time.") == true)
    }

    @Test("nobody is asked when that is switched off, or when files tell all")
    func notAsked() {
        let off = NamelessHost { $0.asksRuntimes = false }
        let server = FakeRuntime.http(at: off.socket("/run/docker.sock"), Self.docker)
        defer { server.stop() }
        let filed = NamelessHost()
        let other = FakeRuntime.http(at: filed.socket("/run/docker.sock"), Self.docker)
        defer { other.stop() }
        filed.tree.folder.write("var/lib/docker/containers/\(identifier)/config.v2.json", NamingTests.docker)
        for host in [off, filed] {
            for _ in 0..<20 {
                #expect(host.page.values("lapwing_collector_runtime_state") == [])
                host.clock.advance(seconds: 5)
            }
        }
    }

    @Test("a runtime's events tell health and, where the kernel does not, the code of an end")
    func events() {
        let host = NamelessHost()
        let isGone = Mutex(false)
        let server = FakeRuntime.http(at: host.socket("/run/docker.sock")) { path, connection in
            guard path.hasPrefix("/events") else { return FakeRuntime.reply(200, RuntimeQuestionTests.inspected) }
            func event(_ action: String, _ attributes: String = "") {
                let text =
                    #"{"Action":"\#(action)","Actor":{"ID":"\#(identifier)","Attributes":{\#(attributes)}}}"# + "\n"
                connection.write(Array("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n".utf8))
            }
            connection.write(Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".utf8))
            event("exec_start: /bin/true")
            event("health_status: unhealthy")
            while !isGone.withLock({ $0 }) { sched_yield() }
            event("die", #""exitCode":"42""#)
            return nil
        }
        defer { server.stop() }
        #expect(host.waitUntil { $0.values("container_health_state", identifier) == ["0"] })
        host.clock.advance(seconds: 2)
        _ = host.page
        host.tree.remove("sys/fs/cgroup/docker/\(identifier)")
        host.clock.advance(seconds: 61)
        #expect(host.page.values("container_memory_usage_bytes", identifier) == [])
        #expect(host.page.values("lapwing_workload_exits_total", "workload=\"web\"") == [])
        isGone.withLock { $0 = true }
        #expect(
            host.waitUntil { $0.values("lapwing_workload_exits_total", "workload=\"web\"", "code=\"42\"") == ["1"] })
    }

    /// What containerd sends when a task ends; a status of 0 is left out on the wire.
    static func taskExit(
        of container: String, process: String, status: UInt8, topic: String = "/tasks/exit"
    ) -> [UInt8] {
        var end = FakeRuntime.field(1, container) + FakeRuntime.field(2, process) + [3 << 3, 7]
        if status != 0 { end += status < 0x80 ? [4 << 3, status] : [4 << 3, status, 1] }
        return FakeRuntime.field(2, "k8s.io") + FakeRuntime.field(3, topic)
            + FakeRuntime.field(4, FakeRuntime.field(1, "containerd.events.TaskExit") + FakeRuntime.field(2, end))
    }

    @Test("containerd's events tell the code of a container's end, and of nothing else")
    func containerdEvents() {
        let uid = "0a1b2c3d-1111-2222-3333-444455556666"
        let host = NamelessHost("/kubepods/burstable/pod\(uid)/\(identifier)")
        let isGone = Mutex(false)
        let isHeard = Mutex(false)
        let server = FakeRuntime.grpc(
            at: host.socket("/run/containerd/containerd.sock"),
            events: { send in
                isHeard.withLock { $0 = true }
                send(Self.taskExit(of: identifier, process: "exec-1", status: 3))
                send(Self.taskExit(of: identifier, process: identifier, status: 4, topic: "/tasks/oom"))
                while !isGone.withLock({ $0 }) { sched_yield() }
                send(Self.taskExit(of: identifier, process: identifier, status: 137))
            }
        ) { headers, _ in
            if headers.contains("Namespaces") { return FakeRuntime.field(1, FakeRuntime.field(1, "k8s.io")) }
            return FakeRuntime.field(
                1,
                FakeRuntime.field(1, identifier) + FakeRuntime.label("io.kubernetes.container.name", "app")
                    + FakeRuntime.label("io.kubernetes.pod.name", "web-1")
                    + FakeRuntime.label("io.kubernetes.pod.namespace", "shop"))
        }
        defer { server.stop() }
        #expect(host.waitUntil { !$0.values("container_memory_usage_bytes", "container=\"app\"").isEmpty })
        #expect(host.waitUntil { _ in isHeard.withLock { $0 } })
        host.clock.advance(seconds: 2)
        _ = host.page
        host.tree.remove("sys/fs/cgroup/kubepods/burstable/pod\(uid)/\(identifier)")
        host.clock.advance(seconds: 61)
        #expect(host.page.values("container_memory_usage_bytes", identifier) == [])
        #expect(host.page.values("lapwing_workload_exits_total", "app") == [])
        isGone.withLock { $0 = true }
        #expect(host.waitUntil { $0.values("lapwing_workload_exits_total", "app", "code=\"137\"") == ["1"] })
        #expect(host.page.values("lapwing_collector_runtime_failures_total", "containerd") == ["0"])
    }

    @Test("an end by containerd's word")
    func taskExits() {
        func told(_ message: [UInt8]) -> RuntimeAnswer? { RuntimeAnswers.taskExit(message) }
        #expect(told(Self.taskExit(of: "a1", process: "a1", status: 0)) == .exited(code: 0, of: "a1"))
        #expect(told(Self.taskExit(of: "a1", process: "", status: 1)) == .exited(code: 1, of: "a1"))
        #expect(told(Self.taskExit(of: "a1", process: "b2", status: 1)) == nil)
        #expect(told(Self.taskExit(of: "", process: "", status: 1)) == nil)
        #expect(told(Self.taskExit(of: "a1", process: "a1", status: 1, topic: "/tasks/oom")) == nil)
        let whole = Self.taskExit(of: "a1", process: "a1", status: 255)
        #expect(told(whole) == .exited(code: 255, of: "a1"))
        for count in whole.indices { _ = told(Array(whole.prefix(count))) }
        var random = SeededGenerator(seed: 7)
        for _ in 0..<2_000 { _ = told(random.mutated(whole)) }
    }

    @Test("a pod that no log names has the names its containers' runtime told")
    func pod() {
        let uid = "0a1b2c3d-1111-2222-3333-444455556666"
        let host = NamelessHost("/kubepods/burstable/pod\(uid)/\(identifier)")
        let server = FakeRuntime.grpc(at: host.socket("/run/containerd/containerd.sock")) { headers, _ in
            if headers.contains("Namespaces") { return FakeRuntime.field(1, FakeRuntime.field(1, "k8s.io")) }
            return FakeRuntime.field(
                1,
                FakeRuntime.field(1, identifier) + FakeRuntime.label("io.kubernetes.container.name", "app")
                    + FakeRuntime.label("io.kubernetes.pod.name", "web-1")
                    + FakeRuntime.label("io.kubernetes.pod.namespace", "shop"))
        }
        defer { server.stop() }
        #expect(
            host.waitUntil {
                $0.values("container_memory_usage_bytes", "container=\"app\"", "pod=\"web-1\"", "namespace=\"shop\"")
                    == ["5"]
            })
        host.tree.unified("/kubepods/burstable/pod\(uid)", ["memory.current": "9\n"])
        host.clock.advance(seconds: 61)
        #expect(
            host.waitUntil {
                $0.values("container_memory_usage_bytes", "id=\"/kubepods/burstable/pod\(uid)\"", "pod=\"web-1\"") == [
                    "9"
                ]
            })
    }
}
