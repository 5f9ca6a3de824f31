import Glibc
import MetricModel

/// What an attempt of a delivery came to.
package enum DeliveryOutcome: Hashable, Sendable {
    case delivered(status: Int?)
    /// Another attempt may help, not before the wait that the receiver asked for.
    case retryable(status: Int?, message: String, waitMilliseconds: Int64?)
    /// The receiver will not take it, however often it comes.
    case permanent(status: Int?, message: String)
}

/// Turns a notification into the requests of one webhook and judges the answers.
///
/// A redirect is followed only with 307 and 308, which repeat the POST; the others would turn it into a GET that delivers
/// nothing. Credentials and configured headers go to the configured host alone.
package struct WebhookReceiver: Sendable {
    package static let redirectLimit = 5
    package static let secretFileLimitBytes = 64 << 10

    let settings: WebhookSettings
    let limits: NotificationLimits
    let externalURL: String
    let transport: any WebhookTransport

    package init(
        settings: WebhookSettings, limits: NotificationLimits, externalURL: String, transport: any WebhookTransport
    ) {
        self.settings = settings
        self.limits = limits
        self.externalURL = externalURL
        self.transport = transport
    }

    /// One attempt.
    package func send(_ notification: Notification) async -> DeliveryOutcome {
        let body = NotificationPayload.webhook(
            notification, externalURL: externalURL, maximumAlerts: settings.maximumAlerts,
            limitBytes: limits.payloadBytes
        ).body
        do throws(WebhookTransportError) {
            let start = try address()
            var url = start
            let secrets = try credentials()
            for _ in 0...Self.redirectLimit {
                var headers: [(name: String, value: Secret)] = [
                    ("Content-Type", Secret("application/json")), ("User-Agent", Secret("lapwing")),
                ]
                if Self.origin(of: url) == Self.origin(of: start) { headers += secrets }
                let response = try await transport.post(
                    WebhookRequest(
                        url: Secret(url), headers: headers, body: body,
                        timeoutMilliseconds: settings.timeoutMilliseconds,
                        responseLimitBytes: limits.responseBodyBytes, client: settings.client))
                guard settings.client.followsRedirects, response.status == 307 || response.status == 308,
                    let location = response.location, let next = Self.resolve(location, from: url)
                else { return Self.judge(response) }
                url = next
            }
            return .permanent(status: nil, message: "more than \(Self.redirectLimit) redirects")
        } catch {
            return error.isRetryable
                ? .retryable(status: nil, message: error.description, waitMilliseconds: nil)
                : .permanent(status: nil, message: error.description)
        }
    }

    /// 2xx is success; 429 and 5xx may pass; everything else will not change.
    static func judge(_ response: WebhookResponse) -> DeliveryOutcome {
        let status = response.status
        if (200..<300).contains(status) { return .delivered(status: status) }
        let message = "status \(status)" + (response.body.isEmpty ? "" : ": " + response.body)
        if status == 429 || status >= 500 || status == 408 {
            let wait = response.retryAfterSeconds.map { max(0, min($0, 3_600)) * 1000 }
            return .retryable(status: status, message: message, waitMilliseconds: wait)
        }
        if (300..<400).contains(status) {
            return .permanent(
                status: status, message: "status \(status): redirects other than 307 and 308 lose the body")
        }
        return .permanent(status: status, message: message)
    }

    // MARK: Addresses and secrets

    private func address() throws(WebhookTransportError) -> String {
        if let url = settings.url { return url.reveal() }
        guard let file = settings.urlFile else {
            throw WebhookTransportError("no url is configured", isRetryable: false)
        }
        return try Self.secret(in: file)
    }

    private func credentials() throws(WebhookTransportError) -> [(name: String, value: Secret)] {
        var headers: [(name: String, value: Secret)] = []
        switch settings.client.authentication {
        case nil: break
        case .basic(let username, let password):
            let pair = Array((username + ":" + (try Self.reveal(password))).utf8)
            headers.append(("Authorization", Secret("Basic " + Base64Text.encode(pair))))
        case .authorization(let type, let credentials):
            headers.append(("Authorization", Secret(type + " " + (try Self.reveal(credentials)))))
        }
        for header in settings.client.headers { for value in header.values { headers.append((header.name, value)) } }
        return headers
    }

    private static func reveal(_ credential: NotificationCredential) throws(WebhookTransportError) -> String {
        switch credential {
        case .inline(let secret): secret.reveal()
        case .file(let path): try secret(in: path)
        }
    }

    /// The file's text without white space around it.
    private static func secret(in path: String) throws(WebhookTransportError) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw WebhookTransportError("\(path): \(unsafe String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: secretFileLimitBytes + 1)
        let capacity = bytes.count
        let count = unsafe read(descriptor, &bytes, capacity)
        guard count >= 0 else { throw WebhookTransportError("\(path): \(unsafe String(cString: strerror(errno)))") }
        guard count <= secretFileLimitBytes else {
            throw WebhookTransportError("\(path): longer than \(secretFileLimitBytes) bytes", isRetryable: false)
        }
        let text = String(decoding: bytes[..<count], as: UTF8.self)
        let start = text.firstIndex { !$0.isWhitespace } ?? text.endIndex
        let end = text.lastIndex { !$0.isWhitespace }.map { text.index(after: $0) } ?? start
        return String(text[start..<end])
    }

    /// Scheme, host and port of an address.
    static func origin(of url: String) -> String {
        guard let scheme = url.firstRange(of: "://") else { return "" }
        var authority = url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if let at = authority.lastIndex(of: "@") { authority = authority[authority.index(after: at)...] }
        return url[..<scheme.upperBound].lowercased() + authority.lowercased()
    }

    /// The address a redirect points to: absolute, or a path on the same host.
    static func resolve(_ location: String, from url: String) -> String? {
        if location.hasPrefix("http://") || location.hasPrefix("https://") { return location }
        guard location.hasPrefix("/"), !location.hasPrefix("//") else { return nil }
        let origin = origin(of: url)
        return origin.isEmpty ? nil : origin + location
    }
}

/// Base64 with padding (RFC 4648, section 4).
enum Base64Text {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var result: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var group: UInt32 = 0
            for index in 0..<3 { group = group << 8 | (index < count ? UInt32(bytes[start + index]) : 0) }
            for index in 0..<4 {
                let digit = Int(group >> UInt32(18 - 6 * index) & 63)
                result.append(index <= count ? alphabet[digit] : UInt8(ascii: "="))
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
