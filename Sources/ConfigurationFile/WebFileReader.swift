package import Access
import MetricModel

/// Reads a web-config file: `tls_server_config`, `http_server_config` and `basic_auth_users`, as Prometheus has them, and
/// `bearer_token_files`, which it has not.
package enum WebFileReader {
    /// Headers that may be set; others are decided by what is answered.
    private static let headerNames = [
        "Content-Security-Policy", "Strict-Transport-Security", "X-Content-Type-Options", "X-Frame-Options",
        "X-XSS-Protection",
    ]

    package static func read(path: String) throws(ConfigurationError) -> AccessSettings {
        try read(try FilePath.read(path, limitBytes: 4 << 20), path: path)
    }

    /// Reads a text as if it stood in the file `path`; relative names in it lie beside that file.
    package static func read(_ bytes: [UInt8], path: String) throws(ConfigurationError) -> AccessSettings {
        var settings = AccessSettings()
        guard let document = try YAMLValue.parse(bytes, file: path) else { return settings }
        var reader = try MappingReader(document)
        if let section = reader.optional("tls_server_config") {
            settings.tls = try tls(section, folder: FilePath.folder(of: path))
        }
        if var section = try reader.mapping("http_server_config") {
            // HTTP/2 is not offered, whatever stands here.
            _ = try section.boolean("http2")
            if let headers = section.optional("headers") { settings.headers = try self.headers(headers) }
            try section.finish()
        }
        if let section = reader.optional("basic_auth_users") {
            for member in try section.members() {
                let hash = try member.value.string()
                guard PasswordHash.isHash(hash) else {
                    throw member.value.error(
                        "expected a bcrypt hash of a cost from 4 to \(PasswordHash.maximumCost), such as htpasswd -B makes"
                    )
                }
                settings.users[try member.key.string()] = Secret(hash)
            }
        }
        if let section = reader.optional("bearer_token_files") {
            try readTokens(section, folder: FilePath.folder(of: path), into: &settings)
        }
        try reader.finish()
        return settings
    }

    /// Shorter tokens could be guessed.
    private static let minimumTokenBytes = 16

    private static func readTokens(
        _ section: YAMLValue, folder: String, into settings: inout AccessSettings
    ) throws(ConfigurationError) {
        for member in try section.members() {
            let file = FilePath.absolute(try member.value.string(), in: folder)
            let bytes = try FilePath.read(file, limitBytes: 1 << 16)
            let token = String(decoding: bytes, as: UTF8.self).split { $0.isWhitespace }
            guard token.count == 1, let word = token.first, word.utf8.count >= minimumTokenBytes else {
                throw member.value.error("expected a file with one word of \(minimumTokenBytes) bytes or more")
            }
            settings.tokens[try member.key.string()] = Secret(String(word))
            settings.tokenFiles.append(file)
        }
    }

    private static func headers(_ value: YAMLValue) throws(ConfigurationError) -> [AccessSettings.Header] {
        var headers: [AccessSettings.Header] = []
        for member in try value.members() {
            let name = try member.key.string()
            guard headerNames.contains(name) else {
                throw member.key.error("expected one of \(headerNames.joined(separator: ", ")), found \"\(name)\"")
            }
            let text = try member.value.string()
            guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
                throw member.value.error("a header holds no control characters")
            }
            if !text.isEmpty { headers.append(AccessSettings.Header(name: name, value: text)) }
        }
        return headers
    }

    private static func tls(_ value: YAMLValue, folder: String) throws(ConfigurationError) -> ServerTLSSettings {
        var reader = try MappingReader(value)
        guard let certificate = try source("cert", &reader, folder) else { throw value.error("cert_file is missing") }
        guard let key = try source("key", &reader, folder) else { throw value.error("key_file is missing") }
        var settings = ServerTLSSettings(certificate: certificate, key: key)
        settings.clientAuthority = try source("client_ca", &reader, folder)
        try readClientAuthentication(&reader, into: &settings)
        settings.minimumVersion = try reader.choice("min_version", ServerTLSSettings.Version.self) ?? .tls12
        settings.maximumVersion = try reader.choice("max_version", ServerTLSSettings.Version.self) ?? .tls13
        guard settings.minimumVersion.rawValue <= settings.maximumVersion.rawValue else {
            throw value.error("min_version is above max_version")
        }
        for suite in try reader.list("cipher_suites") {
            // The suites of TLS 1.3 are always on.
            let name = try suite.string()
            if name.hasPrefix("TLS_AES_") || name == "TLS_CHACHA20_POLY1305_SHA256" { continue }
            settings.cipherSuites.append(try MappingReader.choice(suite, ServerTLSSettings.CipherSuite.self))
        }
        for curve in try reader.list("curve_preferences") {
            settings.curves.append(try MappingReader.choice(curve, ServerTLSSettings.Curve.self))
        }
        _ = try reader.boolean("prefer_server_cipher_suites")
        if let names = reader.optional("client_allowed_sans") {
            let elements = try names.elements()
            if !elements.isEmpty { throw names.error("client_allowed_sans is not implemented yet") }
        }
        try reader.finish()
        return settings
    }

    private static func readClientAuthentication(
        _ reader: inout MappingReader, into settings: inout ServerTLSSettings
    ) throws(ConfigurationError) {
        guard let written = reader.optional("client_auth_type") else { return }
        let name = try written.string()
        if name.isEmpty { return }
        if name == "RequireAnyClientCert" {
            throw written.error(
                "RequireAnyClientCert is not implemented yet; RequireAndVerifyClientCert also checks who signed it")
        }
        settings.clientAuthentication = try MappingReader.choice(
            written, ServerTLSSettings.ClientAuthentication.self)
        let needsAuthority =
            settings.clientAuthentication == .required || settings.clientAuthentication == .verifiedIfGiven
        if needsAuthority, settings.clientAuthority == nil {
            throw written.error("client_ca_file is missing: nothing says whose certificates count")
        }
    }

    /// The text of `name`, or the file of `name_file`; not both.
    private static func source(
        _ name: String, _ reader: inout MappingReader, _ folder: String
    ) throws(ConfigurationError) -> ServerTLSSettings.Source? {
        let text = try reader.secret(name)
        let file = try reader.string(name + "_file")
        if text != nil, file != nil { throw reader.value.error("at most one of \(name) and \(name)_file may be set") }
        if let text { return .text(text) }
        guard let file, !file.isEmpty else { return nil }
        return .file(FilePath.absolute(file, in: folder))
    }
}
