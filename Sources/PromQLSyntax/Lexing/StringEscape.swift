/// The escapes of quoted strings, which are Go's.
enum StringEscape {
    struct Fault: Error {
        var message: String
    }

    /// The bytes that the escape at `position` (a backslash) stands for, and where it ends.
    static func read(_ bytes: [UInt8], at position: Int, quote: UInt8) throws(Fault) -> (value: [UInt8], end: Int) {
        guard position + 1 < bytes.count else { throw Fault(message: "escape sequence not terminated") }
        let letter = bytes[position + 1]
        let next = position + 2
        switch letter {
        case quote, UInt8(ascii: "\\"): return ([letter], next)
        case UInt8(ascii: "a"): return ([7], next)
        case UInt8(ascii: "b"): return ([8], next)
        case UInt8(ascii: "f"): return ([12], next)
        case UInt8(ascii: "n"): return ([10], next)
        case UInt8(ascii: "r"): return ([13], next)
        case UInt8(ascii: "t"): return ([9], next)
        case UInt8(ascii: "v"): return ([11], next)
        case UInt8(ascii: "0")...UInt8(ascii: "7"):
            let value = try digits(bytes, from: position + 1, count: 3, base: 8)
            guard value <= 255 else { throw Fault(message: "escape sequence is an invalid Unicode code point") }
            return ([UInt8(value)], position + 4)
        case UInt8(ascii: "x"):
            let value = try digits(bytes, from: next, count: 2, base: 16)
            return ([UInt8(value)], next + 2)
        case UInt8(ascii: "u"): return try scalar(bytes, from: next, count: 4)
        case UInt8(ascii: "U"): return try scalar(bytes, from: next, count: 8)
        default: throw Fault(message: "unknown escape sequence \(codePoint(bytes, at: position + 1))")
        }
    }

    /// The bytes that a whole token of a string stands for, quotes taken off.
    ///
    /// The lexer has checked its escapes.
    static func unquote(_ token: String) -> [UInt8] {
        let bytes = Array(token.utf8)
        guard bytes.count >= 2, let quote = bytes.first else { return [] }
        let content = bytes.count - 1
        if quote == UInt8(ascii: "`") { return Array(bytes[1..<content]) }
        var result: [UInt8] = []
        var position = 1
        while position < content {
            if bytes[position] == UInt8(ascii: "\\"), let escape = try? read(bytes, at: position, quote: quote) {
                result.append(contentsOf: escape.value)
                position = escape.end
            } else {
                result.append(bytes[position])
                position += 1
            }
        }
        return result
    }

    private static func digits(_ bytes: [UInt8], from start: Int, count: Int, base: UInt32) throws(Fault) -> UInt32 {
        var value: UInt32 = 0
        for position in start..<start + count {
            guard position < bytes.count else { throw Fault(message: "escape sequence not terminated") }
            let byte = bytes[position]
            guard byte.isHexadecimalDigit else { throw illegal(bytes, at: position) }
            let digit = UInt32(byte.isDigit ? byte - UInt8(ascii: "0") : (byte | 0x20) - UInt8(ascii: "a") + 10)
            guard digit < base else { throw illegal(bytes, at: position) }
            value = value &* base &+ digit
        }
        return value
    }

    private static func scalar(
        _ bytes: [UInt8], from start: Int, count: Int
    ) throws(Fault) -> (value: [UInt8], end: Int) {
        let value = try digits(bytes, from: start, count: count, base: 16)
        guard let scalar = Unicode.Scalar(value) else {
            throw Fault(message: "escape sequence is an invalid Unicode code point")
        }
        return (Array(String(scalar).utf8), start + count)
    }

    private static func illegal(_ bytes: [UInt8], at position: Int) -> Fault {
        Fault(message: "illegal character \(codePoint(bytes, at: position)) in escape sequence")
    }

    /// The form `U+0031 '1'`.
    private static func codePoint(_ bytes: [UInt8], at position: Int) -> String {
        let end = min(position + 4, bytes.count)
        guard let scalar = String(decoding: bytes[position..<end], as: UTF8.self).unicodeScalars.first else {
            return ""
        }
        let digits = String(scalar.value, radix: 16, uppercase: true)
        let padding = String(repeating: "0", count: max(0, 4 - digits.utf8.count))
        return "U+\(padding)\(digits)" + (scalar.value >= 0x20 && scalar.value != 0x7f ? " '\(scalar)'" : "")
    }
}
