internal import CKernel
import Glibc
import MetricModel

/// Bytes to and from a server behind a Unix socket, every wait with a deadline (unix(7)).
///
/// Belongs to one thread, which may wait; closed when it goes out of scope.
struct LocalConversation: ~Copyable {
    /// Monotonic nanoseconds after which nothing is waited for; `.max` is never.
    var deadline: UInt64
    private let descriptor: Int32
    /// When this one becomes readable, waiting for input may end early.
    private let wakeDescriptor: Int32
    private var buffer: [UInt8] = []
    private var start = 0

    /// Longest path of a socket's address.
    private static let maximumPathBytes = 107
    private static let bufferBytes = 64 << 10

    /// Connects; `wake` is -1 where nobody may end a wait.
    init(path: String, patienceMilliseconds: UInt64, wake: Int32 = -1) throws(RuntimeFailure) {
        deadline = SystemClock().monotonicNanoseconds &+ patienceMilliseconds &* 1_000_000
        wakeDescriptor = wake
        descriptor = socket(
            AF_UNIX,
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        // A sandbox may have taken this kind of socket away altogether.
        guard descriptor >= 0 else { throw errno == EAFNOSUPPORT ? .denied : .system(errno) }
        // A daemon that hangs lets its queue of connections fill; connecting then fails at once, for we do not block.
        guard Self.connect(descriptor, path: path) else {
            let number = errno
            switch number {
            case ENOENT, ENOTDIR, ELOOP: throw .absent
            case ECONNREFUSED: throw .refused
            case EACCES, EPERM: throw .denied
            case EAGAIN, EINPROGRESS: throw .silent
            default: throw .system(number)
            }
        }
    }

    deinit {
        _ = Glibc.close(descriptor)
    }

    private static func connect(_ descriptor: Int32, path: String) -> Bool {
        var bytes = Array(path.utf8)
        var folder: Int32 = -1
        if bytes.count > maximumPathBytes, let slash = bytes.lastIndex(of: UInt8(ascii: "/")) {
            // An address holds 107 bytes; a longer path is reached through its opened folder.
            folder = FileReader.open(at: AT_FDCWD, path: Array(bytes[..<slash]) + [0])
            guard folder >= 0 else { return false }
            bytes = Array("/proc/self/fd/\(folder)".utf8) + bytes[slash...]
        }
        defer { if folder >= 0 { _ = Glibc.close(folder) } }
        guard bytes.count <= maximumPathBytes else {
            errno = ENAMETOOLONG
            return false
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }

    // MARK: Sending

    mutating func send(_ bytes: [UInt8]) throws(RuntimeFailure) {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { raw in
                unsafe Glibc.send(
                    descriptor, raw.baseAddress?.advanced(by: sent), raw.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                sent += count
            } else if errno == EAGAIN {
                _ = try wait(for: Int16(POLLOUT), orWake: false)
            } else if errno != EINTR {
                throw errno == EPIPE || errno == ECONNRESET ? .closed : .system(errno)
            }
        }
    }

    // MARK: Receiving

    /// Bytes that have come and were not taken.
    var bufferedCount: Int { buffer.count - start }

    /// The next line without its end.
    mutating func line(limitBytes: Int) throws(RuntimeFailure) -> [UInt8] {
        var searched = 0
        while true {
            if let end = buffer[(start + searched)...].firstIndex(of: KernelText.newline) {
                var text = Array(buffer[start..<end])
                if text.last == UInt8(ascii: "\r") { text.removeLast() }
                start = end + 1
                return text
            }
            searched = bufferedCount
            guard searched <= limitBytes else { throw .tooLong(limitBytes: limitBytes) }
            guard try receive() else { throw .closed }
        }
    }

    /// Exactly so many bytes.
    mutating func take(_ count: Int) throws(RuntimeFailure) -> [UInt8] {
        while bufferedCount < count {
            guard try receive() else { throw .closed }
        }
        defer { start += count }
        return Array(buffer[start..<start + count])
    }

    /// All bytes until the other side closes.
    mutating func takeAll(limitBytes: Int) throws(RuntimeFailure) -> [UInt8] {
        while try receive() {
            guard bufferedCount <= limitBytes else { throw .tooLong(limitBytes: limitBytes) }
        }
        defer { start = buffer.count }
        return Array(buffer[start...])
    }

    /// Waits until there is input, true, or until the owner of this thread was woken, false.
    mutating func waitForInput() throws(RuntimeFailure) -> Bool {
        if bufferedCount > 0 { return true }
        return try wait(for: Int16(POLLIN), orWake: true)
    }

    /// Takes in what comes next; false when the other side has closed.
    private mutating func receive() throws(RuntimeFailure) -> Bool {
        if start > Self.bufferBytes || start == buffer.count {
            buffer.removeSubrange(..<start)
            start = 0
        }
        while true {
            let old = buffer.count
            buffer.append(contentsOf: repeatElement(0, count: Self.bufferBytes))
            let count = unsafe buffer.withUnsafeMutableBytes { raw in
                unsafe recv(descriptor, raw.baseAddress?.advanced(by: old), Self.bufferBytes, 0)
            }
            let number = errno
            buffer.removeLast(Self.bufferBytes - max(0, count))
            if count >= 0 { return count > 0 }
            if number == EAGAIN {
                _ = try wait(for: Int16(POLLIN), orWake: false)
            } else if number != EINTR {
                throw number == ECONNRESET ? .closed : .system(number)
            }
        }
    }

    private func wait(for events: Int16, orWake: Bool) throws(RuntimeFailure) -> Bool {
        while true {
            let now = SystemClock().monotonicNanoseconds
            guard now < deadline else { throw .silent }
            let left = deadline == .max ? -1 : Int32(clamping: (deadline - now + 999_999) / 1_000_000)
            var descriptors: InlineArray<2, pollfd> = [
                pollfd(fd: descriptor, events: events, revents: 0),
                pollfd(fd: orWake ? wakeDescriptor : -1, events: Int16(POLLIN), revents: 0),
            ]
            var span = descriptors.mutableSpan
            let count = unsafe span.withUnsafeMutableBufferPointer { unsafe poll($0.baseAddress, 2, left) }
            if count < 0, errno != EINTR { throw .system(errno) }
            if count > 0 { return descriptors[0].revents != 0 }
        }
    }
}
