/// Reads numbers and walks lines in the text of kernel files; nothing here traps on any input.
enum KernelText {
    static let newline: UInt8 = 0x0A
    static let space: UInt8 = 0x20

    /// Reads decimal digits at the position and moves past them.
    ///
    /// Nil when there is no digit or the number does not fit 64 bits; the position is then past all digits.
    static func number(_ bytes: Span<UInt8>, at position: inout Int) -> UInt64? {
        var value: UInt64 = 0
        var digits = 0
        var overflows = false
        while position < bytes.count {
            let digit = bytes[position] &- 0x30
            if digit > 9 { break }
            // 19 digits always fit; only beyond them is the check needed.
            if digits < 19 {
                value = value &* 10 &+ UInt64(digit)
            } else {
                let (scaled, first) = value.multipliedReportingOverflow(by: 10)
                let (sum, second) = scaled.addingReportingOverflow(UInt64(digit))
                overflows = overflows || first || second
                value = sum
            }
            digits &+= 1
            position &+= 1
        }
        return digits == 0 || overflows ? nil : value
    }

    /// The number a file of one number holds; nil for "max", "-1" and anything else.
    static func onlyNumber(_ bytes: Span<UInt8>) -> UInt64? {
        var position = 0
        skipSpaces(bytes, at: &position)
        return number(bytes, at: &position)
    }

    /// The number after a key at the beginning of a line; nil when there is none.
    static func keyed(_ bytes: Span<UInt8>, _ key: StaticString) -> UInt64? {
        var position = 0
        while position < bytes.count {
            let word = word(bytes, at: &position)
            if matches(bytes, word, key) {
                skipSpaces(bytes, at: &position)
                return number(bytes, at: &position)
            }
            skipLine(bytes, at: &position)
        }
        return nil
    }

    static func skipSpaces(_ bytes: Span<UInt8>, at position: inout Int) {
        while position < bytes.count, bytes[position] == space || bytes[position] == 0x09 { position &+= 1 }
    }

    /// Moves to the first byte after the next newline, or to the end.
    static func skipLine(_ bytes: Span<UInt8>, at position: inout Int) {
        while position < bytes.count {
            position &+= 1
            if bytes[position &- 1] == newline { return }
        }
    }

    /// Moves to the next space, tab or newline, or to the end, and gives the range that was passed.
    static func word(_ bytes: Span<UInt8>, at position: inout Int) -> Range<Int> {
        skipSpaces(bytes, at: &position)
        let start = position
        while position < bytes.count, bytes[position] > space { position &+= 1 }
        return start..<position
    }

    static func matches(_ bytes: Span<UInt8>, _ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount, range.upperBound <= bytes.count else { return false }
        return text.withUTF8Buffer { expected in
            for offset in 0..<range.count where unsafe expected[offset] != bytes[range.lowerBound &+ offset] {
                return false
            }
            return true
        }
    }

    static func copy(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
        var copy: [UInt8] = []
        copy.reserveCapacity(range.count)
        for position in range where position < bytes.count { copy.append(bytes[position]) }
        return copy
    }
}
