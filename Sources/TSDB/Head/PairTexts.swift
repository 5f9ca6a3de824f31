import Glibc

/// The bytes of label pairs, each at a place that a number names.
///
/// They stand in chunks, and a pair never in two of them. Whoever keeps a copy shares the chunks with the original, which
/// afterwards copies no more than the chunk it writes to: so a query that needs labels later keeps numbers and no bytes.
///
///     place   chunk number * 64 KiB + offset
///     longer  a pair that fits in no chunk has one of its own, and empty ones behind it for the numbers that it takes
struct PairTexts: Sendable {
    static let chunkBytes = 1 << 16

    private var chunks: [[UInt8]] = []
    private(set) var byteCount = 0

    /// Adds a pair, whatever was added before.
    mutating func append(_ bytes: some Collection<UInt8>) -> UInt32 {
        byteCount += bytes.count
        if let last = chunks.indices.last, chunks[last].count + bytes.count <= Self.chunkBytes {
            let place = last * Self.chunkBytes + chunks[last].count
            chunks[last].append(contentsOf: bytes)
            return UInt32(place)
        }
        let place = chunks.count * Self.chunkBytes
        var chunk: [UInt8] = []
        // The first one grows with what a small store needs.
        if !chunks.isEmpty { chunk.reserveCapacity(max(bytes.count, Self.chunkBytes)) }
        chunk.append(contentsOf: bytes)
        chunks.append(chunk)
        for _ in 0..<(bytes.count - 1) / Self.chunkBytes { chunks.append([]) }
        return UInt32(place)
    }

    /// The bytes that begin at a place.
    ///
    /// - Parameter count: Of the pair; inside its chunk.
    func bytes(at place: UInt32, count: Int) -> ArraySlice<UInt8> {
        let (chunk, start) = Self.position(of: place)
        return chunks[chunk][start..<start + count]
    }

    /// Adds bytes that begin at a place to `output`, which has room for them.
    @inline(__always)
    func copyBytes(at place: UInt32, count: Int, to output: inout OutputSpan<UInt8>) {
        let (chunk, start) = Self.position(of: place)
        unsafe chunks[chunk].withUnsafeBufferPointer { bytes in
            unsafe output.withUnsafeMutableBufferPointer { room, filled in
                precondition(start + count <= bytes.count && filled + count <= room.count, "bytes and room")
                guard let source = bytes.baseAddress, let target = room.baseAddress else { return }
                unsafe (target + filled).initialize(from: source + start, count: count)
                filled += count
            }
        }
    }

    /// Calls `body` with the bytes from a place to the end of its chunk.
    func withBytes<Value>(at place: UInt32, _ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        let (chunk, start) = Self.position(of: place)
        return unsafe chunks[chunk].withUnsafeBytes { bytes in
            unsafe body(UnsafeRawBufferPointer(rebasing: bytes[start...]))
        }
    }

    /// Whether the pair at a place has the bytes given.
    func equals(_ place: UInt32, count: Int, _ other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        return unsafe withBytes(at: place) { bytes in
            guard let left = bytes.baseAddress, let right = other.baseAddress else { return count == 0 }
            return unsafe memcmp(left, right, count) == 0
        }
    }

    private static func position(of place: UInt32) -> (chunk: Int, start: Int) {
        (Int(place) / chunkBytes, Int(place) % chunkBytes)
    }
}
