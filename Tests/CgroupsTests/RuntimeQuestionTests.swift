internal import CKernel
import Glibc
import TestSupport
import Testing

@testable import Cgroups

private let first = String(repeating: "0123456789abcdef", count: 4)
private let second = String(repeating: "fedcba9876543210", count: 4)

@Suite("questions to runtimes")
struct RuntimeQuestionTests {
    private let folder = TemporaryDirectory("lapwing-runtime")
    private var path: String { folder.path + "/runtime.sock" }

    private func ask(
        _ kind: RuntimeKind, _ identifiers: [String] = [first, second], labels: Set<String> = ["team"],
        patienceMilliseconds: UInt64 = 5_000
    ) throws(RuntimeFailure) -> [RuntimeAnswer] {
        let questions = RuntimeQuestions(
            kind: kind, path: path, labels: labels, patienceMilliseconds: patienceMilliseconds)
        return try questions.answers(about: identifiers)
    }

    /// What Docker 20.10 answered, shortened.
    static let inspected = #"""
        {"Id":"\#(first)","State":{"Status":"running","Health":{"Status":"healthy","Log":[{"Output":""}]}},
        "Name":"/web","RestartCount":2,"Config":{"Env":["SECRET=x"],"Image":"busy:1","Labels":{"team":"red","other":"1"}}}
        """#
    static let listed = #"""
        [{"Id":"\#(second)","Names":["/db"],"Image":"db:2","Labels":{},"Status":"Up 3 minutes"},
        {"Id":"\#(first)","Names":["/web"],"Image":"busy:1","Labels":{"team":"red","other":"1"},"State":"running",
        "Status":"Up 1 second (health: starting)"},
        {"Id":"feed","Names":["/x"],"Image":"x","Labels":{},"Status":"Up 1 second (unhealthy)"}]
        """#

    @Test("Docker and Podman tell a container's name, image, labels, restarts and health, never its environment")
    func inspect() throws {
        let server = FakeRuntime.http(at: path) { path, _ in
            path == "/containers/\(first)/json"
                ? FakeRuntime.chunked(Self.inspected) : FakeRuntime.reply(404, #"{"message":"No such container"}"#)
        }
        defer { server.stop() }
        let names = ContainerNames(
            name: "web", image: "busy:1", restarts: 2, health: 1, labels: [ContainerLabel(name: "team", value: "red")])
        #expect(try ask(.docker) == [.names(names, of: first)])
        #expect(try ask(.podman) == [.names(names, of: first)])
    }

    @Test("many containers are asked about with one list")
    func list() throws {
        let server = FakeRuntime.http(at: path) { path, _ in
            FakeRuntime.reply(path == "/containers/json" ? 200 : 500, Self.listed)
        }
        defer { server.stop() }
        let strangers = (0..<20).map { String(repeating: "a", count: 62) + String(10 + $0) }
        let answers = try ask(.docker, [first, second] + strangers)
        let web = ContainerNames(
            name: "web", image: "busy:1", health: 0, labels: [ContainerLabel(name: "team", value: "red")])
        #expect(answers.count == 2)
        #expect(answers.contains(.names(web, of: first)))
        #expect(answers.contains(.names(ContainerNames(name: "db", image: "db:2"), of: second)))
    }

    @Test("containerd is asked in all its namespaces but Docker's, for the containers that are wanted")
    func containerd() throws {
        let server = FakeRuntime.grpc(at: path) { headers, message in
            if headers.contains("Namespaces/List") {
                return ["moby", "shop", "k8s.io"].flatMap { FakeRuntime.field(1, FakeRuntime.field(1, $0)) }
            }
            if headers.contains("ContainerStatus") {
                return KubeletInterface.status(of: second, "app", "web-1", attempt: 3)
            }
            guard headers.contains("Containers/List"), !headers.contains("moby") else { return nil }
            let wanted = String(decoding: message, as: UTF8.self)
            if headers.contains("shop"), wanted.contains("id==\(first)") {
                return FakeRuntime.field(
                    1,
                    FakeRuntime.field(1, first) + FakeRuntime.label("nerdctl/name", "web")
                        + FakeRuntime.label("team", "red") + FakeRuntime.label("other", "1")
                        + FakeRuntime.field(3, "busy:1") + FakeRuntime.field(5, "SECRET=x"))
            }
            guard headers.contains("k8s.io"), wanted.contains("id==\(second)"), !wanted.contains(first) else {
                return []
            }
            return FakeRuntime.field(
                1,
                FakeRuntime.field(1, second) + FakeRuntime.label("io.kubernetes.container.name", "app")
                    + FakeRuntime.label("io.kubernetes.pod.name", "web-1")
                    + FakeRuntime.label("io.kubernetes.pod.namespace", "shop") + FakeRuntime.field(3, "app:1"))
        }
        defer { server.stop() }
        let web = ContainerNames(name: "web", image: "busy:1", labels: [ContainerLabel(name: "team", value: "red")])
        let app = ContainerNames(image: "app:1", container: "app", pod: "web-1", namespace: "shop", restarts: 3)
        #expect(try ask(.containerd) == [.names(web, of: first), .names(app, of: second)])
    }

    @Test("a socket that is gone, deserted, closed to us, silent or wrong is told apart")
    func failures() throws {
        #expect(throws: RuntimeFailure.absent) { try ask(.docker) }
        let deserted = LocalServer(path: path) { _ in }
        // Its file stays when nobody listens any more.
        let other = folder.path + "/other.sock"
        #expect(unsafe link(path, other) == 0)
        deserted.stop()
        #expect(unsafe link(other, path) == 0)
        #expect(throws: RuntimeFailure.refused) { try ask(.docker) }
        #expect(unsafe unlink(path) == 0)
        let cases: [(RuntimeFailure, [UInt8]?)] = [
            (.silent, nil), (.silent, Array("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc".utf8)),
            (.status(500), FakeRuntime.reply(500, "{}")), (.malformed("no status of HTTP/1"), Array("what?\r\n".utf8)),
            (.malformed("no container with a name"), FakeRuntime.reply(200, "[]")),
            (
                .tooLong(limitBytes: 8 << 20),
                Array("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n".utf8)
            ),
            (
                .malformed("a chunk without a length"),
                Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n".utf8)
            ),
        ]
        for (failure, reply) in cases {
            let server = FakeRuntime.http(at: path) { _, _ in reply }
            #expect(throws: failure) { try ask(.docker, [first], patienceMilliseconds: 200) }
            server.stop()
        }
        let guarded = FakeRuntime.http(at: path) { _, _ in nil }
        #expect(unsafe chmod(path, 0o600) == 0)
        // The rights of another user, for this thread's files alone; see setfsuid(2).
        setfsuid(65_534)
        #expect(throws: geteuid() == 0 ? RuntimeFailure.denied : .silent) {
            try ask(.docker, patienceMilliseconds: 200)
        }
        setfsuid(geteuid())
        guarded.stop()
        let closing = LocalServer(path: path) { _ = $0.read() }
        defer { closing.stop() }
        for kind in RuntimeKind.allCases { #expect(throws: RuntimeFailure.closed) { try ask(kind) } }
    }

    @Test("what containerd must not send is refused", arguments: [0, 1, 3, 7])
    func badFrames(type: UInt8) {
        let server = LocalServer(path: path) { connection in
            _ = connection.read()
            connection.write([0xFF, 0xFF, 0xFF, type, 0, 0, 0, 0, 1])
            while !connection.read().isEmpty {}
        }
        defer { server.stop() }
        #expect(throws: RuntimeFailure.malformed("a frame of 16777215 bytes")) { try ask(.containerd) }
    }

    @Test(
        "events tell ends and health and nothing else",
        arguments: [
            (
                #"{"status":"die","Action":"die","Actor":{"ID":"a1","Attributes":{"exitCode":"137","name":"web"}}}"#,
                RuntimeAnswer.exited(code: 137, of: "a1")
            ),
            (
                #"{"Action":"died","Actor":{"ID":"a1","Attributes":{"containerExitCode":"1"}}}"#,
                .exited(code: 1, of: "a1")
            ),
            (#"{"Action":"health_status: unhealthy","Actor":{"ID":"a1"}}"#, .health(0, of: "a1")),
            (#"{"Action":"exec_die","Actor":{"ID":"a1","Attributes":{"exitCode":"0"}}}"#, nil),
            (#"{"Action":"die","Actor":{"ID":"a1","Attributes":{}}}"#, nil), (#"{"Action":"die"}"#, nil), ("", nil),
        ])
    func events(line: String, answer: RuntimeAnswer?) {
        #expect(RuntimeAnswers.event(Array(line.utf8)) == answer)
    }
}
