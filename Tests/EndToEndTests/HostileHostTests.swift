import Bytes
import Glibc
import Remote
import Synchronization
import TestSupport
import Testing

/// The release binary on a host that gives it no disk or little memory.
///
/// Both need root, for a mount and for a cgroup.
@Suite("Hostile hosts", .serialized, .enabled(if: RunningServer.binary != nil, "LAPWING names the release binary"))
struct HostileHostTests {
    private static var isRoot: Bool { geteuid() == 0 }

    private static let memoryController = "/sys/fs/cgroup/memory"
    private static var hasMemoryCgroup: Bool {
        guard let wish = unsafe getenv("LAPWING_FAULTS"), unsafe String(cString: wish) == "all" else { return false }
        return unsafe isRoot && access(memoryController + "/memory.limit_in_bytes", W_OK) == 0
    }

    /// A target with numbers that change, `count` series of them.
    ///
    /// Its pages are made before, so that a large one comes at once.
    private static func target(count: Int, padding: String = "") -> LoopbackServer {
        var random = SystemRandomNumberGenerator()
        let pages = (0..<3).map { _ in
            (0..<count).map { index in
                "m{i=\"\(index)\(padding)\"} \(Int.random(in: 0..<1_000_000, using: &random))\n"
            }.joined()
        }
        let next = Atomic<Int>(0)
        return LoopbackServer { _ in
            (200, "text/plain; version=0.0.4", pages[next.add(1, ordering: .relaxed).oldValue % pages.count])
        }
    }

    private static func configuration(_ folder: TemporaryDirectory, targets: [Int], rule: String) -> String {
        folder.write("rules.yml", "groups:\n- {name: g, rules: [{alert: Late, expr: \(rule)}]}\n")
        let list = targets.map { "'127.0.0.1:\($0)'" }.joined(separator: ", ")
        return folder.write(
            "prometheus.yml",
            """
            global: {scrape_interval: 1s, evaluation_interval: 1s}
            rule_files: [rules.yml]
            scrape_configs:
            - {job_name: t, static_configs: [{targets: [\(list)]}]}

            """)
    }

    @Test(
        "on a full disk it answers, alerts and says so, and goes on when there is space again",
        .enabled(if: HostileHostTests.isRoot, "mounting a small file system needs root"))
    func fullDisk() async throws {
        let binary = try #require(RunningServer.binary)
        let folder = TemporaryDirectory()
        let disk = folder.path + "/disk"
        unsafe mkdir(disk, 0o755)
        let mounted = ChildProcess.run(
            ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", disk], folder: folder, name: "mount")
        try #require(mounted.code == 0, "\(mounted.errors)")
        defer { _ = ChildProcess.run(["umount", "-l", disk], folder: folder, name: "umount") }
        let target = Self.target(count: 500)
        let port = freeLoopbackPort()
        let file = Self.configuration(folder, targets: [target.port], rule: "count(m offset 5s) > 1")
        let server = RunningServer(
            binary: binary,
            arguments: [
                "serve", "--config.file=\(file)", "--storage.path=\(disk)/data", "--no-collector",
                "--web.listen-address=127.0.0.1:\(port)",
            ], folder: folder, port: port)
        let isScraped = await RunningServer.wait(seconds: 20) { await server.values("count(m)")?[""] == "500" }
        #expect(isScraped, "\(server.log)")
        _ = ChildProcess.run(
            ["dd", "if=/dev/zero", "of=\(disk)/filler", "bs=4k"], folder: folder, name: "dd")
        let saysSo = await RunningServer.wait(seconds: 20) {
            server.get("/metrics").body.contains("lapwing_storage_writable 0")
        }
        #expect(saysSo)
        #expect(server.get("/api/v1/status/runtimeinfo").body.contains("the disk does not take samples"))
        #expect(server.log.contains("the journal cannot be written"))
        let fires = await RunningServer.wait(seconds: 20) { server.output.contains("\"Late\"") }
        #expect(fires, "an alert that begins to fire on a full disk is delivered")
        let before = Int(await server.values("sum(count_over_time(up[5m]))")?[""] ?? "") ?? 0
        let goesOn = await RunningServer.wait(seconds: 20) {
            (Int(await server.values("sum(count_over_time(up[5m]))")?[""] ?? "") ?? 0) > before + 2
        }
        #expect(goesOn, "scrapes go on in memory")
        unsafe unlink(disk + "/filler")
        let resumes = await RunningServer.wait(seconds: 20) {
            server.get("/metrics").body.contains("lapwing_storage_writable 1")
        }
        #expect(resumes, "\(server.log)")
        let kept = Int(await server.values("sum(count_over_time(up[5m]))")?[""] ?? "") ?? 0
        server.kill()
        server.start()
        let isThere = await RunningServer.wait(seconds: 20) {
            (Int(await server.values("sum(count_over_time(up[5m]))")?[""] ?? "") ?? 0) >= kept - 1
        }
        #expect(isThere, "what was scraped while the disk was full is there after SIGKILL")
    }

    @Test(
        "in 256 MB it refuses series and queries instead of being killed, and known series flow",
        .enabled(
            if: HostileHostTests.hasMemoryCgroup,
            "LAPWING_FAULTS=all asks for it; limiting memory needs root and a cgroup of version 1"))
    func littleMemory() async throws {
        let binary = try #require(RunningServer.binary)
        let folder = TemporaryDirectory()
        let group = Self.memoryController + "/lapwing-test-\(getpid())"
        try #require(unsafe mkdir(group, 0o755) == 0)
        defer { unsafe rmdir(group) }
        Self.put("268435456", group + "/memory.limit_in_bytes")
        // More series than the head's half of the memory has room for, with long labels.
        let padding = String(repeating: "x", count: 300)
        let targets = (0..<4).map { _ in Self.target(count: 60_000, padding: padding) }
        let port = freeLoopbackPort()
        let file = Self.configuration(folder, targets: targets.map(\.port), rule: "count(up) > 1")
        let command =
            "echo $$ > \(group)/cgroup.procs && exec \(binary) serve --config.file=\(file) --no-collector "
            + "--storage.path=\(folder.path)/data --web.listen-address=127.0.0.1:\(port)"
        let server = RunningServer(binary: "/bin/sh", arguments: ["-c", command], folder: folder, port: port)
        let isFull = await RunningServer.wait(seconds: 90) {
            server.get("/metrics").body.split(separator: "\n").contains { line in
                line.hasPrefix("lapwing_storage_series_refused_total ") && !line.hasSuffix(" 0")
            }
        }
        #expect(isFull, "\(server.log)")
        let known = "count(min_over_time(up[5s]) == 1)"
        let isSettled = await RunningServer.wait(seconds: 60) {
            (Int(await server.values(known)?[""] ?? "") ?? 0) >= 3
        }
        #expect(isSettled, "\(server.log)")
        let knownCount = Int(await server.values(known)?[""] ?? "") ?? 0
        // What no query may hold, and what fits when it is alone.
        let hostile = [
            "m{i=~\"1.*\"}", "sum by (i) (rate(m{i=~\"[1-3].*\"}[1m]))", "sum(rate(m[1m]))", "topk(1000, m)",
            "{__name__=~\".+\"}", "sum by (i) (rate(m[1m]))", "m + on (i, instance) m", "sort_desc(m)",
            "count by (__name__, i) ({__name__=~\".+\"})", "label_replace(m, \"j\", \"$1$1$1\", \"i\", \"(.*)\")",
        ]
        await withTaskGroup(of: Void.self) { group in
            for client in 0..<8 {
                group.addTask {
                    let end = ContinuousClock.now + .seconds(Self.mixSeconds)
                    var round = 0
                    while ContinuousClock.now < end {
                        let query = hostile[(client + round) % hostile.count]
                        _ = await Self.ask(port, query, isRange: round % 2 == 1)
                        round += 1
                    }
                }
            }
        }
        #expect((await server.values("count(up)"))?[""] == "4", "\(server.log)")
        let flowing = await server.values("count(avg_over_time(up[\(Self.mixSeconds)s]) >= 0.9)")
        #expect((Int(flowing?[""] ?? "") ?? 0) >= knownCount, "\(server.log)")
        let control = TemporaryDirectory.read(group + "/memory.oom_control")
        #expect(control.contains("under_oom 0") && !control.contains("oom_kill 1"), "\(control)")
        #expect(server.log.contains("no room for new series"))
        #expect(server.stop() == 0)
    }

    private static let mixSeconds = 30

    private static func ask(_ port: Int, _ query: String, isRange: Bool) async -> Bool {
        let client = APIClient(server: "http://127.0.0.1:\(port)", timeoutSeconds: 60)
        var form = [(name: "query", value: query)]
        if isRange {
            var time = timespec()
            unsafe clock_gettime(CLOCK_REALTIME, &time)
            form += [
                (name: "start", value: "\(time.tv_sec - 300)"), (name: "end", value: "\(time.tv_sec)"),
                (name: "step", value: "1"),
            ]
        }
        return (try? await client.post(isRange ? "/api/v1/query_range" : "/api/v1/query", form: form)) != nil
    }

    private static func put(_ text: String, _ path: String) {
        guard let file = unsafe fopen(path, "w") else { return }
        unsafe fputs(text, file)
        unsafe fclose(file)
    }
}
