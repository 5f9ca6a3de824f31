import Bytes
import PromQL
import Storage
import TestSupport
import Testing

@testable import WebAPI

/// Bodies that come in pieces, as they are and compressed.
extension HTTPServerTests {
    @Test("a long body comes in pieces: in chunks, or up to the end of the connection before 1.1")
    func pieces() async throws {
        try await withServer { port in
            for version in ["1.1", "1.0"] {
                let connection = RawConnection(port: port)
                connection.send("GET /pieces HTTP/\(version)\r\nConnection: close\r\n\r\n")
                let answer = connection.read()
                #expect(answer.contains("Transfer-Encoding: chunked") == (version == "1.1"))
                for letter in "abcde".utf8 {
                    let count = answer.utf8.reduce(0) { $0 + ($1 == letter ? 1 : 0) }
                    #expect(count >= 300_000)
                }
                #expect(answer.utf8.count < 1_501_000)
                #expect(version == "1.0" || answer.hasSuffix("0\r\n\r\n"))
            }
        }
    }

    /// The body of an answer in chunks.
    private static func body(ofChunks answer: [UInt8]) -> [UInt8]? {
        guard let end = answer.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        var rest = answer[end.upperBound...]
        var body: [UInt8] = []
        while let line = rest.firstRange(of: Array("\r\n".utf8)) {
            let text = String(decoding: rest[..<line.lowerBound], as: UTF8.self)
            guard let count = Int(text, radix: 16), rest.count >= line.upperBound - rest.startIndex + count + 2 else {
                return nil
            }
            body += rest[line.upperBound...].prefix(count)
            rest = rest[(line.upperBound + count + 2)...]
            if count == 0 { return rest.isEmpty ? body : nil }
        }
        return nil
    }

    @Test("a long body is compressed piece by piece for who takes gzip, while there is room for it")
    func compressedPieces() async throws {
        let api = Echo()
        try await withServer(api) { port in
            func ask(_ path: String, version: String = "1.1", _ encodings: String) -> (head: String, bytes: [UInt8]) {
                let connection = RawConnection(port: port)
                connection.send(
                    "GET \(path) HTTP/\(version)\r\nConnection: close\r\nAccept-Encoding: \(encodings)\r\n\r\n")
                let bytes = connection.readBytes()
                let end = bytes.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound ?? 0
                return (String(decoding: bytes[..<end], as: UTF8.self), bytes)
            }
            let plain = ask("/pieces", "br")
            #expect(!plain.head.contains("Content-Encoding") && plain.head.contains("Vary: Accept-Encoding\r\n"))
            let wanted = try #require(Self.body(ofChunks: plain.bytes))
            #expect(wanted.count == 1_500_000)

            let compressed = ask("/pieces", "deflate, gzip")
            #expect(compressed.head.contains("Content-Encoding: gzip\r\n"))
            var body: [UInt8] = []
            let file = try #require(Self.body(ofChunks: compressed.bytes))
            #expect(file.count < 10_000)
            try Compression.gunzip(file, limitBytes: wanted.count, into: &body)
            #expect(body == wanted)

            let early = ask("/pieces", version: "1.0", "gzip")
            #expect(early.head.contains("Content-Encoding: gzip\r\n") && early.bytes.suffix(file.count) == file[...])
            let encoded = ask("/compressed", "gzip").head
            #expect(!encoded.contains("Content-Encoding: gzip") && !encoded.contains("Vary"))

            let others = api.budget.reservation()
            // The answers before give back what they held when they are let go, a moment after the client has them.
            while !others.offer(900 << 10) {}
            #expect(!ask("/pieces", "gzip").head.contains("Content-Encoding"))
            others.release(900 << 10)
            #expect(ask("/pieces", "gzip").head.contains("Content-Encoding: gzip"))
        }
        #expect(api.budget.usedBytes == 0)
    }

    @Test("an answer in pieces that the server's end interrupts ends with its connection, and does not look whole")
    func interruptedPieces() async throws {
        try await withServer { (port, server) in
            let connections = ["1.1", "1.0"].map { version in
                let connection = RawConnection(port: port)
                connection.send("GET /endless HTTP/\(version)\r\n\r\n")
                #expect(connection.readSome().starts(with: "HTTP/\(version) 200".utf8))
                return connection
            }
            server.threads.stop()
            #expect(!connections[0].read().hasSuffix("0\r\n\r\n"))
            #expect(connections[1].endsWithReset())
        }
    }

    @Test(
        "gzip goes to who takes it",
        arguments: [
            ("gzip", true), ("deflate, gzip", true), ("GZIP", true), ("gzip;q=0.5, br", true), ("br", false),
            ("", false),
            ("gzip;q=0", false), ("gzip; q=0.0, br", false), ("gzipped", false), ("x-gzip", true),
        ])
    func encodings(_ header: String, _ takes: Bool) { #expect(HTTPExchange.takesGzip(header) == takes) }

    @Test("HEAD is told how a body in pieces would come, and the connection stays")
    func headOfPieces() async throws {
        try await withServer { port in
            let connection = RawConnection(port: port)
            connection.send("HEAD /pieces HTTP/1.1\r\n\r\nGET /x HTTP/1.1\r\nConnection: close\r\n\r\n")
            let answer = connection.read()
            #expect(answer.contains("Transfer-Encoding: chunked\r\n\r\nHTTP/1.1 200 OK\r\n"), "\(answer)")
            #expect(answer.hasSuffix("GET /x - 0\n"))
        }
    }
}
