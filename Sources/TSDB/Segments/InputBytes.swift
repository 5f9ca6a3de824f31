/// A walk over bytes that may be damaged: every read is checked, and the first one that goes wrong is remembered.
///
/// After damage all reads give zero, so decoders check once at the end of a step instead of after each field. The bytes
/// belong to the caller and outlive the walk.
@safe struct InputBytes {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position: Int
    let end: Int
    private(set) var isDamaged = false

    init(_ bytes: UnsafeRawBufferPointer) {
        unsafe self.bytes = bytes
        position = 0
        end = bytes.count
    }

    /// A part of the bytes; parts that lie outside are damage.
    init(_ bytes: UnsafeRawBufferPointer, in range: Range<Int>) {
        unsafe self.bytes = bytes
        let isInside = range.lowerBound >= 0 && range.upperBound <= bytes.count
        position = isInside ? range.lowerBound : 0
        end = isInside ? range.upperBound : 0
        isDamaged = !isInside
    }

    var remaining: Int { end - position }
    var isAtEnd: Bool { position == end }

    mutating func noteDamage() {
        isDamaged = true
        position = end
    }

    mutating func byte() -> UInt8 {
        guard position < end else {
            noteDamage()
            return 0
        }
        defer { position &+= 1 }
        return unsafe bytes[position]
    }

    mutating func littleEndian32() -> UInt32 {
        guard remaining >= 4 else {
            noteDamage()
            return 0
        }
        defer { position &+= 4 }
        return UInt32(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
    }

    mutating func littleEndian64() -> UInt64 {
        guard remaining >= 8 else {
            noteDamage()
            return 0
        }
        defer { position &+= 8 }
        return UInt64(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
    }

    mutating func varint() -> UInt64 {
        if position < end {
            let first = unsafe bytes[position]
            if first < 0x80 {
                position &+= 1
                return UInt64(first)
            }
        }
        return longVarint()
    }

    private mutating func longVarint() -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < end, shift < 64 {
            let byte = unsafe bytes[position]
            position &+= 1
            value |= UInt64(byte & 0x7f) &<< shift
            if byte < 0x80 { return value }
            shift &+= 7
        }
        noteDamage()
        return 0
    }

    mutating func zigzag() -> Int64 {
        let value = varint()
        return Int64(bitPattern: value &>> 1) ^ (0 &- Int64(value & 1))
    }

    /// A varint that counts something and may not exceed `limit`.
    mutating func count(limit: Int) -> Int {
        let value = varint()
        guard value <= UInt64(limit) else {
            noteDamage()
            return 0
        }
        return Int(value)
    }

    /// The next bytes, empty where there are not so many.
    mutating func take(_ count: Int) -> UnsafeRawBufferPointer {
        guard count >= 0, count <= remaining else {
            noteDamage()
            return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        }
        defer { position &+= count }
        return unsafe UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
    }

    /// Lets `read` go on, which is given where the walk stands and where it ends, and answers where it has come to, nil
    /// where the bytes are damaged; whether they were not.
    mutating func advance(
        _ read: (UnsafePointer<UInt8>, UnsafePointer<UInt8>) -> UnsafePointer<UInt8>?
    ) -> Bool {
        guard !isDamaged, let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
            let stopped = unsafe read(start + position, start + end)
        else {
            noteDamage()
            return false
        }
        position = unsafe stopped - start
        return true
    }
}
