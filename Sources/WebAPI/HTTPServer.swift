package import Access
package import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
package import PromQL
package import ServiceLifecycle
package import Storage

/// What answers requests; blocking, safe on many threads.
package protocol RequestAnswering: Sendable {
    func respond(to request: APIRequest) -> APIResponse

    /// Whether a request is answered at once, has to stand in line, or is refused.
    ///
    /// Called before `respond`, on an event loop: it must not block. `isWithdrawn` says whether the client has gone.
    func admit(_ request: APIRequest, isWithdrawn: @escaping @Sendable () -> Bool) -> Admission

    /// Answers a request that was queued at once, because it is small; nil where it needs its turn on a thread.
    ///
    /// Called on an event loop: it takes less than a millisecond and waits for nobody.
    func respondAtOnce(to request: APIRequest) -> APIResponse?

    /// The answer to a request that was queued is sent in parts: the query is one that is being answered as long as what is returned
    /// lives.
    func beginSending(_ request: APIRequest) -> SendingQuery?

    /// Counts what the sending of an answer takes, beside the answer itself; nil where nothing is counted.
    func reserveMemory() -> (any MemoryReservation)?

    /// Tells what it took to answer a request that was queued.
    func note(_ cost: AnswerCost, of request: APIRequest, isAtOnce: Bool)
}

/// What is done with a request before it is answered.
package enum Admission: Sendable {
    case immediate
    /// It waits for one of the threads that compute, and is given its place in the line.
    case queued(ActiveQuery)
    case refused(APIResponse)
}

extension RequestAnswering {
    package func admit(_ request: APIRequest, isWithdrawn: @escaping @Sendable () -> Bool) -> Admission { .immediate }
    package func respondAtOnce(to request: APIRequest) -> APIResponse? { nil }
    package func beginSending(_ request: APIRequest) -> SendingQuery? { nil }
    package func reserveMemory() -> (any MemoryReservation)? { nil }
    package func note(_ cost: AnswerCost, of request: APIRequest, isAtOnce: Bool) {}
}

/// The web server: turns HTTP requests into `APIRequest`s, runs endpoints on threads of their own, sends the answers.
///
/// One event loop accepts connections, reads requests and sends answers, so that a request changes threads twice: to the
/// one that computes and back. Endpoints may read from disk and compute for seconds; they never run on the event loop, but
/// for queries known to be small, which are answered there and change threads not at all.
package final class HTTPServer: Sendable {
    /// Limits of one request.
    package struct Limits: Sendable {
        /// The largest body that is read (remote write has a limit of its own).
        package var bodyBytes = 32 << 20
        /// Bodies at least this large are compressed for clients that accept gzip.
        package var compressionThresholdBytes = 1024
        /// An answer is given up when the client takes nothing of it for this time, or has been waited for longer and takes less than
        /// `takenBytesPerSecond`.
        package var takingSeconds: Int64 = 60
        /// What is sent in parts holds memory of queries until it is taken.
        package var takenBytesPerSecond: Int64 = 64 << 10
        /// A connection without a request is closed after this time.
        package var idleSeconds: Int64 = 300
        /// The head of the first request must be there after this time, the TLS handshake included.
        package var headSeconds: Int64 = 10
        /// A body that stands still is given up after this time.
        package var bodySeconds: Int64 = 30
        /// Connections at once; more wait in the kernel's queue.
        package var connections = 512
        /// Connections at once from one address; more are closed.
        package var connectionsPerAddress = 256
        /// All headers of a request together.
        package var headerBytes = 32 << 10
        /// Path and parameters; longer queries are posted.
        package var targetBytes = 16 << 10
        package init() {}
    }

    let api: any RequestAnswering
    /// For everything that does not stand in line.
    let threads: WorkerThreads
    /// As many as queries run at a time; the rest stands in line for them.
    let queryThreads: WorkerThreads
    /// For queries that wait for the memory of others.
    let patientThreads: WorkerThreads?
    let limits: Limits
    let access: AccessControl?
    let connections: ConnectionCounter
    private let logger: Logger

    /// - Parameters:
    ///   - queryThreads: The threads of requests that stand in line; nil where there are none.
    ///   - patientThreads: The threads of queries that wait for memory; nil lets them wait on the threads of queries.
    ///   - access: asked before every request, whatever its path; nil lets everybody in, over plain HTTP.
    package init(
        api: any RequestAnswering, threads: WorkerThreads, queryThreads: WorkerThreads? = nil,
        patientThreads: WorkerThreads? = nil, limits: Limits = Limits(), access: AccessControl? = nil,
        logger: Logger = Logger(label: "web") { _ in SwiftLogNoOpLogHandler() }
    ) {
        self.logger = logger
        self.api = api
        self.threads = threads
        self.queryThreads = queryThreads ?? threads
        self.patientThreads = patientThreads
        self.limits = limits
        self.access = access
        connections = ConnectionCounter(maximumPerAddress: limits.connectionsPerAddress)
    }

    /// Connections at once, those closed because their address had too many, and those whose client did not take its answer.
    package var connectionCounts: (open: Int, refused: UInt64, untaken: UInt64) {
        (connections.count, connections.refused, connections.untaken)
    }

    /// A client has not taken its answer in time.
    func noteUntaken(by client: String) {
        connections.noteUntaken()
        logger.info(
            "a client does not take its answer, or too slowly: the connection is closed",
            metadata: [
                "client": "\(client)", "limit": "\(limits.takingSeconds) s",
                "least": "\(limits.takenBytesPerSecond >> 10) KiB/s",
            ])
    }

    /// The service to run.
    /// - Parameter onRunning: called with the port once connections are accepted.
    package func makeService(
        host: String, port: Int, onRunning: @escaping @Sendable (_ port: Int) async -> Void
    ) -> some Service {
        HTTPService(server: self, host: host, port: port, onRunning: onRunning)
    }

    /// Listens until it is told to stop; then requests that run are answered and nothing more is accepted.
    func run(host: String, port: Int, onRunning: @Sendable (_ port: Int) async -> Void) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            try await serve(host: host, port: port, on: group.next(), onRunning)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }

    private func serve(
        host: String, port: Int, on eventLoop: any EventLoop, _ onRunning: @Sendable (_ port: Int) async -> Void
    ) async throws {
        let server = self
        let ended = eventLoop.makePromise(of: Void.self)
        let channel: any Channel
        do {
            channel = try await ServerBootstrap(group: eventLoop)
                // The kernel takes no more than its own limit; what finds no place there is reset.
                .serverChannelOption(.backlog, value: 4096)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                // Asking for a second connection is a system call more for each; where there is one, epoll tells at once.
                .serverChannelOption(.maxMessagesPerRead, value: 1)
                .serverChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            ConnectionGate(server: server, eventLoop: channel.eventLoop, allClosed: ended))
                    }
                }
                .bind(host: host, port: port).get()
        } catch {
            ended.succeed()
            throw error
        }
        await onRunning(channel.localAddress?.port ?? port)
        // Ends too when another service failed and everything is cancelled.
        try? await gracefulShutdown()
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        try await ended.futureResult.get()
    }

    /// Prepares a connection that was accepted, before it is read.
    ///
    /// - Parameter mayStay: Its address has no more connections than it may.
    func setUp(
        _ channel: any Channel, of address: String, mayStay: Bool, _ deadlines: ConnectionDeadlines
    ) throws {
        try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
        let pipeline = channel.pipeline.syncOperations
        guard mayStay else {
            // Nobody is told over TLS: a handshake is what such a flood would like best.
            if access?.isEncrypted == true { throw ConnectionRefused() }
            return try pipeline.addHandler(ConnectionRefusal())
        }
        if let context = access?.tlsContext() { try pipeline.addHandler(NIOSSLServerHandler(context: context)) }
        var decoding = NIOHTTPDecoderLimitConfiguration()
        decoding.maxHeaderFieldSize = limits.headerBytes
        decoding.maxHeaderListSize = limits.headerBytes
        try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: decoding)))
        try pipeline.addHandler(HTTPConnection(server: self, client: address, deadlines))
    }
}

private struct HTTPService: Service {
    let server: HTTPServer
    let host: String
    let port: Int
    let onRunning: @Sendable (_ port: Int) async -> Void

    func run() async throws { try await server.run(host: host, port: port, onRunning: onRunning) }
}
