/// Go's own functions: comparison, length, indexing, printing.
///
/// `and` and `or` stand in the evaluator, which may leave their later arguments unevaluated.
enum TemplateBuiltins {
    static func call(_ arguments: TemplateArguments) throws(TemplateError) -> TemplateValue {
        let values = arguments.values
        switch arguments.function {
        case .not: return .bool(!arguments[0].isTrue)
        case .eq:
            for other in values.dropFirst() where try equal(values[0], other) { return .bool(true) }
            return .bool(false)
        case .ne: return .bool(!(try equal(arguments[0], arguments[1])))
        case .lt: return .bool(try less(arguments[0], arguments[1]))
        case .le: return .bool(try isLessOrEqual(arguments[0], arguments[1]))
        case .gt:
            return .bool(!(try isLessOrEqual(arguments[0], arguments[1])))
        case .ge: return .bool(!(try less(arguments[0], arguments[1])))
        case .len: return try length(arguments[0])
        case .index: return try index(values)
        case .slice: return try slice(values)
        case .print: return .string(GoFormat.print(values))
        case .println: return .string(values.map { GoFormat.plain($0) }.joined(separator: " ") + "\n")
        case .printf:
            guard case .string(let format) = arguments[0] else { throw TemplateError("printf: expected a format") }
            return .string(try GoFormat.format(format, Array(values.dropFirst())))
        case .html: return .string(GoEscape.html(GoFormat.print(values)))
        case .js: return .string(GoEscape.javaScript(GoFormat.print(values)))
        default: return .string(GoEscape.query(GoFormat.print(values)))
        }
    }

    private static func equal(_ left: TemplateValue, _ right: TemplateValue) throws(TemplateError) -> Bool {
        switch (left, right) {
        case (.null, .null): return true
        case (.null, _), (_, .null): return false
        case (.bool(let first), .bool(let second)): return first == second
        case (.integer(let first), .integer(let second)): return first == second
        case (.duration(let first), .duration(let second)): return first == second
        case (.duration(let first), .integer(let second)), (.integer(let first), .duration(let second)):
            return first == second
        case (.float(let first), .float(let second)): return first == second
        case (.string(let first), .string(let second)): return Array(first.utf8) == Array(second.utf8)
        case (.time(let first), .time(let second)): return first == second
        default: throw incompatible(left, right)
        }
    }

    private static func less(_ left: TemplateValue, _ right: TemplateValue) throws(TemplateError) -> Bool {
        switch (left, right) {
        case (.integer(let first), .integer(let second)): return first < second
        case (.duration(let first), .duration(let second)): return first < second
        case (.duration(let first), .integer(let second)), (.integer(let first), .duration(let second)):
            return first < second
        case (.float(let first), .float(let second)): return first < second
        case (.string(let first), .string(let second)): return first.utf8.lexicographicallyPrecedes(second.utf8)
        default: throw incompatible(left, right)
        }
    }

    private static func isLessOrEqual(
        _ left: TemplateValue, _ right: TemplateValue
    ) throws(TemplateError) -> Bool {
        if try less(left, right) { return true }
        return try equal(left, right)
    }

    private static func incompatible(_ left: TemplateValue, _ right: TemplateValue) -> TemplateError {
        TemplateError("incompatible types for comparison: \(left.typeName) and \(right.typeName)")
    }

    private static func length(_ value: TemplateValue) throws(TemplateError) -> TemplateValue {
        switch value {
        case .string(let text): return .integer(Int64(text.utf8.count))
        case .list(let values): return .integer(Int64(values.count))
        case .map(let values): return .integer(Int64(values.count))
        case .strings(let values): return .integer(Int64(values.count))
        default: throw TemplateError("len of type \(value.typeName)")
        }
    }

    private static func index(_ values: [TemplateValue]) throws(TemplateError) -> TemplateValue {
        guard var current = values.first else { throw TemplateError("index of nothing") }
        for key in values.dropFirst() {
            switch (current, key) {
            case (.list(let elements), .integer(let position)):
                guard let place = Int(exactly: position), elements.indices.contains(place) else {
                    throw TemplateError("index out of range: \(position)")
                }
                current = elements[place]
            case (.strings(let strings), .string(let name)): current = .string(strings[name] ?? "")
            case (.map(let entries), .string(let name)): current = entries[name] ?? .null
            case (.string(let text), .integer(let position)):
                let bytes = Array(text.utf8)
                guard let place = Int(exactly: position), bytes.indices.contains(place) else {
                    throw TemplateError("index out of range: \(position)")
                }
                current = .integer(Int64(bytes[place]))
            default: throw TemplateError("cannot index \(current.typeName) with \(key.typeName)")
            }
        }
        return current
    }

    private static func slice(_ values: [TemplateValue]) throws(TemplateError) -> TemplateValue {
        guard let whole = values.first, values.count <= 3 else {
            throw TemplateError("slice takes at most two indexes")
        }
        var places: [Int] = []
        for value in values.dropFirst() {
            guard case .integer(let place) = value, let place = Int(exactly: place) else {
                throw TemplateError("slice: indexes must be integers")
            }
            places.append(place)
        }
        let count: Int
        switch whole {
        case .string(let text): count = text.utf8.count
        case .list(let elements): count = elements.count
        default: throw TemplateError("can't slice item of type \(whole.typeName)")
        }
        let lower = places.first ?? 0
        let upper = places.count > 1 ? places[1] : count
        guard lower >= 0, upper <= count, lower <= upper else {
            throw TemplateError("slice index out of range: \(lower):\(upper) of \(count)")
        }
        switch whole {
        case .string(let text): return .string(String(decoding: Array(text.utf8)[lower..<upper], as: UTF8.self))
        case .list(let elements): return .list(Array(elements[lower..<upper]))
        default: return .null
        }
    }
}

/// The escapes for HTML, JavaScript and addresses.
enum GoEscape {
    static func html(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "&": result += "&amp;"
            case "'": result += "&#39;"
            case "\"": result += "&#34;"
            case "\0": result += "\u{fffd}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    static func javaScript(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "'": result += "\\'"
            case "\"": result += "\\\""
            case "<", ">", "&", "=":
                result += "\\u00" + String(scalar.value, radix: 16, uppercase: true)
            case let control where control.value < 0x20:
                let digits = String(control.value, radix: 16, uppercase: true)
                result += "\\u00" + (digits.utf8.count < 2 ? "0" : "") + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// The form of a query's value: a space becomes a plus sign.
    static func query(_ text: String) -> String {
        var result: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"):
                result.append(byte)
            case 0x20: result.append(UInt8(ascii: "+"))
            default:
                let digits = Array(String(byte, radix: 16, uppercase: true).utf8)
                result.append(UInt8(ascii: "%"))
                if digits.count < 2 { result.append(UInt8(ascii: "0")) }
                result.append(contentsOf: digits)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
