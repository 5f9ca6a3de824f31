import NIOCore
import Testing

@testable import Scraping

@Suite("Reading responses")
struct HTTPResponseReaderTests {
    /// Reads a response that comes in pieces of `size` bytes; nil where it is not complete.
    static func read(
        _ text: String, pieces size: Int, limit: Int = 1000, isClosed: Bool = false
    ) throws(HTTPResponseError) -> (head: HTTPResponseHead, body: String, rest: Int)? {
        var reader = HTTPResponseReader(bodyLimitBytes: limit, otherBodyLimitBytes: 50)
        let bytes = Array(text.utf8)
        var rest = 0
        for start in stride(from: 0, to: bytes.count, by: size) {
            var buffer = ByteBuffer(bytes: bytes[start..<min(bytes.count, start + size)])
            try reader.read(&buffer)
            rest += buffer.readableBytes
        }
        if isClosed { _ = reader.finishAtClose() }
        guard reader.isDone, let head = reader.head else { return nil }
        return (head, String(decoding: reader.body, as: UTF8.self), rest)
    }

    @Test("a body of known length, however it is cut", arguments: [1, 2, 7, 1000])
    func fixedLength(_ size: Int) throws {
        let text = "HTTP/1.1 200 OK\r\nCONTENT-Type:  text/plain; x \r\nContent-Length: 5\r\nX-Other: y\r\n\r\nhello"
        let answer = try #require(try Self.read(text, pieces: size))
        #expect(answer.body == "hello")
        #expect(answer.head.status == 200)
        #expect(answer.head.reason == "OK")
        #expect(answer.head.contentType == "text/plain; x")
        #expect(answer.head.keepsAlive)
    }

    @Test("a body in chunks, however it is cut", arguments: [1, 2, 3, 5, 1000])
    func chunked(_ size: Int) throws {
        let text =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
            + "5\r\nhello\r\nA;x=y\r\n, 0123456\n\r\n0\r\nTrailer: x\r\n\r\n"
        let answer = try #require(try Self.read(text, pieces: size))
        #expect(answer.body == "hello, 0123456\n")
        #expect(answer.head.contentEncoding == "gzip")
    }

    @Test("a body that ends with the connection")
    func untilClosed() throws {
        let text = "HTTP/1.0 200 OK\r\n\r\nhello"
        #expect(try Self.read(text, pieces: 4) == nil)
        let answer = try #require(try Self.read(text, pieces: 4, isClosed: true))
        #expect(answer.body == "hello")
        #expect(!answer.head.keepsAlive)
    }

    @Test(
        "whether the connection may be kept",
        arguments: [
            ("HTTP/1.1 200 OK\r\n", true), ("HTTP/1.1 200 OK\r\nConnection: close\r\n", false),
            ("HTTP/1.0 200 OK\r\n", false),
            ("HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\n", true),
        ])
    func keepsAlive(_ start: String, _ keepsAlive: Bool) throws {
        let answer = try #require(try Self.read(start + "Content-Length: 0\r\n\r\n", pieces: 9))
        #expect(answer.head.keepsAlive == keepsAlive)
    }

    @Test("an interim response is passed over, what follows the end is left")
    func interim() throws {
        let text = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\nContent-Length: 1\n\nabc"
        let answer = try #require(try Self.read(text, pieces: 1000))
        #expect(answer.body == "a")
        #expect(answer.rest == 2)
        let empty = try #require(try Self.read("HTTP/1.1 204 No Content\r\n\r\n", pieces: 1000))
        #expect(empty.body == "")
    }

    @Test("limits hold for bodies, heads and pages of errors")
    func limits() throws {
        let length = "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n"
        #expect(throws: HTTPResponseError.bodyTooLarge) { try Self.read(length, pieces: 100) }
        let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n"
        #expect(throws: HTTPResponseError.bodyTooLarge) { try Self.read(chunks, pieces: 100) }
        let endless = "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "a", count: 1001)
        #expect(throws: HTTPResponseError.bodyTooLarge) { try Self.read(endless, pieces: 100) }
        let failure = "HTTP/1.1 500 No\r\nContent-Length: 51\r\n\r\n"
        #expect(throws: HTTPResponseError.bodyTooLarge) { try Self.read(failure, pieces: 100) }
        let head = "HTTP/1.1 200 OK\r\n" + String(repeating: "X: y\r\n", count: 20_000)
        #expect(throws: HTTPResponseError.headTooLarge(limitBytes: 65_536)) { try Self.read(head, pieces: 1000) }
    }

    @Test(
        "nonsense is refused",
        arguments: [
            "hello\r\n\r\n", "\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 200 OK\r\n: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
        ])
    func nonsense(_ text: String) {
        #expect(throws: HTTPResponseError.self) { try Self.read(text, pieces: 5) }
    }
}
