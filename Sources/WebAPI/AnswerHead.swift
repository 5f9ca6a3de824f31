import NIOCore
import NIOHTTP1

/// The status line and the headers of an answer, written as they go out.
///
/// One buffer, which takes the body too where that is small: an answer is then one write. What frames the body is decided here
/// and nowhere else (RFC 9112, section 6).
struct AnswerHead: Sendable {
    /// How the client finds the end of the body.
    enum Framing: Sendable {
        /// There is no body, whatever the headers say.
        case none
        /// `Content-Length` says it.
        case counted
        /// Each part says its length, an empty one is the last.
        case chunked
        /// The end of the connection is the end of the body: before 1.1 there is no other way.
        case closing
    }

    let version: HTTPVersion
    let status: HTTPResponseStatus
    private(set) var framing = Framing.none
    /// What the connection lets follow: its own header, the end of the head, and small bodies.
    private static let roomBytes = 512
    private var buffer: ByteBuffer

    init(version: HTTPVersion, status: HTTPResponseStatus, roomForBodyBytes: Int = 0) {
        self.version = version
        self.status = status
        buffer = ByteBufferAllocator().buffer(capacity: Self.roomBytes + roomForBodyBytes)
        buffer.writeStaticString("HTTP/")
        buffer.writeInteger(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: min(max(version.major, 0), 9)))
        buffer.writeStaticString(".")
        buffer.writeInteger(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: min(max(version.minor, 0), 9)))
        buffer.writeStaticString(" ")
        buffer.writeString(String(status.code))
        buffer.writeStaticString(" ")
        buffer.writeString(status.reasonPhrase)
        buffer.writeStaticString("\r\n")
    }

    /// Adds a header; one that could end its line and begin another is left out.
    mutating func add(_ name: String, _ value: String) {
        guard Self.isSound(name, value) else { return }
        buffer.writeString(name)
        buffer.writeStaticString(": ")
        buffer.writeString(value)
        buffer.writeStaticString("\r\n")
    }

    /// The body has this length.
    mutating func frame(bodyBytes: Int) {
        framing = .counted
        add("Content-Length", String(bodyBytes))
    }

    /// The length of the body is not known.
    mutating func frameByParts() {
        guard !version.isBeforeKeepingAlive else { return framing = .closing }
        framing = .chunked
        add("Transfer-Encoding", "chunked")
    }

    /// The answer is to HEAD: the headers tell of a body that does not come.
    mutating func omitBody() { framing = .none }

    /// The end of the head; nothing more is added.
    ///
    /// - Parameter closes: The connection ends with this answer.
    mutating func end(closes: Bool) -> ByteBuffer {
        if closes {
            buffer.writeStaticString("Connection: close\r\n\r\n")
        } else if version.isBeforeKeepingAlive {
            buffer.writeStaticString("Connection: keep-alive\r\n\r\n")
        } else {
            buffer.writeStaticString("\r\n")
        }
        return buffer
    }

    private static func isSound(_ name: String, _ value: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ":") }
            && value.utf8.allSatisfy { ($0 >= 0x20 && $0 != 0x7f) || $0 == UInt8(ascii: "\t") }
    }
}

extension HTTPVersion {
    /// 1.0 and before: no body in chunks, and a connection that ends with the answer unless the client asks.
    var isBeforeKeepingAlive: Bool { major < 1 || (major == 1 && minor < 1) }
}
