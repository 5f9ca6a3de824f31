import Hummingbird
import NIOCore
import Synchronization

/// Which connections their clients have given up, so that their queries end.
///
/// The server keeps connections half open when a client closes its side; like Go's server this one takes that for a
/// farewell. Safe on several threads.
final class ConnectionWatch: Sendable {
    /// What is known of one connection.
    final class Connection: Sendable {
        private let closed = Atomic<Bool>(false)
        var isClosed: Bool { closed.load(ordering: .relaxed) }
        fileprivate func close() { closed.store(true, ordering: .relaxed) }
    }

    private let connections = Mutex<[ObjectIdentifier: Connection]>([:])

    /// The connection of a channel; nil where it is not watched.
    func connection(of channel: any Channel) -> Connection? {
        connections.withLock { $0[ObjectIdentifier(channel)] }
    }

    /// The handler for one connection.
    func makeHandler() -> any RemovableChannelHandler { Handler(watch: self) }

    private func add(_ channel: any Channel, _ connection: Connection) {
        connections.withLock { $0[ObjectIdentifier(channel)] = connection }
    }

    private func remove(_ channel: any Channel) {
        _ = connections.withLock { $0.removeValue(forKey: ObjectIdentifier(channel)) }
    }

    /// Sees the end of what a client sends.
    private final class Handler: ChannelInboundHandler, RemovableChannelHandler {
        typealias InboundIn = NIOAny

        private let watch: ConnectionWatch
        private let connection = Connection()

        init(watch: ConnectionWatch) { self.watch = watch }

        func handlerAdded(context: ChannelHandlerContext) { watch.add(context.channel, connection) }

        func handlerRemoved(context: ChannelHandlerContext) { watch.remove(context.channel) }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if let event = event as? ChannelEvent, event == .inputClosed { connection.close() }
            context.fireUserInboundEventTriggered(event)
        }

        func channelInactive(context: ChannelHandlerContext) {
            connection.close()
            context.fireChannelInactive()
        }
    }
}

/// What the server knows of a request beside its bytes: the connection that it came on.
struct ConnectionContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }

    /// The address of the client without its port; empty where it is not known.
    var client: String { channel.remoteAddress?.ipAddress ?? "" }
}
