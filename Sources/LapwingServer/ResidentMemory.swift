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

    /// Tells the kernel that the pages of code in memory are not in use at the moment.
    ///
    /// Starting up walks through 15 MB of code that is hardly needed again. The pages stay in the page cache, so one that
    /// is needed costs a minor fault and no read (madvise(2), MADV_DONTNEED on a mapping of a file that nobody wrote to).
    static func forgetProgramText() {
        for line in text(of: "/proc/self/maps").split(separator: "\n") {
            // 55d0a0000000-55d0a2000000 r-xp 00000000 fe:00 123 /path
            let words = line.split(separator: " ")
            guard words.count >= 6, words[1] == "r-xp", words[5].hasPrefix("/") else { continue }
            let ends = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard ends.count == 2, ends[0] < ends[1], let start = unsafe UnsafeMutableRawPointer(bitPattern: ends[0])
            else { continue }
            // Code is mapped privately and never written: dropping a page gives the file's bytes again.
            _ = unsafe madvise(start, Int(ends[1] - ends[0]), MADV_DONTNEED)
        }
    }

    private static func text(of path: String) -> String {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe room.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += room[..<count]
        }
    }
}
