import Glibc
import Remote
import TestSupport
import Testing

/// `lapwing collect` on trees laid out as real nodes have them, and on this machine, read with Prometheus' own tool.
@Suite(
    "The collector alone", .serialized, .enabled(if: RunningServer.binary != nil, "LAPWING names the release binary"))
struct CollectorTests {
    private static let pod =
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0a1b2c3d_1111_2222_3333_444455556666.slice"
    private static let container = String(repeating: "0123456789abcdef", count: 4)

    private func collect(root: String, folder: TemporaryDirectory) throws -> RunningServer {
        let binary = try #require(RunningServer.binary)
        let port = freeLoopbackPort()
        return RunningServer(
            binary: binary,
            arguments: ["collect", "--web.listen-address=127.0.0.1:\(port)", "--collector.root=\(root)"],
            folder: folder,
            port: port)
    }

    @Test("a Kubernetes node's tree on version 2 is shown with cAdvisor's names")
    func kubernetesNode() async throws {
        let tree = CgroupTree(.unified)
        let path = Self.pod + "/cri-containerd-\(Self.container).scope"
        tree.unified(path, CgroupTree.unifiedContainer)
        let server = try collect(root: tree.rootPath, folder: TemporaryDirectory())
        let isUp = await RunningServer.wait(seconds: 20) { server.get("/-/ready").status == 200 }
        #expect(isUp, "\(server.log)")
        let page = server.get("/metrics").body
        let lines = page.split(separator: "\n").filter { $0.contains("id=\"\(path)\"") }
        #expect(lines.contains { $0.hasPrefix("container_memory_usage_bytes{") && $0.hasSuffix(" 10000000") })
        #expect(lines.contains { $0.hasPrefix("container_oom_events_total{") && $0.hasSuffix(" 2") })
        #expect(server.get("/metrics", arguments: ["-XPOST"]).status == 405)
        #expect(server.stop() == 0)
    }

    @Test("this machine's page is sound to Prometheus' own linter")
    func thisMachine() async throws {
        let folder = TemporaryDirectory()
        let server = try collect(root: "/", folder: folder)
        let isUp = await RunningServer.wait(seconds: 20) { server.get("/-/ready").status == 200 }
        #expect(isUp, "\(server.log)")
        let page = server.get("/metrics").body
        #expect(page.contains("\nmachine_memory_bytes"))
        #expect(page.contains("container_memory_rss{id=\"/\""))
        let file = folder.write("page.txt", page)
        // Names that cAdvisor gave and the linter dislikes are known; what it cannot parse is an error of ours.
        let linted = ChildProcess.run(
            ["sh", "-c", "promtool check metrics < \(file)"], folder: folder, name: "promtool")
        #expect(!linted.errors.contains("error while linting"), "\(linted.errors)")
        #expect(server.stop() == 0)
    }

    @Test("once started it takes no more than 20 MB, and still answers")
    func resident() async throws {
        let server = try collect(root: "/", folder: TemporaryDirectory())
        let isUp = await RunningServer.wait(seconds: 20) { server.get("/-/ready").status == 200 }
        #expect(isUp, "\(server.log)")
        func residentBytes() -> Double {
            _ = server.get("/metrics/node")
            let line = server.get("/metrics").body.split(separator: "\n").first {
                $0.hasPrefix("process_resident_memory_bytes ")
            }
            return line?.split(separator: " ").last.flatMap { Double($0) } ?? .infinity
        }
        // Some seconds after the start, code that nothing uses any more is given back.
        let isSmall = await RunningServer.wait(seconds: 60) { residentBytes() < 20e6 }
        #expect(isSmall, "\(residentBytes()) bytes")
        #expect(server.stop() == 0)
    }

    @Test("promtool's queries work against a server")
    func promtool() async throws {
        let binary = try #require(RunningServer.binary)
        let folder = TemporaryDirectory()
        let port = freeLoopbackPort()
        let server = RunningServer(
            binary: binary,
            arguments: ["serve", "--web.listen-address=127.0.0.1:\(port)", "--storage.path=\(folder.path)/data"],
            folder: folder, port: port)
        let address = "http://127.0.0.1:\(port)"
        let hasData = await RunningServer.wait(seconds: 25) { (await server.values("up", by: "job") ?? [:]).count == 3 }
        #expect(hasData, "\(server.log)")
        for (words, wanted) in [
            (["instant", address, "up"], "job=\"lapwing\""), (["range", address, "up"], "job=\"cadvisor\""),
            (["series", "--match=up", address], "job=\"cadvisor\""), (["labels", address, "job"], "lapwing"),
        ] {
            let answer = ChildProcess.run(
                ["promtool", "query"] + words, folder: TemporaryDirectory(), name: "promtool")
            #expect(answer.code == 0 && answer.output.contains(wanted), "\(words): \(answer.output)\(answer.errors)")
        }
        #expect(server.stop() == 0)
    }
}
