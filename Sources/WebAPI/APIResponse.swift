/// An answer: status, headers, body.
///
/// The body is bytes at once, or pieces made while they are sent.
package struct APIResponse: Sendable {
    package enum Body: Sendable {
        case bytes([UInt8])
        /// Called until it gives the last; each piece is sent before the next is asked for, so that memory stays bounded.
        case pieces(@Sendable () -> Piece)
    }

    /// A part of a body.
    package struct Piece: Sendable {
        var bytes: [UInt8]
        var isLast: Bool
    }

    package var status: Int
    package var contentType: String
    package var headers: [(name: String, value: String)]
    package var body: Body

    package init(status: Int = 200, contentType: String, headers: [(name: String, value: String)] = [], body: Body) {
        self.status = status
        self.contentType = contentType
        self.headers = headers
        self.body = body
    }

    package static let jsonType = "application/json"

    package static func text(_ text: String, status: Int = 200) -> APIResponse {
        APIResponse(status: status, contentType: "text/plain; charset=utf-8", body: .bytes(Array(text.utf8)))
    }

    /// 204 without a body.
    package static let noContent = APIResponse(status: 204, contentType: "", body: .bytes([]))

    /// `{"status":"success","data":…}` with what `data` writes; warnings and infos follow where there are any.
    static func success(warnings: [String] = [], infos: [String] = [], data: (inout JSONWriter) -> Void) -> APIResponse
    {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("status")
        writer.string("success")
        writer.key("data")
        data(&writer)
        writer.annotations(warnings: warnings, infos: infos)
        writer.endObject()
        return APIResponse(contentType: jsonType, body: .bytes(writer.bytes))
    }

    static func failure(_ error: APIError) -> APIResponse {
        var writer = JSONWriter()
        writer.object {
            $0.key("status")
            $0.string("error")
            $0.key("errorType")
            $0.string(error.kind.rawValue)
            $0.key("error")
            $0.string(error.message)
            if let hint = error.hint {
                $0.key("suggestion")
                $0.string(hint)
            }
        }
        let headers = error.kind == .tooManyRequests ? [(name: "Retry-After", value: "1")] : []
        return APIResponse(
            status: error.status, contentType: jsonType, headers: headers, body: .bytes(writer.bytes))
    }
}

extension JSONWriter {
    /// How many warnings and infos an answer shows; the rest is counted in one more line.
    static let annotationLimit = 10

    /// The keys `warnings` and `infos`, each only where there is something to tell.
    mutating func annotations(warnings: [String], infos: [String]) {
        for (name, noun, texts) in [("warnings", "warning", warnings), ("infos", "info", infos)] where !texts.isEmpty {
            key(name)
            var shown = Array(texts.prefix(Self.annotationLimit))
            let hidden = texts.count - shown.count
            if hidden > 0 { shown.append("\(hidden) more \(noun) annotations omitted") }
            array(of: shown) { $0.string($1) }
        }
    }
}
