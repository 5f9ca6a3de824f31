import CRE2

/// A regular expression that could not be compiled.
package struct RegexError: Error, Hashable, Sendable, CustomStringConvertible {
    package var pattern: String
    /// What is wrong, and with which part: one of Prometheus' texts.
    package var reason: String
    package var description: String { "invalid regular expression \(LabelName.quoted(pattern)): \(reason)" }
}

/// A compiled RE2 expression in which the dot matches newlines.
///
/// Matching takes time linear in the text.
@safe package final class RegexPattern: Sendable {
    /// What one compiled expression may take (RE2 gives two thirds of it to its automata).
    package static let memoryLimitBytes = 8 << 20
    /// The longest pattern that is compiled at all.
    package static let patternLimitBytes = 64 << 10

    package let source: String
    /// RE2 promises that const methods of a compiled expression are safe on many threads at once.
    private nonisolated(unsafe) let compiled: OpaquePointer

    /// Compiles `source` as it stands; matchers of PromQL and relabelling ask for a full match.
    package init(_ source: String) throws(RegexError) {
        guard source.utf8.count <= Self.patternLimitBytes else {
            throw RegexError(
                pattern: String(source.prefix(64)) + "…", reason: "longer than \(Self.patternLimitBytes) bytes")
        }
        let spelled = try RegexSpelling.forRE2(source)
        var text = spelled
        var part = [CChar](repeating: 0, count: text.utf8.count + 1)
        let capacity = part.count
        var error: Int32 = 0
        let pattern: OpaquePointer? = text.withUTF8 { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { characters in
                let start = unsafe characters.baseAddress ?? UnsafePointer(bitPattern: 1).unsafelyUnwrapped
                return unsafe cre2_compile(start, characters.count, Self.memoryLimitBytes, &error, &part, capacity)
            }
        }
        guard let pattern = unsafe pattern else {
            let bytes = part.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            let about = String(decoding: bytes, as: UTF8.self)
            throw RegexError(
                pattern: source, reason: RegexSpelling.complaint(error, about: about == spelled ? source : about))
        }
        self.source = source
        unsafe compiled = pattern
    }

    deinit { unsafe cre2_free(compiled) }

    /// Whether the whole text matches.
    package func matchesWhole(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { unsafe matchesWhole(UnsafeRawBufferPointer($0)) }
    }

    /// Whether all of these bytes match.
    package func matchesWhole(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let start = bytes.baseAddress else {
            var empty: CChar = 0
            return unsafe cre2_full_match(compiled, &empty, 0)
        }
        return unsafe cre2_full_match(compiled, start.assumingMemoryBound(to: CChar.self), bytes.count)
    }

    /// Whether some part of the text matches.
    package func matchesPart(_ text: String) -> Bool {
        groups(in: Array(text.utf8), from: 0, wholeText: false) != nil
    }

    /// The byte ranges of the match and its groups, nil for a group that took no part; nil where nothing matches.
    package func groups(in text: [UInt8], from start: Int, wholeText: Bool) -> [Range<Int>?]? {
        let capacity = unsafe Int(cre2_group_count(compiled)) + 1
        var offsets = [Int](repeating: -1, count: capacity * 2)
        let found = unsafe text.withUnsafeBytes { bytes in
            let base = unsafe bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
            return unsafe cre2_match(
                compiled, base.assumingMemoryBound(to: CChar.self), bytes.count, start, wholeText, &offsets,
                Int32(capacity))
        }
        guard found else { return nil }
        return (0..<capacity).map { offsets[2 * $0] < 0 ? nil : offsets[2 * $0]..<offsets[2 * $0 + 1] }
    }

    /// The index of a named group, nil where there is none of that name.
    package func groupIndex(named name: String) -> Int? {
        var name = name
        let index = name.withUTF8 { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { characters in
                let start = unsafe characters.baseAddress ?? UnsafePointer(bitPattern: 1).unsafelyUnwrapped
                return unsafe cre2_group_index(compiled, start, characters.count)
            }
        }
        return index < 0 ? nil : Int(index)
    }

    /// Writes a replacement with `$1`, `${1}` and `${name}` filled in from a match, by the rules of Go's `Regexp.Expand`:
    /// the longest run of letters, digits and underscores is the name, `$$` is a dollar, an unknown group is empty.
    package func expand(_ template: String, match: [Range<Int>?], in text: [UInt8]) -> String {
        let bytes = Array(template.utf8)
        let dollar = UInt8(ascii: "$")
        var result: [UInt8] = []
        var position = 0
        while position < bytes.count {
            guard bytes[position] == dollar, position + 1 < bytes.count else {
                result.append(bytes[position])
                position += 1
                continue
            }
            if bytes[position + 1] == dollar {
                result.append(dollar)
                position += 2
                continue
            }
            let isBraced = bytes[position + 1] == UInt8(ascii: "{")
            let nameStart = position + (isBraced ? 2 : 1)
            var nameEnd = nameStart
            while nameEnd < bytes.count, Self.isNameByte(bytes[nameEnd]) { nameEnd += 1 }
            let isClosed = !isBraced || (nameEnd < bytes.count && bytes[nameEnd] == UInt8(ascii: "}"))
            guard nameEnd > nameStart, isClosed else {
                result.append(dollar)
                position += 1
                continue
            }
            let name = String(decoding: bytes[nameStart..<nameEnd], as: UTF8.self)
            if let index = Int(name) ?? groupIndex(named: name), index < match.count, let range = match[index] {
                result.append(contentsOf: text[range])
            }
            position = nameEnd + (isBraced ? 1 : 0)
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Whether a byte may stand in the name of a group: a letter, a digit or an underscore.
    static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
