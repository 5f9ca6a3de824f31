import Glibc

/// Paths and files, without Foundation.
package enum FilePath {
    /// The path as it is when absolute, else below `folder`.
    ///
    /// Below `.` it stays as it is: rule groups are asked for by the file's name as it was written.
    package static func absolute(_ path: String, in folder: String) -> String {
        if path.isEmpty || path.hasPrefix("/") || folder.isEmpty || folder == "." { return path }
        return folder.hasSuffix("/") ? folder + path : folder + "/" + path
    }

    /// The folder a file lies in; `.` for a bare name.
    package static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The files a pattern with `*`, `?` and `[…]` names, sorted.
    ///
    /// A plain path that does not exist names nothing.
    package static func matching(_ pattern: String) -> [String] {
        var result = unsafe glob_t()
        defer { unsafe globfree(&result) }
        guard unsafe glob(pattern, 0, nil, &result) == 0 else { return [] }
        var paths: [String] = []
        for index in 0..<Int(unsafe result.gl_pathc) {
            if let path = unsafe result.gl_pathv[index] { paths.append(unsafe String(cString: path)) }
        }
        return paths
    }

    /// Whether something has this path.
    package static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// Refuses a pattern with a `*` above its last element, and one whose bracket is not closed.
    static func check(_ pattern: YAMLValue, _ kind: String) throws(ConfigurationError) {
        let text = try pattern.string()
        if let star = text.firstIndex(of: "*"), text[star...].contains("/") || text[star...].dropFirst().contains("*") {
            throw pattern.error("invalid \(kind) path \"\(text)\": one * may stand, in the last element")
        }
        if let bracket = text.firstIndex(of: "["), !text[bracket...].contains("]") {
            throw pattern.error("invalid \(kind) path \"\(text)\": the bracket is not closed")
        }
    }

    /// The bytes of a file, at most `limitBytes` of them.
    package static func read(_ path: String, limitBytes: Int = 64 << 20) throws(ConfigurationError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, "cannot be opened") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw failure(path, "cannot be read")
            }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= limitBytes else {
                throw ConfigurationError(file: path, message: "larger than \(limitBytes) bytes")
            }
        }
    }

    private static func failure(_ path: String, _ what: String) -> ConfigurationError {
        let reason = unsafe String(cString: strerror(errno))
        return ConfigurationError(file: path, message: "\(what): \(reason)")
    }
}
