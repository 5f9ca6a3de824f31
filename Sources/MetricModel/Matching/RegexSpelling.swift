/// What Prometheus' regular expressions spell otherwise than RE2, whose syntax they have, and how their faults are told.
enum RegexSpelling {
    /// The text for one of RE2's numbers of errors (`RE2::ErrorCode`).
    static func complaint(_ error: Int32, about part: String) -> String {
        let message: String
        switch error {
        case 2: message = "invalid escape sequence"
        case 3: message = "invalid character class"
        case 4: message = "invalid character class range"
        case 5: message = "missing closing ]"
        case 6: message = "missing closing )"
        case 7: message = "unexpected )"
        case 8: message = "trailing backslash at end of expression"
        case 9: message = "missing argument to repetition operator"
        case 10: message = "invalid repeat count"
        case 11: message = "invalid nested repetition operator"
        case 12: message = "invalid or unsupported Perl syntax"
        case 13: message = "invalid UTF-8"
        case 14: message = "invalid named capture"
        case 15: return "expression too large"
        default: return "no memory for it"
        }
        return "\(message): `\(part)`"
    }

    /// The pattern with named groups `(?<name>..)` as `(?P<name>..)`, the older spelling, which is all that RE2 knows.
    ///
    /// `\C`, a byte to RE2, is an error.
    static func forRE2(_ source: String) throws(RegexError) -> String {
        let bytes = Array(source.utf8)
        let isOther = bytes.indices.contains { index in
            ["(?<", "(?P<"].contains { bytes[index...].starts(with: $0.utf8) }
                || bytes[index...].starts(with: "\\C".utf8)
        }
        guard isOther else { return source }
        var result: [UInt8] = []
        var position = 0
        while position < bytes.count {
            let rest = bytes[position...]
            var end = position + 1
            if rest.starts(with: "\\Q".utf8) {
                end = quoteEnd(bytes, from: position + 2)
            } else if rest.starts(with: "\\C".utf8) {
                throw RegexError(pattern: source, reason: complaint(2, about: "\\C"))
            } else if rest.first == UInt8(ascii: "\\") {
                end = position + 2
            } else if rest.first == UInt8(ascii: "[") {
                end = classEnd(bytes, from: position + 1)
            } else if rest.starts(with: "(?<".utf8) {
                try checkName(rest, behind: 3, source)
                result.append(contentsOf: "(?P".utf8)
                position += 2
                end = position + 1
            } else if rest.starts(with: "(?P<".utf8) {
                try checkName(rest, behind: 4, source)
            }
            result.append(contentsOf: bytes[position..<min(end, bytes.count)])
            position = end
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// A name of letters, digits and underscores, and its end; RE2 lets through others.
    private static func checkName(
        _ rest: ArraySlice<UInt8>, behind openingCount: Int, _ source: String
    ) throws(RegexError) {
        let end = rest.firstIndex(of: UInt8(ascii: ">"))
        let name = rest[..<(end ?? rest.endIndex)].dropFirst(openingCount)
        guard end != nil, !name.isEmpty, name.allSatisfy(RegexPattern.isNameByte) else {
            let part = end.map { rest[...$0] } ?? rest
            throw RegexError(pattern: source, reason: complaint(14, about: String(decoding: part, as: UTF8.self)))
        }
    }

    /// Behind the `\E` that ends a quotation, or the end of the pattern.
    private static func quoteEnd(_ bytes: [UInt8], from start: Int) -> Int {
        (start..<max(start, bytes.count)).first { bytes[$0...].starts(with: "\\E".utf8) }.map { $0 + 2 } ?? bytes.count
    }

    /// Behind the bracket that ends a class; one that comes first is a member.
    private static func classEnd(_ bytes: [UInt8], from start: Int) -> Int {
        var position = start
        if position < bytes.count, bytes[position] == UInt8(ascii: "^") { position += 1 }
        if position < bytes.count, bytes[position] == UInt8(ascii: "]") { position += 1 }
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "]"): return position + 1
            case UInt8(ascii: "\\"): position += 2
            case UInt8(ascii: "[") where bytes[position...].starts(with: "[:".utf8):
                let name = bytes[position...].firstIndex(of: UInt8(ascii: "]"))
                position = (name ?? position) + 1
            default: position += 1
            }
        }
        return bytes.count
    }
}
