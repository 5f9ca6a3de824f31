/// Calls of gRPC over HTTP/2 (RFC 9113), to a server that is on this machine and asked one thing at a time: one question,
/// and one answer or a stream of them.
///
/// Of HTTP/2 there is what such a client cannot do without: settings, pings and windows are answered, and of headers
/// none is understood. The answer's message says that a call succeeded, its absence that it did not; so the tables of
/// HPACK (RFC 7541) need not be kept, and our own headers are sent as they are.
///
///     frame:    length (24 bits)  type (8)  flags (8)  stream (32)  payload
///     message:  compressed? (8)  length (32)  protobuf
struct RemoteCalls: ~Copyable {
    private enum Frame {
        static let data: UInt8 = 0
        static let headers: UInt8 = 1
        static let reset: UInt8 = 3
        static let settings: UInt8 = 4
        static let ping: UInt8 = 6
        static let goAway: UInt8 = 7
        static let windowUpdate: UInt8 = 8

        static let endStream: UInt8 = 1
        static let acknowledged: UInt8 = 1
        static let endHeaders: UInt8 = 4
        static let padded: UInt8 = 8
    }

    /// The largest frame that a server may send unless it was told otherwise.
    private static let maximumFrameBytes = 16_384
    private static let answerLimitBytes = 8 << 20

    private var conversation: LocalConversation
    private var nextStream: UInt32 = 1

    init(_ conversation: consuming LocalConversation) throws(RuntimeFailure) {
        self.conversation = conversation
        var bytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        // No table of headers, no pushed streams, room for a whole answer on a stream and on the connection.
        let room = UInt32(Self.answerLimitBytes)
        var settings: [UInt8] = []
        for (key, value) in [(UInt16(1), UInt32(0)), (2, 0), (4, room)] {
            Self.append(key, to: &settings)
            Self.append(value, to: &settings)
        }
        Self.frame(Frame.settings, flags: 0, stream: 0, settings, to: &bytes)
        Self.frame(Frame.windowUpdate, flags: 0, stream: 0, Self.bytes(room), to: &bytes)
        try self.conversation.send(bytes)
    }

    /// Until when the next frame must have come, see `LocalConversation`.
    var deadline: UInt64 {
        get { conversation.deadline }
        set { conversation.deadline = newValue }
    }

    mutating func waitForInput() throws(RuntimeFailure) -> Bool { try conversation.waitForInput() }

    /// Calls a method, `/package.Service/Method`, and gives its answer's message; that there is none is a failure.
    mutating func call(
        _ path: String, headers: [(name: String, value: String)] = [], message: [UInt8]
    ) throws(RuntimeFailure) -> [UInt8] {
        guard let answer = try callIfKnown(path, headers: headers, message: message) else {
            throw .malformed("the call was refused")
        }
        return answer
    }

    /// The same, nil when the server refused: it does not know the method, or what it was asked about.
    mutating func callIfKnown(
        _ path: String, headers: [(name: String, value: String)] = [], message: [UInt8]
    ) throws(RuntimeFailure) -> [UInt8]? {
        let stream = try begin(path, headers: headers, message: message)
        var answer: [UInt8] = []
        while try !takeFrame(of: stream, into: &answer) {}
        if answer.isEmpty { return nil }
        guard let message = try Self.takeMessage(from: &answer), answer.isEmpty else {
            throw .malformed("no whole message")
        }
        return message
    }

    /// Sends the question; what comes back has the number that is given.
    mutating func begin(
        _ path: String, headers: [(name: String, value: String)] = [], message: [UInt8]
    ) throws(RuntimeFailure) -> UInt32 {
        let stream = nextStream
        nextStream += 2
        var request: [UInt8] = []
        Self.frame(
            Frame.headers, flags: Frame.endHeaders, stream: stream, Self.headerBlock(path, headers), to: &request)
        let body = [0] + Self.bytes(UInt32(message.count)) + message
        Self.frame(Frame.data, flags: Frame.endStream, stream: stream, body, to: &request)
        try conversation.send(request)
        return stream
    }

    /// The first message of what came, nil when it is not there as a whole.
    static func takeMessage(from bytes: inout [UInt8]) throws(RuntimeFailure) -> [UInt8]? {
        guard bytes.count >= 5 else { return nil }
        let length = bytes[1..<5].reduce(0) { $0 << 8 | Int($1) }
        guard bytes[0] == 0 else { throw .malformed("a compressed message") }
        guard length <= answerLimitBytes else { throw .tooLong(limitBytes: answerLimitBytes) }
        guard bytes.count - 5 >= length else { return nil }
        defer { bytes.removeFirst(5 + length) }
        return Array(bytes[5..<5 + length])
    }

    /// Takes one frame; true when it was the last of the stream.
    mutating func takeFrame(of stream: UInt32, into answer: inout [UInt8]) throws(RuntimeFailure) -> Bool {
        let head = try conversation.take(9)
        let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
        guard length <= Self.maximumFrameBytes else { throw .malformed("a frame of \(length) bytes") }
        let (type, flags) = (head[3], head[4])
        let number = head[5..<9].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
        let payload = try conversation.take(length)
        let isLast = number == stream && flags & Frame.endStream != 0
        switch type {
        case Frame.data:
            if length > 0 { try reply(Frame.windowUpdate, 0, Self.bytes(UInt32(length))) }
            guard number == stream else { return false }
            if length > 0, !isLast { try reply(Frame.windowUpdate, 0, Self.bytes(UInt32(length)), stream: stream) }
            var content = payload[...]
            if flags & Frame.padded != 0, let padding = content.popFirst() { content = content.dropLast(Int(padding)) }
            guard answer.count + content.count <= Self.answerLimitBytes else {
                throw .tooLong(limitBytes: Self.answerLimitBytes)
            }
            answer += content
            return isLast
        case Frame.headers: return isLast
        case Frame.reset: if number == stream { throw .malformed("the call was ended early") }
        case Frame.settings: if flags & Frame.acknowledged == 0 { try reply(Frame.settings, Frame.acknowledged, []) }
        case Frame.ping: if flags & Frame.acknowledged == 0 { try reply(Frame.ping, Frame.acknowledged, payload) }
        case Frame.goAway: throw .closed
        default: break
        }
        return false
    }

    private mutating func reply(
        _ type: UInt8, _ flags: UInt8, _ payload: [UInt8], stream: UInt32 = 0
    ) throws(RuntimeFailure) {
        var bytes: [UInt8] = []
        Self.frame(type, flags: flags, stream: stream, payload, to: &bytes)
        try conversation.send(bytes)
    }

    // MARK: Bytes

    /// Our headers, none of them kept in a table: indexed names of RFC 7541, appendix A, and plain strings.
    private static func headerBlock(_ path: String, _ headers: [(name: String, value: String)]) -> [UInt8] {
        var block: [UInt8] = [0x83, 0x86]  // :method POST, :scheme http
        block.append(0x04)  // :path
        append(path, to: &block)
        block.append(0x01)  // :authority
        append("localhost", to: &block)
        block += [0x0F, 0x10]  // content-type
        append("application/grpc", to: &block)
        for header in [(name: "te", value: "trailers")] + headers {
            block.append(0x00)
            append(header.name, to: &block)
            append(header.value, to: &block)
        }
        return block
    }

    /// A string without Huffman's code, its length in front (RFC 7541, 5.1 and 5.2).
    private static func append(_ text: String, to block: inout [UInt8]) {
        var count = text.utf8.count
        if count < 0x7F {
            block.append(UInt8(count))
        } else {
            block.append(0x7F)
            count -= 0x7F
            while count >= 0x80 {
                block.append(UInt8(count & 0x7F | 0x80))
                count >>= 7
            }
            block.append(UInt8(count))
        }
        block += text.utf8
    }

    private static func frame(
        _ type: UInt8, flags: UInt8, stream: UInt32, _ payload: [UInt8], to bytes: inout [UInt8]
    ) {
        bytes += Self.bytes(UInt32(payload.count)).dropFirst()
        bytes += [type, flags]
        bytes += Self.bytes(stream)
        bytes += payload
    }

    private static func bytes(_ number: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }

    private static func append(_ number: some FixedWidthInteger, to bytes: inout [UInt8]) {
        for shift in stride(from: number.bitWidth - 8, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }
}
