import Access
import MetricModel
import TestSupport
import Testing

@testable import ConfigurationFile

@Suite("web-config files")
struct WebFileTests {
    private static let hash = "$2y$10$" + String(repeating: "a", count: 53)

    private func read(_ text: String) throws(ConfigurationError) -> AccessSettings {
        try WebFileReader.read(Array(text.utf8), path: "/etc/lapwing/web.yml")
    }

    @Test("a whole file is read; relative names lie beside it")
    func whole() throws {
        let settings = try read(
            """
            tls_server_config:
              cert_file: server.crt
              key_file: /keys/server.key
              client_auth_type: RequireAndVerifyClientCert
              client_ca_file: ca.crt
              min_version: TLS13
              cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
              curve_preferences: [X25519]
              prefer_server_cipher_suites: true
            http_server_config:
              http2: true
              headers: {X-Frame-Options: deny}
            basic_auth_users:
              anna: \(Self.hash)
            """)
        #expect(settings.tls?.certificate == .file("/etc/lapwing/server.crt"))
        #expect(settings.tls?.key == .file("/keys/server.key"))
        #expect(settings.tls?.clientAuthentication == .required)
        #expect(settings.tls?.minimumVersion == .tls13)
        #expect(settings.tls?.cipherSuites == [.rsaAES128])
        #expect(settings.tls?.curves == [.x25519])
        #expect(settings.headers == [AccessSettings.Header(name: "X-Frame-Options", value: "deny")])
        #expect(settings.users["anna"]?.reveal() == Self.hash)
        #expect(!"\(settings)".contains(Self.hash))
    }

    @Test("tokens stand in files of their own, one word of sixteen bytes or more each")
    func tokens() throws {
        let folder = TemporaryDirectory()
        folder.write("good", "0123456789abcdef\n")
        folder.write("short", "0123456789abcde\n")
        folder.write("two", "0123456789abcdef 0123456789abcdef\n")
        func read(_ name: String) throws(ConfigurationError) -> AccessSettings {
            try WebFileReader.read(
                Array("bearer_token_files: {scraper: \(name)}".utf8), path: folder.path + "/web.yml")
        }
        let settings = try read("good")
        #expect(settings.tokens["scraper"]?.reveal() == "0123456789abcdef")
        #expect(settings.tokenFiles == [folder.path + "/good"])
        #expect(!"\(settings)".contains("0123456789abcdef"))
        for name in ["short", "two", "missing"] {
            #expect(throws: ConfigurationError.self) { try read(name) }
        }
    }

    @Test("an empty file asks for nothing")
    func empty() throws {
        #expect(try read("") == AccessSettings())
    }

    @Test(
        "what is wrong is told with its place, and no secret is shown",
        arguments: [
            ("basic_auth_users: {anna: secret}", "1:26", "bcrypt"),
            ("basic_auth_user: {}", "1:1", "basic_auth_users"),
            ("tls_server_config: {cert_file: a}", "1:20", "key_file is missing"),
            ("tls_server_config: {cert_file: a, key_file: b, cert: c}", "1:20", "at most one"),
            (
                "tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAndVerifyClientCert}", "1:66",
                "client_ca_file is missing"
            ),
            ("tls_server_config: {cert_file: a, key_file: b, client_allowed_sans: [x]}", "1:69", "not implemented"),
            (
                "tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAnyClientCert}", "1:66",
                "not implemented"
            ),
            ("tls_server_config: {cert_file: a, key_file: b, min_version: TLS13, max_version: TLS12}", "1:20", "above"),
            ("tls_server_config: {cert_file: a, key_file: b, cipher_suites: [RC4]}", "1:64", "expected one of"),
            ("http_server_config: {headers: {Server: x}}", "1:32", "expected one of"),
            ("http_server_config: {headers: {X-Frame-Options: \"a\\nb\"}}", "1:49", "control"),
        ])
    func wrong(text: String, place: String, part: String) {
        let error = #expect(throws: ConfigurationError.self) { try read(text) }
        #expect("\(error?.line ?? 0):\(error?.column ?? 0)" == place)
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("secret") != true)
    }
}
