import NIOCore
import Synchronization

/// A connection is closed because its address has as many as it may.
struct ConnectionRefused: Error {}

/// Answers whatever comes first on a connection that is one too many with 503, and closes it.
///
/// Closing without a word would leave the client to guess; closing before it has spoken could take the answer away again.
final class ConnectionRefusal: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let answer =
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
        + "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 40\r\n\r\n"
        + "too many connections from your address\r\n"
    private var isAnswered = false
    private var deadline: Scheduled<Void>?

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: .seconds(2)) { channel.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isAnswered { return }
        isAnswered = true
        let channel = context.channel
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.whenComplete { _ in channel.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: Self.answer)), promise: sent)
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }
}

/// How many connections each address holds.
final class ConnectionCounter: Sendable {
    private struct State {
        var open: [String: Int] = [:]
        var refused: UInt64 = 0
        var untaken: UInt64 = 0
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

    func noteUntaken() { state.withLock { $0.untaken += 1 } }

    var untaken: UInt64 { state.withLock { $0.untaken } }
    var refused: UInt64 { state.withLock { $0.refused } }
    /// Connections of all addresses.
    var count: Int { state.withLock { $0.open.values.reduce(0, +) } }
}
