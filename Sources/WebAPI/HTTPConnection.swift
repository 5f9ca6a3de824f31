import Glibc
import NIOCore
import NIOHTTP1
import NIOSSL
import PromQL
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
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase {
        case idle
        /// A request is coming in; where the credentials are still being checked, nothing more is read.
        case receiving(HTTPRequestHead, isComplete: Bool, mayGoOn: Bool)
        case answering
        /// The last answer is on its way, or there will be none.
        case closing
    }

    /// An answer that is sent in parts.
    private struct Transfer {
        let framing: AnswerHead.Framing
        /// Until its last part was made: then the memory of the answer is given back.
        var query: SendingQuery?
        /// Of the parts that were begun.
        private(set) var byteCount: Int64 = 0
        /// How long the client was waited for until the part at hand, which was begun at `begun`.
        private var waited = TimeAmount.zero
        private var begun = NIODeadline.now()

        init(_ framing: AnswerHead.Framing, of query: SendingQuery?) {
            self.framing = framing
            self.query = query
        }

        mutating func begin(byteCount count: Int) {
            byteCount += Int64(count)
            begun = .now()
        }

        mutating func end() {
            let now = NIODeadline.now()
            waited = waited + (now - begun)
            begun = now
        }

        var waitedSeconds: Int64 { (waited + (.now() - begun)).nanoseconds / 1_000_000_000 }
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
    /// When the connection ends, whatever it waits for.
    private(set) var deadline: NIODeadline
    private let deadlines: ConnectionDeadlines
    private var transfer: Transfer?
    private var context: ChannelHandlerContext?

    init(server: HTTPServer, client: String, _ deadlines: ConnectionDeadlines) {
        self.deadlines = deadlines
        exchange = HTTPExchange(server: server, client: client)
        limits = server.limits
        deadline = .now() + .seconds(server.limits.headSeconds)
    }

    // MARK: Coming in

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        deadlines.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadlines.remove(self)
        self.context = nil
    }

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
        var going = AnswerHead(version: .http1_1, status: .continue)
        context.writeAndFlush(wrapOutboundOut(going.end(closes: false)), promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Most requests are there as a whole and need no deadline.
        if case .receiving = phase { setDeadline(.seconds(limits.bodySeconds)) }
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
        if case .closing = head.framing { closesAfterAnswer = true }
        let text = head.end(closes: closesAfterAnswer)
        transfer = answer.more.map { Transfer(head.framing, of: $0.query) }
        send(text, answer.body, answer.more, framing: head.framing, context)
    }

    /// A body of this size is copied behind its head: one buffer, one write.
    private static let smallBodyBytes = 16 << 10

    /// Sends a part of an answer; the next is made when the client has taken this one.
    ///
    /// - Parameter head: What goes in front; empty with later parts.
    private func send(
        _ head: ByteBuffer, _ body: ByteBuffer, _ more: HTTPExchange.Pieces?, framing: AnswerHead.Framing,
        _ context: ChannelHandlerContext
    ) {
        transfer?.begin(byteCount: body.readableBytes)
        if more == nil { transfer?.query = nil }
        setDeadline(more == nil ? .seconds(limits.takingSeconds) : lookingTime)
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenSuccess { [self] in
            transfer?.end()
            guard let more else {
                transfer = nil
                return finish(context)
            }
            if let transfer, isSlow(transfer) { return giveUp(context) }
            follow(more, framing: framing, context)
        }
        if case .chunked = framing { return sendChunk(head, body, isLast: more == nil, sent, context) }
        guard body.readableBytes <= Self.smallBodyBytes else { return write([head, body], sent, context) }
        var head = head
        head.writeImmutableBuffer(body)
        context.writeAndFlush(wrapOutboundOut(head), promise: sent)
    }

    /// How soon is looked whether the query was ended whose answer is being sent, and whether the client takes it.
    private var lookingTime: TimeAmount { .seconds(min(limits.takingSeconds, 1)) }

    /// Writes buffers one after the other; the promise goes with the last bytes, it is kept when they are sent.
    private func write(_ buffers: [ByteBuffer], _ sent: EventLoopPromise<Void>, _ context: ChannelHandlerContext) {
        var buffers = buffers.filter { $0.readableBytes > 0 }
        guard let last = buffers.popLast() else { return sent.succeed() }
        for buffer in buffers { context.write(wrapOutboundOut(buffer), promise: nil) }
        context.writeAndFlush(wrapOutboundOut(last), promise: sent)
    }

    /// Sends a part of a body in chunks (RFC 9112, section 7.1): `size CRLF bytes CRLF`, and after the last `0 CRLF CRLF`.
    private func sendChunk(
        _ head: ByteBuffer, _ body: ByteBuffer, isLast: Bool, _ sent: EventLoopPromise<Void>,
        _ context: ChannelHandlerContext
    ) {
        var before = head
        var after = ByteBuffer()
        if body.readableBytes > 0 {
            before.writeString(String(body.readableBytes, radix: 16))
            before.writeStaticString("\r\n")
            after.writeStaticString("\r\n")
        }
        if isLast { after.writeStaticString("0\r\n\r\n") }
        write([before, body, after], sent, context)
    }

    /// Has the next part of a body made, and sends it.
    private func follow(_ more: HTTPExchange.Pieces, framing: AnswerHead.Framing, _ context: ChannelHandlerContext) {
        // Whoever makes it may take long.
        deadline = .distantFuture
        let here = NIOLoopBound((connection: self, context: context), eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        more.next { bytes, more in
            eventLoop.execute {
                guard case .answering = here.value.connection.phase else { return }
                guard let bytes else { return here.value.connection.cut(framing, here.value.context) }
                here.value.connection.send(ByteBuffer(), bytes, more, framing: framing, here.value.context)
            }
        }
    }

    /// Ends the connection in the middle of an answer, so that nobody takes it for whole: a body in chunks has no last one, one that
    /// ends with the connection ends with a reset.
    private func cut(_ framing: AnswerHead.Framing, _ context: ChannelHandlerContext) {
        phase = .closing
        transfer = nil
        if case .closing = framing, let socket = context.channel as? any SocketOptionProvider {
            _ = socket.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        }
        context.close(promise: nil)
    }

    /// An answer has gone out.
    private func finish(_ context: ChannelHandlerContext) {
        guard case .answering = phase else { return }
        if closesAfterAnswer || (presence.isGone && waiting.isEmpty) {
            phase = .closing
            return context.close(promise: nil)
        }
        phase = .idle
        setDeadline(.seconds(limits.idleSeconds))
        while !waiting.isEmpty {
            if case .answering = phase { break }
            take(waiting.removeFirst(), context)
        }
        if case .receiving = phase { setDeadline(.seconds(limits.bodySeconds)) }
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
        context.fireChannelInactive()
    }

    // MARK: Deadlines

    private func setDeadline(_ time: TimeAmount) {
        deadline = .now() + time
        deadlines.cover(deadline)
    }

    /// The deadline is over.
    ///
    /// Where an answer is being sent, the kernel tells when the client last took something: whole seconds of a slow one's reading are
    /// in its buffers, so that this connection hears nothing meanwhile.
    func expire() {
        guard let context else { return }
        guard case .answering = phase, let socket = context.channel as? any SocketOptionProvider else {
            return context.close(promise: nil)
        }
        if let transfer, transfer.query?.isEnded == true { return cut(transfer.framing, context) }
        let isSlow = transfer.map { self.isSlow($0) } ?? false
        deadline = .distantFuture
        socket.getTCPInfo().assumeIsolated().whenComplete { [self] result in
            let limit = limits.takingSeconds * 1000
            let still = (try? result.get()).map { Int64($0.tcpi_last_data_sent) } ?? limit
            guard still >= limit || isSlow else {
                let rest = TimeAmount.milliseconds(limit - still)
                deadline = .now() + (transfer == nil ? rest : min(rest, lookingTime))
                return deadlines.cover(deadline)
            }
            giveUp(context)
        }
    }

    /// Ends the connection of a client that does not take its answer.
    private func giveUp(_ context: ChannelHandlerContext) {
        exchange.server.noteUntaken(by: exchange.client)
        if let transfer { cut(transfer.framing, context) } else { context.close(promise: nil) }
    }

    /// Whether the client takes so little of the answer to a query that it holds its memory from others.
    private func isSlow(_ transfer: Transfer) -> Bool {
        let seconds = transfer.waitedSeconds
        return transfer.query != nil && seconds > limits.takingSeconds
            && transfer.byteCount < seconds * limits.takenBytesPerSecond
    }
}
