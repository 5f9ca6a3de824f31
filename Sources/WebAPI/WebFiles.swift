import Bytes
import CWebFiles

/// The page's files by exact path.
///
/// No path of a request ever reaches the file system.
struct WebFiles: Sendable {
    /// A constant of the program: nothing of it is in memory before it is asked for.
    @safe private struct File: @unchecked Sendable {
        // Constants live as long as the process, and are safe on all threads.
        let bytes: UnsafeBufferPointer<UInt8>
        let contentType: String

        /// Computed anew each time, a tenth of a millisecond for the largest file.
        var entityTag: String {
            let hash = unsafe ByteHash.hash(UnsafeRawBufferPointer(bytes))
            return "\"" + String(hash, radix: 16) + "\""
        }
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
            let bytes = unsafe UnsafeBufferPointer(start: entry.bytes, count: entry.length)
            files[unsafe String(cString: entry.path)] = unsafe File(
                bytes: bytes, contentType: String(cString: entry.content_type))
        }
        self.files = files
    }

    /// The answer for a path, nil where no file has it.
    func respond(to request: APIRequest) -> APIResponse? {
        let path = Self.pages.contains(request.path) ? "/index.html" : request.path
        guard let file = files[path] else { return nil }
        let entityTag = file.entityTag
        let headers = Self.securityHeaders + [("Cache-Control", "no-cache"), ("ETag", entityTag)]
        if request.headers["if-none-match"] == entityTag {
            return APIResponse(status: 304, contentType: "", headers: headers, body: .bytes([]))
        }
        return APIResponse(contentType: file.contentType, headers: headers, body: .bytes(unsafe Array(file.bytes)))
    }
}
