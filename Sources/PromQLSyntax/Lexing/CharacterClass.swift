/// The classes of bytes that the language knows; letters beyond ASCII stand only in strings and comments.
extension UInt8 {
    var isSpace: Bool {
        self == UInt8(ascii: " ") || self == UInt8(ascii: "\t") || self == UInt8(ascii: "\n")
            || self == UInt8(ascii: "\r")
    }

    var isDigit: Bool { UInt8(ascii: "0") <= self && self <= UInt8(ascii: "9") }

    var isHexadecimalDigit: Bool {
        let lowercase = self | 0x20
        return isDigit || (UInt8(ascii: "a") <= lowercase && lowercase <= UInt8(ascii: "f"))
    }

    var isLetter: Bool {
        let lowercase = self | 0x20
        return self == UInt8(ascii: "_") || (UInt8(ascii: "a") <= lowercase && lowercase <= UInt8(ascii: "z"))
    }

    var isLetterOrDigit: Bool { isLetter || isDigit }
}
