import Glibc

/// One thing the kernel told about a watched directory.
struct DirectoryEvent {
    enum Kind { case appeared, vanished, changed, watchEnded, overflowed }

    var kind: Kind
    var watch: Int32
    var name: [UInt8]
}

/// Watches directories for children that come and go, with inotify(7).
///
/// Watches are a resource of the user that can run out; the caller then falls back to listing directories.
struct DirectoryWatcher {
    /// Bytes of events taken from the kernel at once: about 2,000 container names.
    private static let bufferByteCount = 65_536

    private(set) var descriptor: Int32
    private var buffer = [UInt8](repeating: 0, count: bufferByteCount)

    /// Nil when the kernel gives no inotify instance.
    init?() {
        descriptor = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        if descriptor < 0 { return nil }
    }

    /// The watch's number, or -1 with `errno` set; the path ends with a zero byte.
    func watch(_ path: [UInt8]) -> Int32 {
        add(path, UInt32(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO) | UInt32(IN_ONLYDIR))
    }

    /// Watches one file for changes that the kernel announces, see admin-guide/cgroup-v2.rst "Populated Notification".
    func watchFile(_ path: [UInt8]) -> Int32 { add(path, UInt32(IN_MODIFY)) }

    private func add(_ path: [UInt8], _ mask: UInt32) -> Int32 {
        unsafe path.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return -1 }
            return unsafe inotify_add_watch(descriptor, start.assumingMemoryBound(to: CChar.self), mask)
        }
    }

    func unwatch(_ watch: Int32) {
        _ = inotify_rm_watch(descriptor, watch)
    }

    /// Takes the events that wait, at most one buffer full; empty when there are none.
    mutating func takeEvents() -> [DirectoryEvent] {
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe read(descriptor, bytes.baseAddress, bytes.count)
        }
        guard count > 0 else { return [] }
        return Self.events(in: buffer.span.extracting(0..<count))
    }

    /// Decodes `struct inotify_event { int wd; uint32_t mask, cookie, len; char name[len]; }`.
    static func events(in bytes: Span<UInt8>) -> [DirectoryEvent] {
        var events: [DirectoryEvent] = []
        var position = 0
        while position + 16 <= bytes.count {
            let watch = Int32(bitPattern: word(bytes, position))
            let mask = word(bytes, position + 4)
            let length = Int(word(bytes, position + 12))
            position += 16
            guard length <= bytes.count - position else { break }
            if let kind = kind(of: mask) {
                var name = KernelText.copy(bytes, position..<position + length)
                if let end = name.firstIndex(of: 0) { name.removeSubrange(end...) }
                events.append(DirectoryEvent(kind: kind, watch: watch, name: name))
            }
            position += length
        }
        return events
    }

    private static func kind(of mask: UInt32) -> DirectoryEvent.Kind? {
        if mask & UInt32(IN_Q_OVERFLOW) != 0 { return .overflowed }
        if mask & UInt32(IN_IGNORED) != 0 { return .watchEnded }
        if mask & UInt32(IN_MODIFY) != 0 { return .changed }
        guard mask & UInt32(IN_ISDIR) != 0 else { return nil }
        if mask & UInt32(IN_CREATE | IN_MOVED_TO) != 0 { return .appeared }
        if mask & UInt32(IN_DELETE | IN_MOVED_FROM) != 0 { return .vanished }
        return nil
    }

    private static func word(_ bytes: Span<UInt8>, _ position: Int) -> UInt32 {
        // The kernel writes the machine's order; every machine Swift runs Linux on is little-endian.
        UInt32(bytes[position]) | UInt32(bytes[position + 1]) << 8 | UInt32(bytes[position + 2]) << 16
            | UInt32(bytes[position + 3]) << 24
    }
}
