import Bytes

/// The text of a small kernel file, taken apart into lines and words.
///
/// For files that are read once per page; nothing here traps on any input.
struct MachineText {
    let bytes: [UInt8]

    /// A line as the ranges of its words.
    typealias Words = [Range<Int>]

    /// Lines taken from one file at most.
    static let maximumLines = 65_536

    /// Calls `body` with the words of each line that has any, until it says that it has enough.
    func forEachLine(_ body: (_ words: Words) -> Bool) {
        var position = 0
        var words: Words = []
        var lines = 0
        while position < bytes.count, lines < Self.maximumLines {
            words.removeAll(keepingCapacity: true)
            lineWords(at: &position, into: &words)
            lines += 1
            if words.isEmpty { continue }
            if !body(words) { return }
        }
    }

    /// The words of each line that has any.
    var lines: [Words] {
        var lines: [Words] = []
        forEachLine { words in
            lines.append(words)
            return true
        }
        return lines
    }

    private func lineWords(at position: inout Int, into words: inout Words) {
        let span = bytes.span
        while position < span.count {
            let word = KernelText.word(span, at: &position)
            if !word.isEmpty { words.append(word) }
            guard position < span.count else { return }
            if span[position] == KernelText.newline {
                position += 1
                return
            }
            // A control character that is neither space nor end of line stands between words.
            if word.isEmpty { position += 1 }
        }
    }

    /// The first line without its newline and spaces at its ends.
    var firstLine: [UInt8] {
        let line = bytes.prefix { $0 != KernelText.newline }
        let start = line.firstIndex { $0 > KernelText.space } ?? line.endIndex
        let end = line.lastIndex { $0 > KernelText.space } ?? start - 1
        return start > end ? [] : Array(line[start...end])
    }

    func word(_ range: Range<Int>) -> [UInt8] { Array(bytes[range]) }

    func isWord(_ range: Range<Int>, _ text: StaticString) -> Bool { KernelText.matches(bytes.span, range, text) }

    func hasPrefix(_ range: Range<Int>, _ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard range.count >= count else { return false }
        return KernelText.matches(bytes.span, range.lowerBound..<range.lowerBound + count, text)
    }

    /// A whole number and nothing else.
    func number(_ range: Range<Int>) -> UInt64? {
        var position = range.lowerBound
        guard let number = KernelText.number(bytes.span, at: &position), position == range.upperBound else {
            return nil
        }
        return number
    }

    /// A number of a line's words; nil where the line is shorter or it is no number.
    func number(_ words: Words, _ index: Int) -> UInt64? { index < words.count ? number(words[index]) : nil }

    /// A whole number that may have a sign.
    func signed(_ range: Range<Int>) -> Int64? {
        guard !range.isEmpty, bytes[range.lowerBound] == UInt8(ascii: "-") else {
            return number(range).flatMap { Int64(exactly: $0) }
        }
        return number(range.lowerBound + 1..<range.upperBound).flatMap { Int64(exactly: $0) }.map { -$0 }
    }

    /// A hexadecimal number without or with `0x`.
    func hexadecimal(_ range: Range<Int>) -> UInt64? {
        let digits = hasPrefix(range, "0x") ? range.dropFirst(2) : range
        guard (1...16).contains(digits.count) else { return nil }
        var value: UInt64 = 0
        for position in digits {
            let byte = bytes[position]
            let lower = byte | 0x20
            if byte &- 0x30 < 10 {
                value = value << 4 | UInt64(byte &- 0x30)
            } else if lower &- 0x61 < 6 {
                value = value << 4 | UInt64(lower &- 0x61 &+ 10)
            } else {
                return nil
            }
        }
        return value
    }

    func decimal(_ range: Range<Int>) -> Double? { DecimalParsing.parse(Array(bytes[range])) }
}
