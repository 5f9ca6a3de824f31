/// A fast 64-bit hash of bytes, the same on every machine and in every run, so that it may be stored.
///
/// The construction is that of wyhash (Wang Yi, github.com/wangyi-fudan/wyhash, public domain design): 128-bit
/// multiplications folded by exclusive or. It resists accidents, not attackers; tables keyed by it compare the bytes.
package enum ByteHash {
    private static let secret0: UInt64 = 0xa076_1d64_78bd_642f
    private static let secret1: UInt64 = 0xe703_7ed1_a0b4_28db
    private static let secret2: UInt64 = 0x8ebc_6af0_9c88_c6e3

    @inline(__always)
    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    /// The hash of `bytes`.
    /// - Complexity: O(count), about 16 bytes a step.
    package static func hash(_ bytes: [UInt8], seed: UInt64 = 0) -> UInt64 {
        unsafe bytes.withUnsafeBytes { unsafe hash($0, seed: seed) }
    }

    /// The hash of a run of bytes that the caller keeps alive.
    package static func hash(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
        var state = seed ^ secret0
        var offset = 0
        let count = bytes.count
        while count - offset > 16 {
            let first = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let second = unsafe bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
            state = fold(UInt64(littleEndian: first) ^ secret1, UInt64(littleEndian: second) ^ state)
            offset += 16
        }
        var first: UInt64 = 0
        var second: UInt64 = 0
        let rest = count - offset
        if rest >= 8 {
            first = UInt64(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            second = UInt64(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self))
        } else if rest >= 4 {
            first = UInt64(UInt32(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
            second = UInt64(
                UInt32(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)))
        } else {
            for index in 0..<rest { first |= UInt64(unsafe bytes[offset + index]) << UInt64(index * 8) }
        }
        return fold(secret1 ^ UInt64(count), fold(first ^ secret1, second ^ state) ^ secret2)
    }
}
