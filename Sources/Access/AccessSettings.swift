package import MetricModel

/// What a web-config file says: certificates, users, headers.
package struct AccessSettings: Sendable, Hashable {
    /// nil: plain HTTP.
    package var tls: ServerTLSSettings?
    /// bcrypt hashes by user; empty: nobody needs a password.
    package var users: [String: Secret] = [:]
    /// Bearer tokens (RFC 6750) by the name of who shows them.
    package var tokens: [String: Secret] = [:]
    /// The files that the tokens stand in, watched for changes.
    package var tokenFiles: [String] = []
    /// Headers that every answer carries.
    package var headers: [Header] = []

    package struct Header: Sendable, Hashable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package init() {}

    /// The files that are watched for changes.
    var files: [String] { tokenFiles + (tls?.files ?? []) }

    /// Whether credentials are asked for at all.
    var isOpen: Bool { users.isEmpty && tokens.isEmpty }
}

/// The section `tls_server_config`.
package struct ServerTLSSettings: Sendable, Hashable {
    /// A PEM text, or the file that holds it.
    package enum Source: Sendable, Hashable {
        case file(String)
        case text(Secret)
    }

    /// What a client must show; the raw value is Go's name for it.
    package enum ClientAuthentication: String, Sendable, CaseIterable {
        case none = "NoClientCert"
        case requested = "RequestClientCert"
        case verifiedIfGiven = "VerifyClientCertIfGiven"
        case required = "RequireAndVerifyClientCert"
    }

    package enum Version: String, Sendable, CaseIterable {
        case tls10 = "TLS10"
        case tls11 = "TLS11"
        case tls12 = "TLS12"
        case tls13 = "TLS13"
    }

    package enum Curve: String, Sendable, CaseIterable {
        case p256 = "CurveP256"
        case p384 = "CurveP384"
        case p521 = "CurveP521"
        case x25519 = "X25519"
    }

    /// The suites of TLS 1.2 that Go has and are sound; those of 1.3 cannot be chosen.
    package enum CipherSuite: String, Sendable, CaseIterable {
        case ecdsaAES128 = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
        case ecdsaAES256 = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
        case rsaAES128 = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
        case rsaAES256 = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
        case ecdsaChaCha = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"
        case rsaChaCha = "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"
    }

    package var certificate: Source
    package var key: Source
    package var clientAuthentication = ClientAuthentication.none
    package var clientAuthority: Source?
    package var minimumVersion = Version.tls12
    package var maximumVersion = Version.tls13
    package var cipherSuites: [CipherSuite] = []
    package var curves: [Curve] = []

    package init(certificate: Source, key: Source) {
        self.certificate = certificate
        self.key = key
    }

    /// The files that are watched for changes.
    var files: [String] {
        [certificate, key, clientAuthority].compactMap { source in
            if case .file(let path)? = source { path } else { nil }
        }
    }
}

/// Why the settings cannot be used.
package enum AccessError: Error, Sendable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case certificates(reason: String)
    case settings(reason: String)
    /// TLS was switched on or off in a running process.
    case needsRestart

    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "\(path): \(reason)"
        case .certificates(let reason): "tls_server_config: \(reason)"
        case .settings(let reason): reason
        case .needsRestart: "tls_server_config was added or taken away, which needs a restart"
        }
    }
}
