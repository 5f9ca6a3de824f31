import Bytes
import Glibc
import MetricModel

/// Go's `fmt`: how values print, and `Sprintf`.
enum GoFormat {
    /// The widest field and the most digits that a format may ask for.
    static let widthLimit = 1000

    // MARK: Values

    /// `%v` of a value.
    static func plain(_ value: TemplateValue) -> String {
        switch value {
        case .null: return "<nil>"
        case .bool(let value): return value ? "true" : "false"
        case .integer(let value): return String(value)
        case .float(let value): return shortest(value)
        case .string(let text): return text
        case .strings(let values):
            let parts = values.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            return "map[" + parts.map { "\($0.key):\($0.value)" }.joined(separator: " ") + "]"
        case .map(let values):
            let parts = values.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            return "map[" + parts.map { "\($0.key):\(plain($0.value))" }.joined(separator: " ") + "]"
        case .record(let fields):
            let parts = fields.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            return "{" + parts.map { plain($0.value) }.joined(separator: " ") + "}"
        case .list(let values): return "[" + values.map { plain($0) }.joined(separator: " ") + "]"
        case .time(let nanoseconds): return GoTime.text(nanoseconds)
        case .duration(let nanoseconds): return GoTime.durationText(nanoseconds)
        }
    }

    /// `Sprint`: a space between neighbours of which neither is a string.
    static func print(_ values: [TemplateValue]) -> String {
        var result = ""
        var previousIsString = true
        for value in values {
            var isString = false
            if case .string = value { isString = true }
            if !isString, !previousIsString { result += " " }
            result += plain(value)
            previousIsString = isString
        }
        return result
    }

    /// The shortest digits that give the number back, as `%v` and `strconv.FormatFloat(…, 'g', -1, 64)` write them.
    static func shortest(_ value: Double) -> String { DecimalFormatting.text(value, style: .compact) }

    private static func special(_ value: Double) -> String? {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return nil
    }

    /// C's formatting of a number with a precision, which is exact and rounds to even like Go's.
    static func number(_ value: Double, verb: Character, precision: Int) -> String {
        if let special = special(value) { return special }
        let format = "%." + String(min(max(precision, 0), widthLimit)) + String(verb)
        return unsafe withVaList([value]) { arguments in
            var buffer = [CChar](repeating: 0, count: 400 + widthLimit)
            let capacity = buffer.count
            let count = unsafe vsnprintf(&buffer, capacity, format, arguments)
            return String(
                decoding: buffer.prefix(max(0, min(Int(count), capacity - 1))).map { UInt8(bitPattern: $0) },
                as: UTF8.self)
        }
    }

    /// Go's `ParseFloat`: also `Inf`, `infinity` and `NaN` with a sign.
    static func parseFloat(_ text: String) -> Double? {
        let cleaned = text.filter { $0 != "_" }
        guard let first = cleaned.first, !first.isWhitespace else { return nil }
        return Double(cleaned)
    }

    // MARK: Sprintf

    /// One `%` directive.
    private struct Directive {
        var isLeft = false
        var hasPlus = false
        var hasSpace = false
        var hasSharp = false
        var padsWithZeros = false
        var width = 0
        var precision: Int?
        var verb: Unicode.Scalar = "%"
    }

    /// `Sprintf`.
    ///
    /// Mistakes in the format show as Go shows them, such as `%!d(string=x)`.
    static func format(_ format: String, _ values: [TemplateValue]) throws(TemplateError) -> String {
        var result = ""
        var next = 0
        let scalars = Array(format.unicodeScalars)
        var position = 0
        while position < scalars.count {
            guard scalars[position] == "%" else {
                result.unicodeScalars.append(scalars[position])
                position += 1
                continue
            }
            position += 1
            guard let directive = try parse(scalars, &position) else {
                result += "%!(NOVERB)"
                break
            }
            if directive.verb == "%" {
                result += "%"
                continue
            }
            guard next < values.count else {
                result += "%!\(directive.verb)(MISSING)"
                continue
            }
            result += pad(text(values[next], directive), directive)
            next += 1
        }
        if next < values.count {
            let extra = values[next...].map { "\($0.typeName)=\(plain($0))" }.joined(separator: ", ")
            result += "%!(EXTRA \(extra))"
        }
        return result
    }

    private static func parse(
        _ scalars: [Unicode.Scalar], _ position: inout Int
    ) throws(TemplateError) -> Directive? {
        var directive = Directive()
        flags: while position < scalars.count {
            switch scalars[position] {
            case "-": directive.isLeft = true
            case "+": directive.hasPlus = true
            case " ": directive.hasSpace = true
            case "#": directive.hasSharp = true
            case "0": directive.padsWithZeros = true
            default: break flags
            }
            position += 1
        }
        directive.width = try digits(scalars, &position)
        if position < scalars.count, scalars[position] == "." {
            position += 1
            directive.precision = try digits(scalars, &position)
        }
        guard position < scalars.count else { return nil }
        directive.verb = scalars[position]
        position += 1
        return directive
    }

    private static func digits(_ scalars: [Unicode.Scalar], _ position: inout Int) throws(TemplateError) -> Int {
        var number = 0
        while position < scalars.count, let digit = UInt8(exactly: scalars[position].value),
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit)
        {
            number = number * 10 + Int(digit - UInt8(ascii: "0"))
            guard number <= widthLimit else { throw TemplateError("printf: width or precision above \(widthLimit)") }
            position += 1
        }
        return number
    }

    private static func text(_ value: TemplateValue, _ directive: Directive) -> String {
        switch (directive.verb, value) {
        case ("v", .float), ("g", .float), ("f", .float), ("F", .float), ("e", .float), ("E", .float), ("G", .float):
            guard case .float(let number) = value else { return "" }
            return float(number, directive)
        case ("v", .integer(let number)), ("d", .integer(let number)): return sign(String(number), directive)
        case ("d", .duration(let number)): return sign(String(number), directive)
        case ("x", .integer(let number)):
            return (directive.hasSharp ? "0x" : "") + String(number, radix: 16)
        case ("X", .integer(let number)):
            return (directive.hasSharp ? "0X" : "") + String(number, radix: 16, uppercase: true)
        case ("o", .integer(let number)): return String(number, radix: 8)
        case ("b", .integer(let number)): return String(number, radix: 2)
        case ("c", .integer(let number)):
            let scalar = UInt32(exactly: number).flatMap(Unicode.Scalar.init) ?? "\u{fffd}"
            return String(Character(scalar))
        case ("t", .bool(let truth)): return truth ? "true" : "false"
        case ("s", .string(let text)), ("v", .string(let text)):
            if directive.verb == "v", directive.hasSharp { return LabelName.quoted(text) }
            return directive.precision.map { String(text.unicodeScalars.prefix($0).map(Character.init)) } ?? text
        case ("q", .string(let text)): return LabelName.quoted(text)
        case ("x", .string(let text)):
            return text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        case ("v", _), ("s", .time), ("s", .duration): return plain(value)
        case ("s", .strings), ("s", .list), ("s", .map), ("s", .record): return plain(value)
        case ("T", _): return value.typeName
        default: return "%!\(directive.verb)(\(value.typeName)=\(plain(value)))"
        }
    }

    private static func float(_ value: Double, _ directive: Directive) -> String {
        let isShortest = directive.precision == nil && (directive.verb == "v" || directive.verb == "g")
        let text: String
        if isShortest {
            text = shortest(value)
        } else {
            let verb: Character = directive.verb == "v" ? "g" : directive.verb == "F" ? "f" : Character(directive.verb)
            text = number(value, verb: verb, precision: directive.precision ?? 6)
        }
        // Infinity carries its sign only where one was asked for, as in Go.
        if value == .infinity, directive.verb != "v", !directive.hasPlus { return "+Inf" }
        return sign(text, directive)
    }

    private static func sign(_ text: String, _ directive: Directive) -> String {
        guard let first = text.first, first != "-", first != "+" else { return text }
        return (directive.hasPlus ? "+" : directive.hasSpace ? " " : "") + text
    }

    private static func pad(_ text: String, _ directive: Directive) -> String {
        let missing = directive.width - text.unicodeScalars.count
        guard missing > 0 else { return text }
        if directive.isLeft { return text + String(repeating: " ", count: missing) }
        guard directive.padsWithZeros else { return String(repeating: " ", count: missing) + text }
        let zeros = String(repeating: "0", count: missing)
        guard let first = text.first, first == "-" || first == "+" else { return zeros + text }
        return String(first) + zeros + text.dropFirst()
    }
}
