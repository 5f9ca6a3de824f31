/// A 64-bit hash of bytes under a secret that is drawn anew for each cache.
///
/// Stands for the bytes themselves where a target's lines are recognised: two different runs of bytes have the same hash
/// once in 2^64 comparisons, and nobody who does not know the secret can make two that do. The construction is that of
/// wyhash (Wang Yi), multiplications to 128 bits folded by exclusive or, in two lanes so that they overlap.
struct LineHash: Sendable {
    private let left = UInt64.random(in: .min ... .max) | 1
    private let right = UInt64.random(in: .min ... .max) | 1

    @inline(__always)
    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    @inline(__always)
    private static func load(_ start: UnsafeRawPointer) -> UInt64 {
        UInt64(littleEndian: unsafe start.loadUnaligned(as: UInt64.self))
    }

    /// The hash of a run of bytes.
    /// - Complexity: O(count), 32 bytes a step.
    @inline(__always)
    func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        guard let start = bytes.baseAddress else { return left }
        return unsafe hash(start, count: bytes.count)
    }

    /// The hash of `count` bytes from `start` on.
    @inline(__always)
    func hash(_ start: UnsafeRawPointer, count: Int) -> UInt64 {
        var first = left
        var second = right
        var cursor = unsafe start
        var rest = count
        while rest >= 32 {
            first = unsafe Self.fold(Self.load(cursor) ^ left, Self.load(cursor + 8) ^ first)
            second = unsafe Self.fold(Self.load(cursor + 16) ^ right, Self.load(cursor + 24) ^ second)
            unsafe cursor += 32
            rest &-= 32
        }
        if rest >= 16 {
            first = unsafe Self.fold(Self.load(cursor) ^ left, Self.load(cursor + 8) ^ first)
            unsafe cursor += 16
            rest &-= 16
        }
        if rest > 0 {
            // Bytes that were taken already may come again: the count, which is hashed too, says which.
            let (low, high) = unsafe Self.tail(cursor, rest: rest, count: count)
            second = Self.fold(low ^ right, high ^ second)
        }
        return Self.fold(first ^ UInt64(truncatingIfNeeded: count), second ^ left)
    }

    /// The last 1 to 15 of `count` bytes as two words.
    @inline(__always)
    private static func tail(_ cursor: UnsafeRawPointer, rest: Int, count: Int) -> (low: UInt64, high: UInt64) {
        if count >= 16 {
            let end = unsafe cursor + rest
            return unsafe (load(end - 16), load(end - 8))
        }
        if rest >= 8 { return unsafe (load(cursor), load(cursor + rest - 8)) }
        var word: UInt64 = 0
        for index in 0..<rest {
            word |= unsafe UInt64(cursor.load(fromByteOffset: index, as: UInt8.self)) &<< UInt64(index &* 8)
        }
        return (word, 0)
    }
}
