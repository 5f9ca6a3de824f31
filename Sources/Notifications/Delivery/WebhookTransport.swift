package import MetricModel

/// A POST of a notification, with its secrets.
package struct WebhookRequest: Sendable {
    package var url: Secret
    package var headers: [(name: String, value: Secret)]
    package var body: [UInt8]
    package var timeoutMilliseconds: Int64
    package var responseLimitBytes: Int
    package var client: NotificationClientSettings
}

/// The answer to a webhook: its status and the start of its body.
package struct WebhookResponse: Sendable {
    package var status: Int
    package var body: String
    /// Where a redirect points to.
    package var location: String?
    /// What `Retry-After` asks for, in seconds.
    package var retryAfterSeconds: Int64?

    package init(status: Int, body: String = "", location: String? = nil, retryAfterSeconds: Int64? = nil) {
        self.status = status
        self.body = body
        self.location = location
        self.retryAfterSeconds = retryAfterSeconds
    }
}

/// Why no answer came; a sentence without secrets.
package struct WebhookTransportError: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String
    /// Whether another attempt may help.
    package var isRetryable: Bool

    package init(_ description: String, isRetryable: Bool = true) {
        self.description = description
        self.isRetryable = isRetryable
    }
}

/// Sends one request, without following redirects.
///
/// Tests put a fake of their own here.
package protocol WebhookTransport: Sendable {
    func post(_ request: WebhookRequest) async throws(WebhookTransportError) -> WebhookResponse
    func shutDown() async
}

extension WebhookTransport {
    package func shutDown() async {}
}
