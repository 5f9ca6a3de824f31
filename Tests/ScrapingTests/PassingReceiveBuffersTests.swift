import NIOCore
import Testing

@testable import Scraping

@Suite("Receive buffers of a scrape")
struct PassingReceiveBuffersTests {
    /// What a channel does with its buffers, without the channel.
    private var pool = NIOPooledRecvBufferAllocator(capacity: 1, recvAllocator: PassingReceiveBuffers())

    /// Reads `byteCount` at most; the result is the capacity of the buffer that was offered.
    private mutating func read(_ byteCount: Int) -> Int {
        let (buffer, count) = pool.buffer(allocator: ByteBufferAllocator()) { buffer in
            let count = min(byteCount, buffer.capacity)
            buffer.writeRepeatingByte(0x61, count: count)
            return count
        }
        pool.record(actualReadBytes: count)
        return buffer.capacity
    }

    @Test("the first buffer, which a channel keeps, is small, and the next ones grow until a page fits into one")
    mutating func grows() {
        let capacities = (0..<8).map { _ in read(50_000) }
        let expected = [1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 65_536, 65_536]
        #expect(capacities == expected)
        #expect(pool.count == 1)
    }

    @Test("no buffer is larger than the largest")
    mutating func isLimited() {
        for _ in 0..<20 { #expect(read(1 << 20) <= PassingReceiveBuffers.largestBytes) }
        #expect(read(1 << 20) == PassingReceiveBuffers.largestBytes)
    }

    @Test("small pages make the buffers small again")
    mutating func shrinks() {
        for _ in 0..<20 { _ = read(1 << 20) }
        for _ in 0..<20 { _ = read(300) }
        #expect(read(300) == PassingReceiveBuffers.keptBytes)
    }

    @Test("a page that comes in pieces of a few kilobytes does not get a large buffer for each")
    mutating func piecesStaySmall() {
        for _ in 0..<40 { #expect(read(4_000) <= 16_384) }
    }
}
