/// A word of a template, inside or outside of `{{ }}`.
enum TemplateToken: Hashable, Sendable {
    case text([UInt8])
    case leftDelimiter
    case rightDelimiter
    case space
    case dot
    /// `.name`
    case field(String)
    /// `$` or `$name`, with the dollar.
    case variable(String)
    /// A function's name or a keyword.
    case word(String)
    case string(String)
    case integer(Int64)
    case float(Double)
    case pipe
    case leftParenthesis
    case rightParenthesis
    case declare
    case assign
    case comma
}

/// Cuts a template into tokens by the rules of Go's text/template: trim markers, comments, actions.
struct TemplateLexer {
    struct Item: Sendable {
        var token: TemplateToken
        var position: Int
    }

    private let source: [UInt8]
    private var position = 0
    private var items: [Item] = []
    /// Whether the text that comes loses its leading white space (`-}}` stood before it).
    private var trimsNextText = false

    private init(_ source: [UInt8]) { self.source = source }

    static func tokens(of source: [UInt8]) throws(TemplateError) -> [Item] {
        var lexer = TemplateLexer(source)
        try lexer.run()
        return lexer.items
    }

    private func error(_ message: String, at place: Int? = nil) -> TemplateError {
        TemplateError(message, at: place ?? position, in: source)
    }

    private func byte(_ offset: Int = 0) -> UInt8? {
        position + offset < source.count ? source[position + offset] : nil
    }

    private func starts(with text: StaticString, at place: Int) -> Bool {
        let length = text.utf8CodeUnitCount
        guard place >= 0, place + length <= source.count else { return false }
        return source[place..<place + length].elementsEqual("\(text)".utf8)
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...0xff:
            true
        default: false
        }
    }

    // MARK: Text

    private mutating func run() throws(TemplateError) {
        while position < source.count {
            let start = position
            while position < source.count, !starts(with: "{{", at: position) { position += 1 }
            appendText(start..<position)
            guard position < source.count else { return }
            try lexAction()
        }
    }

    private mutating func appendText(_ range: Range<Int>) {
        var lower = range.lowerBound
        var upper = range.upperBound
        if trimsNextText { while lower < upper, Self.isSpace(source[lower]) { lower += 1 } }
        trimsNextText = false
        // `{{- ` behind the text takes its trailing white space away.
        if starts(with: "{{-", at: range.upperBound), range.upperBound + 3 < source.count,
            Self.isSpace(source[range.upperBound + 3])
        {
            while upper > lower, Self.isSpace(source[upper - 1]) { upper -= 1 }
        }
        if lower < upper { items.append(Item(token: .text(Array(source[lower..<upper])), position: lower)) }
    }

    // MARK: Actions

    private mutating func lexAction() throws(TemplateError) {
        let start = position
        position += 2
        if byte() == UInt8(ascii: "-"), let next = byte(1), Self.isSpace(next) { position += 2 }
        if starts(with: "/*", at: position) { return try skipComment(from: start) }
        items.append(Item(token: .leftDelimiter, position: start))
        var depth = 0
        while true {
            guard let current = byte() else { throw error("unclosed action", at: start) }
            if let length = closingLength() {
                guard depth == 0 else { throw error("unclosed left paren") }
                items.append(Item(token: .rightDelimiter, position: position))
                position += length
                return
            }
            if current == UInt8(ascii: "(") { depth += 1 }
            if current == UInt8(ascii: ")") {
                depth -= 1
                guard depth >= 0 else { throw error("unexpected right paren") }
            }
            try lexWord(current)
        }
    }

    /// The length of `}}` or ` -}}` here, nil where the action goes on.
    private mutating func closingLength() -> Int? {
        if starts(with: "}}", at: position) { return 2 }
        if let first = byte(), Self.isSpace(first), starts(with: "-}}", at: position + 1) {
            trimsNextText = true
            return 4
        }
        return nil
    }

    private mutating func skipComment(from start: Int) throws(TemplateError) {
        position += 2
        while position < source.count, !starts(with: "*/", at: position) { position += 1 }
        guard position < source.count else { throw error("unclosed comment", at: start) }
        position += 2
        guard let length = closingLength() else { throw error("comment ends before closing delimiter") }
        position += length
    }

    private mutating func lexWord(_ current: UInt8) throws(TemplateError) {
        let start = position
        switch current {
        case 0x20, 0x09, 0x0a, 0x0d:
            while let next = byte(), Self.isSpace(next), !(starts(with: "-}}", at: position + 1)) { position += 1 }
            append(.space, from: start)
        case UInt8(ascii: "|"): advance(.pipe)
        case UInt8(ascii: "("): advance(.leftParenthesis)
        case UInt8(ascii: ")"): advance(.rightParenthesis)
        case UInt8(ascii: ","): advance(.comma)
        case UInt8(ascii: "="): advance(.assign)
        case UInt8(ascii: ":"):
            guard byte(1) == UInt8(ascii: "=") else { throw error("expected :=") }
            position += 2
            append(.declare, from: start)
        case UInt8(ascii: "\""): try lexQuoted(UInt8(ascii: "\""))
        case UInt8(ascii: "`"): try lexRaw()
        case UInt8(ascii: "'"): try lexCharacter()
        case UInt8(ascii: "$"):
            position += 1
            append(.variable("$" + takeName()), from: start)
        case UInt8(ascii: "."):
            if let next = byte(1), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(next) { return try lexNumber() }
            position += 1
            let name = takeName()
            append(name.isEmpty ? .dot : .field(name), from: start)
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"): try lexNumber()
        default:
            let name = takeName()
            guard !name.isEmpty else {
                throw error("unexpected character \(String(decoding: [current], as: UTF8.self)) in action")
            }
            append(.word(name), from: start)
        }
    }

    private mutating func append(_ token: TemplateToken, from start: Int) {
        items.append(Item(token: token, position: start))
    }

    private mutating func advance(_ token: TemplateToken) {
        items.append(Item(token: token, position: position))
        position += 1
    }

    private mutating func takeName() -> String {
        let start = position
        while let next = byte(), Self.isNameByte(next) { position += 1 }
        return String(decoding: source[start..<position], as: UTF8.self)
    }

    // MARK: Literals

    private mutating func lexQuoted(_ quote: UInt8) throws(TemplateError) {
        let start = position
        position += 1
        while let next = byte(), next != quote {
            guard next != 0x0a else { throw error("unterminated quoted string", at: start) }
            position += next == UInt8(ascii: "\\") ? 2 : 1
        }
        guard byte() == quote else { throw error("unterminated quoted string", at: start) }
        guard let text = GoLiteral.unescape(source[start + 1..<position]) else {
            throw error("invalid escape in string", at: start)
        }
        position += 1
        append(.string(text), from: start)
    }

    private mutating func lexRaw() throws(TemplateError) {
        let start = position
        position += 1
        while let next = byte(), next != UInt8(ascii: "`") { position += 1 }
        guard byte() != nil else { throw error("unterminated raw quoted string", at: start) }
        let body = source[start + 1..<position].filter { $0 != 0x0d }
        position += 1
        append(.string(String(decoding: body, as: UTF8.self)), from: start)
    }

    private mutating func lexCharacter() throws(TemplateError) {
        let start = position
        position += 1
        while let next = byte(), next != UInt8(ascii: "'"), next != 0x0a {
            position += next == UInt8(ascii: "\\") ? 2 : 1
        }
        guard byte() == UInt8(ascii: "'"), let text = GoLiteral.unescape(source[start + 1..<position]),
            text.unicodeScalars.count == 1, let scalar = text.unicodeScalars.first
        else { throw error("malformed character constant", at: start) }
        position += 1
        append(.integer(Int64(scalar.value)), from: start)
    }

    private mutating func lexNumber() throws(TemplateError) {
        let start = position
        if byte() == UInt8(ascii: "+") || byte() == UInt8(ascii: "-") { position += 1 }
        while let next = byte() {
            let isSign = next == UInt8(ascii: "+") || next == UInt8(ascii: "-")
            let isAfterExponent = source[position - (position > start ? 1 : 0)] | 0x20 == UInt8(ascii: "e")
            guard Self.isNameByte(next) || next == UInt8(ascii: ".") || (isSign && isAfterExponent) else { break }
            position += 1
        }
        let text = String(decoding: source[start..<position], as: UTF8.self)
        guard let token = GoLiteral.number(text) else { throw error("bad number syntax: \(text)", at: start) }
        append(token, from: start)
    }
}

/// Go's literals: escapes in strings, and numbers.
enum GoLiteral {
    /// The text of an interpreted string between its quotes, nil where an escape is wrong.
    static func unescape(_ bytes: ArraySlice<UInt8>) -> String? {
        var result: [UInt8] = []
        var position = bytes.startIndex
        func digits(_ count: Int, radix: Int) -> UInt32? {
            guard position + count <= bytes.endIndex else { return nil }
            let text = String(decoding: bytes[position..<position + count], as: UTF8.self)
            guard !text.hasPrefix("+"), !text.hasPrefix("-") else { return nil }
            position += count
            return UInt32(text, radix: radix)
        }
        while position < bytes.endIndex {
            let byte = bytes[position]
            position += 1
            guard byte == UInt8(ascii: "\\") else {
                result.append(byte)
                continue
            }
            guard position < bytes.endIndex else { return nil }
            let kind = bytes[position]
            position += 1
            switch kind {
            case UInt8(ascii: "n"): result.append(0x0a)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "r"): result.append(0x0d)
            case UInt8(ascii: "a"): result.append(0x07)
            case UInt8(ascii: "b"): result.append(0x08)
            case UInt8(ascii: "f"): result.append(0x0c)
            case UInt8(ascii: "v"): result.append(0x0b)
            case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"): result.append(kind)
            case UInt8(ascii: "x"):
                guard let value = digits(2, radix: 16) else { return nil }
                result.append(UInt8(truncatingIfNeeded: value))
            case UInt8(ascii: "u"), UInt8(ascii: "U"):
                guard let value = digits(kind == UInt8(ascii: "u") ? 4 : 8, radix: 16),
                    let scalar = Unicode.Scalar(value)
                else { return nil }
                result.append(contentsOf: Array(String(Character(scalar)).utf8))
            case UInt8(ascii: "0")...UInt8(ascii: "7"):
                position -= 1
                guard let value = digits(3, radix: 8), value < 256 else { return nil }
                result.append(UInt8(truncatingIfNeeded: value))
            default: return nil
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// An integer where the text is one, otherwise a float.
    static func number(_ text: String) -> TemplateToken? {
        let cleaned = text.filter { $0 != "_" }
        var digits = Substring(cleaned)
        var sign = ""
        if let first = digits.first, first == "+" || first == "-" {
            sign = first == "-" ? "-" : ""
            digits = digits.dropFirst()
        }
        guard let first = digits.first, first.isASCII, first.isNumber || first == "." else { return nil }
        let lower = digits.lowercased()
        for (prefix, radix) in [("0x", 16), ("0b", 2), ("0o", 8)] where lower.hasPrefix(prefix) {
            return Int64(sign + lower.dropFirst(2), radix: radix).map { .integer($0) }
        }
        if digits.allSatisfy({ $0.isASCII && $0.isNumber }) {
            let isOctal = digits.count > 1 && digits.hasPrefix("0")
            return Int64(sign + digits, radix: isOctal ? 8 : 10).map { .integer($0) }
        }
        return Double(sign + lower).map { .float($0) }
    }
}
