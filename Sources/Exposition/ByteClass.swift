/// What a byte may be part of, looked up in a table of 256.
enum ByteClass {
    static let digit: UInt8 = 1
    /// Letters and the underscore.
    static let letter: UInt8 = 2
    static let colon: UInt8 = 4
    /// Space and tabulator.
    static let blank: UInt8 = 8

    static let table: [UInt8] = (0..<256).map { byte in
        switch UInt8(byte) {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): letter
        case UInt8(ascii: ":"): colon
        case UInt8(ascii: " "), UInt8(ascii: "\t"): blank
        default: 0
        }
    }
}

/// The check that bytes are UTF-8 (Unicode 15, table 3-7).
enum UTF8Check {
    /// The offset of the first byte that starts no valid sequence, nil where all is well.
    static func firstInvalid(in bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int? {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let lead = unsafe bytes[offset]
            if lead < 0x80 {
                offset += 1
                continue
            }
            guard let following = followingCount(lead), range.upperBound - offset > following else { return offset }
            guard unsafe allowedSecond(lead).contains(bytes[offset + 1]) else { return offset }
            for index in stride(from: 2, through: following, by: 1) {
                guard unsafe bytes[offset + index] & 0xc0 == 0x80 else { return offset }
            }
            offset += following + 1
        }
        return nil
    }

    private static func followingCount(_ lead: UInt8) -> Int? {
        switch lead {
        case 0xc2...0xdf: 1
        case 0xe0...0xef: 2
        case 0xf0...0xf4: 3
        default: nil
        }
    }

    private static func allowedSecond(_ lead: UInt8) -> ClosedRange<UInt8> {
        switch lead {
        case 0xe0: 0xa0...0xbf
        case 0xed: 0x80...0x9f
        case 0xf0: 0x90...0xbf
        case 0xf4: 0x80...0x8f
        default: 0x80...0xbf
        }
    }
}
