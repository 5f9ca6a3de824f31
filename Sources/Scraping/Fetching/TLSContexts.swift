import Glibc
import MetricModel
import NIOSSL
import Synchronization

/// The TLS context of a job, made when it is first needed and again when one of its files changed.
final class TLSContexts: Sendable {
    private struct State: Sendable {
        var context: NIOSSLContext?
        var stamps: [String: Int] = [:]
    }

    static let fileLimitBytes = 4 << 20

    let settings: TLSSettings
    private let state = Mutex(State())

    init(_ settings: TLSSettings) { self.settings = settings }

    func context() throws(ScrapeFailure) -> NIOSSLContext {
        let stamps = currentStamps()
        let known = state.withLock { $0.stamps == stamps ? $0.context : nil }
        if let known { return known }
        do {
            let context = try NIOSSLContext(configuration: try configuration())
            state.withLock { $0 = State(context: context, stamps: stamps) }
            return context
        } catch {
            throw .settings(reason: "tls_config: \(error)")
        }
    }

    private func configuration() throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = settings.skipsVerification ? .none : .fullVerification
        configuration.minimumTLSVersion = Self.version(settings.minimumVersion) ?? .tlsv12
        configuration.maximumTLSVersion = Self.version(settings.maximumVersion)
        configuration.applicationProtocols = ["http/1.1"]
        if let authority = try bytes(settings.certificateAuthority, settings.certificateAuthorityFile, "ca_file") {
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(authority))
        }
        if let chain = try bytes(settings.certificate, settings.certificateFile, "cert_file") {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(chain).map { .certificate($0) }
        }
        if let key = try bytes(settings.key?.reveal(), settings.keyFile, "key_file") {
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: key, format: .pem))
        }
        return configuration
    }

    private func bytes(_ text: String?, _ path: String?, _ key: String) throws(ScrapeFailure) -> [UInt8]? {
        if let text { return Array(text.utf8) }
        guard let path else { return nil }
        do {
            return try FileContent.read(path, limitBytes: Self.fileLimitBytes)
        } catch {
            throw .settings(reason: "unable to read \(key) \(path): \(error)")
        }
    }

    /// Times of change of all files, by path; a file that is not there counts as time zero.
    private func currentStamps() -> [String: Int] {
        var stamps: [String: Int] = [:]
        for case .some(let path) in [settings.certificateAuthorityFile, settings.certificateFile, settings.keyFile] {
            var status = stat()
            let isThere = unsafe stat(path, &status) == 0
            stamps[path] = isThere ? status.st_mtim.tv_sec &* 1_000_000_000 &+ status.st_mtim.tv_nsec : 0
        }
        return stamps
    }

    private static func version(_ version: TLSSettings.Version?) -> TLSVersion? {
        switch version {
        case .tls10: .tlsv1
        case .tls11: .tlsv11
        case .tls12: .tlsv12
        case .tls13: .tlsv13
        case nil: nil
        }
    }
}
