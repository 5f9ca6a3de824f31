import Glibc

/// What came of reading a file.
enum ReadOutcome: Equatable {
    case read
    /// The file or its directory does not exist, or the cgroup behind a kept descriptor was removed.
    case missing, removed
    /// The kernel does not offer this file's contents here (pressure switched off, threaded cgroup).
    case unsupported
    case denied
    /// Descriptors or memory ran out.
    case exhausted
    case failed

    init(errorNumber: Int32) {
        switch errorNumber {
        case ENOENT, ENOTDIR: self = .missing
        case ENODEV: self = .removed
        case EOPNOTSUPP: self = .unsupported
        case EACCES, EPERM: self = .denied
        case EMFILE, ENFILE, ENOMEM, ENOSPC: self = .exhausted
        default: self = .failed
        }
    }
}

/// Reads small files into one buffer that is used again and again.
struct FileReader {
    /// Enough for every cgroup file but the process list of a large group, which is read in parts.
    static let bufferByteCount = 65_536

    private(set) var buffer = [UInt8](repeating: 0, count: bufferByteCount)
    private(set) var byteCount = 0
    private(set) var filesRead: UInt64 = 0
    private(set) var bytesRead: UInt64 = 0

    /// Reads from the beginning through a descriptor that stays open.
    mutating func read(descriptor: Int32) -> ReadOutcome {
        let result = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe pread(descriptor, bytes.baseAddress, bytes.count, 0)
        }
        return finish(result)
    }

    /// Reads on in a descriptor at its own position; `byteCount` is 0 at the end.
    mutating func readOn(descriptor: Int32) -> ReadOutcome {
        let result = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe Glibc.read(descriptor, bytes.baseAddress, bytes.count)
        }
        return finish(result)
    }

    /// Opens, reads and closes; the path ends with a zero byte.
    mutating func read(at directory: Int32, path: [UInt8]) -> ReadOutcome {
        let descriptor = Self.open(at: directory, path: path)
        guard descriptor >= 0 else {
            byteCount = 0
            return ReadOutcome(errorNumber: errno)
        }
        let outcome = read(descriptor: descriptor)
        close(descriptor)
        return outcome
    }

    /// Opens, reads to the end or until the buffer is full, and closes.
    ///
    /// Files that the kernel makes record by record (lists of processes, interfaces, disks) come a page at a time.
    mutating func readRecords(at directory: Int32, path: [UInt8]) -> ReadOutcome {
        let descriptor = Self.open(at: directory, path: path)
        guard descriptor >= 0 else {
            byteCount = 0
            return ReadOutcome(errorNumber: errno)
        }
        defer { close(descriptor) }
        var filled = 0
        while filled < buffer.count {
            let result = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe Glibc.read(descriptor, bytes.baseAddress?.advanced(by: filled), bytes.count - filled)
            }
            guard result >= 0 else { return finish(result) }
            if result == 0 { break }
            filled += result
        }
        return finish(filled)
    }

    private mutating func finish(_ result: Int) -> ReadOutcome {
        guard result >= 0 else {
            byteCount = 0
            return ReadOutcome(errorNumber: errno)
        }
        byteCount = result
        filesRead &+= 1
        bytesRead &+= UInt64(result)
        return .read
    }

    /// The whole of a file that may be larger than the buffer, up to a limit; nil when it cannot be read.
    mutating func contents(path: String, limitBytes: Int) -> [UInt8]? {
        let descriptor = Self.open(at: AT_FDCWD, path: Array(path.utf8) + [0])
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var contents: [UInt8] = []
        while contents.count < limitBytes {
            guard readOn(descriptor: descriptor) == .read else { return nil }
            if byteCount == 0 { break }
            contents.append(contentsOf: buffer[..<min(byteCount, limitBytes - contents.count)])
        }
        return contents
    }

    /// Opens a file for reading; the path ends with a zero byte.
    ///
    /// -1 with `errno` set when it cannot. Never waits: a pipe or device under a kernel file's name is opened without blocking.
    static func open(at directory: Int32, path: [UInt8]) -> Int32 {
        unsafe path.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else {
                errno = ENOENT
                return -1
            }
            return unsafe openat(
                directory, start.assumingMemoryBound(to: CChar.self), O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        }
    }

    /// Opens a directory; -1 with `errno` set when it cannot.
    static func openDirectory(_ path: String) -> Int32 {
        unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }
}
