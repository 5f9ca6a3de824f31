/// A whole answer.
struct HTTPAnswer {
    var status: Int
    var body: [UInt8]
}

/// How the body of an answer ends (RFC 9112, 6.3).
enum HTTPBody: Equatable {
    case length(Int)
    case chunked
    case untilClose
}

/// As much of HTTP/1.1 (RFC 9112) as it takes to ask a runtime: GET, a status, a body.
extension LocalConversation {
    static let maximumLineBytes = 16 << 10
    static let maximumHeaderLines = 128

    /// Asks and takes the whole answer; the connection can be asked again unless the answer ends with it.
    mutating func get(_ path: String, limitBytes: Int) throws(RuntimeFailure) -> HTTPAnswer {
        let (status, body) = try beginGet(path)
        switch body {
        case .length(let count):
            guard count <= limitBytes else { throw .tooLong(limitBytes: limitBytes) }
            return HTTPAnswer(status: status, body: try take(count))
        case .untilClose: return HTTPAnswer(status: status, body: try takeAll(limitBytes: limitBytes))
        case .chunked:
            var bytes: [UInt8] = []
            while let chunk = try nextChunk(limitBytes: limitBytes - bytes.count) { bytes += chunk }
            return HTTPAnswer(status: status, body: bytes)
        }
    }

    /// Asks and reads as far as the body, which the caller takes.
    mutating func beginGet(_ path: String) throws(RuntimeFailure) -> (status: Int, body: HTTPBody) {
        try send(
            Array(
                "GET \(path) HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Lapwing\r\nAccept: application/json\r\n\r\n"
                    .utf8))
        let first = String(decoding: try line(limitBytes: Self.maximumLineBytes), as: UTF8.self)
        let words = first.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]), (200..<600).contains(status)
        else { throw .malformed("no status of HTTP/1") }
        var body = status == 204 || status == 304 ? HTTPBody.length(0) : .untilClose
        for _ in 0..<Self.maximumHeaderLines {
            let text = String(decoding: try line(limitBytes: Self.maximumLineBytes), as: UTF8.self)
            if text.isEmpty { return (status, body) }
            guard let colon = text.firstIndex(of: ":") else { throw .malformed("a header without a colon") }
            let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            switch text[..<colon].lowercased() {
            case "content-length":
                guard let count = Int(value), count >= 0 else { throw .malformed("a length that is no number") }
                if body != .chunked { body = .length(count) }
            case "transfer-encoding":
                guard value.lowercased() == "chunked" else { throw .malformed("an unknown coding of the body") }
                body = .chunked
            default: break
            }
        }
        throw .malformed("more than \(Self.maximumHeaderLines) headers")
    }

    /// The next piece of a chunked body (RFC 9112, 7.1); nil at its end.
    mutating func nextChunk(limitBytes: Int) throws(RuntimeFailure) -> [UInt8]? {
        let text = String(decoding: try line(limitBytes: Self.maximumLineBytes), as: UTF8.self)
        guard let digits = text.split(separator: ";").first, let count = Int(digits, radix: 16), count >= 0 else {
            throw .malformed("a chunk without a length")
        }
        guard count <= limitBytes else { throw .tooLong(limitBytes: limitBytes) }
        if count == 0 {
            while try !line(limitBytes: Self.maximumLineBytes).isEmpty {}
            return nil
        }
        let bytes = try take(count)
        guard try line(limitBytes: 2).isEmpty else { throw .malformed("a chunk longer than its length") }
        return bytes
    }
}
