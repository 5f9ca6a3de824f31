import MetricModel
import NIOCore
import NIOPosix
import NIOSSL

/// Fetches one target's page over HTTP/1.1, keeping one connection alive between scrapes.
///
/// Everything happens on one event loop: `fetch` and `cancel` are called there, the completion too.
///
///     fetch -> (connect, TLS) -> GET -> head, body within the limit -> completion
///                 ^                       | redirect, or a kept connection that the target had closed
///                 +-----------------------+
final class HTTPScrapeFetcher: ScrapeFetcher, @unchecked Sendable {  // Confined to `eventLoop`, asserted at each entry.
    /// One fetch under way.
    private struct Flight {
        let number: Int
        let request: FetchRequest
        var url: TargetURL
        var redirectCount = 0
        var sendsCredentials = true
        /// Whether the request went out on a kept connection, so that its closing proves nothing about the target.
        var isOnKeptConnection = false
        let deadline: NIODeadline
        let completion: Completion
    }

    private final class Connection {
        let channel: any Channel
        let handler: ScrapeResponseHandler
        let url: TargetURL
        let sender: RequestSender

        init(channel: any Channel, handler: ScrapeResponseHandler, url: TargetURL) {
            self.channel = channel
            self.handler = handler
            self.url = url
            sender = RequestSender(channel, isPlain: url.scheme == "http")
        }
    }

    private let executor: EventLoopExecutor
    private let eventLoop: any EventLoop
    private let target: ScrapeTarget
    private let client: HTTPClientSettings
    private let requestHeaders: RequestHeaders
    private let tlsContexts: TLSContexts
    private var connection: Connection?
    private var flight: Flight?
    private var flightCount = 0
    private var timeout: (any ScrapeAlarm)?
    private var knownRequest: (bytes: ByteBuffer, timeoutMilliseconds: Int64)?

    init(
        target: ScrapeTarget, job: ScrapeJobSettings, tlsContexts: TLSContexts, userAgent: String,
        executor: EventLoopExecutor
    ) {
        self.target = target
        self.executor = executor
        eventLoop = executor.eventLoop
        self.tlsContexts = tlsContexts
        client = job.client
        requestHeaders = RequestHeaders(job: job, userAgent: userAgent)
    }

    func fetch(_ request: FetchRequest, completion: @escaping Completion) {
        eventLoop.assertInEventLoop()
        guard flight == nil else { return completion(request.number, .failure(.cancelled)) }
        if let name = client.notImplemented.first {
            return completion(request.number, .failure(.notImplemented(name: name)))
        }
        flightCount &+= 1
        let deadline = NIODeadline.now() + .milliseconds(request.timeoutMilliseconds)
        let timeout = timeout ?? executor.makeAlarm { [weak self] in self?.timeOut() }
        self.timeout = timeout
        timeout.set(afterMilliseconds: request.timeoutMilliseconds)
        flight = Flight(
            number: flightCount, request: request, url: target.url, deadline: deadline, completion: completion)
        start()
    }

    func cancel() {
        eventLoop.assertInEventLoop()
        finish(.failure(.cancelled), keepingConnection: false)
    }

    // MARK: Steps of a flight

    private func start() {
        guard let flight else { return }
        if let connection, connection.channel.isActive, isSameOrigin(connection.url, flight.url) {
            self.flight?.isOnKeptConnection = true
            return send(on: connection)
        }
        closeConnection()
        connect()
    }

    private func isSameOrigin(_ left: TargetURL, _ right: TargetURL) -> Bool {
        left.scheme == right.scheme && left.address == right.address
    }

    private func connect() {
        flight?.isOnKeptConnection = false
        guard let flight else { return }
        guard let (host, port) = flight.url.hostAndPort else { return fail("invalid address") }
        let tls: NIOSSLContext?
        do throws(ScrapeFailure) {
            tls = flight.url.scheme == "https" ? try tlsContexts.context() : nil
        } catch {
            return finish(.failure(error), keepingConnection: false)
        }
        let serverName = client.tls.serverName ?? (Self.isAddress(host) ? nil : host)
        let number = flight.number
        let url = flight.url
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(max(.milliseconds(1), flight.deadline - .now()))
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelOption(.recvAllocator, value: PassingReceiveBuffers(tls == nil ? executor.fetchBuffers : nil))
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    try addHandlers(to: channel, tls: tls, serverName: serverName)
                }
            }
        let connecting: EventLoopFuture<any Channel>
        if let path = target.unixSocketPath, isSameOrigin(url, target.url) {
            connecting = bootstrap.connect(unixDomainSocketPath: path)
        } else {
            connecting = bootstrap.connect(host: host, port: port)
        }
        connecting.whenComplete { [self] result in connected(result, number: number, url: url) }
    }

    private func addHandlers(to channel: any Channel, tls: NIOSSLContext?, serverName: String?) throws {
        let pipeline = channel.pipeline.syncOperations
        if let tls { try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: serverName)) }
        let identity = ObjectIdentifier(channel)
        try pipeline.addHandler(
            ScrapeResponseHandler(buffers: executor.fetchBuffers) { [weak self] event in
                self?.handle(event, from: identity)
            })
    }

    private func connected(_ result: Result<any Channel, any Error>, number: Int, url: TargetURL) {
        switch result {
        case .success(let channel):
            guard flight?.number == number, connection == nil,
                let handler = try? channel.pipeline.syncOperations.handler(type: ScrapeResponseHandler.self)
            else {
                channel.close(promise: nil)
                return
            }
            let connection = Connection(channel: channel, handler: handler, url: url)
            self.connection = connection
            send(on: connection)
        case .failure(let error):
            guard flight?.number == number else { return }
            if ConnectionErrorText.isTimeout(error) { return timeOut() }
            fail(ConnectionErrorText.describe(error))
        }
    }

    private func send(on connection: Connection) {
        guard let flight else { return }
        let request: ByteBuffer
        do throws(ScrapeFailure) {
            request = try self.request(for: flight)
        } catch {
            return finish(.failure(error), keepingConnection: true)
        }
        connection.handler.expectResponse(
            bodyLimitBytes: flight.request.bodyLimitBytes, isOpen: flight.request.admission?.isOpen)
        connection.sender.send(request)
    }

    /// The request's bytes; the first one of a scrape is the same each time unless a file has a part in it.
    private func request(for flight: Flight) throws(ScrapeFailure) -> ByteBuffer {
        let timeout = flight.request.timeoutMilliseconds
        let isFirst = flight.redirectCount == 0
        if isFirst, let known = knownRequest, known.timeoutMilliseconds == timeout { return known.bytes }
        let bytes = try requestHeaders.request(
            for: flight.url, timeoutMilliseconds: timeout, withCredentials: flight.sendsCredentials)
        if isFirst, requestHeaders.isConstant { knownRequest = (bytes, timeout) }
        return bytes
    }

    private func handle(_ event: ScrapeResponseHandler.Event, from channel: ObjectIdentifier) {
        guard let connection, ObjectIdentifier(connection.channel) == channel else { return }
        switch event {
        case .response(let head, let body, let isReusable): answered(head, body, isReusable: isReusable)
        case .tooLarge:
            guard let request = flight?.request else { return }
            let failure = ScrapeFailure.bodyTooLarge(
                limitName: request.bodyLimitName, limitBytes: request.bodyLimitBytes)
            finish(.failure(failure), keepingConnection: false)
        case .closed(let reason, let hadStarted):
            self.connection = nil
            guard let flight else { return }
            if flight.isOnKeptConnection && !hadStarted { return connect() }
            fail(reason)
        }
    }

    private func answered(_ head: HTTPResponseHead, _ body: [UInt8], isReusable: Bool) {
        if !isReusable { closeConnection() }
        if client.followsRedirects, Redirect.isRedirect(status: head.status) { return follow(head) }
        guard head.status == 200 else {
            let failure = ScrapeFailure.status(code: head.status, reason: head.reason)
            return finish(.failure(failure), keepingConnection: isReusable)
        }
        let answer = ScrapeBody(
            bytes: body, isGzip: head.contentEncoding == "gzip", contentType: head.contentType)
        finish(.success(answer), keepingConnection: isReusable)
        executor.fetchBuffers.giveBack(body: body)
    }

    private func follow(_ head: HTTPResponseHead) {
        guard let flight else { return }
        guard flight.redirectCount < ScrapeSafety.redirects else {
            let failure = ScrapeFailure.tooManyRedirects(
                url: target.url.description, limit: ScrapeSafety.redirects)
            return finish(.failure(failure), keepingConnection: false)
        }
        do throws(ScrapeFailure) {
            let next = try Redirect.resolve(head.location, from: flight.url)
            self.flight?.redirectCount += 1
            self.flight?.sendsCredentials =
                flight.sendsCredentials && Redirect.keepsCredentials(from: flight.url, to: next)
            self.flight?.url = next
            start()
        } catch {
            finish(.failure(error), keepingConnection: true)
        }
    }

    // MARK: Ends of a flight

    private func timeOut() {
        guard let flight else { return }
        if let admission = flight.request.admission, connection?.handler.isWaiting == true {
            return finish(.failure(admission.failure), keepingConnection: false)
        }
        finish(.failure(.timedOut(url: target.url.description)), keepingConnection: false)
    }

    private func fail(_ reason: String) {
        finish(.failure(.connection(url: target.url.description, reason: reason)), keepingConnection: false)
    }

    private func finish(_ result: Result<ScrapeBody, ScrapeFailure>, keepingConnection: Bool) {
        if !keepingConnection { closeConnection() }
        guard let flight else { return }
        self.flight = nil
        timeout?.cancel()
        flight.completion(flight.request.number, result)
    }

    private func closeConnection() {
        let channel = connection?.channel
        connection = nil
        channel?.close(promise: nil)
    }

    private static func isAddress(_ host: String) -> Bool {
        (try? SocketAddress(ipAddress: host, port: 0)) != nil
    }
}
