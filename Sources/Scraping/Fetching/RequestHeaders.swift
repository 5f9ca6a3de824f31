import MetricModel
import NIOHTTP1

/// The headers of a job's requests.
struct RequestHeaders: Sendable {
    /// Credentials and headers of the configuration are read from files of at most this size.
    static let credentialFileLimitBytes = 64 << 10

    let job: ScrapeJobSettings
    let userAgent: String

    /// The headers for one fetch; credentials and configured headers only where the target may see them.
    func headers(
        for url: TargetURL, timeoutMilliseconds: Int64, withCredentials: Bool
    ) throws(ScrapeFailure) -> HTTPHeaders {
        var headers = HTTPHeaders()
        headers.add(name: "Host", value: url.address)
        headers.add(name: "User-Agent", value: userAgent)
        headers.add(
            name: "Accept", value: ContentNegotiation.accept(job.protocols, escaping: job.nameEscaping))
        headers.add(name: "Accept-Encoding", value: job.acceptsCompression ? "gzip" : "identity")
        headers.add(
            name: "X-Prometheus-Scrape-Timeout-Seconds", value: Self.seconds(milliseconds: timeoutMilliseconds))
        guard withCredentials else { return headers }
        if let authorization = try authorization() { headers.add(name: "Authorization", value: authorization) }
        for header in job.client.headers {
            headers.remove(name: header.name)
            var values = header.values + header.secrets.map { $0.reveal() }
            for path in header.files { values.append(try Self.content(of: path, for: "http_headers")) }
            for value in values { headers.add(name: header.name, value: value) }
        }
        return headers
    }

    private func authorization() throws(ScrapeFailure) -> String? {
        if let basic = job.client.basicAuthorization {
            var username = basic.username
            var password = basic.password?.reveal() ?? ""
            if let path = basic.usernameFile { username = try Self.content(of: path, for: "username_file") }
            if let path = basic.passwordFile { password = try Self.content(of: path, for: "password_file") }
            return "Basic " + Base64.encoded(Array("\(username):\(password)".utf8))
        }
        guard let authorization = job.client.authorization else { return nil }
        var credentials = authorization.credentials?.reveal() ?? ""
        if let path = authorization.credentialsFile {
            credentials = try Self.content(of: path, for: "credentials_file")
        }
        return credentials.isEmpty ? nil : authorization.type + " " + credentials
    }

    /// The text of a file without white space at its ends, as the reference takes it.
    private static func content(of path: String, for key: String) throws(ScrapeFailure) -> String {
        do {
            let bytes = try FileContent.read(path, limitBytes: credentialFileLimitBytes)
            let isSpace: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0d).contains($0) }
            let trimmed = bytes.drop(while: isSpace).reversed().drop(while: isSpace).reversed()
            return String(decoding: Array(trimmed), as: UTF8.self)
        } catch {
            throw .settings(reason: "unable to read \(key) \(path): \(error)")
        }
    }

    /// Milliseconds as seconds in plain decimal: `10`, `0.5`.
    static func seconds(milliseconds: Int64) -> String {
        let whole = String(milliseconds / 1000)
        var rest = milliseconds % 1000
        if rest == 0 { return whole }
        var digits = 3
        while rest % 10 == 0 {
            rest /= 10
            digits -= 1
        }
        let text = String(rest)
        return whole + "." + String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
