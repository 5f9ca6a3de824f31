import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// Whether the client of a connection is still there.
///
/// Safe on several threads.
final class ClientPresence: Sendable {
    private let gone = Atomic<Bool>(false)
    var isGone: Bool { gone.load(ordering: .relaxed) }
    func leave() { gone.store(true, ordering: .relaxed) }
}

/// One connection: a request at a time is received, checked, given to the threads that compute, and answered.
///
/// It belongs to its event loop. What a client sends ahead waits until the answer before it is sent. The connection stays half
/// open when a client closes its side; like Go's server this one takes that for a farewell, which ends its query.
final class HTTPConnection: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum Phase {
        case idle
        /// A request is coming in; where the credentials are still being checked, nothing more is read.
        case receiving(HTTPRequestHead, isComplete: Bool, mayGoOn: Bool)
        case answering
        /// The last answer is on its way, or there will be none.
        case closing
    }

    private let exchange: HTTPExchange
    private let limits: HTTPServer.Limits
    private let presence = ClientPresence()
    private var phase = Phase.idle
    /// What has come of the request's body.
    private var body = ByteBuffer()
    /// What came ahead of its turn.
    private var waiting: [HTTPServerRequestPart] = []
    private var isReadPending = false
    /// The connection ends with the answer that is owed.
    private var closesAfterAnswer = false
    private var deadline: NIODeadline
    private var timer: (at: NIODeadline, task: Scheduled<Void>)?

    init(server: HTTPServer, client: String) {
        exchange = HTTPExchange(server: server, client: client)
        limits = server.limits
        deadline = .now() + .seconds(server.limits.headSeconds)
    }

    // MARK: Coming in

    func handlerAdded(context: ChannelHandlerContext) { watchDeadline(context) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch phase {
        case .answering: waiting.append(unwrapInboundIn(data))
        case .closing: break
        case .idle, .receiving: take(unwrapInboundIn(data), context)
        }
    }

    private func take(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        switch (part, phase) {
        case (.head(let head), .idle): begin(head, context)
        case (.body(let bytes), .receiving(_, false, _)):
            guard body.readableBytes + bytes.readableBytes <= limits.bodyBytes else {
                return refuse(.payloadTooLarge, context)
            }
            if body.readableBytes == 0 { body = bytes } else { body.writeImmutableBuffer(bytes) }
        case (.end, .receiving(let head, false, let mayGoOn)):
            phase = .receiving(head, isComplete: true, mayGoOn: mayGoOn)
            if mayGoOn { answer(context) }
        default: break
        }
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        if !head.isKeepAlive { closesAfterAnswer = true }
        phase = .receiving(head, isComplete: false, mayGoOn: !exchange.asksForCredentials)
        if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }), length > limits.bodyBytes {
            return refuse(.payloadTooLarge, context)
        }
        guard exchange.asksForCredentials else { return welcome(head, context) }
        let here = NIOLoopBound((connection: self, context: context), eventLoop: context.eventLoop)
        let exchange = exchange
        exchange.checkCredentials(of: head, on: context.eventLoop).whenSuccess { refusal in
            let (connection, context) = here.value
            guard case .receiving(let head, let isComplete, _) = connection.phase else { return }
            if let refusal {
                if !isComplete { connection.closesAfterAnswer = true }
                connection.phase = .answering
                connection.body = ByteBuffer()
                return connection.send(refusal, context)
            }
            connection.phase = .receiving(head, isComplete: isComplete, mayGoOn: true)
            if isComplete { connection.answer(context) } else { connection.welcome(head, context) }
            connection.readIfPending(context)
        }
    }

    /// Lets the client send its body where it asks before it does.
    private func welcome(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        guard !head.version.isBeforeKeepingAlive, head.headers.first(name: "expect")?.lowercased() == "100-continue"
        else { return }
        let going = HTTPResponseHead(version: .http1_1, status: .continue)
        context.writeAndFlush(wrapOutboundOut(.head(going)), promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Most requests are there as a whole and need no deadline.
        if case .receiving = phase { setDeadline(.seconds(limits.bodySeconds), context) }
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        let isChecking = if case .receiving(_, _, mayGoOn: false) = phase { true } else { false }
        // While an answer is made the socket is read, so that the client's farewell is seen.
        if isChecking || !waiting.isEmpty { isReadPending = true } else { context.read() }
    }

    private func readIfPending(_ context: ChannelHandlerContext) {
        guard isReadPending, waiting.isEmpty else { return }
        isReadPending = false
        context.read()
    }

    // MARK: Answering

    private func answer(_ context: ChannelHandlerContext) {
        guard case .receiving(let head, _, _) = phase else { return }
        phase = .answering
        let body = body
        self.body = ByteBuffer()
        deadline = .distantFuture
        let here = NIOLoopBound((connection: self, context: context), eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        exchange.answer(head, body, presence) { answer in
            if eventLoop.inEventLoop {
                here.value.connection.send(answer, here.value.context)
            } else {
                eventLoop.execute { here.value.connection.send(answer, here.value.context) }
            }
        }
    }

    private func send(_ answer: HTTPExchange.Answer, _ context: ChannelHandlerContext) {
        guard case .answering = phase, context.channel.isActive else { return }
        var head = answer.head
        if answer.endsConnection { closesAfterAnswer = true }
        if closesAfterAnswer {
            head.headers.replaceOrAdd(name: "Connection", value: "close")
        } else if head.version.isBeforeKeepingAlive {
            head.headers.replaceOrAdd(name: "Connection", value: "keep-alive")
        }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        send(answer.body, then: answer.more, context)
    }

    /// Sends a part of a body; the next is made when the client has taken this one.
    private func send(
        _ bytes: ByteBuffer, then more: HTTPExchange.Pieces?, _ context: ChannelHandlerContext
    ) {
        setDeadline(.seconds(limits.idleSeconds), context)
        if bytes.readableBytes > 0 { context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: nil) }
        let here = NIOLoopBound((connection: self, context: context), eventLoop: context.eventLoop)
        guard let more else {
            let sent = context.eventLoop.makePromise(of: Void.self)
            sent.futureResult.whenComplete { result in
                if case .success = result { here.value.connection.finish(here.value.context) }
            }
            return context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: sent)
        }
        let eventLoop = context.eventLoop
        // The end of a body that is sent: an empty write would be done before what is in front of it.
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.whenSuccess {
            more.next { bytes, more in
                eventLoop.execute {
                    guard case .answering = here.value.connection.phase else { return }
                    here.value.connection.send(bytes, then: more, here.value.context)
                }
            }
        }
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer()))), promise: sent)
    }

    /// An answer has gone out.
    private func finish(_ context: ChannelHandlerContext) {
        guard case .answering = phase else { return }
        if closesAfterAnswer || (presence.isGone && waiting.isEmpty) {
            phase = .closing
            return context.close(promise: nil)
        }
        phase = .idle
        setDeadline(.seconds(limits.idleSeconds), context)
        while !waiting.isEmpty {
            if case .answering = phase { break }
            take(waiting.removeFirst(), context)
        }
        if case .receiving = phase { setDeadline(.seconds(limits.bodySeconds), context) }
        readIfPending(context)
    }

    /// Answers a request that is not read to its end; the connection ends with that.
    private func refuse(_ status: HTTPResponseStatus, _ context: ChannelHandlerContext) {
        phase = .answering
        body = ByteBuffer()
        closesAfterAnswer = true
        send(exchange.refusal(status), context)
    }

    // MARK: Endings

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            closesAfterAnswer = true
            if case .idle = phase { context.close(promise: nil) }
        } else if let event = event as? ChannelEvent, event == .inputClosed {
            presence.leave()
            switch phase {
            case .idle: context.close(promise: nil)
            case .receiving(_, let isComplete, _): if !isComplete { context.close(promise: nil) }
            case .answering, .closing: break
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else { return context.close(promise: nil) }
        switch phase {
        case .idle, .receiving:
            refuse(error == .headerOverflow ? .requestHeaderFieldsTooLarge : .badRequest, context)
        case .answering: closesAfterAnswer = true
        case .closing: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        presence.leave()
        phase = .closing
        timer?.task.cancel()
        context.fireChannelInactive()
    }

    // MARK: Deadlines

    private func setDeadline(_ time: TimeAmount, _ context: ChannelHandlerContext) {
        deadline = .now() + time
        watchDeadline(context)
    }

    /// Sees to it that somebody looks when the deadline is over; one that moved further away is found then.
    private func watchDeadline(_ context: ChannelHandlerContext) {
        if let timer {
            if timer.at <= deadline { return }
            timer.task.cancel()
        }
        let here = NIOLoopBound((connection: self, context: context), eventLoop: context.eventLoop)
        let task = context.eventLoop.scheduleTask(deadline: deadline) {
            let (connection, context) = here.value
            connection.timer = nil
            if connection.deadline <= .now() {
                context.close(promise: nil)
            } else if connection.deadline != .distantFuture {
                connection.watchDeadline(context)
            }
        }
        timer = (deadline, task)
    }
}
