import NIOCore

/// The end of a connection's pipeline: gathers one response at a time, within a limit, and hands it over.
///
/// Belongs to its channel's event loop, as its fetcher does.
final class ScrapeResponseHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// What the fetcher hears.
    enum Event {
        case response(head: HTTPResponseHead, body: [UInt8], isReusable: Bool)
        /// The body is larger than the limit; the connection is being closed.
        case tooLarge
        /// The connection ended or broke; `hadStarted` when some of the response was already there.
        case closed(reason: String, hadStarted: Bool)
    }

    /// The most that is read of the body of a redirect or an error.
    private static let otherBodyLimitBytes = 64 << 10

    /// How long an answer that may not be read yet lies in the kernel before its turn is asked for again.
    private static let admissionPause = TimeAmount.milliseconds(10)

    private let buffers: FetchBuffers
    private let onEvent: (Event) -> Void
    private var reader: HTTPResponseReader?
    /// A target says the same each time.
    private var knownContentType = ""
    /// Whether the answer may be read; nil once it may.
    private var isOpen: (@Sendable () -> Bool)?
    /// The beginning of an answer that waits; the rest stays with the kernel, so that waiting holds no memory.
    private var waiting: ByteBuffer?

    /// Whether an answer has begun and was not let in.
    var isWaiting: Bool { waiting != nil }

    init(buffers: FetchBuffers, onEvent: @escaping (Event) -> Void) {
        self.buffers = buffers
        self.onEvent = onEvent
    }

    /// From now on a response is expected.
    func expectResponse(bodyLimitBytes: Int, isOpen: (@Sendable () -> Bool)? = nil) {
        self.isOpen = isOpen
        reader = HTTPResponseReader(
            bodyLimitBytes: bodyLimitBytes, otherBodyLimitBytes: Self.otherBodyLimitBytes, buffers: buffers,
            knownContentType: knownContentType)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        // A target that talks without being asked cannot be trusted with the next request.
        guard reader != nil else { return context.close(promise: nil) }
        if waiting != nil {
            waiting?.writeBuffer(&buffer)
        } else if let isOpen, !isOpen() {
            waiting = buffer
            context.channel.setOption(.autoRead, value: false).whenComplete { _ in }
            wait(context)
        } else {
            isOpen = nil
            read(&buffer, context)
        }
    }

    private func wait(_ context: ChannelHandlerContext) {
        let context = NIOLoopBound(context, eventLoop: context.eventLoop)
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.admissionPause) { handler.value.askAgain(context.value) }
    }

    private func askAgain(_ context: ChannelHandlerContext) {
        guard context.channel.isActive, reader != nil, var buffer = waiting else { return }
        guard isOpen?() != false else { return wait(context) }
        isOpen = nil
        waiting = nil
        read(&buffer, context)
        if context.channel.isActive { context.channel.setOption(.autoRead, value: true).whenComplete { _ in } }
    }

    private func read(_ buffer: inout ByteBuffer, _ context: ChannelHandlerContext) {
        do throws(HTTPResponseError) {
            try reader?.read(&buffer)
        } catch {
            return refuse(error, context)
        }
        let isReusable = buffer.readableBytes == 0
        buffers.giveBack(receiveBuffer: buffer)
        if reader?.isDone == true { finish(isReusable: isReusable) }
    }

    private func finish(isReusable: Bool) {
        guard let reader, let head = reader.head else { return }
        self.reader = nil
        knownContentType = head.contentType
        onEvent(.response(head: head, body: reader.body, isReusable: isReusable && head.keepsAlive))
    }

    /// An error page that is too long is as good as one that is not; a page that is too long fails.
    private func refuse(_ error: HTTPResponseError, _ context: ChannelHandlerContext) {
        let head = reader?.head
        reader = nil
        if case .bodyTooLarge = error {
            if let head, head.status != 200 {
                onEvent(.response(head: head, body: [], isReusable: false))
            } else {
                onEvent(.tooLarge)
            }
        } else {
            onEvent(.closed(reason: error.description, hadStarted: true))
        }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if reader?.finishAtClose() == true {
            finish(isReusable: false)
        } else {
            fail(reader?.hasStarted == true ? "unexpected EOF" : "EOF")
        }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(ConnectionErrorText.describe(error))
        context.close(promise: nil)
    }

    private func fail(_ reason: String) {
        let hadStarted = reader?.hasStarted ?? true
        reader = nil
        onEvent(.closed(reason: reason, hadStarted: hadStarted))
    }
}
