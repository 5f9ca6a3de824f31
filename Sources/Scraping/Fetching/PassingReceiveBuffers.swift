import NIOCore

/// Receive buffers that a connection has for one read only.
///
/// A channel keeps the first buffer it is given, and by default grows it to 64 KiB: at 300 targets with plain pages that
/// was 15 MB, a sixth of the process, for connections that read some milliseconds of each interval. So the first buffer
/// is small, and all others are the event loop's, which has one read at a time. Under TLS bytes pass through buffers of
/// their own, so nobody could give these back: they are the allocator's.
///
/// Holds only where a channel reads once per turn of its loop (`maxMessagesPerRead` of 1): else it keeps one for each
/// read.
struct PassingReceiveBuffers: RecvByteBufferAllocator {
    /// What a connection keeps; the head of a response fits.
    static let keptBytes = 1 << 10
    /// Four of the largest records of TLS.
    static let encryptedBytes = 64 << 10

    /// Nil under TLS.
    private let buffers: FetchBuffers?
    private var isFirst = true

    init(_ buffers: FetchBuffers?) { self.buffers = buffers }

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        if isFirst { return allocator.buffer(capacity: Self.keptBytes) }
        return buffers?.takeReceiveBuffer(allocator) ?? allocator.buffer(capacity: Self.encryptedBytes)
    }

    /// - Returns: always that the next buffer may be larger, which is what keeps a channel from using its old one.
    mutating func record(actualReadBytes: Int) -> Bool {
        isFirst = false
        return true
    }
}
