import Glibc
import MetricModel
import NIOSSL

/// Makes the TLS context of a server from its settings.
enum ServerCertificates {
    static let fileLimitBytes = 4 << 20

    static func context(_ settings: ServerTLSSettings) throws(AccessError) -> NIOSSLContext {
        let certificate = try bytes(settings.certificate)
        let key = try bytes(settings.key)
        let authority = try settings.clientAuthority.map { source throws(AccessError) in try bytes(source) }
        do {
            let chain = try NIOSSLCertificate.fromPEMBytes(certificate)
            guard !chain.isEmpty else { throw AccessError.certificates(reason: "the certificate file holds none") }
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(bytes: key, format: .pem)))
            configuration.minimumTLSVersion = version(settings.minimumVersion)
            configuration.maximumTLSVersion = version(settings.maximumVersion)
            configuration.applicationProtocols = ["http/1.1"]
            if !settings.cipherSuites.isEmpty { configuration.cipherSuiteValues = settings.cipherSuites.map(cipher) }
            if !settings.curves.isEmpty { configuration.curves = settings.curves.map(curve) }
            switch settings.clientAuthentication {
            case .none, .requested: configuration.certificateVerification = .none
            case .verifiedIfGiven: configuration.certificateVerification = .optionalVerification
            case .required: configuration.certificateVerification = .noHostnameVerification
            }
            if let authority {
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(authority))
            }
            return try NIOSSLContext(configuration: configuration)
        } catch let error as AccessError {
            throw error
        } catch {
            throw .certificates(reason: "certificate and key cannot be used: \(error)")
        }
    }

    private static func bytes(_ source: ServerTLSSettings.Source) throws(AccessError) -> [UInt8] {
        switch source {
        case .text(let text): return Array(text.reveal().utf8)
        case .file(let path):
            let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw unreadable(path) }
            defer { close(descriptor) }
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            while bytes.count < fileLimitBytes {
                let count = unsafe read(descriptor, &buffer, buffer.count)
                guard count >= 0 else { throw unreadable(path) }
                if count == 0 { break }
                bytes += buffer[..<count]
            }
            return bytes
        }
    }

    private static func unreadable(_ path: String) -> AccessError {
        .unreadable(path: path, reason: unsafe String(cString: strerror(errno)))
    }

    private static func version(_ version: ServerTLSSettings.Version) -> TLSVersion {
        switch version {
        case .tls10: .tlsv1
        case .tls11: .tlsv11
        case .tls12: .tlsv12
        case .tls13: .tlsv13
        }
    }

    private static func cipher(_ suite: ServerTLSSettings.CipherSuite) -> NIOTLSCipher {
        switch suite {
        case .ecdsaAES128: .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        case .ecdsaAES256: .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
        case .rsaAES128: .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
        case .rsaAES256: .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
        case .ecdsaChaCha: .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
        case .rsaChaCha: .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
        }
    }

    private static func curve(_ curve: ServerTLSSettings.Curve) -> NIOTLSCurve {
        switch curve {
        case .p256: .secp256r1
        case .p384: .secp384r1
        case .p521: .secp521r1
        case .x25519: .x25519
        }
    }
}
