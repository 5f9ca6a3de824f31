import PromQL
import Storage
import Synchronization
import TestSupport
import Testing

@testable import WebAPI

@Suite("The web server, byte by byte")
struct HTTPServerTests {
    /// Says what it was asked.
    final class Echo: RequestAnswering {
        /// Whether a request to `/wait` saw its client go.
        let sawFarewell = Mutex(false)
        private let withdrawn = Mutex<(@Sendable () -> Bool)?>(nil)

        func admit(_ request: APIRequest, isWithdrawn: @escaping @Sendable () -> Bool) -> Admission {
            if ["/small", "/large"].contains(request.path), let query = try? active.admit(QueryDescription(text: "x")) {
                return .queued(query)
            }
            if request.path == "/wait" { withdrawn.withLock { $0 = isWithdrawn } }
            return request.path == "/full" ? .refused(.text("full\n", status: 429)) : .immediate
        }

        /// What was noted of the answers to queries: whether they were made at once.
        let noted = Mutex<[Bool]>([])
        private let active = ActiveQueries()

        func respondAtOnce(to request: APIRequest) -> APIResponse? {
            request.path == "/small" ? .text("small\n") : nil
        }

        func note(_ cost: AnswerCost, of request: APIRequest, isAtOnce: Bool) {
            noted.withLock { $0.append(isAtOnce && cost.isWhole) }
        }

        func respond(to request: APIRequest) -> APIResponse {
            switch request.path {
            case "/pieces", "/compressed":
                let left = Mutex(5)
                return APIResponse(
                    contentType: "text/plain",
                    headers: request.path == "/pieces" ? [] : [(name: "content-encoding", value: "snappy")],
                    body: .pieces {
                        left.withLock { left in
                            left -= 1
                            return APIResponse.Piece(
                                bytes: [UInt8](repeating: UInt8(ascii: "a") + UInt8(left), count: 300_000),
                                isLast: left == 0)
                        }
                    })
            case "/endless":
                return APIResponse(
                    contentType: "text/plain",
                    body: .pieces {
                        APIResponse.Piece(
                            bytes: [UInt8](repeating: UInt8(ascii: "x"), count: 300_000), isLast: false)
                    })
            case "/wait":
                let isWithdrawn = withdrawn.withLock { $0 }
                while isWithdrawn?() == false { pause() }
                sawFarewell.withLock { $0 = true }
                return .text("gone\n")
            case "/header":
                var answer = APIResponse.text("x")
                answer.headers = [(name: "X-Good", value: "yes"), (name: "X-Bad", value: "a\r\nX-Made: up")]
                return answer
            case "/none": return .noContent
            default:
                let words = [request.method.rawValue, request.path, request.parameters["a"] ?? "-"]
                return .text(words.joined(separator: " ") + " \(request.body.count)\n")
            }
        }

        /// The room for what sending takes.
        let budget = MemoryBudget(limitBytes: 1 << 20)

        func reserveMemory() -> (any MemoryReservation)? { budget.reservation() }

        private func pause() { for _ in 0..<1000 { _ = sawFarewell.withLock { $0 } } }
    }

    func withServer(
        _ api: Echo = Echo(), limits: HTTPServer.Limits = HTTPServer.Limits(), _ body: (Int) throws -> Void
    ) async throws {
        try await withServer(api, limits: limits) { (port, _) in try body(port) }
    }

    func withServer(
        _ api: Echo = Echo(), limits: HTTPServer.Limits = HTTPServer.Limits(), _ body: (Int, HTTPServer) throws -> Void
    ) async throws {
        let threads = WorkerThreads(maximum: 2)
        let server = HTTPServer(api: api, threads: threads, limits: limits)
        let (ports, found) = AsyncStream.makeStream(of: Int.self)
        let task = Task { try await server.run(host: "127.0.0.1", port: 0) { found.yield($0) } }
        for await port in ports {
            try body(port, server)
            break
        }
        task.cancel()
        try await task.value
        threads.stop()
    }

    private static let get = "GET /x?a=1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

    @Test(
        "a request gets its answer",
        arguments: [
            (get, "HTTP/1.1 200 OK", "GET /x 1 0\n"),
            ("GET /x%20y?a=%2B+b#z HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK", "GET /x y + b 0\n"),
            ("POST /x HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.0 200 OK", "POST /x - 3\n"),
            (
                "POST /x?a=1 HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=2",
                "HTTP/1.0 200 OK", "POST /x 2 3\n"
            ),
            (
                "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                    + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK", "POST /x - 5\n"
            ),
            ("HEAD /x HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK", "Content-Length: 12"),
            ("GET /full HTTP/1.0\r\n\r\n", "HTTP/1.0 429 Too Many Requests", "full\n"),
            ("GET /none HTTP/1.0\r\n\r\n", "HTTP/1.0 204 No Content", "Date: "),
            ("BREW /x HTTP/1.0\r\n\r\n", "HTTP/1.1 400 Bad Request", "Connection: close"),
            ("PATCH /x HTTP/1.0\r\n\r\n", "HTTP/1.0 405 Method Not Allowed", "Content-Length: 0"),
            (
                "GET /x%2fy%2 HTTP/1.1\r\nConnection: close\r\n\r\n", "HTTP/1.1 400 Bad Request",
                "\r\n\r\n400 Bad Request"
            ),
            ("nonsense\r\n\r\n", "HTTP/1.1 400 Bad Request", "Connection: close"),
            (
                "GET /x HTTP/1.1\r\nX: " + String(repeating: "x", count: 600) + "\r\n\r\n",
                "HTTP/1.1 431 Request Header Fields Too Large", "Connection: close"
            ),
            (
                "GET /" + String(repeating: "x", count: 300) + " HTTP/1.0\r\n\r\n", "HTTP/1.0 414 URI Too Long",
                "Content-Length: 0"
            ),
            ("POST /x HTTP/1.1\r\nContent-Length: 9999\r\n\r\n", "HTTP/1.1 413 Payload Too Large", "Connection: close"),
            (
                "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + String(repeating: "x", count: 2000),
                "HTTP/1.1 413 Payload Too Large", "Connection: close"
            ),
        ])
    func answers(request: String, start: String, part: String) async throws {
        var limits = HTTPServer.Limits()
        limits.bodyBytes = 1000
        limits.headerBytes = 512
        limits.targetBytes = 256
        try await withServer(limits: limits) { port in
            let connection = RawConnection(port: port)
            connection.send(request)
            let answer = connection.read()
            #expect(answer.hasPrefix(start + "\r\n"), "\(answer)")
            #expect(answer.contains(part), "\(answer)")
        }
    }

    @Test("a small query is answered while no thread is free, also to requests sent ahead")
    func small() async throws {
        let api = Echo()
        try await withServer(api) { port in
            // Both threads wait until these clients go.
            let waiting = (0..<2).map { _ in RawConnection(port: port) }
            for connection in waiting { connection.send("GET /wait HTTP/1.1\r\n\r\n") }
            let connection = RawConnection(port: port)
            connection.send("GET /small HTTP/1.1\r\n\r\nGET /small HTTP/1.0\r\n\r\n")
            let answers = connection.read()
            #expect(answers.split(whereSeparator: \.isNewline).count { $0 == "small" } == 2, "\(answers)")
            #expect(api.noted.withLock { $0 } == [true, true])
            for connection in waiting { connection.closeSending() }
            let later = RawConnection(port: port)
            later.send("GET /large HTTP/1.0\r\n\r\n")
            #expect(later.read().hasSuffix("GET /large - 0\n"))
        }
    }

    @Test("requests sent ahead are answered one after the other, and the connection stays")
    func pipelined() async throws {
        try await withServer { port in
            let connection = RawConnection(port: port)
            let second = "POST /2 HTTP/1.1\r\nContent-Length: 2\r\n\r\nab"
            connection.send("GET /1 HTTP/1.1\r\n\r\n" + second + "GET /3 HTTP/1.1\r\n\r\n")
            let answers = connection.read(until: "GET /3 - 0\n")
            let lines = answers.split(whereSeparator: \.isNewline).filter { $0.contains(" - ") }
            #expect(lines == ["GET /1 - 0", "POST /2 - 2", "GET /3 - 0"])
            connection.send("GET /4 HTTP/1.1\r\nConnection: close\r\n\r\n")
            #expect(connection.read().hasSuffix("\r\n\r\nGET /4 - 0\n"))
        }
    }

    @Test("before 1.1 a connection stays where the client asks for it and the length of the body is known")
    func keptBefore11() async throws {
        try await withServer { port in
            let connection = RawConnection(port: port)
            for _ in 0..<2 {
                connection.send("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                #expect(connection.read(until: "GET /x - 0\n").contains("Connection: keep-alive\r\n"))
            }
            connection.send("GET /pieces HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(connection.read().contains("Connection: close\r\n"))
        }
    }

    @Test("a connection ends when its time is over, before the first request and after the last")
    func deadlines() async throws {
        var limits = HTTPServer.Limits()
        limits.idleSeconds = 0
        try await withServer(limits: limits) { port in
            let connection = RawConnection(port: port)
            connection.send("GET /x HTTP/1.1\r\n\r\n")
            #expect(connection.read().hasSuffix("GET /x - 0\n"))
        }
        limits.headSeconds = 0
        try await withServer(limits: limits) { port in #expect(RawConnection(port: port).read() == "") }
    }

    @Test("a client that does not take its answer in time loses it, and is counted")
    func untaken() async throws {
        var limits = HTTPServer.Limits()
        limits.takingSeconds = 0
        try await withServer(Echo(), limits: limits) { (port, server) in
            let connection = RawConnection(port: port)
            connection.send("GET /endless HTTP/1.1\r\n\r\n")
            while server.connectionCounts.untaken == 0 {}
            #expect(connection.read().hasPrefix("HTTP/1.1 200 OK\r\n"))
            // What fits into the kernel's buffers is taken at once.
            let other = RawConnection(port: port)
            other.send(Self.get)
            #expect(other.read().hasSuffix("GET /x 1 0\n"))
            #expect(server.connectionCounts.untaken == 1)
        }
    }

    @Test("a client that waits for leave gets it before it sends its body")
    func expectations() async throws {
        try await withServer { port in
            let connection = RawConnection(port: port)
            connection.send(
                "POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n")
            #expect(connection.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100 Continue\r\n"))
            connection.send("ab")
            #expect(connection.read().hasSuffix("POST /x - 2\n"))
        }
    }

    @Test("whoever computes is told when the client closes its side")
    func farewell() async throws {
        let api = Echo()
        try await withServer(api) { port in
            let connection = RawConnection(port: port)
            connection.send("GET /wait HTTP/1.1\r\n\r\n")
            connection.closeSending()
            #expect(connection.read().hasSuffix("gone\n"))
        }
        #expect(api.sawFarewell.withLock { $0 })
    }

    @Test("no value of a header becomes a header of its own")
    func headers() async throws {
        try await withServer { port in
            let connection = RawConnection(port: port)
            connection.send("GET /header HTTP/1.0\r\n\r\n")
            let answer = connection.read()
            #expect(answer.contains("X-Good: yes\r\n"))
            #expect(!answer.contains("X-Bad") && !answer.contains("X-Made"))
        }
    }

    @Test("an address has no more connections than it may, and the others wait for a place")
    func connections() async throws {
        var limits = HTTPServer.Limits()
        limits.connections = 3
        limits.connectionsPerAddress = 2
        try await withServer(limits: limits) { port in
            let first = RawConnection(port: port)
            let second = RawConnection(port: port)
            for connection in [first, second] {
                connection.send("GET /x HTTP/1.1\r\n\r\n")
                #expect(connection.read(until: " 0\n").hasSuffix("GET /x - 0\n"))
            }
            let third = RawConnection(port: port)
            third.send(Self.get)
            let refusal = third.read()
            #expect(refusal.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
            #expect(refusal.hasSuffix("\r\n\r\ntoo many connections from your address\r\n"))
            first.closeSending()
            #expect(first.read() == "")
            let next = RawConnection(port: port)
            next.send(Self.get)
            #expect(next.read().hasSuffix("GET /x 1 0\n"))
        }
    }

    @Test(
        "dates have the form of HTTP",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
        ])
    func dates(second: Int, text: String) {
        #expect(HTTPDate.text(of: second) == text)
    }

    @Test("threads do everything once, in turn where there are fewer of them, and refuse after the end")
    func threads() {
        let threads = WorkerThreads(maximum: 2)
        let counts = Mutex((done: 0, refused: 0))
        func submit() {
            threads.submit { isStopping in
                counts.withLock { if isStopping { $0.refused += 1 } else { $0.done += 1 } }
            }
        }
        for _ in 0..<5000 { submit() }
        threads.stop()
        let before = counts.withLock { $0 }
        #expect(before.done + before.refused == 5000)
        submit()
        #expect(counts.withLock { $0.refused } == before.refused + 1)
    }
}
