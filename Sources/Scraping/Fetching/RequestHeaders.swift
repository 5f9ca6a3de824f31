import MetricModel
import NIOCore

/// The headers of a job's requests.
struct RequestHeaders: Sendable {
    /// Credentials and headers of the configuration are read from files of at most this size.
    static let credentialFileLimitBytes = 64 << 10

    let job: ScrapeJobSettings
    let userAgent: String

    /// Whether a request is the same each time, because nothing in it is read from files.
    var isConstant: Bool {
        let client = job.client
        return client.basicAuthorization?.usernameFile == nil && client.basicAuthorization?.passwordFile == nil
            && client.authorization?.credentialsFile == nil && client.headers.allSatisfy(\.files.isEmpty)
    }

    /// The bytes of a request; credentials and configured headers only where the target may see them.
    func request(
        for url: TargetURL, timeoutMilliseconds: Int64, withCredentials: Bool
    ) throws(ScrapeFailure) -> ByteBuffer {
        var text = "GET \(url.pathAndQuery) HTTP/1.1\r\n"
        for (name, value) in try headers(
            for: url, timeoutMilliseconds: timeoutMilliseconds, withCredentials: withCredentials)
        {
            guard Self.isToken(name), Self.isFieldValue(value) else {
                throw .settings(reason: "header \(LabelName.quoted(name)) has a name or value that HTTP does not allow")
            }
            text += "\(name): \(value)\r\n"
        }
        return ByteBuffer(string: text + "\r\n")
    }

    /// Names and values in the order in which they are sent.
    func headers(
        for url: TargetURL, timeoutMilliseconds: Int64, withCredentials: Bool
    ) throws(ScrapeFailure) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = [
            ("Host", url.address), ("User-Agent", userAgent),
            ("Accept", ContentNegotiation.accept(job.protocols, escaping: job.nameEscaping)),
            ("Accept-Encoding", job.acceptsCompression ? "gzip" : "identity"),
            ("X-Prometheus-Scrape-Timeout-Seconds", Self.seconds(milliseconds: timeoutMilliseconds)),
        ]
        guard withCredentials else { return headers }
        if let authorization = try authorization() { headers.append(("Authorization", authorization)) }
        for header in job.client.headers {
            headers.removeAll { $0.name.lowercased() == header.name.lowercased() }
            var values = header.values + header.secrets.map { $0.reveal() }
            for path in header.files { values.append(try Self.content(of: path, for: "http_headers")) }
            for value in values { headers.append((header.name, value)) }
        }
        return headers
    }

    private static func isToken(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { byte in
                byte > 0x20 && byte < 0x7f && !"()<>@,;:\\\"/[]?={}".utf8.contains(byte)
            }
    }

    /// No control characters: a line feed would begin another header.
    private static func isFieldValue(_ value: String) -> Bool {
        value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }
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
