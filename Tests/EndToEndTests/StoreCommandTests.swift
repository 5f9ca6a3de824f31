import Glibc
import TestSupport
import Testing

/// The store's subcommands and administration with the release binary.
@Suite("Import and administration", .enabled(if: RunningServer.binary != nil, "LAPWING names the release binary"))
struct StoreCommandTests {
    private let folder = TemporaryDirectory()

    private func lapwing(_ arguments: String...) throws -> (code: Int32, output: String, errors: String) {
        let result = ChildProcess.run(
            [try #require(RunningServer.binary)] + arguments, folder: TemporaryDirectory(), name: "lapwing")
        return (result.code, result.output, result.errors)
    }

    private func write(_ text: String, to name: String) -> String { folder.write(name, text) }

    private func server(_ arguments: String...) throws -> RunningServer {
        let port = freeLoopbackPort()
        return RunningServer(
            binary: try #require(RunningServer.binary),
            arguments: [
                "serve", "--no-collector", "--web.listen-address=127.0.0.1:\(port)", "--storage.retention.time=0",
                "--storage.path=\(folder.path)/data",
            ] + arguments, folder: folder, port: port)
    }

    @Test("an import into a folder is there when a server opens it, and one into the server at once")
    func imports() async throws {
        let first = write("# TYPE old gauge\nold{a=\"1\"} 5 1000\nold{a=\"1\"} 6 1060\n# EOF\n", to: "first.om")
        let imported = try lapwing("import", "openmetrics", first, "--storage.path", "\(folder.path)/data")
        #expect(imported.code == 0, "\(imported.errors)")
        #expect(imported.output.contains("2 samples imported"))
        let server = try server("--web.enable-admin-api")
        #expect(
            await RunningServer.wait(seconds: 20) {
                await server.values("last_over_time(old[5m] @ 1060)", by: "a") == ["1": "6"]
            }, "\(server.log)")
        let second = write("old{a=\"1\"} 5.5 1030\nold{a=\"2\"} 7 1000\n# EOF\n", to: "second.om")
        let address = "http://127.0.0.1:\(server.port)"
        let more = try lapwing("import", "openmetrics", second, "--server", address)
        #expect(more.code == 0, "\(more.errors)")
        #expect(await server.values("count_over_time(old[5m] @ 1060)", by: "a") == ["1": "3", "2": "1"])
        let inUse = try lapwing("import", "openmetrics", first, "--storage.path", "\(folder.path)/data")
        #expect(inUse.code == 1)
        #expect(inUse.errors.contains("in use"))
        #expect(server.stop() == 0)
    }

    @Test("deleted series are gone at once and after SIGKILL")
    func deletes() async throws {
        let file = write("old{a=\"1\"} 5 1000\nold{a=\"2\"} 6 1000\n# EOF\n", to: "two.om")
        #expect(try lapwing("import", "openmetrics", file, "--storage.path", "\(folder.path)/data").code == 0)
        let server = try server("--web.enable-admin-api")
        let question = "last_over_time(old[5m] @ 1000)"
        #expect(
            await RunningServer.wait(seconds: 20) { await server.values(question, by: "a") == ["1": "5", "2": "6"] },
            "\(server.log)")
        let path = "/api/v1/admin/tsdb/delete_series"
        #expect(server.get(path + "?match[]=old{a=\"1\"}").status == 405)
        #expect(server.get(path, arguments: ["-XPOST"]).status == 400)
        #expect(server.get(path, arguments: ["-XPOST", "-dmatch[]=old{a=\"1\"}"]).status == 204)
        #expect(await server.values(question, by: "a") == ["2": "6"])
        server.kill()
        server.start()
        #expect(
            await RunningServer.wait(seconds: 20) { await server.values(question, by: "a") == ["2": "6"] },
            "\(server.log)")
        #expect(server.get("/api/v1/admin/tsdb/clean_tombstones", arguments: ["-XPOST"]).status == 204)
        #expect(server.get("/api/v1/label/a/values").body.contains("[\"2\"]"))
        #expect(server.stop() == 0)
    }

    @Test("what was exported is imported as the same, from a folder and from a server")
    func exports() async throws {
        let text = """
            a{b="1"} 1.5 1000
            a{b="1"} 2 1010.5
            a{b="x\\"\\n"} +Inf 1000
            c NaN 1000
            # EOF

            """
        let file = write(text, to: "some.om")
        #expect(try lapwing("import", "openmetrics", file, "--storage.path", "\(folder.path)/data").code == 0)
        let all = try lapwing(
            "export", "--match", "a", "--match", "{__name__=~\"a|c\"}", "--storage.path", "\(folder.path)/data")
        #expect(all.code == 0, "\(all.errors)")
        #expect(all.output == text.replacing(" 2 1010.5", with: " 2.0 1010.5"))
        #expect(try lapwing("check", "storage", "\(folder.path)/data").code == 0)
        #expect(try lapwing("check", "storage", "\(folder.path)/nowhere").code == 1)
        let server = try server("--web.enable-admin-api")
        let address = "http://127.0.0.1:\(server.port)"
        #expect(await RunningServer.wait(seconds: 20) { await server.values("vector(1)") != nil }, "\(server.log)")
        let part = try lapwing(
            "export", "--match", "a{b=\"1\"}", "--start", "1000", "--end", "1011", "--server", address)
        #expect(part.output == "a{b=\"1\"} 1.5 1000\na{b=\"1\"} 2.0 1010.5\n# EOF\n", "\(part.errors)")
        let snapshot = server.get("/api/v1/admin/tsdb/snapshot", arguments: ["-XPOST"])
        #expect(snapshot.status == 200)
        let name = String(snapshot.body.split(separator: "\"").dropLast().last ?? "")
        let copy = "\(folder.path)/data/snapshots/\(name)"
        #expect(try lapwing("check", "storage", copy).code == 0, "\(snapshot.body)")
        #expect(try lapwing("export", "--match", "{__name__=~\"a|c\"}", "--storage.path", copy).output == all.output)
        #expect(server.stop() == 0)
    }

    @Test("exemplars and metadata are imported, answered after restarts, and exported again")
    func exemplarsAndMetadata() async throws {
        let text = """
            # HELP requests All \\"requests\\".
            # TYPE requests counter
            requests_total{code="200"} 5.0 1000
            requests_total{code="200"} 6.0 1060 # {trace_id="a\\"b"} 0.25 1059.5
            # TYPE took_seconds histogram
            # UNIT took_seconds seconds
            took_seconds_bucket{le="1.0"} 3.0 1000 # {trace_id="c"} 0.5 990
            took_seconds_count 4.0 1000
            # EOF

            """
        let file = write(text, to: "exemplars.om")
        let imported = try lapwing("import", "openmetrics", file, "--storage.path", "\(folder.path)/data")
        #expect(imported.output.contains("2 exemplars imported"), "\(imported.errors)")
        let server = try server("--web.enable-admin-api")
        func check() {
            let metadata = server.get("/api/v1/metadata?metric=requests").body
            #expect(metadata.contains(#"{"type":"counter","help":"All \"requests\".","unit":""}"#), "\(metadata)")
            let path = "/api/v1/query_exemplars?query=requests_total&start=0&end=2000"
            let exemplars = server.get(path).body
            #expect(exemplars.contains(#""value":"0.25","timestamp":1059.5"#), "\(exemplars)")
        }
        #expect(await RunningServer.wait(seconds: 20) { await server.values("vector(1)") != nil }, "\(server.log)")
        check()
        server.kill()
        server.start()
        #expect(await RunningServer.wait(seconds: 20) { await server.values("vector(1)") != nil }, "\(server.log)")
        check()
        let address = "http://127.0.0.1:\(server.port)"
        let selector = "{__name__=~\"requests_total|took.*\"}"
        let fromServer = try lapwing(
            "export", "--match", selector, "--start", "900", "--end", "1100", "--server", address)
        #expect(fromServer.output == text, "\(fromServer.errors)")
        #expect(server.stop() == 0)
        let fromFolder = try lapwing("export", "--match", selector, "--storage.path", "\(folder.path)/data")
        #expect(fromFolder.output == text, "\(fromFolder.errors)")
        #expect(fromFolder.errors.contains("2 exemplars exported"))
        #expect(try lapwing("check", "storage", "\(folder.path)/data").code == 0)
    }

    @Test("what cannot be imported is said with its place and an exit code")
    func refusals() async throws {
        let wrong = write("a 1 1\nb two 2\n# EOF\n", to: "wrong.om")
        let refused = try lapwing("import", "openmetrics", wrong, "--storage.path", "\(folder.path)/data")
        #expect(refused.code == 1)
        #expect(refused.errors.contains("wrong.om: line 2, column 3"), "\(refused.errors)")
        #expect(try lapwing("import", "openmetrics", wrong).code == 2)
        #expect(try lapwing("import", "openmetrics", wrong, "--server", "http://127.0.0.1:9").code == 4)
        let server = try server()
        let right = write("a 1 1\n# EOF\n", to: "right.om")
        #expect(await RunningServer.wait(seconds: 20) { await server.values("vector(1)") != nil }, "\(server.log)")
        let closed = try lapwing("import", "openmetrics", right, "--server", "http://127.0.0.1:\(server.port)")
        #expect(closed.code == 1)
        #expect(closed.errors.contains("--web.enable-admin-api"), "\(closed.errors)")
        #expect(server.stop() == 0)
    }
}
