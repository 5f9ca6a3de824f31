import Glibc

/// Keeps only the code in memory that a long-lived small process uses.
///
/// A touched page of code brings its neighbours in a window of 64 KiB with it (`fault_around_bytes`), so that of 35 MB of
/// program and libraries two thirds become resident although a collector runs in 4 MB of them and an idle server in 7. The
/// kernel ends such a window where the mapping ends; advice that differs from stripe to stripe makes a mapping of each. Then
/// what was needed once is given back from time to time. Nothing is lost: the pages are the file's, and a page that is used
/// again comes back.
struct ResidentCode {
    /// Four pages: 2,500 mappings of the 65,530 that a process may have.
    private static let stripeByteCount: UInt = 16 << 10
    /// Smaller mappings are hardly worth it.
    private static let leastByteCount = 128 << 10

    private let ranges: [Range<UInt>]

    /// Ends the windows of the code that is mapped now.
    init() {
        ranges = Self.mappings().filter { $0.count >= Self.leastByteCount }
        for range in ranges {
            var start = range.lowerBound + Self.stripeByteCount
            while start < range.upperBound {
                Self.advise(start..<min(start + Self.stripeByteCount, range.upperBound), MADV_RANDOM)
                start += 2 * Self.stripeByteCount
            }
        }
    }

    /// Begins after a pause, for whoever has to be ready soon: the mappings are changed under a lock that all threads need for
    /// new memory.
    ///
    /// Runs until its task is cancelled.
    static func releaseUnused(after pause: Duration) async {
        guard (try? await Task.sleep(for: pause)) != nil else { return }
        let code = ResidentCode()
        code.release()
        await code.keepReleasing(after: [.seconds(5)])
    }

    /// Gives back what a start needed after each of these pauses, and each minute what a first page, a query or a new client did.
    ///
    /// Runs until its task is cancelled.
    func keepReleasing(after pauses: [Duration]) async {
        for pause in pauses {
            guard (try? await Task.sleep(for: pause)) != nil else { return }
            release()
        }
        while (try? await Task.sleep(for: .seconds(60))) != nil { release() }
    }

    /// Gives back what is resident; what is in use comes back at once, some hundred pages for less than a millisecond.
    func release() {
        for range in ranges { Self.advise(range, MADV_DONTNEED) }
    }

    private static func advise(_ range: Range<UInt>, _ advice: Int32) {
        // Only ever of code mapped from files, which holds nothing of its own: the linker makes no text relocations.
        _ = unsafe madvise(UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, advice)
    }

    /// The address ranges of code that is mapped from files, from `/proc/self/maps`.
    private static func mappings() -> [Range<UInt>] {
        guard var file = try? InputFile(path: "/proc/self/maps", pieceByteCount: 16 << 10) else { return [] }
        var bytes: [UInt8] = []
        while let piece = try? file.next() { bytes += piece }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap(codeRange)
    }

    /// `55d0c0a00000-55d0c2164000 r-xp 001b3000 fe:00 131 /usr/bin/lapwing`: nil for what is not code from a file.
    static func codeRange(_ line: Substring) -> Range<UInt>? {
        let words = line.split(separator: " ")
        guard words.count >= 6, words[1] == "r-xp", words[5].hasPrefix("/") else { return nil }
        let ends = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
        return ends.count == 2 && ends[0] < ends[1] ? ends[0]..<ends[1] : nil
    }
}
