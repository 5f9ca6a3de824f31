import Glibc

/// The memory that the kernel counts for this process, from `/proc/self/statm` (proc(5)).
struct ResidentMemory: ~Copyable {
    private let descriptor: CInt
    private static let pageBytes = Int(sysconf(Int32(_SC_PAGESIZE)))

    init() { descriptor = unsafe open("/proc/self/statm", O_RDONLY | O_CLOEXEC) }

    deinit { close(descriptor) }

    /// All that is resident, and the part of it that no file stands behind; zeros where the kernel does not say.
    func read() -> (residentBytes: Int, ownBytes: Int) {
        // size resident shared text lib data dt, in pages; no String, as scrapes ask ten times a second.
        var pages: [3 of Int] = [0, 0, 0]
        var index = 0
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { room in
            let count = unsafe pread(descriptor, room.baseAddress, room.count, 0)
            for position in 0..<max(0, count) where index < pages.count {
                let byte = unsafe room[position]
                if byte == UInt8(ascii: " ") { index += 1 } else { pages[index] = pages[index] * 10 + Int(byte & 15) }
            }
        }
        guard index == pages.count else { return (0, 0) }
        return (pages[1] * Self.pageBytes, (pages[1] - pages[2]) * Self.pageBytes)
    }
}
