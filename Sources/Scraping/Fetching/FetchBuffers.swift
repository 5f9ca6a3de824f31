import NIOCore

/// Memory that the fetches on one event loop use one after the other, so that a steady scrape allocates nothing.
///
/// Few responses of a loop are under way at one moment, and what is under way longest is waiting for its first byte. So
/// memory is taken when bytes come and given back when the page has been read; who finds none allocates.
final class FetchBuffers: @unchecked Sendable {  // Confined to the event loop.
    /// What one read takes at most, so that nearly every page comes in one piece.
    ///
    /// Memory that no byte is read into is not taken from the system.
    static let receiveBytes = 256 << 10
    /// Larger ones are given back.
    private static let keptBodyBytes = 256 << 10
    private static let usualHeadBytes = 512

    private var receiveBuffer: ByteBuffer?
    private var body: [UInt8] = []
    private var head: [UInt8] = []

    /// An empty buffer to read into.
    func takeReceiveBuffer(_ allocator: ByteBufferAllocator) -> ByteBuffer {
        guard var buffer = receiveBuffer.take() else { return allocator.buffer(capacity: Self.receiveBytes) }
        buffer.clear()
        return buffer
    }

    /// Takes a buffer back whose bytes have been taken; others than those of `takeReceiveBuffer` are let go.
    func giveBack(receiveBuffer buffer: ByteBuffer) {
        if buffer.capacity == Self.receiveBytes { receiveBuffer = buffer }
    }

    /// An empty array for the bytes of a head.
    func takeHead() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &head)
        taken.removeAll(keepingCapacity: true)
        taken.reserveCapacity(Self.usualHeadBytes)
        return taken
    }

    func giveBack(head bytes: [UInt8]) { if bytes.capacity <= ScrapeSafety.headerBytes { head = bytes } }

    /// An empty array for the bytes of a body.
    func takeBody() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &body)
        taken.removeAll(keepingCapacity: true)
        return taken
    }

    /// Takes a body back that nobody reads any more.
    func giveBack(body bytes: [UInt8]) { if bytes.capacity <= Self.keptBodyBytes { body = bytes } }
}
