import Glibc

/// Reads the machine's files below the root path.
struct MachineFiles {
    /// A file is read up to this size; lists of connections are the largest.
    static let limitBytes = 4 << 20
    /// Entries of a folder looked at, at most.
    static let maximumEntries = 4_096

    let rootPath: String
    private var reader = FileReader()
    /// Files read since the beginning.
    var filesRead: UInt64 { reader.filesRead }

    init(rootPath: String) {
        self.rootPath = rootPath
    }

    /// The text of a file; nil when it cannot be read.
    mutating func text(_ path: String) -> MachineText? {
        reader.contents(path: rootPath + path, limitBytes: Self.limitBytes).map { MachineText(bytes: $0) }
    }

    /// A small file of one line, which a device may refuse to make up (a link's speed while it is down).
    mutating func line(_ path: String) -> [UInt8]? {
        guard reader.read(at: AT_FDCWD, path: Array((rootPath + path).utf8) + [0]) == .read else { return nil }
        return MachineText(bytes: Array(reader.buffer.prefix(reader.byteCount))).firstLine
    }

    /// The whole number a small file holds, with or without a sign, in decimal or with `0x`.
    mutating func number(_ path: String) -> Int64? {
        guard let line = line(path) else { return nil }
        let text = MachineText(bytes: line)
        if text.hasPrefix(line.indices, "0x") { return text.hexadecimal(line.indices).flatMap { Int64(exactly: $0) } }
        return text.signed(line.indices)
    }

    /// Names in a folder in the order of their bytes, numbers by their value.
    func names(_ path: String) -> [String] {
        let names = DirectoryListing.names(path: rootPath + path, limit: Self.maximumEntries) ?? []
        return names.map { String(decoding: $0, as: UTF8.self) }.sorted {
            ($0.utf8.count, $0) < ($1.utf8.count, $1)
        }
    }

    func exists(_ path: String) -> Bool { FileStatus.of(Array((rootPath + path).utf8) + [0], at: AT_FDCWD) != nil }

    /// Where a symbolic link points: the last component.
    func linkName(_ path: String) -> String? {
        SymbolicLink.target(of: rootPath + path)?.split(separator: "/").last.map(String.init)
    }

    /// `/proc/1`, whose namespaces are the host's, or our own process where process 1 is not to be seen.
    func hostProcess(_ file: String) -> String {
        let path = "/proc/1/" + file
        let isReadable = unsafe access(rootPath + path, R_OK) == 0
        return isReadable ? path : "/proc/self/" + file
    }
}
