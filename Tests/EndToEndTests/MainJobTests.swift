import Bytes
import Glibc
import Remote
import Synchronization
import TestSupport
import Testing

/// The main job with real parts: the release binary, Debian's node exporter, this machine's cgroups, a webhook.
@Suite("The main job", .serialized, .enabled(if: RunningServer.binary != nil, "LAPWING names the release binary"))
struct MainJobTests {
    /// A number that the test sets and a target shows.
    private final class Dial: Sendable {
        private let state = Mutex(0)
        var value: Int {
            get { state.withLock { $0 } }
            set { state.withLock { $0 = newValue } }
        }
    }

    @Test("without any configuration it shows this machine's cgroups within seconds")
    func firstMinute() async throws {
        let binary = try #require(RunningServer.binary)
        let folder = TemporaryDirectory()
        let port = freeLoopbackPort()
        let server = RunningServer(
            binary: binary,
            arguments: [
                "serve", "--web.listen-address=127.0.0.1:\(port)", "--storage.path=\(folder.path)/data",
            ], folder: folder, port: port)
        let hasContainers = await RunningServer.wait(seconds: 20) {
            (await server.values("topk(10, container_memory_rss)", by: "id") ?? [:]).count > 0
        }
        #expect(hasContainers, "\(server.log)")
        let query = ChildProcess.run(
            [binary, "query", "topk(10, container_memory_rss)", "--server", "http://127.0.0.1:\(port)"], folder: folder,
            name: "query")
        #expect(query.code == 0)
        #expect(query.output.contains("container_memory_rss"), "\(query.output)\(query.errors)")
        #expect(server.get("/").body.contains("<title>Lapwing</title>"))
        #expect(server.get("/api/v1/rules").body.contains("TargetDown"))
        #expect(server.stop() == 0)
    }

    @Test("samples, alerts and their delivery survive SIGKILL")
    func crashAndAlert() async throws {
        let binary = try #require(RunningServer.binary)
        let folder = TemporaryDirectory()
        let port = freeLoopbackPort()
        let exporterPort = freeLoopbackPort()
        let exporter = ChildProcess(
            ["prometheus-node-exporter", "--web.listen-address=127.0.0.1:\(exporterPort)"], folder: folder,
            name: "exporter")
        defer {
            exporter.signal(SIGKILL)
            exporter.wait()
        }
        let dial = Dial()
        let target = LoopbackServer { _ in
            (200, "text/plain; version=0.0.4", "# TYPE dial gauge\ndial{unit=\"<b>\"} \(dial.value)\n")
        }
        let webhook = LoopbackServer { _ in (200, "text/plain", "ok") }
        defer {
            target.stop()
            webhook.stop()
        }
        folder.write("rules.yml", Self.rules)
        folder.write(
            "lapwing.yml",
            Self.configuration(port: port, exporter: exporterPort, target: target.port, webhook: webhook.port))
        let server = RunningServer(binary: binary, serving: folder, port: port)

        let isUp = await RunningServer.wait(seconds: 20) {
            let up = await server.values("up", by: "job") ?? [:]
            return up == ["cadvisor": "1", "dial": "1", "node": "1"]
        }
        #expect(isUp, "\(server.log)")
        let hasRates = await RunningServer.wait(seconds: 20) {
            (await server.values("sum by (job) (rate(node_cpu_seconds_total[10s]))", by: "job") ?? [:])["node"] != nil
        }
        #expect(hasRates)

        dial.value = 7
        let isPending = await RunningServer.wait(seconds: 10) {
            Self.states(server) == ["pending"]
        }
        #expect(isPending, "the alert never was pending")

        await Self.keepsSamplesThroughCrash(server)

        let isFiring = await RunningServer.wait(seconds: 15) {
            Self.states(server) == ["firing"]
        }
        #expect(isFiring, "the alert never fired")
        let isDelivered = await RunningServer.wait(seconds: 15) { Self.statuses(webhook).contains("firing") }
        #expect(isDelivered, "the webhook never heard of it: \(server.log)")
        dial.value = 0
        let isResolved = await RunningServer.wait(seconds: 20) { Self.statuses(webhook).contains("resolved") }
        #expect(isResolved, "the webhook never heard of the end: \(Self.statuses(webhook))")
        #expect(server.output.contains("\"alertname\""), "nothing on standard output")
        let payload = try JSONReader.read(Array((webhook.requests.first?.body ?? "").utf8))
        #expect(payload["version"]?.text == "4")
        #expect(payload["alerts"]?.elements?.first?["labels"]?["alertname"]?.text == "DialHigh")

        await Self.refusesWrongConfiguration(server, folder)
        #expect(server.stop() == 0)
    }

    /// What was answered more than a second before the crash must be there afterwards.
    private static func keepsSamplesThroughCrash(_ server: RunningServer) async {
        let before = await server.values("count_over_time(node_load1[1h] offset 1s)", by: "job")?["node"]
        server.kill()
        server.start()
        let isBack = await RunningServer.wait(seconds: 20) {
            (await server.values("count_over_time(node_load1[1h])", by: "job") ?? [:])["node"] != nil
        }
        #expect(isBack, "\(server.log)")
        let counted = Int(before ?? "") ?? 0
        let after = Int(await server.values("count_over_time(node_load1[1h])", by: "job")?["node"] ?? "") ?? 0
        #expect(
            counted > 0 && after >= counted, "\(counted) samples were answered before the crash, \(after) are there now"
        )
    }

    /// A configuration that is wrong is refused and the old one stays.
    private static func refusesWrongConfiguration(_ server: RunningServer, _ folder: TemporaryDirectory) async {
        folder.write("lapwing.yml", "scrape_configs:\n- job_nam: x\n")
        let refused = server.get("/-/reload", arguments: ["-XPOST"])
        #expect(refused.status == 403)
        server.reload()
        let saysSo = await RunningServer.wait(seconds: 10) { server.log.contains("lapwing.yml:2:3") }
        #expect(saysSo, "\(server.log)")
        let stillUp = await server.values("up", by: "job") ?? [:]
        #expect(stillUp["node"] == "1")
    }

    @Test("bad targets fail alone, each with its reason")
    func badTargets() async throws {
        let binary = try #require(RunningServer.binary)
        let folder = TemporaryDirectory()
        let port = freeLoopbackPort()
        let good = LoopbackServer { _ in (200, "text/plain", "fine 1\n") }
        let garbage = LoopbackServer { _ in (200, "text/plain", "this is }{ no exposition\n") }
        let failing = LoopbackServer { _ in (500, "text/plain", "fine 1\n") }
        let many = LoopbackServer { _ in
            (
                200, "text/plain",
                String(repeating: "series{n=\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"} 1\n", count: 200_000)
            )
        }
        defer { for server in [good, garbage, failing, many] { server.stop() } }
        let nobody = freeLoopbackPort()
        folder.write(
            "lapwing.yml",
            """
            global: {scrape_interval: 1s}
            scrape_configs:
            - job_name: good
              static_configs: [{targets: ['127.0.0.1:\(good.port)']}]
            - job_name: garbage
              static_configs: [{targets: ['127.0.0.1:\(garbage.port)']}]
            - job_name: failing
              static_configs: [{targets: ['127.0.0.1:\(failing.port)']}]
            - job_name: many
              body_size_limit: 1MB
              static_configs: [{targets: ['127.0.0.1:\(many.port)']}]
            - job_name: nobody
              static_configs: [{targets: ['127.0.0.1:\(nobody)']}]
            """)
        let server = RunningServer(binary: binary, serving: folder, port: port)
        let wanted = ["good": "1", "garbage": "0", "failing": "0", "many": "0", "nobody": "0"]
        let isSettled = await RunningServer.wait(seconds: 20) { await server.values("up", by: "job") == wanted }
        let found = await server.values("up", by: "job") ?? [:]
        #expect(isSettled, "\(found) \(server.log)")
        let targets = try JSONReader.read(Array(server.get("/api/v1/targets").body.utf8))
        var errors: [String: String] = [:]
        for target in targets["data"]?["activeTargets"]?.elements ?? [] {
            errors[target["scrapePool"]?.text ?? ""] = target["lastError"]?.text ?? ""
        }
        #expect(errors["good"] == "")
        #expect(errors["failing"]?.contains("500") == true)
        #expect(
            errors["many"]?.contains("body size limit exceeded") == true
                || errors["many"]?.contains("body_size_limit") == true, "\(errors)")
        #expect(errors["nobody"]?.contains("refused") == true, "\(errors)")
        #expect(errors["garbage"]?.isEmpty == false)
        #expect(server.stop() == 0)
    }

    @Test("a broken configuration ends with 2 and names the place; a folder in use is refused")
    func refusals() async throws {
        let binary = try #require(RunningServer.binary)
        let folder = TemporaryDirectory()
        let file = folder.write("broken.yml", "scrape_configs:\n- job_name: x\n  scrape_intervall: 5s\n")
        let port = freeLoopbackPort()
        let broken = ChildProcess.run(
            [binary, "serve", "--config.file=\(file)", "--storage.path=\(folder.path)/a"], folder: folder,
            name: "broken")
        #expect(broken.code == 2)
        #expect(broken.errors.contains("broken.yml:3:3"), "\(broken.errors)")
        #expect(broken.errors.contains("scrape_interval"), "\(broken.errors)")
        let first = RunningServer(
            binary: binary,
            arguments: ["serve", "--web.listen-address=127.0.0.1:\(port)", "--storage.path=\(folder.path)/data"],
            folder: folder, port: port)
        let isReady = await RunningServer.wait(seconds: 20) { first.get("/-/ready").status == 200 }
        #expect(isReady, "\(first.log)")
        let second = ChildProcess.run(
            [binary, "serve", "--web.listen-address=127.0.0.1:0", "--storage.path=\(folder.path)/data"], folder: folder,
            name: "second")
        #expect(second.code != 0)
        #expect(second.errors.contains("in use"), "\(second.errors)")
        #expect(first.get("/-/ready").status == 200)
        let unreachable = ChildProcess.run(
            [binary, "query", "up", "--server", "http://127.0.0.1:\(freeLoopbackPort())"], folder: folder,
            name: "nobody")
        #expect(unreachable.code == 4)
        let wrong = ChildProcess.run(
            [binary, "query", "rat(up)", "--server", "http://127.0.0.1:\(port)"], folder: folder, name: "wrong")
        #expect(wrong.code == 1)
        #expect(wrong.errors.contains("1:1"), "\(wrong.errors)")
        #expect(first.stop() == 0)
    }

    // MARK: Pieces

    private static let rules = """
        groups:
        - name: dial
          interval: 1s
          rules:
          - record: dial:double
            expr: dial * 2
          - alert: DialHigh
            expr: dial > 5
            for: 4s
            labels: {severity: page}
            annotations: {summary: 'The dial stands at {{ $value }}.'}
        """

    private static func configuration(port: Int, exporter: Int, target: Int, webhook: Int) -> String {
        """
        global: {scrape_interval: 1s, evaluation_interval: 1s}
        rule_files: [rules.yml]
        scrape_configs:
        - job_name: node
          static_configs: [{targets: ['127.0.0.1:\(exporter)']}]
        - job_name: dial
          static_configs: [{targets: ['127.0.0.1:\(target)']}]
        - job_name: cadvisor
          metrics_path: /metrics/cadvisor
          static_configs: [{targets: ['127.0.0.1:\(port)']}]
        notifications:
          route: {receiver: both, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
          receivers:
          - name: both
            webhook_configs: [{url: 'http://127.0.0.1:\(webhook)/hook'}]
            stdout_configs: [{}]
        """
    }

    private static func states(_ server: RunningServer) -> [String] {
        let answer = try? JSONReader.read(Array(server.get("/api/v1/alerts").body.utf8))
        return (answer?["data"]?["alerts"]?.elements ?? []).compactMap { $0["state"]?.text }
    }

    private static func statuses(_ webhook: LoopbackServer) -> [String] {
        webhook.requests.compactMap { (try? JSONReader.read(Array($0.body.utf8)))?["status"]?.text }
    }
}
