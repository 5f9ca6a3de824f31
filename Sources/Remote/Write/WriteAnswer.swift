/// What a sender is told.
package struct WriteAnswer: Sendable {
    package var status: Int
    /// A sentence; empty where all is well.
    package var message: String
    package var headers: [(name: String, value: String)]

    init(status: Int, message: String = "", headers: [(name: String, value: String)] = []) {
        self.status = status
        self.message = message
        self.headers = headers
    }
}

/// The two forms of a request and how it is compressed, out of its headers.
struct WriteFormat {
    enum Version { case one, two }
    enum Encoding { case snappy, zstd }

    var version: Version
    var encoding: Encoding

    private static let mediaType = "application/x-protobuf"
    private static let messages: [String: Version] = [
        "prometheus.WriteRequest": .one, "io.prometheus.write.v2.Request": .two,
    ]

    /// Without a content type it is 1.0, without an encoding snappy: senders from before these were written down.
    init(contentType: String?, contentEncoding: String?) throws(Refusal) {
        version = .one
        let parts = (contentType ?? "").split(separator: ";").map { Self.trimmed($0) }
        if let type = parts.first, type.lowercased() != Self.mediaType {
            throw Refusal("Content-Type '\(type)' is not \(Self.mediaType)")
        }
        for part in parts.dropFirst() where part.lowercased().hasPrefix("proto=") {
            let name = part.dropFirst("proto=".count).filter { $0 != "\"" }
            guard let known = Self.messages[String(name)] else {
                throw Refusal("protobuf message '\(name)' is not known; \(Self.messages.keys.sorted()) are")
            }
            version = known
        }
        switch contentEncoding.map({ Self.trimmed($0[...]).lowercased() }) ?? "" {
        case "", "snappy": encoding = .snappy
        case "zstd": encoding = .zstd
        case let other: throw Refusal("Content-Encoding '\(other)' is not known; snappy and zstd are")
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return String(text)
    }

    /// A type or encoding that is not understood.
    struct Refusal: Error {
        var message: String
        init(_ message: String) { self.message = message }
    }
}
