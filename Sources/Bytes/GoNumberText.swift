/// Numbers as Go reads them today: those of `DecimalParsing`, hexadecimal floats, and underscores between digits.
///
/// Prometheus reads bounds of buckets with it and times of requests; values of samples keep the older syntax.
package enum GoNumberText {
    /// The number that `text` spells, nil where it spells none that a double holds.
    package static func parse(_ text: String) -> Double? { DecimalParsing.parse(text) ?? parseNewer(text) }

    /// The number that `bytes` spell, nil where they spell none that a double holds.
    package static func parse(_ bytes: [UInt8]) -> Double? {
        DecimalParsing.parse(bytes) ?? parseNewer(String(decoding: bytes, as: UTF8.self))
    }

    /// What came to the syntax later.
    private static func parseNewer(_ text: String) -> Double? {
        let unsigned = text.drop { $0 == "-" || $0 == "+" }
        guard text.utf8.count - unsigned.utf8.count <= 1, hasSoundUnderscores(unsigned) else { return nil }
        let plain = text.lowercased().filter { $0 != "_" }
        guard hasHexadecimalPrefix(unsigned) else { return plain == text ? nil : DecimalParsing.parse(plain) }
        guard plain.contains("p"), let number = Double(plain), number.isFinite else { return nil }
        return number
    }

    /// Whether underscores stand between digits alone, or behind the prefix of a base.
    ///
    /// - Parameter text: Without a sign.
    package static func hasSoundUnderscores(_ text: some StringProtocol) -> Bool {
        let isHexadecimal = hasHexadecimalPrefix(text)
        var mayFollow = isHexadecimal
        var isOpen = false
        for byte in text.utf8.dropFirst(isHexadecimal ? 2 : 0) {
            if byte == UInt8(ascii: "_") {
                guard mayFollow else { return false }
                (mayFollow, isOpen) = (false, true)
                continue
            }
            let isDigit =
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || isHexadecimal && (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
            if isOpen && !isDigit { return false }
            (mayFollow, isOpen) = (isDigit, false)
        }
        return !isOpen
    }

    private static func hasHexadecimalPrefix(_ text: some StringProtocol) -> Bool {
        text.hasPrefix("0x") || text.hasPrefix("0X")
    }
}
