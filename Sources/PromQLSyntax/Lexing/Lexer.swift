import MetricModel

/// Cuts a query into tokens, one at a time.
///
/// What a byte means depends on the brackets around it: inside braces there are no keywords, inside square brackets
/// only durations and a colon.
struct Lexer {
    let text: String
    private let bytes: [UInt8]
    private var position = 0
    private var parenthesisDepth = 0
    private var isInBraces = false
    private var isInBrackets = false
    /// Inside brackets, before the first number: only what may lead a duration expression is allowed.
    private var isBeforeDuration = false
    /// Since the last bracket was opened.
    private var sawColon = false
    /// Since the text began; only behind a number may a colon come, and one anywhere before will do.
    private var sawDuration = false

    init(_ text: String) {
        self.text = text
        bytes = Array(text.utf8)
    }

    /// The next token; after the last one the end of input, again and again.
    mutating func next() throws(SyntaxError) -> Token {
        while true {
            skipSpaces()
            guard peek() == UInt8(ascii: "#"), !(isInBrackets && isBeforeDuration) else { break }
            while let byte = peek(), byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") { position += 1 }
        }
        let start = position
        guard let byte = peek() else { return try endOfInput() }
        if isInBrackets, !isInBraces, let token = try tokenInBrackets(byte, start) { return token }
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") { return try quotedString(start) }
        if byte == UInt8(ascii: "`") { return try rawString(start) }
        if isInBraces { return try tokenInBraces(byte, start) }
        if byte.isDigit || (byte == UInt8(ascii: ".") && peek(1)?.isDigit == true) {
            if isBeforeDuration { sawDuration = true }
            isBeforeDuration = false
            return try numberOrDuration(start)
        }
        if byte.isLetter || byte == UInt8(ascii: ":") { return word(start) }
        return try symbol(byte, start)
    }

    // MARK: - Reading bytes

    private func peek(_ distance: Int = 0) -> UInt8? {
        position + distance < bytes.count ? bytes[position + distance] : nil
    }

    private mutating func skipSpaces() {
        while let byte = peek(), byte.isSpace { position += 1 }
    }

    private func text(from start: Int) -> String { String(decoding: bytes[start..<position], as: UTF8.self) }

    private func token(_ kind: Token.Kind, from start: Int) -> Token {
        Token(kind: kind, range: SourceRange(start, position), text: text(from: start))
    }

    private mutating func take(_ kind: Token.Kind, _ count: Int) -> Token {
        let start = position
        position += count
        return token(kind, from: start)
    }

    /// Errors of the lexer are about everything from the token on.
    private func error(_ message: String, from start: Int) -> SyntaxError {
        SyntaxError(message, range: SourceRange(start, bytes.count), in: text)
    }

    /// The character at a byte offset in single quotes, as Go's `%q` shows a rune.
    private func quotedCharacter(at offset: Int) -> String {
        guard offset < bytes.count else { return "'\u{fffd}'" }
        switch bytes[offset] {
        case UInt8(ascii: "'"): return "'\\''"
        case UInt8(ascii: "\\"): return "'\\\\'"
        default:
            let scalars = String(decoding: bytes[offset..<min(offset + 4, bytes.count)], as: UTF8.self).unicodeScalars
            let quoted = LabelName.quoted(scalars.first.map { String($0) } ?? "")
            return quoted == "\"\\\"\"" ? "'\"'" : "'" + quoted.dropFirst().dropLast() + "'"
        }
    }

    // MARK: - Tokens by place

    private func endOfInput() throws(SyntaxError) -> Token {
        if isInBraces { throw error("unexpected end of input inside braces", from: bytes.count) }
        if isInBrackets && isBeforeDuration {
            throw error("unexpected end of input in duration expression", from: bytes.count)
        }
        if parenthesisDepth != 0 { throw error("unclosed left parenthesis", from: bytes.count) }
        if isInBrackets { throw error("unclosed left bracket", from: bytes.count) }
        return Token(kind: .endOfInput, range: SourceRange(bytes.count, bytes.count), text: "")
    }

    private mutating func tokenInBraces(_ byte: UInt8, _ start: Int) throws(SyntaxError) -> Token {
        if byte.isLetter {
            while let next = peek(), next.isLetterOrDigit { position += 1 }
            return token(.identifier, from: start)
        }
        switch byte {
        case UInt8(ascii: ","): return take(.comma, 1)
        case UInt8(ascii: "="):
            return peek(1) == UInt8(ascii: "~") ? take(.matchRegex, 2) : take(.assign, 1)
        case UInt8(ascii: "!"):
            switch peek(1) {
            case UInt8(ascii: "~"): return take(.matchNotRegex, 2)
            case UInt8(ascii: "="): return take(.binaryOperator(.notEqual), 2)
            default:
                let shown = quotedCharacter(at: start + 1)
                throw error("unexpected character after '!' inside braces: \(shown)", from: start)
            }
        case UInt8(ascii: "{"): throw error("unexpected left brace '{'", from: start)
        case UInt8(ascii: "}"):
            isInBraces = false
            return take(.rightBrace, 1)
        default:
            throw error("unexpected character inside braces: \(quotedCharacter(at: start))", from: start)
        }
    }

    /// What stands in square brackets and nowhere else; nil leaves the byte to the general rules.
    private mutating func tokenInBrackets(_ byte: UInt8, _ start: Int) throws(SyntaxError) -> Token? {
        if byte == UInt8(ascii: ":") {
            // The place told of the first two is the one behind it, which Prometheus' lexer has read by then.
            if isBeforeDuration && !sawDuration {
                throw error("unexpected colon before duration in duration expression", from: start + 1)
            }
            if isBeforeDuration && sawColon {
                throw error("unexpected repeated colon in duration expression", from: start + 1)
            }
            if sawColon { throw error("unexpected colon ':'", from: start) }
            sawColon = true
            return take(.colon, 1)
        }
        if byte.isLetter {
            while let next = peek(), next.isLetter { position += 1 }
            switch text(from: start).lowercased() {
            case "step": return token(.keyword(.step), from: start)
            case "range": return token(.keyword(.range), from: start)
            case "min_of": return token(.keyword(.minOf), from: start)
            case "max_of": return token(.keyword(.maxOf), from: start)
            default: throw unexpectedInBrackets(start)
            }
        }
        guard isBeforeDuration, !byte.isDigit, !(byte == UInt8(ascii: ".") && peek(1)?.isDigit == true),
            !Array("]()+-*/%^,".utf8).contains(byte)
        else { return nil }
        throw unexpectedInBrackets(start)
    }

    private func unexpectedInBrackets(_ start: Int) -> SyntaxError {
        let shown = quotedCharacter(at: start)
        return isBeforeDuration
            ? error("unexpected character in duration expression: \(shown)", from: start)
            : error("unexpected character: \(shown), expected ':'", from: start)
    }

    private mutating func symbol(_ byte: UInt8, _ start: Int) throws(SyntaxError) -> Token {
        let following = peek(1)
        switch byte {
        case UInt8(ascii: ","): return take(.comma, 1)
        case UInt8(ascii: "*"): return take(.binaryOperator(.multiply), 1)
        case UInt8(ascii: "/"): return take(.binaryOperator(.divide), 1)
        case UInt8(ascii: "%"): return take(.binaryOperator(.modulo), 1)
        case UInt8(ascii: "+"): return take(.binaryOperator(.add), 1)
        case UInt8(ascii: "-"): return take(.binaryOperator(.subtract), 1)
        case UInt8(ascii: "^"): return take(.binaryOperator(.power), 1)
        case UInt8(ascii: "@"): return take(.at, 1)
        case UInt8(ascii: "="):
            if following == UInt8(ascii: "=") { return take(.binaryOperator(.equal), 2) }
            if following == UInt8(ascii: "~") { throw error("unexpected character after '=': '~'", from: start) }
            return take(.assign, 1)
        case UInt8(ascii: "!"):
            if following == UInt8(ascii: "=") { return take(.binaryOperator(.notEqual), 2) }
            throw error("unexpected character after '!': \(quotedCharacter(at: start + 1))", from: start)
        case UInt8(ascii: "<"):
            if following == UInt8(ascii: "=") { return take(.binaryOperator(.lessOrEqual), 2) }
            if following == UInt8(ascii: "/") { return take(.binaryOperator(.trimUpper), 2) }
            return take(.binaryOperator(.less), 1)
        case UInt8(ascii: ">"):
            if following == UInt8(ascii: "=") { return take(.binaryOperator(.greaterOrEqual), 2) }
            if following == UInt8(ascii: "/") { return take(.binaryOperator(.trimLower), 2) }
            return take(.binaryOperator(.greater), 1)
        default: return try bracket(byte, start)
        }
    }

    private mutating func bracket(_ byte: UInt8, _ start: Int) throws(SyntaxError) -> Token {
        switch byte {
        case UInt8(ascii: "("):
            parenthesisDepth += 1
            return take(.leftParenthesis, 1)
        case UInt8(ascii: ")"):
            // The place told is the one behind it, as in Prometheus, whose lexer has read it by then.
            guard parenthesisDepth > 0 else { throw error("unexpected right parenthesis ')'", from: start + 1) }
            parenthesisDepth -= 1
            return take(.rightParenthesis, 1)
        case UInt8(ascii: "{"):
            isInBraces = true
            return take(.leftBrace, 1)
        case UInt8(ascii: "["):
            guard !isInBrackets else { throw error("unexpected left bracket '['", from: start) }
            isInBrackets = true
            isBeforeDuration = true
            sawColon = false
            return take(.leftBracket, 1)
        case UInt8(ascii: "]"):
            guard isInBrackets else { throw error("unexpected right bracket ']'", from: start) }
            isInBrackets = false
            isBeforeDuration = false
            return take(.rightBracket, 1)
        default:
            throw error("unexpected character: \(quotedCharacter(at: start))", from: start)
        }
    }

    // MARK: - Words, numbers, strings

    private mutating func word(_ start: Int) -> Token {
        while let byte = peek(), byte.isLetterOrDigit || byte == UInt8(ascii: ":") { position += 1 }
        let text = text(from: start)
        let lowercase = text.lowercased()
        switch lowercase {
        case "inf", "nan": return token(.number, from: start)
        case "and", "or", "unless", "atan2":
            if let symbol = BinaryOperator(rawValue: lowercase) { return token(.binaryOperator(symbol), from: start) }
        case "fill", "fill_left", "fill_right":
            if !isFollowedByParenthesis() { return token(.identifier, from: start) }
        default: break
        }
        if let aggregator = AggregationOperator(rawValue: lowercase) {
            return token(.aggregator(aggregator), from: start)
        }
        if let keyword = Keyword(rawValue: lowercase) { return token(.keyword(keyword), from: start) }
        return token(text.utf8.contains(UInt8(ascii: ":")) ? .metricIdentifier : .identifier, from: start)
    }

    private func isFollowedByParenthesis() -> Bool {
        bytes[position...].first { !$0.isSpace } == UInt8(ascii: "(")
    }

    private mutating func numberOrDuration(_ start: Int) throws(SyntaxError) -> Token {
        switch NumberScanner.scan(bytes, from: start) {
        case .number(let end):
            position = end
            return token(.number, from: start)
        case .duration(let end):
            position = end
            return token(.duration, from: start)
        case .malformed(let end):
            position = end
            throw error("bad number or duration syntax: \(LabelName.quoted(text(from: start)))", from: start)
        }
    }

    private mutating func quotedString(_ start: Int) throws(SyntaxError) -> Token {
        let quote = bytes[start]
        position += 1
        while let byte = peek() {
            switch byte {
            case quote:
                position += 1
                return token(.string, from: start)
            case UInt8(ascii: "\n"): throw error("unterminated quoted string", from: start)
            case UInt8(ascii: "\\"):
                do {
                    position = try StringEscape.read(bytes, at: position, quote: quote).end
                } catch {
                    throw self.error(error.message, from: start)
                }
            default: try skipCharacter(start)
            }
        }
        throw error("unterminated quoted string", from: start)
    }

    private mutating func rawString(_ start: Int) throws(SyntaxError) -> Token {
        position += 1
        while let byte = peek() {
            if byte == UInt8(ascii: "`") {
                position += 1
                return token(.string, from: start)
            }
            try skipCharacter(start)
        }
        throw error("unterminated raw string", from: start)
    }

    /// The replacement character stands for bytes that were not UTF-8 before the text became a `String`.
    private mutating func skipCharacter(_ start: Int) throws(SyntaxError) {
        if bytes[position] == 0xef, peek(1) == 0xbf, peek(2) == 0xbd { throw error("invalid UTF-8 rune", from: start) }
        position += 1
    }
}
