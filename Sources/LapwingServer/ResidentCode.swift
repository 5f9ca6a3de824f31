import CSegments
import Glibc

/// Keeps only the pages of program and libraries in memory that a long-lived small process uses.
///
/// A page of a file that is touched brings its neighbours in a window of 64 KiB with it (`fault_around_bytes`), so that of
/// 45 MB of program and libraries more than half become resident although a server starts in 6 MB of them and idles in 2.
/// The kernel ends such a window where the mapping ends; advice that differs from stripe to stripe makes a mapping of each.
/// Then what was needed once is given back, step by step while the process starts and from time to time later. Nothing is
/// lost: the pages are the file's, and a page that is used again comes back.
package struct ResidentCode: Sendable {
    /// Two pages: 5,800 mappings more, of the 65,530 that a process may have.
    ///
    /// They take 1.2 MB of the kernel's memory; with four pages it was 0.6, and what a query's code brings with it was 1.8 MB more.
    private static let stripeByteCount: UInt = 8 << 10
    /// Smaller segments are hardly worth it; the kernel's own page of code is one of them.
    private static let leastByteCount: UInt = 64 << 10
    /// A program has two segments, a library four, and there are a dozen.
    private static let segmentLimit = 256

    /// When what a start needed is given back: reading the command line takes 11 MB of code, the first sweep and names as much.
    package static let pausesAfterStart: [Duration] = [
        .milliseconds(20), .milliseconds(50), .milliseconds(100), .milliseconds(300), .seconds(2), .seconds(5),
    ]

    /// Where code and constants are.
    private let ranges: [Range<UInt>]

    /// That of this process, from the first time it is asked for.
    package static let ofProcess = ResidentCode()

    /// Ends the windows of what is mapped now, in a millisecond to five.
    ///
    /// The mappings are changed under a lock that all threads need for new memory: it is best done before there are any.
    private init() {
        var ranges: [Range<UInt>] = []
        var constants = csegment()
        if unsafe csegments_protect_constants(&constants) { ranges.append(constants.start..<constants.end) }
        for segment in Self.segments() where segment.end - segment.start >= Self.leastByteCount {
            for start in stride(
                from: segment.start + Self.stripeByteCount, to: segment.end, by: 2 * Int(Self.stripeByteCount))
            {
                // Advice alone, which no page is lost by.
                Self.advise(start..<min(start + Self.stripeByteCount, segment.end), MADV_RANDOM)
            }
            if segment.is_read_only { ranges.append(segment.start..<segment.end) }
        }
        self.ranges = ranges
    }

    /// Gives back what a start needed after each of these pauses, and each minute what a first page, a query or a new client did.
    ///
    /// Runs until its task is cancelled.
    package func keepReleasing(after pauses: [Duration]) async {
        for pause in pauses {
            guard (try? await Task.sleep(for: pause)) != nil else { return }
            release()
        }
        while (try? await Task.sleep(for: .seconds(60))) != nil { release() }
    }

    /// Gives back what is resident; what is in use comes back at once, some hundred pages for less than a millisecond.
    package func release() {
        // madvise(2) on private mappings of files that nobody wrote to: a page is the file's again when it is touched. The
        // linker makes no relocations in these segments.
        for range in ranges { Self.advise(range, MADV_DONTNEED) }
    }

    private static func advise(_ range: Range<UInt>, _ advice: Int32) {
        _ = unsafe madvise(UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, advice)
    }

    /// What is mapped of program and libraries, as their files say: `/proc/self/maps` does not tell constants from what was made
    /// read-only after it was relocated.
    private static func segments() -> [csegment] {
        unsafe [csegment](unsafeUninitializedCapacity: segmentLimit) { room, count in
            count = unsafe csegments_list(room.baseAddress, room.count)
        }
    }
}
