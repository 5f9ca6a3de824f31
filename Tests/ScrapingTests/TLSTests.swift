import MetricModel
import NIOSSL
import TestSupport
import Testing

@testable import Scraping

@Suite("Fetching over TLS")
struct TLSTests {
    /// Self-signed for localhost, made for these tests, good until 2126.
    static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBljCCATugAwIBAgIUGV9pBujZ62KD17LCPPPX4L/mKD4wCgYIKoZIzj0EAwIw
        FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNDAxMjQ1M1oYDzIxMjYxMDMx
        MDEyNDUzWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
        PQMBBwNCAAQB1qYAaBoPdYThPfNibJOx36f65/+68s6HAO9Wo6BVr7YY1dYALnA1
        I8f9XhFQBGNnqqelj4BCHx503fpBsYS8o2kwZzAdBgNVHQ4EFgQUrOMLJ3KdKBu3
        tsxlAlSC7kAuB5UwHwYDVR0jBBgwFoAUrOMLJ3KdKBu3tsxlAlSC7kAuB5UwDwYD
        VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
        SQAwRgIhANOEJmGQPRUP7nYWC/wP2nw+Tp9c6L5CfXDqdh51R8NyAiEAmLOGxXkv
        NBcJlL2ARQmykqfz7z7VuZhd9ztTntnHNnQ=
        -----END CERTIFICATE-----
        """

    static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgHTI4BAXhvkROrUPb
        u4MxBiB1Q+m20Pyp6H4gmnCrSGWhRANCAAQB1qYAaBoPdYThPfNibJOx36f65/+6
        8s6HAO9Wo6BVr7YY1dYALnA1I8f9XhFQBGNnqqelj4BCHx503fpBsYS8
        -----END PRIVATE KEY-----
        """

    static func server() async throws -> ScriptedServer {
        let configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem)))
        return try await ScriptedServer(tls: try NIOSSLContext(configuration: configuration)) { _ in .page("a 1\n") }
    }

    static func text(_ address: String, _ change: (inout TLSSettings) -> Void) async -> String {
        var job = ScrapeJobSettings(jobName: "j")
        change(&job.client.tls)
        return await HTTPScrapeFetcherTests.Client(address, scheme: "https", job: job).text()
    }

    @Test("a target whose certificate is trusted is read by its name, or under the name that the settings give it")
    func trusted() async throws {
        let server = try await Self.server()
        let byName = await Self.text("localhost:\(server.port)") { $0.certificateAuthority = Self.certificate }
        #expect(byName == "a 1\n")
        let byAddress = await Self.text(server.address) { settings in
            settings.certificateAuthority = Self.certificate
            settings.serverName = "localhost"
        }
        #expect(byAddress == "a 1\n")
        try await server.stop()
    }

    @Test("the authority may be a file, and a file that is not there is the reason")
    func authorityFile() async throws {
        let server = try await Self.server()
        let folder = TemporaryDirectory()
        let path = folder.write("ca.pem", Self.certificate)
        let text = await Self.text("localhost:\(server.port)") { $0.certificateAuthorityFile = path }
        #expect(text == "a 1\n")
        let missing = await Self.text(server.address) { $0.certificateAuthorityFile = folder.path + "/none" }
        #expect(missing.contains("ca_file") && missing.contains("No such file"))
        try await server.stop()
    }

    @Test("a certificate that nobody vouches for, or for another name, is refused")
    func untrusted() async throws {
        let server = try await Self.server()
        let unknown = await Self.text(server.address) { _ in }
        #expect(unknown.hasPrefix("failure: ") && unknown.contains("tls: failed to verify certificate"), "\(unknown)")
        let otherName = await Self.text(server.address) { settings in
            settings.certificateAuthority = Self.certificate
            settings.serverName = "example.org"
        }
        #expect(otherName.hasPrefix("failure: "))
        let otherAddress = await Self.text(server.address) { $0.certificateAuthority = Self.certificate }
        #expect(otherAddress.hasPrefix("failure: "))
        let skipped = await Self.text(server.address) { $0.skipsVerification = true }
        #expect(skipped == "a 1\n")
        try await server.stop()
    }

    @Test("plain HTTP asked over TLS fails with a reason")
    func plainTarget() async throws {
        let server = try await ScriptedServer { _ in .page("a 1\n") }
        let text = await Self.text(server.address) { $0.skipsVerification = true }
        #expect(text.hasPrefix("failure: ") && text.hasSuffix("does not speak TLS: is its scheme http?"), "\(text)")
        try await server.stop()
    }
}
