import NIOCore

/// Stands before the listening socket: prepares each connection that is accepted, lets in no more than there may be, and closes all
/// of them in order.
///
/// At `ChannelShouldQuiesceEvent` it stops listening and tells every connection to end with the answer that it owes.
final class ConnectionGate: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    typealias OutboundIn = Never

    /// Stands behind what the library prepares connections with, which has nothing left to do and takes 5 of 105 us for it.
    private final class Passage: ChannelInboundHandler {
        typealias InboundIn = any Channel
    }

    private let server: HTTPServer
    private let deadlines: ConnectionDeadlines
    private let allClosed: EventLoopPromise<Void>
    private var passage: ChannelHandlerContext?
    private var open: [ObjectIdentifier: any Channel] = [:]
    /// The socket was to be read while there were too many connections.
    private var isReadPending = false
    private var isStopping = false

    /// - Parameter allClosed: succeeds when nothing is open any more.
    init(server: HTTPServer, eventLoop: any EventLoop, allClosed: EventLoopPromise<Void>) {
        self.server = server
        self.allClosed = allClosed
        deadlines = ConnectionDeadlines(eventLoop: eventLoop)
    }

    func channelActive(context: ChannelHandlerContext) {
        let passage = Passage()
        let pipeline = context.pipeline.syncOperations
        do {
            try pipeline.addHandler(passage)
            self.passage = try pipeline.context(handler: passage)
        } catch {
            // The pipeline is gone already, and nothing will be accepted.
            context.close(promise: nil)
        }
        context.fireChannelActive()
    }

    func read(context: ChannelHandlerContext) {
        if open.count < server.limits.connections { context.read() } else { isReadPending = true }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let channel = unwrapInboundIn(data)
        let address = channel.remoteAddress?.ipAddress ?? ""
        let mayStay = server.connections.open(address)
        open[ObjectIdentifier(channel)] = channel
        channel.closeFuture.assumeIsolated().whenComplete { _ in self.forget(channel, of: address, context) }
        do {
            try server.setUp(channel, of: address, mayStay: mayStay, deadlines)
        } catch {
            return channel.close(promise: nil)
        }
        (passage ?? context).fireChannelRead(data)
    }

    private func forget(_ channel: any Channel, of address: String, _ context: ChannelHandlerContext) {
        server.connections.close(address)
        open[ObjectIdentifier(channel)] = nil
        if isStopping, open.isEmpty { return allClosed.succeed() }
        guard isReadPending, open.count < server.limits.connections, !isStopping else { return }
        isReadPending = false
        context.read()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is ChannelShouldQuiesceEvent else { return context.fireUserInboundEventTriggered(event) }
        isStopping = true
        context.close(promise: nil)
        if open.isEmpty { return allClosed.succeed() }
        for channel in open.values { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
    }

    /// What goes wrong with one connection while it is accepted is no matter of the others.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
