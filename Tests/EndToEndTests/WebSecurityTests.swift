import Glibc
import TestSupport
import Testing

/// The release binary behind a web-config file: certificates, passwords, slow clients.
@Suite(
    "Web security", .serialized,
    .enabled(if: RunningServer.binary != nil, "LAPWING names the release binary"))
struct WebSecurityTests {
    /// Runs curl and gives the status it saw and what it got.
    private func curl(_ address: String, _ words: [String] = []) -> (status: Int, body: String, code: Int32) {
        let answer = ChildProcess.run(
            ["curl", "-sg", "-i", "-m", "20", "-w", "\n%{http_code}"] + words + [address], folder: TemporaryDirectory(),
            name: "curl")
        let end = answer.output.lastIndex(of: "\n") ?? answer.output.startIndex
        return (Int(answer.output[end...].dropFirst()) ?? 0, String(answer.output[..<end]), answer.code)
    }

    /// A certificate of its own for localhost.
    private func makeCertificate(_ folder: TemporaryDirectory, name: String, days: Int) {
        let made = ChildProcess.run(
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-keyout", "\(folder.path)/\(name).key", "-out", "\(folder.path)/\(name).crt", "-days", "\(days)",
                "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            ], folder: folder, name: "openssl-\(name)")
        #expect(made.code == 0, "\(made.errors)")
    }

    private func hash(_ password: String) -> String {
        let made = ChildProcess.run(
            [
                "python3", "-c",
                "import crypt; print(crypt.crypt('\(password)', crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))",
            ],
            folder: TemporaryDirectory(), name: "hash")
        return made.output.split(separator: "\n").first.map(String.init) ?? ""
    }

    private func start(
        _ command: String, _ web: String, _ folder: TemporaryDirectory, port: Int, more: [String] = []
    ) throws -> RunningServer {
        let binary = try #require(RunningServer.binary)
        folder.write("web.yml", web)
        var arguments = [
            command, "--web.listen-address=127.0.0.1:\(port)", "--web.config.file=\(folder.path)/web.yml",
        ]
        if command == "serve" { arguments.append("--storage.path=\(folder.path)/data") }
        return RunningServer(binary: binary, arguments: arguments + more, folder: folder, port: port)
    }

    @Test("every path asks for a password, static files and errors too", arguments: ["serve", "collect"])
    func passwords(command: String) async throws {
        let folder = TemporaryDirectory()
        let port = freeLoopbackPort()
        let server = try start(
            command,
            "basic_auth_users: {anna: '\(hash("open sesame"))'}\nhttp_server_config: {headers: {X-Frame-Options: deny}}\n",
            folder, port: port)
        let address = "http://127.0.0.1:\(port)"
        let isUp = await RunningServer.wait(seconds: 20) { curl(address + "/-/ready").status == 401 }
        #expect(isUp, "\(server.log)")
        for path in [
            "/", "/metrics", "/metrics/cadvisor", "/metrics/node", "/-/ready", "/-/healthy", "/healthz", "/-/reload",
            "/-/quit",
            "/api/v1/query?query=up", "/api/v1/status/config", "/api/v1/labels", "/page.js", "/favicon.ico", "/nothing",
            "/../x",
            "/debug/pprof/",
        ] {
            for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"] {
                let words = method == "HEAD" ? ["-I"] : ["-X", method]
                #expect(curl(address + path, words).status == 401, "\(method) \(path)")
            }
            #expect(curl(address + path, ["-u", "anna:wrong"]).status == 401)
        }
        let page = curl(address + "/metrics", ["-u", "anna:open sesame"])
        #expect(page.status == 200)
        #expect(page.body.lowercased().contains("x-frame-options: deny"))
        #expect(page.body.contains("lapwing_http_requests_refused_total{reason=\"credentials\"}"))
        #expect(curl(address + "/metrics", ["-u", "nobody:open sesame"]).status == 401)
        #expect(server.stop() == 0)
    }

    @Test("TLS with a client's certificate; a new certificate is taken without a restart")
    func certificates() async throws {
        let folder = TemporaryDirectory()
        let port = freeLoopbackPort()
        makeCertificate(folder, name: "first", days: 10)
        makeCertificate(folder, name: "second", days: 20)
        makeCertificate(folder, name: "client", days: 10)
        _ = ChildProcess.run(
            ["cp", "\(folder.path)/first.crt", "\(folder.path)/server.crt"], folder: folder, name: "cp1")
        _ = ChildProcess.run(
            ["cp", "\(folder.path)/first.key", "\(folder.path)/server.key"], folder: folder, name: "cp2")
        let server = try start(
            "collect",
            """
            tls_server_config:
              cert_file: server.crt
              key_file: server.key
              client_auth_type: RequireAndVerifyClientCert
              client_ca_file: client.crt
            """, folder, port: port)
        let address = "https://127.0.0.1:\(port)/metrics"
        let client = ["--cert", "\(folder.path)/client.crt", "--key", "\(folder.path)/client.key"]
        func trusting(_ name: String) -> [String] { ["--cacert", "\(folder.path)/\(name).crt"] + client }
        let isUp = await RunningServer.wait(seconds: 20) { curl(address, trusting("first")).status == 200 }
        #expect(isUp, "\(server.log)")
        #expect(server.log.contains("https://127.0.0.1"))
        #expect(curl(address, ["--cacert", "\(folder.path)/first.crt"]).status == 0, "without a certificate")
        #expect(curl("http://127.0.0.1:\(port)/metrics").status == 0, "without TLS")
        _ = ChildProcess.run(
            ["cp", "\(folder.path)/second.crt", "\(folder.path)/server.crt"], folder: folder, name: "cp3")
        _ = ChildProcess.run(
            ["cp", "\(folder.path)/second.key", "\(folder.path)/server.key"], folder: folder, name: "cp4")
        let isNew = await RunningServer.wait(seconds: 10) { curl(address, trusting("second")).status == 200 }
        #expect(isNew, "\(server.log)")
        // A broken file leaves the last good one in use.
        folder.write("server.crt", "nothing")
        let isTold = await RunningServer.wait(seconds: 10) {
            curl(address, trusting("second")).status == 200 && server.log.contains("not usable")
        }
        #expect(isTold, "\(server.log)")
        #expect(server.stop() == 0)
    }

    @Test("a wrong file is refused at the start, with its place")
    func wrongFile() async throws {
        let folder = TemporaryDirectory()
        let server = try start("collect", "basic_auth_users: {anna: plain}\n", folder, port: freeLoopbackPort())
        let hasEnded = await RunningServer.wait(seconds: 20) { server.log.contains("bcrypt") }
        #expect(hasEnded, "\(server.log)")
        #expect(server.log.contains("web.yml:1:26") && !server.log.contains("plain"))
    }

    @Test("a client that sends its head slowly is cut off, and others are served meanwhile")
    func slowClients() async throws {
        let binary = try #require(RunningServer.binary)
        let folder = TemporaryDirectory()
        let port = freeLoopbackPort()
        let server = RunningServer(
            binary: binary,
            arguments: ["collect", "--web.listen-address=127.0.0.1:\(port)", "--web.max-connections=40"],
            folder: folder,
            port: port)
        let isUp = await RunningServer.wait(seconds: 20) { server.get("/-/ready").status == 200 }
        #expect(isUp, "\(server.log)")
        let slow = folder.write(
            "slow.py",
            """
            import socket, time
            began = time.time()
            held = []
            for number in range(30):
                one = socket.create_connection(("127.0.0.1", \(port)))
                one.sendall(b"GET /metrics HTTP/1.1\\r\\nHost: x\\r\\n")
                held.append(one)
            time.sleep(0.3)
            closed = 0
            for one in list(held):
                one.settimeout(0.01)
                try:
                    if one.recv(12) in (b"", b"HTTP/1.1 503"): closed += 1; held.remove(one)
                except TimeoutError: pass
                except ConnectionError: closed += 1; held.remove(one)
            print("early", closed, flush=True)
            left = 14
            for one in held:
                one.settimeout(max(0.1, left - (time.time() - began)))
                try:
                    while one.recv(1) != b"": pass
                    closed += 1
                except TimeoutError: pass
                except ConnectionError: closed += 1
            print("late", closed, flush=True)
            """)
        let client = ChildProcess(["python3", slow], folder: folder, name: "slow")
        let isCapped = await RunningServer.wait(seconds: 10) { client.output.contains("early") }
        #expect(isCapped, "\(client.errors)")
        // Half of 40 connections may come from one address: ten were refused at once.
        #expect(client.output.contains("early 10"), "\(client.output)")
        client.wait()
        #expect(client.output.contains("late 30"), "\(client.output)")
        #expect(server.get("/-/ready").status == 200)
        #expect(server.stop() == 0)
    }
}
