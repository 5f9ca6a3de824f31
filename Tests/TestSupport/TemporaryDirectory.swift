import Glibc

/// A fresh folder that goes away with the value that holds it.
package final class TemporaryDirectory: Sendable {
    package let path: String

    package init(_ prefix: String = "lapwing-test") {
        var template = Array("/tmp/\(prefix)-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { preconditionFailure("no folder in /tmp can be made") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.remove(path) }

    /// Writes a file below the folder and gives its path; folders on the way are made.
    @discardableResult
    package func write(_ name: String, _ text: String) -> String { write(name, bytes: Array(text.utf8)) }

    /// The same with any bytes.
    @discardableResult
    package func write(_ name: String, bytes: [UInt8]) -> String {
        let parts = name.split(separator: "/")
        var folder = path
        for part in parts.dropLast() {
            folder += "/" + part
            unsafe mkdir(folder, 0o755)
        }
        let file = path + "/" + name
        guard let stream = unsafe fopen(file, "w") else { preconditionFailure("\(file) cannot be written") }
        defer { unsafe fclose(stream) }
        unsafe fwrite(bytes, 1, bytes.count, stream)
        return file
    }

    /// The text of a file anywhere; empty where there is none.
    package static func read(_ path: String) -> String {
        guard let stream = unsafe fopen(path, "r") else { return "" }
        defer { unsafe fclose(stream) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe fread(&buffer, 1, buffer.count, stream)
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
    }

    private static func remove(_ path: String) {
        guard let folder = unsafe opendir(path) else {
            unsafe unlink(path)
            return
        }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        unsafe closedir(folder)
        for name in names {
            var status = stat()
            let full = path + "/" + name
            // A link is unlinked, never followed.
            if unsafe lstat(full, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
                remove(full)
            } else {
                unsafe unlink(full)
            }
        }
        unsafe rmdir(path)
    }
}
