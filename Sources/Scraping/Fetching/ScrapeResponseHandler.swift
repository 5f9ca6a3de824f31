import NIOCore
import NIOHTTP1

/// The end of a connection's pipeline: gathers one response at a time, within a limit, and hands it over.
///
/// Belongs to its channel's event loop, as its fetcher does.
final class ScrapeResponseHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    /// What the fetcher hears.
    enum Event {
        case response(head: HTTPResponseHead, body: [UInt8], isReusable: Bool)
        /// The body is larger than the limit; the connection is being closed.
        case tooLarge
        /// The connection ended or broke; `hadStarted` when some of the response was already there.
        case closed(reason: String, hadStarted: Bool)
    }

    /// The most that is kept of the body of a redirect or an error.
    private static let discardedBodyLimitBytes = 64 << 10

    private let onEvent: (Event) -> Void
    private var head: HTTPResponseHead?
    private var body: [UInt8] = []
    private var bodyLimitBytes = 0
    private var isWaiting = false
    /// Bodies of one target have about the same size again and again.
    private var expectedBodyBytes = 0

    init(onEvent: @escaping (Event) -> Void) { self.onEvent = onEvent }

    /// From now on a response is expected.
    func expectResponse(bodyLimitBytes: Int) {
        self.bodyLimitBytes = bodyLimitBytes
        head = nil
        body = []
        isWaiting = true
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard isWaiting else { return context.close(promise: nil) }
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            if head.status != .ok { bodyLimitBytes = min(bodyLimitBytes, Self.discardedBodyLimitBytes) }
            let declared = head.headers.first(name: "Content-Length").flatMap { Int($0) }
            if let declared, declared > bodyLimitBytes { return refuse(context) }
            body.reserveCapacity(min(declared ?? expectedBodyBytes, bodyLimitBytes))
        case .body(let buffer):
            guard body.count + buffer.readableBytes <= bodyLimitBytes else { return refuse(context) }
            body.append(contentsOf: buffer.readableBytesView)
        case .end:
            guard let head else { return }
            isWaiting = false
            expectedBodyBytes = body.count
            let finished = body
            body = []
            onEvent(.response(head: head, body: finished, isReusable: head.isKeepAlive))
        }
    }

    /// An error page that is too long is as good as one that is not; a page that is too long fails.
    private func refuse(_ context: ChannelHandlerContext) {
        isWaiting = false
        body = []
        if let head, head.status != .ok {
            onEvent(.response(head: head, body: [], isReusable: false))
        } else {
            onEvent(.tooLarge)
        }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(head == nil ? "EOF" : "unexpected EOF")
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(ConnectionErrorText.describe(error))
        context.close(promise: nil)
    }

    private func fail(_ reason: String) {
        guard isWaiting else { return onEvent(.closed(reason: reason, hadStarted: true)) }
        isWaiting = false
        onEvent(.closed(reason: reason, hadStarted: head != nil))
    }
}
