import Glibc
import Remote
import TestSupport
import Testing

/// Queries that cost much, against the release binary.
@Suite(
    "Queries under control", .serialized, .enabled(if: RunningServer.binary != nil, "LAPWING names the release binary"))
struct QueryControlTests {
    /// Holds 600 groups of 14,400 steps: 210 MB, and some tenths of a second to make.
    private static let expensive = "sum(max_over_time(sum by (n) (many)[1h:250ms]))"

    /// An hour of 600 series, a sample a minute, in OpenMetrics' text.
    private static func history() -> String {
        let now = Int(time(nil))
        var text = "# TYPE many gauge\n"
        for number in 0..<600 {
            for minute in 0..<60 { text += "many{n=\"\(number)\"} \(number) \(now - 3600 + minute * 60)\n" }
        }
        return text + "# EOF\n"
    }

    /// Has the history in the folder that a server will store in.
    private static func importHistory(into folder: TemporaryDirectory) throws {
        folder.write("many.txt", history())
        let loading = ChildProcess.run(
            [
                try #require(RunningServer.binary), "import", "openmetrics", "\(folder.path)/many.txt",
                "--storage.path", "\(folder.path)/data",
            ], folder: folder, name: "import")
        #expect(loading.code == 0, "\(loading)")
    }

    private func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain = (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + String(Int(byte) + 0x100, radix: 16).dropFirst()
        }.joined()
    }

    private func start(_ arguments: [String], target: Int, _ folder: TemporaryDirectory) throws -> RunningServer {
        let binary = try #require(RunningServer.binary)
        let port = freeLoopbackPort()
        folder.write(
            "lapwing.yml",
            """
            global: {scrape_interval: 1s}
            scrape_configs:
            - job_name: steady
              static_configs: [{targets: ['127.0.0.1:\(target)']}]
            """)
        return RunningServer(binary: binary, serving: folder, port: port, options: ["--no-collector"] + arguments)
    }

    private func page() -> LoopbackServer {
        LoopbackServer { _ in (200, "text/plain; version=0.0.4", "# TYPE steady gauge\nsteady 1\n") }
    }

    @Test("a thousand expensive queries at once are all answered or refused, and scraping goes on")
    func thousand() async throws {
        let folder = TemporaryDirectory()
        let target = page()
        defer { target.stop() }
        try Self.importHistory(into: folder)
        let server = try start(
            [
                "--query.max-memory=512MB", "--query.max-concurrency=4", "--query.max-queue=12",
                // All of them come from one address, which may have half of the connections.
                "--web.max-connections=4096",
            ], target: target.port, folder)
        #expect(await RunningServer.wait(seconds: 20) { target.requests.count > 1 }, "\(server.log)")
        let before = target.requests.count
        let clock = ContinuousClock()
        let began = clock.now
        var flood = RequestFlood(
            port: server.port, path: "/api/v1/query?query=\(escaped(Self.expensive))", count: 1000)
        let statuses = flood.statuses(seconds: 120)
        let seconds = Int(began.duration(to: clock.now).components.seconds)
        let answered = statuses.count { $0 == 200 }
        #expect(statuses.count == 1000)
        #expect(statuses.allSatisfy { $0 == 200 || $0 == 429 || $0 == 503 }, "\(Set(statuses))")
        // Those that were let in wait for each other's memory.
        #expect(answered >= 10, "\(answered) answered")
        #expect(statuses.count { $0 == 429 } > 0)
        // A scrape a second; one may be under way at either end.
        #expect(target.requests.count - before >= seconds - 2, "\(target.requests.count - before) in \(seconds) s")
        let metrics = server.get("/metrics").body
        let memory = metrics.split(separator: "\n").first { $0.hasPrefix("process_resident_memory_bytes ") }
        let bytes = memory.flatMap { Double($0.split(separator: " ")[1]) } ?? .infinity
        // What the allocator keeps of the blocks that came and went stands beside the budget.
        #expect(bytes < 1.1e9, "\(bytes)")
        #expect(metrics.contains("lapwing_queries_total{outcome=\"refused\"} "))
        #expect(metrics.contains("lapwing_query_memory_bytes 0\n"), "the memory is given back")
        #expect(server.stop() == 0)
    }

    @Test("large answers, of which one finds room at a time, are all given")
    func largeAnswers() async throws {
        let folder = TemporaryDirectory()
        let target = page()
        defer { target.stop() }
        try Self.importHistory(into: folder)
        let server = try start(
            ["--query.max-memory=24MB", "--query.max-concurrency=2", "--query.result-cache-size=0"],
            target: target.port, folder)
        #expect(await RunningServer.wait(seconds: 20) { target.requests.count > 1 }, "\(server.log)")
        // 600 series of 1,100 steps: 10 to 20 MB, held until the answer is sent.
        let end = Int(time(nil)) - 60
        let address = "http://127.0.0.1:\(server.port)/api/v1/query_range"
        let asking = ChildProcess.run(
            [
                "curl", "-s", "-m", "60", "--parallel", "--parallel-immediate", "--parallel-max", "16", "-o",
                "/dev/null",
                "-w", "%{http_code} ", "\(address)?query=many&start=\(end - 3300)&end=\(end)&step=3&number=[1-16]",
            ], folder: folder, name: "ask")
        #expect(asking.output == String(repeating: "200 ", count: 16), "\(asking)")
        #expect(server.stop() == 0)
    }

    @Test("a query ends when its client goes, and when somebody asks for it")
    func endings() async throws {
        let binary = try #require(RunningServer.binary)
        let folder = TemporaryDirectory()
        let target = page()
        defer { target.stop() }
        folder.write("log.txt", "")
        let server = try start(["--query.max-concurrency=2"], target: target.port, folder)
        #expect(await RunningServer.wait(seconds: 20) { target.requests.count > 1 }, "\(server.log)")
        // Some minutes of work, a step at a time.
        let endless = "sum(count_over_time(stddev_over_time(vector(time())[100h:1s])[11h:1s]))"
        let path = "/api/v1/query?query=\(escaped(endless))"
        func queries() async -> [JSONValue] {
            await server.ask("/api/v1/status/queries")?["data"]?["queries"]?.elements ?? []
        }
        var gone = RequestFlood(port: server.port, path: path, count: 1)
        #expect(await RunningServer.wait(seconds: 10) { await queries().first?["state"]?.text == "running" })
        #expect(await queries().first?["query"]?.text == endless)
        #expect(gone.statuses(seconds: 1) == [0])
        #expect(await RunningServer.wait(seconds: 10) { await queries().isEmpty }, "the client has gone")
        let child = ChildProcess(
            ["curl", "-sg", "-m", "60", "-A", "patient/1", "http://127.0.0.1:\(server.port)\(path)"], folder: folder,
            name: "patient")
        #expect(await RunningServer.wait(seconds: 10) { await queries().first?["userAgent"]?.text == "patient/1" })
        let address = "http://127.0.0.1:\(server.port)"
        let listing = ChildProcess.run(
            [binary, "query", "--running", "--server", address], folder: folder, name: "list")
        #expect(listing.output.contains("patient/1") && listing.output.contains("1 of 2 run"), "\(listing)")
        let json = ChildProcess.run(
            [binary, "query", "--running", "-o", "json", "--server", address], folder: folder, name: "json")
        #expect(json.code == 0 && json.output.contains("\"userAgent\":\"patient/1\""), "\(json)")
        let id = await queries().first?["id"]?.text ?? ""
        let stop = ChildProcess.run([binary, "query", "--stop", id, "--server", address], folder: folder, name: "stop")
        #expect(stop.code == 0, "\(stop)")
        child.wait()
        #expect(child.output.contains("query was canceled in expression evaluation"), "\(child.output)")
        let plan = ChildProcess.run(
            [binary, "query", "sum(rate(steady[1m]))", "--explain", "--server", address], folder: folder, name: "plan")
        #expect(plan.output.contains("    steady[1m]"), "\(plan)")
        var last = RequestFlood(port: server.port, path: path, count: 1)
        #expect(await RunningServer.wait(seconds: 10) { await queries().first?["state"]?.text == "running" })
        let page = server.get("/federate?match[]=%7B")
        #expect(page.status == 400 && page.body.hasPrefix("invalid parameter \"match[]\""), "\(page)")
        #expect(server.stop() == 0, "a query does not keep the server from stopping")
        #expect(last.statuses(seconds: 1).count == 1)
    }
}
