import Glibc

/// The repository's own files, for the tests that hold them to the house rules.
struct SourceTree {
    struct File {
        /// Relative to the repository, with forward slashes.
        var path: String
        var lines: [String]

        /// The second part of the path: the building or the test target.
        var building: String {
            let parts = path.split(separator: "/")
            return parts.count > 2 ? String(parts[1]) : ""
        }

        /// Functions and initializers of more than a line: the line, from 1, on which each begins, and how many it has.
        ///
        /// By indentation, which the formatter keeps: a function ends with the brace that stands below its first letter.
        var functions: [(line: Int, lines: Int)] {
            var found: [(line: Int, lines: Int)] = []
            for (index, line) in lines.enumerated() where Self.beginsFunction(line) {
                let indentation = line.prefix { $0 == " " }
                for (end, other) in lines.enumerated().dropFirst(index + 1)
                where other.hasPrefix(indentation) && !other.dropFirst(indentation.count).hasPrefix(" ") {
                    if other == indentation + "}" { found.append((index + 1, end - index + 1)) }
                    guard other.dropFirst(indentation.count).hasPrefix(")") || other == indentation else { break }
                }
            }
            return found
        }

        private static let modifiers: Set<Substring> = [
            "package", "private", "fileprivate", "static", "mutating", "consuming", "override", "convenience", "final",
            "nonisolated", "borrowing", "@inline(__always)", "@discardableResult",
        ]

        private static func beginsFunction(_ line: String) -> Bool {
            let first = line.split(separator: " ").first { !modifiers.contains($0) }
            return first == "func" || first?.hasPrefix("init") == true
        }
    }

    let root: String

    /// The repository that this file was compiled from.
    init(testFile: String = #filePath) {
        root = testFile.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
    }

    /// All files below a folder with one of these endings.
    func files(in folder: String, endings: [String]) -> [File] {
        var result: [File] = []
        var pending = [folder]
        while let next = pending.popLast() {
            for name in Self.entries(of: root + "/" + next) {
                let path = next + "/" + name
                if Self.isFolder(root + "/" + path) {
                    pending.append(path)
                } else if endings.contains(where: { name.hasSuffix($0) }), let text = read(path) {
                    result.append(
                        File(
                            path: path,
                            lines: text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)))
                }
            }
        }
        return result.sorted { $0.path < $1.path }
    }

    func folders(in folder: String) -> [String] {
        Self.entries(of: root + "/" + folder).filter { Self.isFolder(root + "/" + folder + "/" + $0) }.sorted()
    }

    /// The text of a file; nil where there is none.
    func read(_ path: String) -> String? {
        guard let stream = unsafe fopen(root + "/" + path, "r") else { return nil }
        defer { unsafe fclose(stream) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe fread(&buffer, 1, buffer.count, stream)
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
    }

    private static func entries(of path: String) -> [String] {
        guard let folder = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
