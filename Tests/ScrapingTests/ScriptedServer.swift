import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// A target on loopback that answers as the test says, keeping connections alive.
final class ScriptedServer: Sendable {
    enum Reply: Sendable {
        case page(String, headers: [(String, String)] = [], status: HTTPResponseStatus = .ok)
        case bytes([UInt8], headers: [(String, String)])
        /// Says nothing at all.
        case silence
        /// Closes the connection without a word.
        case hangUp
        /// A head, then body bytes without end.
        case endless
        /// Bytes that are no HTTP.
        case garbage
    }

    struct Request: Sendable {
        var uri: String
        var headers: HTTPHeaders
        var connection: Int
    }

    typealias Script = @Sendable (Request) -> Reply

    let port: Int
    private let group: MultiThreadedEventLoopGroup
    private let channel: any Channel
    private let received: Log

    /// What came in, shared with the handlers.
    final class Log: Sendable {
        let requests = Mutex<[Request]>([])
        let connections = Mutex(0)
    }

    init(tls: NIOSSLContext? = nil, _ script: @escaping Script) async throws {
        let log = Log()
        received = log
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let number = log.connections.withLock { count in
                        count += 1
                        return count
                    }
                    let pipeline = channel.pipeline.syncOperations
                    if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
                    try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: false)
                    try pipeline.addHandler(Handler(number: number, log: log, script: script))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    var requests: [Request] { received.requests.withLock { $0 } }
    var address: String { "127.0.0.1:\(port)" }

    func stop() async throws { try await group.shutdownGracefully() }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        let number: Int
        let log: Log
        let script: Script

        init(number: Int, log: Log, script: @escaping Script) {
            self.number = number
            self.log = log
            self.script = script
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .head(let head) = unwrapInboundIn(data) else { return }
            let request = Request(uri: head.uri, headers: head.headers, connection: number)
            log.requests.withLock { $0.append(request) }
            switch script(request) {
            case .page(let text, let headers, let status): send(Array(text.utf8), headers, status, context)
            case .bytes(let bytes, let headers): send(bytes, headers, .ok, context)
            case .silence: break
            case .hangUp: context.close(promise: nil)
            case .endless:
                let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: ["Content-Type": "text/plain"])
                context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
                pour(context)
            case .garbage:
                // The bytes go below the encoder.
                let buffer = ByteBuffer(string: "this is not HTTP at all\r\n\r\n")
                context.pipeline.syncOperations.writeBelowEncoder(buffer, context)
            }
        }

        private func send(
            _ bytes: [UInt8], _ headers: [(String, String)], _ status: HTTPResponseStatus,
            _ context: ChannelHandlerContext
        ) {
            var fields = HTTPHeaders(headers)
            if !fields.contains(name: "Content-Type") {
                fields.add(name: "Content-Type", value: "text/plain; version=0.0.4")
            }
            fields.add(name: "Content-Length", value: String(bytes.count))
            let head = HTTPResponseHead(version: .http1_1, status: status, headers: fields)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: bytes)))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }

        private func pour(_ context: ChannelHandlerContext) {
            guard context.channel.isActive else { return }
            let block = ByteBuffer(repeating: UInt8(ascii: "a"), count: 64 << 10)
            let channel = context.channel
            let part = HTTPServerResponsePart.body(.byteBuffer(block))
            let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
            let boundContext = NIOLoopBound(context, eventLoop: context.eventLoop)
            channel.writeAndFlush(part).whenSuccess { bound.value.pour(boundContext.value) }
        }
    }
}

extension ChannelPipeline.SynchronousOperations {
    /// Writes bytes past the HTTP encoder, then closes.
    func writeBelowEncoder(_ buffer: ByteBuffer, _ context: ChannelHandlerContext) {
        guard let encoder = try? self.context(handlerType: HTTPResponseEncoder.self) else { return }
        encoder.writeAndFlush(NIOAny(buffer), promise: nil)
        context.close(promise: nil)
    }
}
