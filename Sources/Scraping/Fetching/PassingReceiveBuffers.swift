import NIOCore

/// Receive buffers that live for one read.
///
/// A channel keeps the first buffer it is given, and by default grows it to 64 KiB: at 300 targets with plain pages that
/// was 15 MB, a sixth of the process, for connections that read some milliseconds of each interval. So the first buffer
/// is small and all others are given back to the allocator as soon as their bytes have been taken.
///
/// Holds only where a channel reads once per turn of its loop (`maxMessagesPerRead` of 1): else it keeps one for each
/// read. As a buffer is not kept it may be large, which saves reads: after a few scrapes a page comes in one piece.
struct PassingReceiveBuffers: RecvByteBufferAllocator {
    /// What a connection keeps; the head of a response fits.
    static let keptBytes = 1 << 10
    static let largestBytes = 256 << 10

    /// Twice the largest of the recent reads, a power of two.
    private(set) var nextBytes = keptBytes

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer { allocator.buffer(capacity: nextBytes) }

    /// Grows as soon as a read fills its buffer, shrinks by halves when a read needs less than a quarter of it.
    ///
    /// - Returns: always that the next buffer may be larger, which is what keeps a channel from using its old one.
    mutating func record(actualReadBytes: Int) -> Bool {
        if actualReadBytes >= nextBytes {
            nextBytes = min(nextBytes * 2, Self.largestBytes)
        } else if actualReadBytes < nextBytes / 4 {
            nextBytes = max(nextBytes / 2, Self.keptBytes)
        }
        return true
    }
}
