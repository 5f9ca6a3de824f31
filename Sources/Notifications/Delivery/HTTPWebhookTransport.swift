import AsyncHTTPClient
import MetricModel
import NIOCore
import NIOHTTP1
import NIOSSL

/// Webhooks over async-http-client: no redirects, a deadline for the whole exchange, and only the start of the answer.
package actor HTTPWebhookTransport: WebhookTransport {
    /// What connections of one client share.
    private struct ClientKey: Hashable {
        var certificateAuthorityFile: String?
        var skipsCertificateVerification: Bool
    }

    private var clients: [ClientKey: HTTPClient] = [:]

    package init() {}

    package func post(_ request: WebhookRequest) async throws(WebhookTransportError) -> WebhookResponse {
        let client = try client(for: request.client)
        var outgoing = HTTPClientRequest(url: request.url.reveal())
        outgoing.method = .POST
        for header in request.headers { outgoing.headers.add(name: header.name, value: header.value.reveal()) }
        outgoing.body = .bytes(ByteBuffer(bytes: request.body))
        do {
            let response = try await client.execute(outgoing, timeout: .milliseconds(request.timeoutMilliseconds))
            var body: [UInt8] = []
            // Leaving the loop early closes the connection, so that an endless answer costs nothing.
            for try await part in response.body {
                body.append(contentsOf: part.readableBytesView.prefix(request.responseLimitBytes - body.count))
                if body.count >= request.responseLimitBytes { break }
            }
            return WebhookResponse(
                status: Int(response.status.code), body: String(decoding: body, as: UTF8.self),
                location: response.headers.first(name: "location"),
                retryAfterSeconds: response.headers.first(name: "retry-after").flatMap { Int64($0) })
        } catch {
            throw Self.explain(error, request)
        }
    }

    /// The error as a sentence; the address, which may be a secret, stays out of it.
    private static func explain(_ error: any Error, _ request: WebhookRequest) -> WebhookTransportError {
        if let error = error as? HTTPClientError {
            let isRetryable = error != .invalidURL && error != .emptyHost && error != .emptyScheme
            return WebhookTransportError(hidden(String(describing: error), request), isRetryable: isRetryable)
        }
        if error is CancellationError { return WebhookTransportError("cancelled", isRetryable: false) }
        return WebhookTransportError(hidden(String(describing: error), request))
    }

    private static func hidden(_ text: String, _ request: WebhookRequest) -> String {
        let address = request.url.reveal()
        let shown = text.split(separator: address, omittingEmptySubsequences: false)
            .joined(separator: Secret.placeholder)
        return String(shown.prefix(500))
    }

    private func client(for settings: NotificationClientSettings) throws(WebhookTransportError) -> HTTPClient {
        let key = ClientKey(
            certificateAuthorityFile: settings.certificateAuthorityFile,
            skipsCertificateVerification: settings.skipsCertificateVerification)
        if let client = clients[key] { return client }
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = .seconds(10)
        configuration.httpVersion = .http1Only
        if key.certificateAuthorityFile != nil || key.skipsCertificateVerification {
            var tls = TLSConfiguration.makeClientConfiguration()
            if let file = key.certificateAuthorityFile { tls.trustRoots = .file(file) }
            if key.skipsCertificateVerification { tls.certificateVerification = .none }
            configuration.tlsConfiguration = tls
        }
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        clients[key] = client
        return client
    }

    package func shutDown() async {
        let all = clients.values
        clients = [:]
        for client in all { try? await client.shutdown() }
    }
}
