package import MetricModel

/// How a job speaks HTTP with its targets.
package struct HTTPClientSettings: Sendable, Hashable {
    package var basicAuthorization: BasicAuthorizationSettings?
    /// Also what `bearer_token` and `bearer_token_file` become.
    package var authorization: AuthorizationSettings?
    package var followsRedirects = true
    package var tls = TLSSettings()
    /// `http_headers`, in the order of the configuration.
    package var headers: [HTTPHeaderSettings] = []
    /// Keys that were set and are not there yet, such as `oauth2` and `proxy_url`.
    ///
    /// A job with one of them does not scrape: each of its targets is down with the reason.
    package var notImplemented: [String] = []

    package init() {}

    /// Whether what was set goes together; `place` names in an error where it stands when that is no job.
    package func check(place job: String) throws(ScrapeSettingsError) {
        let kinds = [basicAuthorization != nil, authorization != nil, notImplemented.contains("oauth2")]
        if kinds.filter({ $0 }).count > 1 { throw .severalAuthorizations(job: job) }
        if let basic = basicAuthorization {
            if !basic.username.isEmpty && basic.usernameFile != nil {
                throw .exclusive(job: job, "username", "username_file")
            }
            if basic.password != nil && basic.passwordFile != nil {
                throw .exclusive(job: job, "password", "password_file")
            }
        }
        if let authorization {
            if authorization.type.lowercased() == "basic" { throw .basicAsAuthorizationType(job: job) }
            if authorization.credentials != nil && authorization.credentialsFile != nil {
                throw .exclusive(job: job, "credentials", "credentials_file")
            }
        }
        try tls.check(job: job)
    }
}

/// `basic_auth`; files are read anew for every scrape.
package struct BasicAuthorizationSettings: Sendable, Hashable {
    package var username = ""
    package var usernameFile: String?
    package var password: Secret?
    package var passwordFile: String?
    package init() {}
}

/// `authorization`: a type and what stands behind it in the header; the file is read anew for every scrape.
package struct AuthorizationSettings: Sendable, Hashable {
    package static let defaultType = "Bearer"

    package var type = AuthorizationSettings.defaultType
    package var credentials: Secret?
    package var credentialsFile: String?
    package init() {}
}

/// One header of `http_headers`.
package struct HTTPHeaderSettings: Sendable, Hashable {
    package var name: String
    package var values: [String] = []
    package var secrets: [Secret] = []
    package var files: [String] = []
    package init(name: String) { self.name = name }
}

/// The fields of `tls_config`; files are read again for new connections when they changed.
package struct TLSSettings: Sendable, Hashable {
    /// The raw value is the name in the configuration.
    package enum Version: String, Sendable, CaseIterable {
        case tls10 = "TLS10"
        case tls11 = "TLS11"
        case tls12 = "TLS12"
        case tls13 = "TLS13"
    }

    package var certificateAuthority: String?
    package var certificateAuthorityFile: String?
    package var certificate: String?
    package var certificateFile: String?
    package var key: Secret?
    package var keyFile: String?
    package var serverName: String?
    package var skipsVerification = false
    package var minimumVersion: Version?
    package var maximumVersion: Version?
    package init() {}

    func check(job: String) throws(ScrapeSettingsError) {
        if certificateAuthority != nil && certificateAuthorityFile != nil {
            throw .exclusive(job: job, "ca", "ca_file")
        }
        if certificate != nil && certificateFile != nil { throw .exclusive(job: job, "cert", "cert_file") }
        if key != nil && keyFile != nil { throw .exclusive(job: job, "key", "key_file") }
        let hasCertificate = certificate != nil || certificateFile != nil
        let hasKey = key != nil || keyFile != nil
        if hasCertificate != hasKey { throw .certificateWithoutKey(job: job) }
        if let minimumVersion, let maximumVersion, minimumVersion.rawValue > maximumVersion.rawValue {
            throw .versionsCrossed(job: job)
        }
    }
}
