import CountedAllocations
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import Scraping

/// Code without optimisation allocates small boxes everywhere, so there only memory of a buffer's size is counted.
@Suite("What a steady fetch allocates")
struct SteadyFetchTests {
    private static let page = String(repeating: "a 1\nb 22\n", count: 1_000)
    private static let heads =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Encoding: gzip\r\n"

    /// What the thread has allocated up to now, as far as it counts.
    private static var allocationCount: Int {
        #if DEBUG
            Int(lapwing_buffer_allocation_count())
        #else
            Int(lapwing_allocation_count())
        #endif
    }

    private static func chunk(_ text: Substring) -> String {
        "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n"
    }

    @Test(
        "reading a response whose like came before allocates nothing",
        arguments: [
            heads + "Content-Length: 9000\r\n\r\n" + page,
            heads + "Transfer-Encoding: chunked\r\n\r\n" + chunk(page.prefix(4_096)) + chunk(page.dropFirst(4_096))
                + "0\r\n\r\n",
        ])
    func reading(response: String) throws {
        let buffers = FetchBuffers()
        let buffer = ByteBuffer(string: response)
        var knownContentType = ""
        var counts: [Int] = []
        counts.reserveCapacity(4)
        for _ in 0..<4 {
            var input = buffer
            let before = Self.allocationCount
            var reader = HTTPResponseReader(
                bodyLimitBytes: 1 << 20, otherBodyLimitBytes: 100, buffers: buffers, knownContentType: knownContentType)
            try reader.read(&input)
            knownContentType = reader.head?.contentType ?? ""
            let body = reader.body
            buffers.giveBack(body: body)
            counts.append(Self.allocationCount - before)
            #expect(reader.isDone && body.count == 9_000)
        }
        #expect(counts.last == 0, "\(counts)")
    }

    @Test("an alarm that is set again and again allocates nothing")
    func alarms() async throws {
        // A loop of its own: what others leave in a loop's list of timers decides when the list grows.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let executor = EventLoopExecutor(group.next())
        let count = try await executor.eventLoop.submit {
            // The event loop's own timer stands for the first of them.
            let first = executor.makeAlarm {}
            first.set(afterMilliseconds: 60_000)
            let alarm = executor.makeAlarm {}
            for _ in 0..<160 { alarm.set(afterMilliseconds: 120_000) }
            // The list of what waits doubles when it is full, and what it had room for depends on the blocks that the allocator
            // had left: just behind a growth there is room for certain.
            let small = Self.allocationCount
            for _ in 0..<1_000 where Self.allocationCount == small { alarm.set(afterMilliseconds: 120_000) }
            let before = Self.allocationCount
            for _ in 0..<20 {
                alarm.set(afterMilliseconds: 120_000)
                alarm.cancel()
            }
            return Self.allocationCount - before
        }.get()
        #expect(count == 0)
        try await group.shutdownGracefully()
    }

    /// Fetches one page after the other and notes how much its thread had allocated at the end of each.
    private final class Chain: @unchecked Sendable {  // Confined to the event loop.
        private let fetcher: HTTPScrapeFetcher
        private let done: @Sendable ([Int]) -> Void
        private var counts: [Int] = []
        private let wanted: Int

        init(_ fetcher: HTTPScrapeFetcher, count: Int, done: @escaping @Sendable ([Int]) -> Void) {
            self.fetcher = fetcher
            self.done = done
            wanted = count
            counts.reserveCapacity(count)
        }

        func fetch() {
            let request = FetchRequest(
                number: counts.count, timeoutMilliseconds: 10_000, bodyLimitBytes: 1 << 20, bodyLimitName: "limit")
            fetcher.fetch(request) { [self] number, result in
                guard number == counts.count, case .success(let body) = result, body.bytes.count == 9_000 else {
                    return done([])
                }
                counts.append(SteadyFetchTests.allocationCount)
                if counts.count == wanted { done(counts) } else { fetch() }
            }
        }
    }

    @Test("a whole fetch on a kept connection takes no memory for the answer: it has that of the one before")
    func wholeFetch() async throws {
        let server = try await ScriptedServer { _ in .page(Self.page) }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let executor = EventLoopExecutor(group.next())
        var target = ScrapeTarget.sample()
        target.url = TargetURL(scheme: "http", address: server.address, path: "/metrics", query: "")
        let job = ScrapeJobSettings(jobName: "j")
        let fetcher = HTTPScrapeFetcher(
            target: target, job: job, tlsContexts: TLSContexts(job.client.tls), userAgent: "Lapwing/test",
            executor: executor)
        let counts = await withCheckedContinuation { continuation in
            executor.execute { Chain(fetcher, count: 48) { continuation.resume(returning: $0) }.fetch() }
        }
        let taken = zip(counts, counts.dropFirst()).map { $1 - $0 }.dropFirst(8)
        // Lists of what waits grow now and then, and a page may come in two pieces. The chain's own closure is one.
        #expect(taken.count == 39)
        #expect(taken.sorted()[20] <= 1, "\(taken)")
        try await server.stop()
        try await group.shutdownGracefully()
    }
}
