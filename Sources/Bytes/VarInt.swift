/// Whole numbers in as few bytes as they need: LEB128, seven bits a byte, least significant first, as in protobuf.
package enum VarInt {
    /// The longest encoding of 64 bits.
    package static let maximumByteCount = 10

    /// Appends an unsigned number.
    package static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Appends a signed number in zigzag order: 0, -1, 1, -2 and so on.
    package static func appendZigzag(_ value: Int64, to bytes: inout [UInt8]) {
        append(zigzag(value), to: &bytes)
    }

    /// How many bytes an unsigned number takes.
    package static func byteCount(_ value: UInt64) -> Int {
        max(1, (64 - value.leadingZeroBitCount + 6) / 7)
    }

    /// The unsigned number that stands for a signed one, small where the magnitude is small.
    package static func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: (value << 1) ^ (value >> 63)) }

    /// The signed number that an unsigned one stands for.
    package static func unzigzag(_ value: UInt64) -> Int64 { Int64(bitPattern: value >> 1) ^ -Int64(value & 1) }

    /// Reads an unsigned number and moves `offset` behind it.
    ///
    /// Nil, with `offset` unchanged, where the bytes end too early, the encoding is longer than ten bytes or does not fit
    /// 64 bits, or `offset` lies outside.
    package static func read(_ bytes: UnsafeRawBufferPointer, at offset: inout Int) -> UInt64? {
        guard offset >= 0, offset < bytes.count else { return nil }
        var position = offset
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < bytes.count {
            let byte = unsafe bytes[position]
            position += 1
            if shift == 63 && byte > 1 { return nil }
            value |= UInt64(byte & 0x7f) &<< shift
            if byte < 0x80 {
                offset = position
                return value
            }
            shift += 7
        }
        return nil
    }

    /// Reads a signed number in zigzag order and moves `offset` behind it; nil as with `read`.
    package static func readZigzag(_ bytes: UnsafeRawBufferPointer, at offset: inout Int) -> Int64? {
        unsafe read(bytes, at: &offset).map(unzigzag)
    }

    /// Reads an unsigned number from an array; nil as with the form for raw bytes.
    package static func read(_ bytes: [UInt8], at offset: inout Int) -> UInt64? {
        unsafe bytes.withUnsafeBytes { unsafe read($0, at: &offset) }
    }

    /// Reads a signed number in zigzag order from an array; nil as with the form for raw bytes.
    package static func readZigzag(_ bytes: [UInt8], at offset: inout Int) -> Int64? {
        read(bytes, at: &offset).map(unzigzag)
    }
}
