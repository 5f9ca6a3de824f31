import Access
import Bytes
import NIOCore
import NIOHTTP1
import PromQL

/// What lies between a connection and the endpoints: a request as `APIRequest`, an `APIResponse` as head and bytes.
struct HTTPExchange: Sendable {
    /// An answer, ready to be sent.
    struct Answer: Sendable {
        var head: AnswerHead
        var body = ByteBuffer()
        /// What follows the body, made while that is sent.
        var more: Pieces?
    }

    /// The further pieces of a body.
    struct Pieces: Sendable {
        let threads: WorkerThreads
        let caller: String
        /// The query that the body is the answer of.
        let query: SendingQuery?
        let nextPiece: @Sendable () -> APIResponse.Piece

        /// Makes what is sent next, on a thread; nil where the server stops or the query was ended, and the answer has to look like the
        /// part that it is.
        func next(_ body: @escaping @Sendable (ByteBuffer?, Pieces?) -> Void) {
            threads.submit(of: caller) { isStopping in
                guard !isStopping, query?.isEnded != true else { return body(nil, nil) }
                let piece = nextPiece()
                body(ByteBuffer(bytes: piece.bytes), piece.isLast ? nil : self)
            }
        }
    }

    let server: HTTPServer
    let client: String

    // MARK: Credentials

    var asksForCredentials: Bool { server.access != nil }

    /// Asks for credentials before anything is looked at, so that no path is open by being forgotten: nil, or the answer.
    func checkCredentials(of head: HTTPRequestHead, on eventLoop: any EventLoop) -> EventLoopFuture<Answer?> {
        let header = head.headers.first(name: "authorization")
        let version = head.version
        return eventLoop.makeFutureWithTask {
            switch await server.access?.decide(authorization: header) ?? .allowed {
            case .allowed: return nil
            case .denied:
                let challenge = server.access?.challenge ?? "Basic"
                return refusal(
                    .unauthorized, "Unauthorized\n", version, [(name: "WWW-Authenticate", value: challenge)])
            case .busy:
                return refusal(
                    .serviceUnavailable, "too many logins are being checked\n", version,
                    [(name: "Retry-After", value: "1")])
            }
        }
    }

    func refusal(
        _ status: HTTPResponseStatus, _ text: String = "", _ version: HTTPVersion = .http1_1,
        _ headers: [(name: String, value: String)] = []
    ) -> Answer {
        var response = APIResponse.text(text, status: Int(status.code))
        if text.isEmpty { response.contentType = "" }
        response.headers = headers
        return answer(response, version: version)
    }

    // MARK: Requests

    /// Has a request answered; `body` is called with the answer, on the event loop or on a thread.
    func answer(
        _ head: HTTPRequestHead, _ bytes: ByteBuffer, _ presence: ClientPresence,
        _ body: @escaping @Sendable (Answer) -> Void
    ) {
        guard head.uri.utf8.count <= server.limits.targetBytes else {
            return body(refusal(.uriTooLong, "", head.version))
        }
        guard let method = APIRequest.Method(rawValue: head.method.rawValue) else {
            return body(refusal(.methodNotAllowed, "", head.version))
        }
        guard var request = request(head, method, bytes) else {
            return body(refusal(.badRequest, "400 Bad Request", head.version))
        }
        var threads = server.threads
        switch server.api.admit(request, isWithdrawn: { presence.isGone }) {
        case .refused(let response): return body(answer(response, to: request, version: head.version))
        case .immediate: break
        case .queued(let query):
            request.query = query
            if let answer = answerAtOnce(request, version: head.version) { return body(answer) }
            request.mayComeAgain = server.patientThreads != nil
            threads = server.queryThreads
        }
        submit(request, to: threads, head.version, body)
    }

    /// Has a request answered on a thread.
    ///
    /// A query that has to wait for memory leaves the threads of queries to those that need not; one that is ended while it waits for its
    /// turn is answered by the threads of everything else, as what was canceled.
    private func submit(
        _ request: APIRequest, to threads: WorkerThreads, _ version: HTTPVersion,
        _ body: @escaping @Sendable (Answer) -> Void
    ) {
        let work: WorkerThreads.Work = { isStopping in
            guard !isStopping else {
                return body(answer(.text("stopping\n", status: 503), to: request, version: version))
            }
            let watch = AnswerCost.Watch(countsProcessor: true)
            let response = server.api.respond(to: request)
            if let patientThreads = server.patientThreads, request.comesAgain {
                var again = request
                again.mayComeAgain = false
                return submit(again, to: patientThreads, version, body)
            }
            // Encoding and compressing belong to the work: the event loop only sends.
            let answer = answer(response, to: request, version: version)
            body(answer)
            if let query = request.query, !query.isEnded {
                server.api.note(watch.cost(isWhole: answer.more == nil), of: request, isAtOnce: false)
            }
        }
        guard let query = request.query else { return threads.submit(of: client, work) }
        let caller = query.description.caller
        query.waitForTurn(work, orLeaveBy: { server.threads.submit(of: caller, $0) })
        threads.submit(of: caller) { isStopping in query.takeTurn()?(isStopping) }
    }

    /// The answer of a small query, made here and now on the event loop.
    private func answerAtOnce(_ request: APIRequest, version: HTTPVersion) -> Answer? {
        // One that is interrupted for long here is measured once more on a thread.
        let watch = AnswerCost.Watch(countsProcessor: false)
        guard let response = server.api.respondAtOnce(to: request) else { return nil }
        let answer = answer(response, to: request, version: version)
        server.api.note(watch.cost(isWhole: answer.more == nil), of: request, isAtOnce: true)
        return answer
    }

    /// The request; nil where its path has a broken escape.
    private func request(_ head: HTTPRequestHead, _ method: APIRequest.Method, _ bytes: ByteBuffer) -> APIRequest? {
        let target = Array(head.uri.utf8)
        let end = target.firstIndex(of: UInt8(ascii: "#")) ?? target.endIndex
        let mark = target[..<end].firstIndex(of: UInt8(ascii: "?")) ?? end
        guard let path = try? PercentEncoding.decode(target[..<mark], plusIsSpace: false) else { return nil }
        var parameters = QueryParameters(formEncoded: target[mark..<end].dropFirst())
        let headers = RequestHeaders(head.headers.map { ($0.name, $0.value) })
        var body: [UInt8] = []
        if method == .post || method == .put {
            body = Array(bytes.readableBytesView)
            if headers["content-type"]?.split(separator: ";").first.map({ $0.lowercased() })
                == "application/x-www-form-urlencoded"
            {
                parameters.prepend(formEncoded: body[...])
            }
        }
        var request = APIRequest(method: method, path: path, parameters: parameters, headers: headers, body: body)
        request.client = client
        return request
    }

    // MARK: Answers

    /// - Parameters:
    ///   - request: nil where it was not looked at.
    private func answer(
        _ response: APIResponse, to request: APIRequest? = nil, version: HTTPVersion
    ) -> Answer {
        var head = AnswerHead(version: version, status: HTTPResponseStatus(statusCode: response.status))
        if !response.contentType.isEmpty { head.add("Content-Type", response.contentType) }
        for header in response.headers { head.add(header.name, header.value) }
        if let access = server.access { for header in access.headers { head.add(header.name, header.value) } }
        head.add("Date", HTTPDate.now)
        var answer = Answer(head: head)
        switch response.body {
        case .bytes(let bytes): take(bytes, of: response, &answer, request)
        case .pieces(let next):
            let first = next()
            guard !first.isLast else {
                take(first.bytes, of: response, &answer, request)
                break
            }
            // Never on the threads of queries: all of those may be waiting for the memory that this answer holds.
            let caller = request?.query?.description.caller ?? client
            let query = request.flatMap { server.api.beginSending($0) }
            Self.addVary(&answer.head, response)
            if Self.mayCompress(response, for: request),
                let file = GzippedPieces(first, then: next, reservation: server.api.reserveMemory())
            {
                // Nor here, which may be the event loop: the head goes out alone.
                answer.head.add("Content-Encoding", "gzip")
                answer.more = Pieces(threads: server.threads, caller: caller, query: query, nextPiece: file.next)
            } else {
                answer.body = ByteBuffer(bytes: first.bytes)
                answer.more = Pieces(threads: server.threads, caller: caller, query: query, nextPiece: next)
            }
            answer.head.frameByParts()
        }
        if request?.method == .head {
            answer.body = ByteBuffer()
            answer.more = nil
            answer.head.omitBody()
        }
        return answer
    }

    /// Large bodies are compressed fast.
    ///
    /// A collector's page of 1.35 MB takes 1.8 ms and 0.2 MB of memory at level 1, 4.8 ms and 0.67 MB at level 6, which makes
    /// it 74 KB instead of 88.
    private static func compressionLevel(byteCount: Int) -> Int { byteCount >= 256 << 10 ? 1 : 6 }

    /// A body of one piece goes out whole and compressed.
    private func take(_ bytes: [UInt8], of response: APIResponse, _ answer: inout Answer, _ request: APIRequest?) {
        // What has no body has no length of it either.
        guard answer.head.status.mayHaveResponseBody else { return }
        let isLong = bytes.count >= server.limits.compressionThresholdBytes
        if isLong { Self.addVary(&answer.head, response) }
        if isLong, Self.mayCompress(response, for: request),
            let smaller = try? Compression.gzip(bytes, level: Self.compressionLevel(byteCount: bytes.count))
        {
            answer.head.add("Content-Encoding", "gzip")
            answer.body = ByteBuffer(bytes: smaller)
        } else {
            answer.body = ByteBuffer(bytes: bytes)
        }
        // HEAD is told the length that GET would be.
        answer.head.frame(bodyBytes: answer.body.readableBytes)
    }

    /// Whether a list of encodings has gzip in it, and not as what must not come (RFC 9110, section 12.5.3).
    static func takesGzip(_ encodings: String) -> Bool {
        encodings.utf8.split(separator: UInt8(ascii: ",")).contains { element in
            let parts = String(decoding: element.filter { $0 != UInt8(ascii: " ") }, as: UTF8.self).lowercased()
                .split(separator: ";")
            guard let name = parts.first, name == "gzip" || name == "x-gzip" else { return false }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap {
                DecimalParsing.parse($0.dropFirst(2))
            }
            return weight.map { $0 > 0 } ?? true
        }
    }

    /// Whether the client takes gzip, and the body is not compressed yet, as remote read's are.
    private static func mayCompress(_ response: APIResponse, for request: APIRequest?) -> Bool {
        request.flatMap { $0.headers["accept-encoding"] }.map(takesGzip) == true
            && !isCompressed(response)
    }

    private static func isCompressed(_ response: APIResponse) -> Bool {
        response.headers.contains { $0.name.lowercased() == "content-encoding" }
    }

    /// Tells caches that who takes gzip gets other bytes.
    private static func addVary(_ head: inout AnswerHead, _ response: APIResponse) {
        if !isCompressed(response) { head.add("Vary", "Accept-Encoding") }
    }
}
