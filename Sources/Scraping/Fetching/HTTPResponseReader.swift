import NIOCore

/// What a response of HTTP/1.1 says before its body, as far as a scraper cares.
struct HTTPResponseHead: Sendable, Hashable {
    var status = 0
    var reason = ""
    var contentType = ""
    var contentEncoding = ""
    var location = ""
    var contentLength: Int?
    var isChunked = false
    /// Whether the connection may be used for another request.
    var keepsAlive = true
}

/// What is wrong with the bytes of a response.
enum HTTPResponseError: Error, Hashable, Sendable {
    case malformed(String)
    case headTooLarge(limitBytes: Int)
    /// The body is larger than the reader may keep.
    case bodyTooLarge
}

extension HTTPResponseError: CustomStringConvertible {
    var description: String {
        switch self {
        case .malformed(let what): "malformed HTTP response: \(what)"
        case .headTooLarge(let limit): "malformed HTTP response: its head is larger than \(limit) bytes"
        case .bodyTooLarge: "body size limit exceeded"
        }
    }
}

/// Reads one response of HTTP/1.1 (RFC 9112) from the pieces in which it comes.
///
///     head --> fixed length ------------------> done
///          --> chunk size --> data --> end ...
///          --> until the connection closes
///
/// Written for this one use because a general parser cost more than everything else of a scrape: it makes strings of
/// all headers and a message of each part.
struct HTTPResponseReader: Sendable {
    private enum Phase: Sendable {
        case head
        case fixed(remaining: Int)
        case chunkSize(ChunkSizeLine)
        case chunkData(remaining: Int)
        /// The line feed behind the data of a chunk.
        case chunkEnd
        case trailers(lineBytes: Int, totalBytes: Int)
        case untilClosed
        case done
    }

    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    private let bodyLimitBytes: Int
    /// For what is not a good page little is kept; what is beyond is an end of the connection, not an error.
    private let otherBodyLimitBytes: Int
    private let buffers: FetchBuffers
    /// What the target said the last time, so that no string is made for it.
    private let knownContentType: String
    private var phase = Phase.head
    private var headBytes: [UInt8] = []
    private(set) var head: HTTPResponseHead?
    var body: [UInt8] = []

    /// - Parameter buffers: Where memory for the head and the body comes from; whoever takes the body gives it back.
    init(
        bodyLimitBytes: Int, otherBodyLimitBytes: Int, buffers: FetchBuffers = FetchBuffers(),
        knownContentType: String = ""
    ) {
        self.buffers = buffers
        self.knownContentType = knownContentType
        self.bodyLimitBytes = bodyLimitBytes
        self.otherBodyLimitBytes = min(otherBodyLimitBytes, bodyLimitBytes)
    }

    var isDone: Bool { if case .done = phase { true } else { false } }
    /// Whether any byte of the response has come.
    var hasStarted: Bool { head != nil || !headBytes.isEmpty }

    /// Whether the response is complete now that the connection has closed.
    mutating func finishAtClose() -> Bool {
        if case .untilClosed = phase { phase = .done }
        return isDone
    }

    /// Takes what came; bytes behind the end of the response stay in the buffer.
    mutating func read(_ buffer: inout ByteBuffer) throws(HTTPResponseError) {
        while buffer.readableBytes > 0 {
            switch phase {
            case .done: return
            case .head: try readHead(&buffer)
            case .fixed(let remaining):
                let rest = try take(&buffer, atMost: remaining)
                phase = rest == 0 ? .done : .fixed(remaining: rest)
            case .untilClosed: _ = try take(&buffer, atMost: .max)
            case .chunkSize(let line): try readChunkSize(&buffer, line)
            case .chunkData(let remaining):
                let rest = try take(&buffer, atMost: remaining)
                phase = rest == 0 ? .chunkEnd : .chunkData(remaining: rest)
            case .chunkEnd:
                let byte = buffer.readInteger(as: UInt8.self)
                if byte == Self.lineFeed { phase = .chunkSize(ChunkSizeLine()) }
                guard byte == Self.lineFeed || byte == Self.carriageReturn else {
                    throw .malformed("a chunk is longer than its size")
                }
            case .trailers(let lineBytes, let totalBytes): try readTrailer(&buffer, lineBytes, totalBytes)
            }
        }
    }

    /// Appends to the body; the result is how much of `limit` is still to come.
    private mutating func take(_ buffer: inout ByteBuffer, atMost limit: Int) throws(HTTPResponseError) -> Int {
        let count = min(limit, buffer.readableBytes)
        try checkRoom(for: count)
        body.append(contentsOf: buffer.readableBytesView.prefix(count))
        buffer.moveReaderIndex(forwardBy: count)
        return limit == .max ? limit : limit - count
    }

    private func checkRoom(for count: Int) throws(HTTPResponseError) {
        let limit = head?.status == 200 ? bodyLimitBytes : otherBodyLimitBytes
        guard count <= limit - body.count else { throw .bodyTooLarge }
    }

    // MARK: Head

    /// Gathers the head's lines without their carriage returns; most heads come in one piece.
    private mutating func readHead(_ buffer: inout ByteBuffer) throws(HTTPResponseError) {
        if headBytes.isEmpty { headBytes = buffers.takeHead() }
        let room = ScrapeSafety.headerBytes - headBytes.count
        var isComplete = false
        let used = unsafe buffer.withUnsafeReadableBytes { bytes -> Int in
            for index in 0..<min(bytes.count, room) {
                let byte = unsafe bytes[index]
                if byte == Self.carriageReturn { continue }
                headBytes.append(byte)
                if byte == Self.lineFeed, headBytes.count > 1, headBytes[headBytes.count - 2] == Self.lineFeed {
                    isComplete = true
                    return index + 1
                }
            }
            return min(bytes.count, room)
        }
        buffer.moveReaderIndex(forwardBy: used)
        guard isComplete else {
            guard headBytes.count < ScrapeSafety.headerBytes, buffer.readableBytes == 0 else {
                throw .headTooLarge(limitBytes: ScrapeSafety.headerBytes)
            }
            return
        }
        let head = try Self.parseHead(headBytes, knownContentType: knownContentType)
        buffers.giveBack(head: headBytes)
        headBytes = []
        if (100..<200).contains(head.status) { return }
        self.head = head
        try start(head)
    }

    private mutating func start(_ head: HTTPResponseHead) throws(HTTPResponseError) {
        if head.status == 204 || head.status == 304 {
            phase = .done
            return
        }
        body = buffers.takeBody()
        if head.isChunked {
            phase = .chunkSize(ChunkSizeLine())
        } else if let length = head.contentLength {
            try checkRoom(for: length)
            body.reserveCapacity(length)
            phase = length == 0 ? .done : .fixed(remaining: length)
        } else {
            self.head?.keepsAlive = false
            phase = .untilClosed
        }
    }

    private static func parseHead(
        _ bytes: [UInt8], knownContentType: String
    ) throws(HTTPResponseError) -> HTTPResponseHead {
        // Empty lines before the status line are nobody's business.
        var position = bytes.firstIndex { $0 != lineFeed } ?? bytes.count
        var head = try parseStatusLine(nextLine(of: bytes, &position))
        while position < bytes.count {
            let line = nextLine(of: bytes, &position)
            if line.isEmpty { break }
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else {
                throw .malformed("a header without a name")
            }
            try apply(
                name: line[..<colon], value: trimmed(line[(colon + 1)...]), knownContentType: knownContentType,
                to: &head)
        }
        return head
    }

    /// The line that begins at `position`, which moves to the next.
    private static func nextLine(of bytes: [UInt8], _ position: inout Int) -> ArraySlice<UInt8> {
        let line = bytes[min(position, bytes.count)...].prefix { $0 != lineFeed }
        position = line.endIndex + 1
        return line
    }

    private static func parseStatusLine(_ line: ArraySlice<UInt8>) throws(HTTPResponseError) -> HTTPResponseHead {
        guard line.count >= 12, line.starts(with: "HTTP/1.".utf8), line[line.startIndex + 8] == UInt8(ascii: " ") else {
            throw .malformed("no HTTP/1 status line")
        }
        var head = HTTPResponseHead()
        head.keepsAlive = line[line.startIndex + 7] == UInt8(ascii: "1")
        for byte in line[(line.startIndex + 9)..<(line.startIndex + 12)] {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { throw .malformed("no status code") }
            head.status = head.status * 10 + Int(byte - UInt8(ascii: "0"))
        }
        guard head.status >= 100 else { throw .malformed("no status code") }
        head.reason = text(trimmed(line[(line.startIndex + 12)...]))
        return head
    }

    private static func apply(
        name: ArraySlice<UInt8>, value: ArraySlice<UInt8>, knownContentType: String, to head: inout HTTPResponseHead
    ) throws(HTTPResponseError) {
        // Told apart by length first: most headers are none of these.
        switch name.count {
        case 8 where isName(name, "location"): head.location = text(value)
        case 10 where isName(name, "connection"):
            let tokens = text(value).lowercased()
            if tokens.contains("close") { head.keepsAlive = false }
            if tokens.contains("keep-alive") { head.keepsAlive = true }
        case 12 where isName(name, "content-type"):
            head.contentType = value.elementsEqual(knownContentType.utf8) ? knownContentType : text(value)
        case 14 where isName(name, "content-length"):
            guard let length = number(value), head.contentLength == nil || head.contentLength == length else {
                throw .malformed("invalid Content-Length")
            }
            head.contentLength = length
        case 16 where isName(name, "content-encoding"): head.contentEncoding = text(value)
        case 17 where isName(name, "transfer-encoding"):
            guard text(value).lowercased() == "chunked" else { throw .malformed("unsupported Transfer-Encoding") }
            head.isChunked = true
        default: break
        }
    }

    private static func isName(_ name: ArraySlice<UInt8>, _ wanted: StaticString) -> Bool {
        for (offset, byte) in name.enumerated() {
            let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            let wantedByte = wanted.withUTF8Buffer { unsafe $0[offset] }
            if (isUpper ? byte | 0x20 : byte) != wantedByte { return false }
        }
        return true
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
        let start = bytes.drop(while: isBlank)
        guard let last = start.lastIndex(where: { !isBlank($0) }) else { return [] }
        return start[...last]
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard !digits.isEmpty, digits.count <= 18 else { return nil }
        var number = 0
        for byte in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            number = number * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return number
    }

    // MARK: Chunks

    private mutating func readChunkSize(
        _ buffer: inout ByteBuffer, _ known: ChunkSizeLine
    ) throws(HTTPResponseError) {
        var line = known
        while let byte = buffer.readInteger(as: UInt8.self) {
            guard let size = try line.read(byte) else { continue }
            try checkRoom(for: size)
            phase = size == 0 ? .trailers(lineBytes: 0, totalBytes: 0) : .chunkData(remaining: size)
            return
        }
        phase = .chunkSize(line)
    }

    private mutating func readTrailer(
        _ buffer: inout ByteBuffer, _ lineBytes: Int, _ totalBytes: Int
    ) throws(HTTPResponseError) {
        guard let byte = buffer.readInteger(as: UInt8.self) else { return }
        guard totalBytes < ScrapeSafety.headerBytes else { throw .headTooLarge(limitBytes: ScrapeSafety.headerBytes) }
        switch byte {
        case Self.lineFeed where lineBytes == 0: phase = .done
        case Self.lineFeed: phase = .trailers(lineBytes: 0, totalBytes: totalBytes + 1)
        case Self.carriageReturn: phase = .trailers(lineBytes: lineBytes, totalBytes: totalBytes + 1)
        default: phase = .trailers(lineBytes: lineBytes + 1, totalBytes: totalBytes + 1)
        }
    }
}
