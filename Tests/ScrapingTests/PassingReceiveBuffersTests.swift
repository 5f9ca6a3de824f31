import NIOCore
import Testing

@testable import Scraping

@Suite("Receive buffers of a scrape")
struct PassingReceiveBuffersTests {
    private let buffers = FetchBuffers()
    /// What channels of one loop do with their buffers, without the channels.
    private var pools: [NIOPooledRecvBufferAllocator]

    init() {
        pools = (0..<2).map { [buffers] _ in
            NIOPooledRecvBufferAllocator(capacity: 1, recvAllocator: PassingReceiveBuffers(buffers))
        }
    }

    /// Reads `byteCount` at most on a channel.
    private mutating func read(_ byteCount: Int, channel: Int = 0) -> ByteBuffer {
        let (buffer, count) = pools[channel].buffer(allocator: ByteBufferAllocator()) { buffer in
            let count = min(byteCount, buffer.capacity)
            buffer.writeRepeatingByte(0x61, count: count)
            return count
        }
        pools[channel].record(actualReadBytes: count)
        return buffer
    }

    /// Where the memory of a buffer is.
    private static func place(_ buffer: ByteBuffer) -> UInt {
        unsafe buffer.withVeryUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
    }

    /// Reads, takes the bytes and gives the buffer back; the place and the capacity of its memory.
    private mutating func readAndGiveBack(_ byteCount: Int, channel: Int) -> (place: UInt, capacity: Int) {
        let buffer = read(byteCount, channel: channel)
        buffers.giveBack(receiveBuffer: buffer)
        return (Self.place(buffer), buffer.capacity)
    }

    @Test("the first buffer, which a channel keeps, is small; all others are one that channels use in turn")
    mutating func shares() {
        #expect(readAndGiveBack(50_000, channel: 0).capacity == PassingReceiveBuffers.keptBytes)
        #expect(readAndGiveBack(50_000, channel: 1).capacity == PassingReceiveBuffers.keptBytes)
        let first = readAndGiveBack(50_000, channel: 0)
        #expect(first.capacity == FetchBuffers.receiveBytes)
        for round in 0..<6 { #expect(readAndGiveBack(50_000, channel: round % 2) == first) }
        #expect(pools[0].count == 1)
    }

    @Test("a buffer that is still in use is not given out again")
    mutating func keepsApart() {
        for channel in 0..<2 { _ = read(10, channel: channel) }
        let first = read(10, channel: 0)
        let second = read(10, channel: 1)
        #expect(Self.place(first) != Self.place(second))
        #expect(first.readableBytes == 10)
    }

    @Test("a body given back is the memory of the next one, unless it is large")
    func bodies() {
        func place(_ bytes: [UInt8]) -> UInt { unsafe bytes.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } }
        func fill(_ count: Int) -> UInt {
            var body = buffers.takeBody()
            body.append(contentsOf: repeatElement(0x61, count: count))
            buffers.giveBack(body: body)
            return place(body)
        }
        let first = fill(10_000)
        #expect(fill(9_000) == first)
        _ = fill(1 << 20)
        var next = buffers.takeBody()
        next.reserveCapacity(10)
        #expect(next.capacity < 1 << 20)
    }
}
