internal import CChecksum

/// Checksums that find damage on disk.
package enum Checksum {
    private static let isInProcessor = cchecksum_has_crc32c()

    /// CRC-32C (Castagnoli's polynomial, RFC 3720 appendix B.4) of `bytes`.
    ///
    /// With the checksum of what came before as `seed`, the result is that of both runs together.
    /// - Complexity: O(count), eight bytes an instruction where the processor has one for it.
    package static func crc32c(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
        guard isInProcessor, let start = bytes.baseAddress else { return unsafe crc32cByTables(bytes, seed: seed) }
        return unsafe ~cchecksum_crc32c(~seed, start, bytes.count)
    }

    /// The same without that instruction, sixteen bytes a step.
    static func crc32cByTables(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
        unsafe tables.withUnsafeBufferPointer { tables in
            var crc = ~seed
            var offset = 0
            let count = bytes.count
            while count - offset >= 16 {
                let low = UInt64(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                let high = UInt64(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
                let first = low ^ UInt64(crc)
                // Table t stands for a byte that t more bytes follow; indexes are below 16 × 256.
                crc = unsafe step(tables, first, 8) ^ step(tables, high, 0)
                offset += 16
            }
            while offset < count {
                let index = Int(UInt8(truncatingIfNeeded: crc) ^ (unsafe bytes[offset]))
                crc = unsafe crc >> 8 ^ tables[index]
                offset += 1
            }
            return ~crc
        }
    }

    /// CRC-32C of an array.
    package static func crc32c(_ bytes: [UInt8], seed: UInt32 = 0) -> UInt32 {
        unsafe bytes.withUnsafeBytes { unsafe crc32c($0, seed: seed) }
    }

    @inline(__always)
    private static func step(_ tables: UnsafeBufferPointer<UInt32>, _ word: UInt64, _ following: Int) -> UInt32 {
        var result: UInt32 = 0
        for byte in 0..<8 {
            let index = (following + 7 - byte) << 8 | Int(UInt8(truncatingIfNeeded: word >> UInt64(byte * 8)))
            result ^= unsafe tables[index]
        }
        return result
    }

    /// Sixteen tables of 256 entries ("slicing by 16", Kounavis and Berry 2005).
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 16 * 256)
        for index in 0..<256 {
            var crc = UInt32(index)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82f6_3b78 : crc >> 1 }
            tables[index] = crc
        }
        for index in 256..<tables.count {
            let before = tables[index - 256]
            tables[index] = before >> 8 ^ tables[Int(before & 0xff)]
        }
        return tables
    }()
}
