import Glibc

/// Lists the entries of a directory.
enum DirectoryListing {
    /// Names of the sub-directories; nil with `errno` set when the directory cannot be read.
    static func subdirectories(at directory: Int32, path: [UInt8], limit: Int) -> [[UInt8]]? {
        entries(at: directory, path: path, limit: limit, onlyDirectories: true)
    }

    /// Names of all entries but `.` and `..`.
    static func names(path: String, limit: Int) -> [[UInt8]]? {
        entries(at: AT_FDCWD, path: Array(path.utf8) + [0], limit: limit, onlyDirectories: false)
    }

    private static func entries(
        at directory: Int32, path: [UInt8], limit: Int, onlyDirectories: Bool
    ) -> [[UInt8]]? {
        let descriptor = unsafe path.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return Int32(-1) }
            return unsafe openat(
                directory, start.assumingMemoryBound(to: CChar.self), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        guard descriptor >= 0 else { return nil }
        guard let stream = unsafe fdopendir(descriptor) else {
            close(descriptor)
            return nil
        }
        defer { unsafe closedir(stream) }
        var names: [[UInt8]] = []
        while names.count < limit, let entry = unsafe readdir(stream) {
            let type = unsafe entry.pointee.d_type
            if onlyDirectories, type != UInt8(DT_DIR), type != UInt8(DT_UNKNOWN) { continue }
            // The name ends with a zero byte inside the entry, whose length the kernel gives.
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe Array(bytes.prefix { $0 != 0 })
            }
            if name == [0x2E] || name == [0x2E, 0x2E] { continue }
            names.append(name)
        }
        return names
    }

    /// Number of sub-directories as the link count tells it; nil when the file system does not keep it so.
    static func subdirectoryCount(at directory: Int32, path: [UInt8]) -> Int? {
        guard let status = FileStatus.of(path, at: directory), status.links >= 2 else { return nil }
        return Int(status.links) - 2
    }
}

/// The few facts of a file's status that the collector uses.
struct FileStatus {
    var inode: UInt64
    var links: UInt64
    var modifiedNanoseconds: UInt64

    /// The status of a file, symbolic links followed; nil with `errno` set when there is none.
    static func of(_ path: [UInt8], at directory: Int32) -> FileStatus? {
        var status = stat()
        let result = unsafe path.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return Int32(-1) }
            return unsafe fstatat(directory, start.assumingMemoryBound(to: CChar.self), &status, 0)
        }
        guard result == 0 else { return nil }
        let seconds = UInt64(clamping: status.st_mtim.tv_sec)
        return FileStatus(
            inode: UInt64(status.st_ino), links: UInt64(status.st_nlink),
            modifiedNanoseconds: seconds &* 1_000_000_000 &+ UInt64(clamping: status.st_mtim.tv_nsec))
    }
}
