import TestSupport

/// Runtimes of tests, which answer as the real ones were seen to.
enum FakeRuntime {
    /// Answers GET requests of HTTP/1.1 on kept connections; nil is silence for ever.
    static func http(
        at path: String,
        _ answer: @escaping @Sendable (_ path: String, _ connection: LocalServer.Connection) -> [UInt8]?
    ) -> LocalServer {
        LocalServer(path: path) { connection in
            var request: [UInt8] = []
            while true {
                let bytes = connection.read()
                if bytes.isEmpty { return }
                request += bytes
                let text = String(decoding: request, as: UTF8.self)
                guard text.hasSuffix("\r\n\r\n") else { continue }
                request = []
                let target = text.split(separator: " ").dropFirst().first.map(String.init) ?? ""
                guard let reply = answer(target, connection) else {
                    while !connection.read().isEmpty {}
                    return
                }
                guard connection.write(reply) else { return }
            }
        }
    }

    static func reply(_ status: Int, _ body: String) -> [UInt8] {
        Array(
            "HTTP/1.1 \(status) OK\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                .utf8)
    }

    /// The same in pieces of a few bytes.
    static func chunked(_ body: String, of size: Int = 7) -> [UInt8] {
        var text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        var rest = Substring(body)
        while !rest.isEmpty {
            let piece = rest.prefix(size)
            rest = rest.dropFirst(size)
            text += String(piece.utf8.count, radix: 16) + "\r\n\(piece)\r\n"
        }
        return Array((text + "0\r\n\r\n").utf8)
    }

    // MARK: gRPC

    /// Answers unary calls; `answer` gets the header block, for it is not compressed, and the message.
    ///
    /// `events` sends messages to who subscribes; without it nobody may.
    static func grpc(
        at path: String, events: (@Sendable (_ send: ([UInt8]) -> Void) -> Void)? = nil,
        _ answer: @escaping @Sendable (_ headers: String, _ message: [UInt8]) -> [UInt8]?
    ) -> LocalServer {
        LocalServer(path: path) { connection in
            var bytes: [UInt8] = []
            func take(_ count: Int) -> [UInt8]? {
                while bytes.count < count {
                    let more = connection.read()
                    if more.isEmpty { return nil }
                    bytes += more
                }
                defer { bytes.removeFirst(count) }
                return Array(bytes.prefix(count))
            }
            guard take(24)?.starts(with: "PRI * HTTP/2.0".utf8) == true else { return }
            // Settings, and a ping that must not confuse.
            connection.write(frame(4, 0, 0, []) + frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]))
            var headers = ""
            while let head = take(9) {
                guard let payload = take(Int(head[1]) << 8 | Int(head[2])) else { return }
                if head[3] == 1 { headers = String(decoding: payload, as: UTF8.self) }
                guard head[3] == 0 else { continue }
                let stream = Int(head[7]) << 8 | Int(head[8])
                let status = frame(1, 4, stream, [0x88])
                if headers.contains("Events/Subscribe") {
                    guard let events else {
                        connection.write(frame(1, 5, stream, [0x88]))
                        continue
                    }
                    connection.write(status)
                    events { message in
                        let body = [0, 0, 0, UInt8(message.count >> 8), UInt8(message.count & 0xFF)] + message
                        // Two frames and a ping between them.
                        connection.write(
                            frame(0, 0, stream, Array(body.prefix(7))) + frame(6, 0, 0, [0, 1, 2, 3, 4, 5, 6, 7]))
                        connection.write(frame(0, 0, stream, Array(body.dropFirst(7))))
                    }
                    continue
                }
                guard let message = answer(headers, Array(payload.dropFirst(5))) else {
                    connection.write(frame(1, 5, stream, [0x88]))
                    continue
                }
                let body = [0, 0, 0, UInt8(message.count >> 8), UInt8(message.count & 0xFF)] + message
                var reply = status
                // In two frames, the second padded.
                let half = body.count / 2
                reply += frame(0, 0, stream, Array(body[..<half]))
                reply += frame(0, 8, stream, [3] + Array(body[half...]) + [0, 0, 0])
                connection.write(reply + frame(1, 5, stream, [0x88]))
            }
        }
    }

    private static func frame(_ type: UInt8, _ flags: UInt8, _ stream: Int, _ payload: [UInt8]) -> [UInt8] {
        [
            0, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF), type, flags, 0, 0, UInt8(stream >> 8),
            UInt8(stream & 0xFF),
        ]
            + payload
    }

    /// A protobuf field with bytes.
    static func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
        var length: [UInt8] = []
        var count = content.count
        while count >= 0x80 {
            length.append(UInt8(count & 0x7F | 0x80))
            count >>= 7
        }
        return [number << 3 | 2] + length + [UInt8(count)] + content
    }

    static func field(_ number: UInt8, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }

    static func label(_ key: String, _ value: String) -> [UInt8] { field(2, field(1, key) + field(2, value)) }
}
