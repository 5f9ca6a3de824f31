import Glibc
import Remote
import TestSupport
import Testing

/// Webhooks over TLS with credentials, against another program's TLS: Python's, with a certificate made by openssl.
@Suite("Webhooks over TLS", .serialized, .enabled(if: RunningServer.binary != nil, "LAPWING names the release binary"))
struct WebhookTests {
    /// Answers every POST with 200 and writes its `Authorization` header and its length as a line of standard output.
    private static let receiver = """
        import http.server, ssl, sys
        class Receiver(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                length = int(self.headers['Content-Length'])
                self.rfile.read(length)
                print(self.headers['Authorization'], length, flush=True)
                self.send_response(200); self.send_header('Content-Length', '0'); self.end_headers()
            def log_message(self, *arguments): pass
        server = http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Receiver)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain(sys.argv[2], sys.argv[3])
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.serve_forever()
        """

    @Test("credentials arrive at a receiver whose authority is trusted; an unknown authority is a failed attempt")
    func deliveries() async throws {
        let binary = try #require(RunningServer.binary)
        let folder = TemporaryDirectory()
        let certificate = ChildProcess.run(
            [
                "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost", "-keyout", "\(folder.path)/key.pem", "-out",
                "\(folder.path)/cert.pem",
            ], folder: folder, name: "openssl")
        #expect(certificate.code == 0, "\(certificate.errors)")
        folder.write("receiver.py", Self.receiver)
        folder.write("password", "swordfish\n")
        let hook = freeLoopbackPort()
        let receiver = ChildProcess(
            [
                "python3", "\(folder.path)/receiver.py", "\(hook)", "\(folder.path)/cert.pem",
                "\(folder.path)/key.pem",
            ], folder: folder, name: "receiver")
        defer {
            receiver.signal(SIGKILL)
            receiver.wait()
        }
        let port = freeLoopbackPort()
        folder.write("rules.yml", Self.rules)
        folder.write("lapwing.yml", Self.configuration(hook: hook))
        let server = RunningServer(binary: binary, serving: folder, port: port, options: ["--no-collector"])
        let arrived = await RunningServer.wait(seconds: 20) { receiver.output.contains("Basic ") }
        #expect(arrived, "\(receiver.errors)\(server.log)")
        // user:swordfish
        #expect(receiver.output.contains("Basic dXNlcjpzd29yZGZpc2g="), "\(receiver.output)")
        let bearer = await RunningServer.wait(seconds: 20) { receiver.output.contains("Bearer gauntlet") }
        #expect(bearer, "\(receiver.output)")
        let isKnown = await RunningServer.wait(seconds: 20) { Self.outcomes(server)["stranger"] != nil }
        #expect(isKnown)
        let outcomes = Self.outcomes(server)
        #expect(outcomes["friend"] == ["delivered"])
        #expect(outcomes["stranger"]?.contains("delivered") == false, "\(outcomes)")
        let shown = server.get("/api/v1/status/notifications").body + server.get("/api/v1/status/config").body
        #expect(!shown.contains("swordfish") && !shown.contains("gauntlet"), "a secret is shown")
        #expect(!server.log.contains("swordfish") && !server.log.contains("gauntlet"), "a secret is logged")
        let metrics = server.get("/metrics").body
        #expect(metrics.contains("\nlapwing_notifications_delivered_total 2\n"), "\(metrics)")
        #expect(metrics.contains("\nlapwing_rules_alerts{state=\"firing\"} 1\n"), "\(metrics)")
        #expect(server.stop() == 0)
    }

    private static let rules = """
        groups:
        - name: always
          interval: 1s
          rules: [{alert: Always, expr: vector(1)}]
        """

    private static func configuration(hook: Int) -> String {
        """
        global: {evaluation_interval: 1s}
        rule_files: [rules.yml]
        notifications:
          route:
            receiver: friend
            group_wait: 0s
            group_interval: 1h
            routes: [{receiver: bearer, continue: true}, {receiver: stranger, continue: true}, {receiver: friend}]
          receivers:
          - name: friend
            webhook_configs:
            - url: 'https://localhost:\(hook)/hook'
              http_config: {basic_auth: {username: user, password_file: password}, tls_config: {ca_file: cert.pem}}
          - name: bearer
            webhook_configs:
            - url: 'https://localhost:\(hook)/hook'
              http_config: {authorization: {credentials: gauntlet}, tls_config: {insecure_skip_verify: true}}
          - name: stranger
            webhook_configs: [{url: 'https://localhost:\(hook)/hook'}]
        """
    }

    /// Outcomes by receiver.
    private static func outcomes(_ server: RunningServer) -> [String: Set<String>] {
        let answer = try? JSONReader.read(Array(server.get("/api/v1/status/notifications").body.utf8))
        var outcomes: [String: Set<String>] = [:]
        for attempt in answer?["data"]?["attempts"]?.elements ?? [] {
            outcomes[attempt["receiver"]?.text ?? "", default: []].insert(attempt["outcome"]?.text ?? "")
        }
        return outcomes
    }
}
