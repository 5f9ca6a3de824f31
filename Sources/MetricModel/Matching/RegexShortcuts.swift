/// What can be said about a regular expression without running it.
///
/// Most expressions in matchers are a few words with bars between them, or a literal with `.*` around it. Those are
/// recognised here and matched by comparing bytes. Everything that is not understood is left to RE2: a shortcut is
/// either exact or not taken. All expressions are anchored at both ends.
package struct RegexShortcuts: Sendable {
    package enum Shape: Hashable, Sendable {
        /// Exactly these texts, each once; one for a literal.
        case alternatives([String])
        /// `.*`
        case anything
        /// `.+`
        case anythingButEmpty
        /// A literal start, then anything (`needsMore`: at least one more byte).
        case startsWith(String, needsMore: Bool)
        /// Anything (`needsMore`: at least one byte), then a literal end.
        case endsWith(String, needsMore: Bool)
        /// Anything, a literal, anything.
        case contains(String)
        /// RE2 has to be asked.
        case general
    }

    /// The most alternatives that are spelled out; more are left to RE2.
    package static let alternativeLimit = 1024

    package let shape: Shape
    /// Every match starts with this.
    package let prefix: String
    /// Every match of an expression without another shortcut ends with this.
    private let suffix: [UInt8]
    private let literal: [UInt8]
    private let alternatives: Set<[UInt8]>

    package init(_ source: String) {
        var parser = RegexShortcutParser(source)
        let (shape, prefix) = parser.parse()
        self.shape = shape
        self.prefix = prefix
        suffix = shape == .general ? Array(parser.safeSuffix.utf8) : []
        switch shape {
        case .startsWith(let text, _), .endsWith(let text, _), .contains(let text): literal = Array(text.utf8)
        default: literal = []
        }
        if case .alternatives(let texts) = shape {
            alternatives = Set(texts.map { Array($0.utf8) })
        } else {
            alternatives = []
        }
    }

    /// Whether all the bytes match; `pattern` is the same expression compiled, asked when there is no shortcut.
    package func matches(_ bytes: UnsafeRawBufferPointer, otherwise pattern: RegexPattern) -> Bool {
        switch shape {
        case .alternatives: return unsafe alternatives.contains(Array(bytes))
        case .anything: return unsafe Self.isPlain(bytes) || pattern.matchesWhole(bytes)
        case .anythingButEmpty: return unsafe bytes.count > 0 && (Self.isPlain(bytes) || pattern.matchesWhole(bytes))
        case .startsWith(_, let needsMore):
            guard bytes.count >= literal.count + (needsMore ? 1 : 0), unsafe bytes.starts(with: literal) else {
                return false
            }
            return unsafe Self.isPlain(bytes) || pattern.matchesWhole(bytes)
        case .endsWith(_, let needsMore):
            guard bytes.count >= literal.count + (needsMore ? 1 : 0),
                unsafe bytes[(bytes.count - literal.count)...].elementsEqual(literal)
            else { return false }
            return unsafe Self.isPlain(bytes) || pattern.matchesWhole(bytes)
        case .contains:
            guard unsafe Self.contains(literal, in: bytes) else { return false }
            return unsafe Self.isPlain(bytes) || pattern.matchesWhole(bytes)
        case .general: return unsafe Self.ends(bytes, with: suffix) && pattern.matchesWhole(bytes)
        }
    }

    /// Whether the dot matches each of these bytes for certain: bytes that are no UTF-8 are none of its business.
    private static func isPlain(_ bytes: UnsafeRawBufferPointer) -> Bool {
        for index in 0..<bytes.count where unsafe bytes[index] >= 0x80 { return false }
        return true
    }

    private static func ends(_ bytes: UnsafeRawBufferPointer, with suffix: [UInt8]) -> Bool {
        guard bytes.count >= suffix.count else { return false }
        let start = bytes.count - suffix.count
        for index in 0..<suffix.count where unsafe bytes[start + index] != suffix[index] { return false }
        return true
    }

    private static func contains(_ literal: [UInt8], in bytes: UnsafeRawBufferPointer) -> Bool {
        guard let first = literal.first else { return true }
        guard bytes.count >= literal.count else { return false }
        for start in 0...(bytes.count - literal.count) where unsafe bytes[start] == first {
            if unsafe bytes[start..<start + literal.count].elementsEqual(literal) { return true }
        }
        return false
    }
}

/// Reads the few forms of expressions that have shortcuts.
///
///     expression = branch ("|" branch)*
///     branch     = (literal | class of single characters | group of a literal expression)* with ".*" or ".+" at the ends
struct RegexShortcutParser {
    private let scalars: [Unicode.Scalar]
    private var position = 0

    init(_ source: String) {
        var scalars = Array(source.unicodeScalars)
        // The match is anchored anyway, so these two say nothing new.
        if scalars.first == "^" { scalars.removeFirst() }
        if scalars.last == "$", scalars.dropLast().reversed().prefix(while: { $0 == "\\" }).count % 2 == 0 {
            scalars.removeLast()
        }
        self.scalars = scalars
    }

    /// Groups inside groups that are looked into.
    private static let depthLimit = 8

    mutating func parse() -> (RegexShortcuts.Shape, prefix: String) {
        if let texts = parseAlternatives(depth: 0), position == scalars.count { return finished(texts) }
        return parseAnchored()
    }

    private func finished(_ texts: [String]) -> (RegexShortcuts.Shape, String) {
        var seen = Set<[UInt8]>()
        let unique = texts.filter { seen.insert(Array($0.utf8)).inserted }
        return (.alternatives(unique), Self.commonPrefix(of: unique))
    }

    /// `.*literal.*` and its relatives; for anything else the literal prefix that every match has.
    private mutating func parseAnchored() -> (RegexShortcuts.Shape, String) {
        position = 0
        let head = parseDots()
        let start = position
        let literal = parseLiteralRun()
        let isWhole = position > start || head != nil
        let tail = parseDots()
        guard isWhole, position == scalars.count else { return (.general, head == nil ? Self.safePrefix(scalars) : "") }
        switch (head, literal.isEmpty, tail) {
        case (let one?, true, nil): return (one ? .anythingButEmpty : .anything, "")
        case (nil, false, let needsMore?): return (.startsWith(literal, needsMore: needsMore), literal)
        case (let needsMore?, false, nil): return (.endsWith(literal, needsMore: needsMore), "")
        case (false?, false, false?): return (.contains(literal), "")
        default: return (.general, "")
        }
    }

    /// Reads `.*` (false) or `.+` (true); nil where neither stands.
    private mutating func parseDots() -> Bool? {
        guard position + 1 < scalars.count, scalars[position] == "." else { return nil }
        let sign = scalars[position + 1]
        guard sign == "*" || sign == "+" else { return nil }
        // A lazy or possessive mark, or a second repetition, is not ours to judge.
        if position + 2 < scalars.count, "?*+{".unicodeScalars.contains(scalars[position + 2]) { return nil }
        position += 2
        return sign == "+"
    }

    /// The longest literal from here whose last character is not repeated.
    private mutating func parseLiteralRun() -> String {
        var text = ""
        while true {
            let before = position
            guard let scalar = parseLiteralScalar() else { break }
            if isRepeated {
                position = before
                break
            }
            text.unicodeScalars.append(scalar)
        }
        return text
    }

    /// One literal character, escaped or not; nil, and nothing read, where something else stands.
    private mutating func parseLiteralScalar() -> Unicode.Scalar? {
        guard position < scalars.count else { return nil }
        let scalar = scalars[position]
        if scalar == "\\" {
            // RE2: a backslash before punctuation is that character; before a letter or digit it means something.
            guard position + 1 < scalars.count, Self.isPunctuation(scalars[position + 1]) else { return nil }
            position += 2
            return scalars[position - 1]
        }
        guard !"^$.|?*+()[]{}".unicodeScalars.contains(scalar) else { return nil }
        position += 1
        return scalar
    }

    private var isRepeated: Bool {
        position < scalars.count && "?*+{".unicodeScalars.contains(scalars[position])
    }

    private static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "!"..."/", ":"..."@", "["..."`", "{"..."~": true
        default: false
        }
    }

    // MARK: Alternatives

    private mutating func parseAlternatives(depth: Int) -> [String]? {
        guard depth <= Self.depthLimit, var texts = parseConcatenation(depth: depth) else { return nil }
        while position < scalars.count, scalars[position] == "|" {
            position += 1
            guard let more = parseConcatenation(depth: depth) else { return nil }
            texts += more
            guard texts.count <= RegexShortcuts.alternativeLimit else { return nil }
        }
        return texts
    }

    private mutating func parseConcatenation(depth: Int) -> [String]? {
        var texts = [""]
        while position < scalars.count, scalars[position] != "|", scalars[position] != ")" {
            guard let parts = parseAtom(depth: depth), !isRepeated else { return nil }
            guard texts.count * parts.count <= RegexShortcuts.alternativeLimit else { return nil }
            if parts.count == 1 {
                for index in texts.indices { texts[index] += parts[0] }
            } else {
                texts = texts.flatMap { text in parts.map { text + $0 } }
            }
        }
        return texts
    }

    private mutating func parseAtom(depth: Int) -> [String]? {
        switch scalars[position] {
        case "(": return parseGroup(depth: depth)
        case "[": return parseClass()
        default: return parseLiteralScalar().map { [String($0)] }
        }
    }

    private mutating func parseGroup(depth: Int) -> [String]? {
        position += 1
        if position < scalars.count, scalars[position] == "?" {
            guard position + 1 < scalars.count, scalars[position + 1] == ":" else { return nil }
            position += 2
        }
        guard let texts = parseAlternatives(depth: depth + 1), position < scalars.count, scalars[position] == ")" else {
            return nil
        }
        position += 1
        return texts
    }

    /// A class of single characters, `[ab.]`; ranges, negations, escapes and named classes are RE2's.
    private mutating func parseClass() -> [String]? {
        position += 1
        var texts: [String] = []
        while position < scalars.count, scalars[position] != "]" {
            guard !"^-[\\".unicodeScalars.contains(scalars[position]) else { return nil }
            texts.append(String(scalars[position]))
            position += 1
        }
        guard position < scalars.count, !texts.isEmpty else { return nil }
        position += 1
        return texts
    }

    // MARK: Prefixes

    private static func commonPrefix(of texts: [String]) -> String {
        guard var prefix = texts.first.map({ Array($0.unicodeScalars) }) else { return "" }
        for text in texts.dropFirst() {
            let shared = zip(prefix, text.unicodeScalars).prefix { $0 == $1 }.count
            prefix.removeSubrange(shared...)
        }
        var result = String.UnicodeScalarView()
        result.append(contentsOf: prefix)
        return String(result)
    }

    /// The literal that an expression without a bar starts with; empty where there is any bar or flag.
    private static func safePrefix(_ scalars: [Unicode.Scalar]) -> String {
        if scalars.contains("|") { return "" }
        var parser = RegexShortcutParser(scalars: scalars)
        return parser.parseLiteralRun()
    }

    /// The literal that an expression ends with.
    ///
    /// Empty where a bar, a flag or `\Q` may give it another meaning, and where a backslash stands before it.
    var safeSuffix: String {
        if scalars.contains("|") { return "" }
        for (index, scalar) in scalars.enumerated().dropLast() {
            let next = scalars[index + 1]
            if scalar == "\\", next == "Q" { return "" }
            if scalar == "(", next == "?", index + 2 >= scalars.count || scalars[index + 2] != ":" { return "" }
        }
        var start = scalars.count
        while start > 0, !"^$.|?*+()[]{}\\".unicodeScalars.contains(scalars[start - 1]) { start -= 1 }
        if start > 0, scalars[start - 1] == "\\" { return "" }
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars[start...])
        return text
    }

    private init(scalars: [Unicode.Scalar]) { self.scalars = scalars }
}
