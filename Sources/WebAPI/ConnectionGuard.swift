import Access
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes
import NIOSSL
import Synchronization

/// A connection as the server takes it: counted by address, with TLS where it is configured, with deadlines, and on one
/// thread from its first byte to its last.
struct GuardedChannel: ServerChildChannel {
    typealias Value = HTTP1Channel.Value

    let base: HTTP1Channel
    let access: AccessControl?
    let connections: ConnectionCounter

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let address = channel.remoteAddress?.ipAddress ?? ""
        let mayStay = connections.open(address)
        channel.closeFuture.whenComplete { _ in connections.close(address) }
        let access = access
        let base = base
        return channel.eventLoop.makeCompletedFuture {
            if let context = access?.tlsContext() {
                try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
            }
        }.flatMap {
            base.setup(channel: channel, logger: logger)
        }.map { value in
            // Closed only now: handlers cannot be added to a channel that is gone.
            if !mayStay { channel.close(promise: nil) }
            return value
        }
    }

    func handle(value: Value, logger: Logger) async {
        await withTaskExecutorPreference(LoopTaskExecutor(value.channel.eventLoop)) {
            await base.handle(value: value, logger: logger)
        }
    }
}

/// How many connections each address holds.
final class ConnectionCounter: Sendable {
    private struct State {
        var open: [String: Int] = [:]
        var refused: UInt64 = 0
    }

    let maximumPerAddress: Int
    private let state = Mutex(State())

    init(maximumPerAddress: Int) {
        self.maximumPerAddress = maximumPerAddress
    }

    /// Counts a connection; false when the address has as many as it may.
    func open(_ address: String) -> Bool {
        state.withLock { state in
            let count = state.open[address, default: 0] + 1
            state.open[address] = count
            if count > maximumPerAddress { state.refused += 1 }
            return count <= maximumPerAddress
        }
    }

    func close(_ address: String) {
        state.withLock { state in
            let count = state.open[address, default: 1] - 1
            state.open[address] = count > 0 ? count : nil
        }
    }

    var refused: UInt64 { state.withLock { $0.refused } }
    /// Connections of all addresses.
    var count: Int { state.withLock { $0.open.values.reduce(0, +) } }
}

/// Closes a connection whose first request does not come, or whose body stands still.
///
/// The time of the first head counts from the connection's beginning, the TLS handshake included. Between requests the
/// server's idle time holds.
final class RequestDeadlines: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let head: TimeAmount
    private let body: TimeAmount
    private var deadline: Scheduled<Void>?

    init(head: TimeAmount, body: TimeAmount) {
        self.head = head
        self.body = body
    }

    func handlerAdded(context: ChannelHandlerContext) { schedule(head, context) }

    func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head, .body: schedule(body, context)
        case .end: deadline?.cancel()
        }
        context.fireChannelRead(data)
    }

    private func schedule(_ time: TimeAmount, _ context: ChannelHandlerContext) {
        deadline?.cancel()
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }
}
