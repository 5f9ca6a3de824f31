import Bytes
import CWebFiles

/// The page's files by exact path.
///
/// No path of a request ever reaches the file system.
struct WebFiles: Sendable {
    private struct File: Sendable {
        var contentType: String
        var bytes: [UInt8]
        var entityTag: String
    }

    /// Paths that all show the page; which part, the page itself finds in the address.
    static let pages: Set<String> = ["/", "/query", "/graph", "/alerts", "/targets", "/rules", "/status"]

    /// What browsers are told on every file: own scripts only, no frames, no guessing of types.
    static let securityHeaders: [(name: String, value: String)] = [
        (
            "Content-Security-Policy",
            "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
        ),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
    ]

    private let files: [String: File]

    init() {
        var files: [String: File] = [:]
        let table = unsafe cweb_file_table()
        for index in 0..<cweb_file_count {
            let entry = unsafe table[Int(index)]
            let bytes = unsafe Array(UnsafeBufferPointer(start: entry.bytes, count: entry.length))
            let entityTag = "\"" + String(ByteHash.hash(bytes), radix: 16) + "\""
            files[unsafe String(cString: entry.path)] = File(
                contentType: unsafe String(cString: entry.content_type), bytes: bytes, entityTag: entityTag)
        }
        self.files = files
    }

    /// The answer for a path, nil where no file has it.
    func respond(to request: APIRequest) -> APIResponse? {
        let path = Self.pages.contains(request.path) ? "/index.html" : request.path
        guard let file = files[path] else { return nil }
        let headers = Self.securityHeaders + [("Cache-Control", "no-cache"), ("ETag", file.entityTag)]
        if request.headers["if-none-match"] == file.entityTag {
            return APIResponse(status: 304, contentType: "", headers: headers, body: .bytes([]))
        }
        return APIResponse(contentType: file.contentType, headers: headers, body: .bytes(file.bytes))
    }
}
