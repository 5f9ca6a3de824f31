import MetricModel
import Scraping

extension HTTPClientSettings {
    /// Reads the HTTP client keys that stand among those of a scrape job.
    init(_ reader: inout MappingReader, folder: String) throws(ConfigurationError) {
        self.init()
        if var basic = try reader.mapping("basic_auth") {
            var settings = BasicAuthorizationSettings()
            settings.username = try basic.string("username") ?? ""
            settings.usernameFile = try basic.string("username_file").map { FilePath.absolute($0, in: folder) }
            settings.password = try basic.secret("password")
            settings.passwordFile = try basic.string("password_file").map { FilePath.absolute($0, in: folder) }
            try basic.finish()
            basicAuthorization = settings
        }
        if var section = try reader.mapping("authorization") {
            var settings = AuthorizationSettings()
            settings.type = try section.string("type") ?? AuthorizationSettings.defaultType
            settings.credentials = try section.secret("credentials")
            settings.credentialsFile = try section.string("credentials_file").map { FilePath.absolute($0, in: folder) }
            try section.finish()
            authorization = settings
        }
        try readBearerToken(&reader, folder: folder)
        followsRedirects = try reader.boolean("follow_redirects") ?? true
        _ = try reader.boolean("enable_http2")
        if let section = reader.optional("tls_config") { tls = try TLSSettings(section, folder: folder) }
        try readHeaders(&reader, folder: folder)
        try Self.checkForeign(&reader, folder: folder)
        for name in ["oauth2", "proxy_url", "proxy_from_environment", "proxy_connect_header"]
        where reader.optional(name) != nil { notImplemented.append(name) }
        reader.accept(["no_proxy"])
    }

    /// `oauth2` and the proxy's keys, which are checked and not there yet.
    private static func checkForeign(_ reader: inout MappingReader, folder: String) throws(ConfigurationError) {
        if let section = reader.optional("oauth2") { try openAuthorization.check(section, folder: folder) }
        let hasProxy = !(try reader.string("proxy_url") ?? "").isEmpty
        let asksEnvironment = try reader.boolean("proxy_from_environment") ?? false
        let excepts = !(try reader.string("no_proxy") ?? "").isEmpty
        if hasProxy && asksEnvironment {
            throw reader.value.error("if proxy_from_environment is configured, proxy_url must not be configured")
        }
        if asksEnvironment && excepts {
            throw reader.value.error("if proxy_from_environment is configured, no_proxy must not be configured")
        }
        if excepts && !hasProxy {
            throw reader.value.error("if no_proxy is configured, proxy_url must also be configured")
        }
        if reader.optional("proxy_connect_header") != nil && !hasProxy && !asksEnvironment {
            throw reader.value.error(
                "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured")
        }
    }

    private static let openAuthorization = SectionShape(
        keys: [
            "client_id": .text, "grant_type": .text, "client_secret": .text, "client_secret_file": .text,
            "client_certificate_key": .text, "client_certificate_key_file": .text, "client_certificate_key_id": .text,
            "signature_algorithm": .text, "iss": .text, "audience": .text, "claims": .anything, "scopes": .list(.text),
            "token_url": .text, "endpoint_params": .texts, "tls_config": .anything, "proxy_url": .text,
            "no_proxy": .text, "proxy_from_environment": .flag, "proxy_connect_header": .anything,
        ], required: ["client_id", "token_url"],
        exclusive: [
            ["client_secret", "client_secret_file"], ["client_certificate_key", "client_certificate_key_file"],
        ])

    private mutating func readBearerToken(_ reader: inout MappingReader, folder: String) throws(ConfigurationError) {
        let token = try reader.secret("bearer_token")
        let tokenFile = try reader.string("bearer_token_file")
        guard token != nil || tokenFile != nil else { return }
        guard authorization == nil else {
            throw reader.value.error("at most one of authorization and bearer_token may be set")
        }
        var settings = AuthorizationSettings()
        settings.credentials = token
        settings.credentialsFile = tokenFile.map { FilePath.absolute($0, in: folder) }
        authorization = settings
    }

    private mutating func readHeaders(_ reader: inout MappingReader, folder: String) throws(ConfigurationError) {
        guard let section = reader.optional("http_headers") else { return }
        for member in try section.members() {
            var header = HTTPHeaderSettings(name: try member.key.string())
            if header.name.lowercased() == "authorization" {
                throw member.key.error("setting header Authorization is not allowed: use authorization or basic_auth")
            }
            var fields = try MappingReader(member.value)
            header.values = try fields.strings("values") ?? []
            header.secrets = (try fields.strings("secrets") ?? []).map { Secret($0) }
            header.files = (try fields.strings("files") ?? []).map { FilePath.absolute($0, in: folder) }
            try fields.finish()
            headers.append(header)
        }
    }
}

extension TLSSettings {
    init(_ value: YAMLValue, folder: String) throws(ConfigurationError) {
        self.init()
        var reader = try MappingReader(value)
        certificateAuthority = try reader.string("ca")
        certificateAuthorityFile = try reader.string("ca_file").map { FilePath.absolute($0, in: folder) }
        certificate = try reader.string("cert")
        certificateFile = try reader.string("cert_file").map { FilePath.absolute($0, in: folder) }
        key = try reader.secret("key")
        keyFile = try reader.string("key_file").map { FilePath.absolute($0, in: folder) }
        serverName = try reader.string("server_name")
        skipsVerification = try reader.boolean("insecure_skip_verify") ?? false
        minimumVersion = try reader.choice("min_version", Version.self)
        maximumVersion = try reader.choice("max_version", Version.self)
        try reader.finish()
    }
}
