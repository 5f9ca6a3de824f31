import Dispatch
import Glibc
import PromQL
import Synchronization
import TestSupport
import Testing

@testable import WebAPI

@Suite("Queries that wait for memory")
struct WaitingQueryTests {
    /// Each a megabyte: more than the kernel keeps of them.
    fileprivate static let pieces = 12

    /// A store of memory that one large answer holds until its last piece is sent.
    private final class Scarce: RequestAnswering {
        let active = ActiveQueries()
        let isAsked = DispatchSemaphore(value: 0)
        /// The large answer has begun.
        let isHeld = DispatchSemaphore(value: 0)
        let isFree = DispatchSemaphore(value: 0)
        /// How often `/needs` was asked.
        let asked = Mutex(0)
        /// Whether the memory was free when `/waits` had waited, nil while it waits.
        let outcome = Mutex<Bool?>(nil)

        func beginSending(_ request: APIRequest) -> SendingQuery? { request.query.map { active.beginSending($0) } }

        func admit(_ request: APIRequest, isWithdrawn: @escaping @Sendable () -> Bool) -> Admission {
            do {
                return .queued(try active.admit(QueryDescription(text: request.path)))
            } catch {
                return .refused(.failure(APIError(error)))
            }
        }

        func respond(to request: APIRequest) -> APIResponse {
            defer { if let query = request.query, !request.comesAgain { active.finish(query) } }
            switch request.path {
            case "/holds":
                let left = Mutex(WaitingQueryTests.pieces)
                return APIResponse(
                    contentType: "text/plain",
                    body: .pieces { [self] in
                        let number = left.withLock { left in
                            left -= 1
                            return left
                        }
                        if number == WaitingQueryTests.pieces - 1 { isHeld.signal() }
                        if number == 0 { isFree.signal() }
                        return APIResponse.Piece(
                            bytes: [UInt8](repeating: UInt8(ascii: "a"), count: 1 << 20), isLast: number == 0)
                    })
            case "/endless":
                return APIResponse(
                    contentType: "text/plain",
                    body: .pieces {
                        APIResponse.Piece(bytes: [UInt8](repeating: UInt8(ascii: "a"), count: 1 << 20), isLast: false)
                    })
            case "/ended": return .text("canceled \(request.query?.cancellation.isCancelled == true)")
            case "/waits":
                isAsked.signal()
                let isInTime = isFree.wait(timeout: .now() + 10) == .success
                outcome.withLock { $0 = isInTime }
                return .text("\(isInTime)")
            case "/needs":
                if asked.withLock({ count in
                    count += 1
                    return count == 1
                }) {
                    request.query?.noteWait()
                    return .text("never sent")
                }
                isAsked.signal()
                let isInTime = isFree.wait(timeout: .now() + 10) == .success
                return .text("\(isInTime), again \(request.mayComeAgain)")
            default:
                isFree.signal()
                return .text("little")
            }
        }
    }

    private func withServer(
        _ api: Scarce, limits: HTTPServer.Limits = HTTPServer.Limits(), _ body: (Int) throws -> Void
    ) async throws {
        let threads = [2, 1, 1].map { WorkerThreads(maximum: $0) }
        let server = HTTPServer(
            api: api, threads: threads[0], queryThreads: threads[1], patientThreads: threads[2], limits: limits)
        let (ports, found) = AsyncStream.makeStream(of: Int.self)
        let task = Task { try await server.run(host: "127.0.0.1", port: 0) { found.yield($0) } }
        for await port in ports {
            try body(port)
            break
        }
        task.cancel()
        try await task.value
        for threads in threads { threads.stop() }
    }

    /// Whether something becomes true within ten seconds.
    private func comes(_ isTrue: () -> Bool) -> Bool {
        let end = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < end {
            if isTrue() { return true }
            sched_yield()
        }
        return false
    }

    private func ask(_ path: String, _ port: Int) -> RawConnection {
        let connection = RawConnection(port: port, seconds: 20, receiveBytes: 1 << 16)
        connection.send("GET \(path) HTTP/1.0\r\n\r\n")
        return connection
    }

    @Test("an answer goes on being sent while all threads of queries wait for the memory that it holds")
    func sending() async throws {
        let api = Scarce()
        try await withServer(api) { port in
            let holding = ask("/holds", port)
            api.isHeld.wait()
            let waiting = ask("/waits", port)
            api.isAsked.wait()
            #expect(holding.read().utf8.count > Self.pieces << 20)
            #expect(waiting.read().hasSuffix("true"))
        }
        #expect(api.active.list().isEmpty)
    }

    @Test("a query that waits for memory leaves the threads of queries to those that do not")
    func elsewhere() async throws {
        let api = Scarce()
        try await withServer(api) { port in
            let waiting = ask("/needs", port)
            api.isAsked.wait()
            // One thread for queries: it is free.
            #expect(ask("/little", port).read().hasSuffix("little"))
            #expect(waiting.read().hasSuffix("true, again false"))
        }
        #expect(api.active.list().isEmpty)
    }

    @Test("a query that is ended while it waits for its turn is answered at once")
    func endedWhileWaiting() async throws {
        let api = Scarce()
        try await withServer(api) { port in
            let running = ask("/waits", port)
            api.isAsked.wait()
            let waiting = ask("/ended", port)
            #expect(comes { api.active.list().count == 2 })
            #expect(api.active.end(id: 2))
            #expect(waiting.read().hasSuffix("canceled true"))
            #expect(api.outcome.withLock { $0 } == nil, "the running query is still running")
            api.isFree.signal()
            #expect(running.read().hasSuffix("true"))
        }
        #expect(api.active.list().isEmpty)
    }

    @Test("a query whose answer is being sent is seen, and its connection is cut when it is ended")
    func endedWhileSending() async throws {
        let api = Scarce()
        try await withServer(api) { port in
            let untaken = ask("/endless", port)
            #expect(untaken.readSome().starts(with: "HTTP/1.0 200".utf8))
            #expect(comes { api.active.list().map(\.state) == [.sending] })
            let number = try #require(api.active.list().first?.id)
            #expect(api.active.end(id: number))
            // Nobody reads: the server does not wait for that.
            #expect(comes { api.active.list().isEmpty })
            #expect(untaken.endsWithReset())
        }
    }

    @Test("who takes an answer too slowly loses it, though something is taken all the time")
    func slowTaking() async throws {
        let api = Scarce()
        var limits = HTTPServer.Limits()
        limits.takingSeconds = 1
        limits.takenBytesPerSecond = 1 << 40
        try await withServer(api, limits: limits) { port in
            #expect(ask("/endless", port).endsWithReset())
            #expect(comes { api.active.list().isEmpty })
        }
    }
}
