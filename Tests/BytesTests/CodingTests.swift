import Testing

@testable import Bytes

@Suite("Variable-length integers")
struct VarIntTests {
    @Test("numbers at the edges of each length read back", arguments: 0...64)
    func edges(bits: Int) {
        let edge: UInt64 = bits == 64 ? .max : 1 << UInt64(bits)
        for value in [edge, edge &- 1, edge | 1] {
            var bytes: [UInt8] = [7]
            VarInt.append(value, to: &bytes)
            #expect(bytes.count - 1 == VarInt.byteCount(value))
            var offset = 1
            #expect(VarInt.read(bytes, at: &offset) == value)
            #expect(offset == bytes.count)
            let signed = Int64(bitPattern: value)
            bytes = []
            VarInt.appendZigzag(signed, to: &bytes)
            offset = 0
            #expect(VarInt.readZigzag(bytes, at: &offset) == signed)
        }
    }

    @Test("zigzag keeps small magnitudes small")
    func zigzag() {
        #expect([0, -1, 1, -2, 2].map(VarInt.zigzag) == [0, 1, 2, 3, 4])
        #expect(VarInt.zigzag(.min) == .max)
    }

    @Test(
        "cut, overlong and overflowing encodings are refused and leave the offset alone",
        arguments: [
            [], [0x80], [0xff, 0xff], Array(repeating: 0x80, count: 11),
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
        ] as [[UInt8]])
    func refuses(bytes: [UInt8]) {
        var offset = 0
        #expect(VarInt.read(bytes, at: &offset) == nil)
        #expect(offset == 0)
    }

    @Test("an offset outside the bytes is refused")
    func offsetOutside() {
        var offset = 5
        #expect(VarInt.read([1], at: &offset) == nil)
        offset = -1
        #expect(VarInt.read([1], at: &offset) == nil)
    }
}

@Suite("Checksum")
struct ChecksumTests {
    static func bitwise(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = .max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82f6_3b78 : crc >> 1 }
        }
        return ~crc
    }

    @Test("the vectors of RFC 3720 come out")
    func vectors() {
        #expect(Checksum.crc32c([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
        #expect(Checksum.crc32c([UInt8](repeating: 0xff, count: 32)) == 0x62a8_ab43)
        #expect(Checksum.crc32c(Array(0..<32)) == 0x46dd_794e)
        #expect(Checksum.crc32c(Array("123456789".utf8)) == 0xe306_9283)
        #expect(Checksum.crc32c([]) == 0)
    }

    @Test("every length agrees with the definition, in one piece or in two")
    func lengths() {
        var generator = SeededGenerator(state: 5)
        let bytes = (0..<100).map { _ in UInt8.random(in: 0...255, using: &generator) }
        for length in 0...100 {
            let run = Array(bytes[..<length])
            let expected = Self.bitwise(run)
            #expect(Checksum.crc32c(run) == expected)
            #expect(unsafe run.withUnsafeBytes { unsafe Checksum.crc32cByTables($0) } == expected)
            let first = Checksum.crc32c(Array(run[..<(length / 3)]))
            #expect(Checksum.crc32c(Array(run[(length / 3)...]), seed: first) == expected)
        }
    }
}

@Suite("Byte scan")
struct ByteScanTests {
    @Test("the first byte at or after a place is found")
    func firstIndex() {
        let bytes = Array("a\nbc\n".utf8)
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe #expect(ByteScan.firstIndex(of: 10, in: bytes) == 1)
            unsafe #expect(ByteScan.firstIndex(of: 10, in: bytes, from: 2) == 4)
            unsafe #expect(ByteScan.firstIndex(of: 10, in: bytes, from: 5) == nil)
            unsafe #expect(ByteScan.firstIndex(of: 10, in: bytes, from: -1) == nil)
            unsafe #expect(ByteScan.firstIndex(of: 9, in: bytes) == nil)
            unsafe #expect(ByteScan.count(of: 10, in: bytes) == 2)
            unsafe #expect(ByteScan.areEqual(bytes, bytes))
        }
    }
}
