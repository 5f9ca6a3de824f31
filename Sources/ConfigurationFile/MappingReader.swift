import Bytes
import MetricModel

/// Reads a mapping key by key; `finish()` complains about the keys that nobody asked for.
struct MappingReader {
    let value: YAMLValue
    private let entries: [(key: YAMLValue, value: YAMLValue, name: String)]
    private var known: Set<String> = []

    init(_ value: YAMLValue) throws(ConfigurationError) {
        self.value = value
        var entries: [(key: YAMLValue, value: YAMLValue, name: String)] = []
        for member in try value.members() { entries.append((member.key, member.value, try member.key.string())) }
        self.entries = entries
    }

    /// The value of a key, nil where it is missing; an explicit null counts as missing where `nullIsMissing`.
    mutating func optional(_ name: String, nullIsMissing: Bool = true) -> YAMLValue? {
        known.insert(name)
        guard let found = entries.first(where: { $0.name == name })?.value else { return nil }
        return nullIsMissing && found.isNull ? nil : found
    }

    mutating func required(_ name: String) throws(ConfigurationError) -> YAMLValue {
        guard let found = optional(name) else { throw value.error("\(name) is missing") }
        return found
    }

    /// Whether the key is written at all, whatever stands there.
    func has(_ name: String) -> Bool { entries.contains { $0.name == name } }

    mutating func string(_ name: String) throws(ConfigurationError) -> String? {
        guard let found = optional(name, nullIsMissing: false) else { return nil }
        return try found.string()
    }

    mutating func boolean(_ name: String) throws(ConfigurationError) -> Bool? {
        guard let found = optional(name) else { return nil }
        return try found.boolean()
    }

    mutating func integer(_ name: String, atLeast minimum: Int = 0) throws(ConfigurationError) -> Int? {
        guard let found = optional(name) else { return nil }
        let number = try found.integer()
        guard number >= minimum else { throw found.error("expected at least \(minimum), found \(number)") }
        return number
    }

    mutating func number(_ name: String) throws(ConfigurationError) -> Double? {
        guard let found = optional(name) else { return nil }
        let text = try found.string()
        guard let number = DecimalParsing.parse(text) else { throw found.error("expected a number, found \"\(text)\"") }
        return number
    }

    /// Milliseconds of a duration such as `1m30s`.
    mutating func duration(_ name: String) throws(ConfigurationError) -> Int64? {
        guard let found = optional(name) else { return nil }
        let text = try found.string()
        guard let milliseconds = DurationText.milliseconds(text) else {
            throw found.error("expected a duration such as 15s or 1h30m, found \"\(text)\"")
        }
        return milliseconds
    }

    /// Bytes of a size such as `100MB` or `512MiB`; units are powers of two.
    mutating func size(_ name: String) throws(ConfigurationError) -> Int? {
        guard let found = optional(name) else { return nil }
        let text = try found.string()
        guard SizeText.isWritten(text), let bytes = SizeText.bytes(text) else {
            throw found.error("expected a size such as 100MB or 512MiB, found \"\(text)\"")
        }
        return bytes
    }

    mutating func secret(_ name: String) throws(ConfigurationError) -> Secret? {
        try string(name).map { Secret($0) }
    }

    mutating func list(_ name: String) throws(ConfigurationError) -> [YAMLValue] {
        guard let found = optional(name) else { return [] }
        return try found.elements()
    }

    mutating func strings(_ name: String) throws(ConfigurationError) -> [String]? {
        guard let found = optional(name) else { return nil }
        var result: [String] = []
        for element in try found.elements() { result.append(try element.string()) }
        return result
    }

    mutating func mapping(_ name: String) throws(ConfigurationError) -> MappingReader? {
        guard let found = optional(name) else { return nil }
        return try MappingReader(found)
    }

    /// A mapping from texts to texts.
    mutating func texts(_ name: String) throws(ConfigurationError) -> [String: String] {
        guard let found = optional(name) else { return [:] }
        var result: [String: String] = [:]
        for member in try found.members() { result[try member.key.string()] = try member.value.string() }
        return result
    }

    /// One of the raw values of an enumeration.
    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, _ type: Choice.Type
    ) throws(ConfigurationError) -> Choice? where Choice.RawValue == String {
        guard let found = optional(name) else { return nil }
        return try Self.choice(found, type)
    }

    static func choice<Choice: RawRepresentable & CaseIterable>(
        _ value: YAMLValue, _ type: Choice.Type
    ) throws(ConfigurationError) -> Choice where Choice.RawValue == String {
        let text = try value.string()
        guard let choice = Choice(rawValue: text) else {
            let choices = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw value.error("expected one of \(choices), found \"\(text)\"")
        }
        return choice
    }

    /// Takes note of keys that are understood elsewhere or deliberately left alone.
    mutating func accept(_ names: [String]) { known.formUnion(names) }

    /// Throws for the first key that was never asked for.
    func finish() throws(ConfigurationError) {
        guard let stranger = entries.first(where: { !known.contains($0.name) }) else { return }
        let near = NearestWord.nearest(to: stranger.name, among: known)
        let hint = near.map { "; did you mean \($0)?" } ?? ""
        throw stranger.key.error("this key is not known here" + hint)
    }
}

/// Sizes in bytes with units that are powers of two: `B KB MB GB TB PB EB`, also with an `i`.
package enum SizeText {
    private static let units = ["", "K", "M", "G", "T", "P", "E"]

    /// Whether the text is a size as configuration files write it: with a unit, or zero.
    static func isWritten(_ text: String) -> Bool { bytes(text) != nil && (text.hasSuffix("B") || text == "0") }

    /// Bytes of `512MB`; nil where the text is no size or does not fit.
    package static func bytes(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty, let number = Int(digits) else { return nil }
        var unit = text.dropFirst(digits.count)
        if unit.isEmpty { return number }
        guard unit.hasSuffix("B") else { return nil }
        unit = unit.dropLast()
        if unit.hasSuffix("i") { unit = unit.dropLast() }
        guard let power = units.firstIndex(of: String(unit)) else { return nil }
        let (bytes, overflows) = number.multipliedReportingOverflow(by: 1 << (10 * power))
        return overflows ? nil : bytes
    }
}
