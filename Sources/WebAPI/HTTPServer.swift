package import Access
import Bytes
import HTTPTypes
package import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
package import NIOPosix
package import PromQL

/// What answers requests; blocking, safe on many threads.
package protocol RequestAnswering: Sendable {
    func respond(to request: APIRequest) -> APIResponse

    /// Whether a request is answered at once, has to stand in line, or is refused.
    ///
    /// Called before `respond`, on an event loop: it must not block. `isWithdrawn` says whether the client has gone.
    func admit(_ request: APIRequest, isWithdrawn: @escaping @Sendable () -> Bool) -> Admission
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
}

/// The web server: turns HTTP requests into `APIRequest`s, runs endpoints on threads of their own, sends the answers.
///
/// Endpoints may read from disk and compute for seconds; they never run on the event loops or in the shared pool.
package struct HTTPServer: Sendable {
    /// Limits of one request.
    package struct Limits: Sendable {
        /// The largest body that is read (remote write has a limit of its own).
        package var bodyBytes = 32 << 20
        /// Bodies at least this large are compressed for clients that accept gzip.
        package var compressionThresholdBytes = 1024
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

    private let api: any RequestAnswering
    private let threads: NIOThreadPool
    /// As many as queries run at a time; the rest stands in line for them.
    private let queryThreads: NIOThreadPool
    private let watch = ConnectionWatch()
    private let limits: Limits
    private let access: AccessControl?
    private let connections: ConnectionCounter

    /// - Parameters:
    ///   - queryThreads: The threads of requests that stand in line; nil where there are none.
    ///   - access: asked before every request, whatever its path; nil lets everybody in, over plain HTTP.
    package init(
        api: any RequestAnswering, threads: NIOThreadPool, queryThreads: NIOThreadPool? = nil,
        limits: Limits = Limits(), access: AccessControl? = nil
    ) {
        self.api = api
        self.threads = threads
        self.queryThreads = queryThreads ?? threads
        self.limits = limits
        self.access = access
        connections = ConnectionCounter(maximumPerAddress: limits.connectionsPerAddress)
    }

    /// Connections at once, and those closed because their address had too many.
    package var connectionCounts: (open: Int, refused: UInt64) { (connections.count, connections.refused) }

    /// The service to run.
    /// - Parameter onRunning: called with the port once connections are accepted.
    package func makeApplication(
        host: String, port: Int, logger: Logger, onRunning: @escaping @Sendable (_ port: Int) async -> Void
    ) -> some ApplicationProtocol {
        let server = self
        let responder = CallbackResponder { (request: Request, context: ConnectionContext) in
            await server.guarded(request, context)
        }
        let limits = limits
        let access = access
        let connections = connections
        let watch = watch
        let builder = HTTPServerBuilder { responder in
            let configuration = HTTP1Channel.Configuration(
                additionalChannelHandlers: [
                    watch.makeHandler(),
                    RequestDeadlines(head: .seconds(limits.headSeconds), body: .seconds(limits.bodySeconds)),
                ], idleTimeout: .seconds(limits.idleSeconds),
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: limits.headerBytes, maxHeaderListSize: limits.headerBytes))
            return GuardedChannel(
                base: HTTP1Channel(responder: responder, configuration: configuration), access: access,
                connections: connections)
        }
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        return Application(
            responder: responder,
            server: builder,
            configuration: .init(
                address: .hostname(host, port: port),
                availableConnectionsDelegate: .maximum(limits.connections, logger: quiet)),
            onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? port) },
            logger: quiet)
    }

    /// Asks for credentials before anything is looked at, so that no path is open by being forgotten.
    private func guarded(_ request: Request, _ context: ConnectionContext) async -> Response {
        var response: Response
        switch await access?.decide(authorization: request.headers[.authorization]) ?? .allowed {
        case .allowed:
            let isShort = request.uri.string.utf8.count <= limits.targetBytes
            response = isShort ? await respond(to: request, context) : Response(status: .uriTooLong)
        case .denied:
            response = Self.refusal(.unauthorized, "Unauthorized\n")
            response.headers[.wwwAuthenticate] = access?.challenge ?? "Basic"
        case .busy:
            response = Self.refusal(.serviceUnavailable, "too many logins are being checked\n")
            response.headers[.retryAfter] = "1"
        }
        for header in access?.headers ?? [] {
            if let name = HTTPField.Name(header.name) { response.headers[name] = header.value }
        }
        return response
    }

    private static func refusal(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: "text/plain; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    private func respond(to request: Request, _ context: ConnectionContext) async -> Response {
        guard let method = APIRequest.Method(rawValue: request.method.rawValue) else {
            return Response(status: .methodNotAllowed)
        }
        let (path, query) = Self.split(request.uri.string)
        var parameters = QueryParameters(formEncoded: query)
        var headers: [String: String] = [:]
        for field in request.headers { headers[field.name.canonicalName] = field.value }
        var body: [UInt8] = []
        if method == .post || method == .put {
            do {
                let buffer = try await request.body.collect(upTo: limits.bodyBytes)
                body = Array(buffer.readableBytesView)
            } catch {
                return Response(status: .contentTooLarge)
            }
            if headers["content-type"]?.hasPrefix("application/x-www-form-urlencoded") == true {
                parameters.prepend(formEncoded: String(decoding: body, as: UTF8.self))
            }
        }
        var apiRequest = APIRequest(
            method: method, path: PercentEncoding.decode(path.utf8, plusIsSpace: false), parameters: parameters,
            headers: headers, body: body)
        apiRequest.client = context.client
        let connection = watch.connection(of: context.channel)
        switch api.admit(apiRequest, isWithdrawn: { connection?.isClosed ?? false }) {
        case .refused(let answer): return makeResponse(answer, for: apiRequest)
        case .immediate: return await respond(to: apiRequest, on: threads)
        case .queued(let query):
            apiRequest.query = query
            return await respond(to: apiRequest, on: queryThreads)
        }
    }

    private func respond(to request: APIRequest, on threads: NIOThreadPool) async -> Response {
        do {
            // Encoding and compressing belong to the work: the event loop only sends.
            return try await threads.runIfActive { makeResponse(api.respond(to: request), for: request) }
        } catch {
            return makeResponse(.text("stopping\n", status: 503), for: request)
        }
    }

    private static func split(_ target: String) -> (path: Substring, query: Substring) {
        let end = target.firstIndex(of: "#") ?? target.endIndex
        let target = target[..<end]
        guard let mark = target.firstIndex(of: "?") else { return (target, "") }
        return (target[..<mark], target[target.index(after: mark)...])
    }

    private func makeResponse(_ answer: APIResponse, for request: APIRequest) -> Response {
        var fields = HTTPFields()
        if !answer.contentType.isEmpty { fields[.contentType] = answer.contentType }
        for header in answer.headers {
            if let name = HTTPField.Name(header.name) { fields.append(HTTPField(name: name, value: header.value)) }
        }
        let status = HTTPResponse.Status(code: answer.status)
        guard answer.status != 204 else { return Response(status: status, headers: fields) }
        switch answer.body {
        case .bytes(let bytes):
            // Remote read's answers come compressed.
            let (body, isCompressed) =
                fields[.contentEncoding] == nil ? compressed(bytes, for: request) : (bytes, false)
            if isCompressed { fields[.contentEncoding] = "gzip" }
            if request.method == .head {
                // The length that a GET would answer with.
                if answer.status != 304 { fields[.contentLength] = String(body.count) }
                return Response(status: status, headers: fields)
            }
            return Response(status: status, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
        case .pieces(let next):
            guard request.method != .head else { return Response(status: status, headers: fields) }
            return streamed(next, status: status, fields: fields, request: request)
        }
    }

    /// A body of one piece goes out whole and compressed; a larger one goes out piece by piece as it is encoded.
    private func streamed(
        _ next: @escaping @Sendable () -> [UInt8]?, status: HTTPResponse.Status, fields: HTTPFields, request: APIRequest
    ) -> Response {
        let first = next() ?? []
        guard let second = next() else {
            var fields = fields
            let (body, isCompressed) = compressed(first, for: request)
            if isCompressed { fields[.contentEncoding] = "gzip" }
            return Response(status: status, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
        }
        let body = ResponseBody { writer in
            try await writer.write(ByteBuffer(bytes: first))
            try await writer.write(ByteBuffer(bytes: second))
            while let piece = next() { try await writer.write(ByteBuffer(bytes: piece)) }
            try await writer.finish(nil)
        }
        return Response(status: status, headers: fields, body: body)
    }

    private func compressed(_ bytes: [UInt8], for request: APIRequest) -> (body: [UInt8], isCompressed: Bool) {
        guard bytes.count >= limits.compressionThresholdBytes, let accepted = request.headers["accept-encoding"],
            accepted.contains("gzip"), let body = try? Compression.gzip(bytes)
        else { return (bytes, false) }
        return (body, true)
    }
}
