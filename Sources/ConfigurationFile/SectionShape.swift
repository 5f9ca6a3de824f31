import Bytes
import MetricModel
import Scraping

/// What a value may look like in a part of the file that is checked here and has no settings of its own.
indirect enum ValueShape: Sendable {
    case text
    case flag
    case duration
    case size
    case whole(atLeast: Int)
    case number(ClosedRange<Double>)
    case word([String])
    /// An address with a host, its scheme among these; any scheme where the list is empty.
    case url([String])
    /// A list; an entry that is null is a mistake.
    case list(ValueShape)
    /// A mapping of texts to texts.
    case texts
    case section(SectionShape)
    case relabeling
    /// Target groups as in `static_configs`.
    case targets
    case anything
}

/// The keys of a mapping, which of them must be there and which exclude each other.
struct SectionShape: Sendable {
    var keys: [String: ValueShape]
    var required: [String] = []
    /// Of each group at most one may be written.
    var exclusive: [[String]] = []
    /// Whether the keys of an HTTP client may stand among the others.
    var speaksHTTP = false
    /// Whether keys that are not listed are left alone.
    var isOpen = false
}

extension SectionShape {
    /// Holds a mapping against the shape.
    func check(_ value: YAMLValue, folder: String) throws(ConfigurationError) {
        guard !value.isNull else { throw value.error("empty or null section") }
        var reader = try MappingReader(value)
        for name in required {
            let found = try reader.required(name)
            if found.isEmpty { throw found.error("\(name) is empty") }
        }
        for group in exclusive where group.count(where: { reader.optional($0) != nil }) > 1 {
            throw value.error("at most one of \(group.joined(separator: ", ")) may be set")
        }
        for (name, shape) in keys.sorted(by: { $0.key < $1.key }) {
            guard let found = reader.optional(name) else { continue }
            try shape.check(found, folder: folder)
        }
        if speaksHTTP {
            let client = try HTTPClientSettings(&reader, folder: folder)
            do {
                try client.check(place: value.path)
            } catch {
                throw value.error(error.description)
            }
        }
        if !isOpen { try reader.finish() }
    }
}

extension ValueShape {
    func check(_ value: YAMLValue, folder: String) throws(ConfigurationError) {
        switch self {
        case .anything: return
        case .text: _ = try value.string()
        case .flag: _ = try value.boolean()
        case .duration:
            try Self.check(value, "a duration such as 15s or 1h30m") { DurationText.milliseconds($0) != nil }
        case .size: try Self.check(value, "a size such as 100MB or 512MiB") { SizeText.isWritten($0) }
        case .whole(let minimum):
            let number = try value.integer()
            guard number >= minimum else { throw value.error("expected at least \(minimum), found \(number)") }
        case .number(let range):
            try Self.check(value, "a number from \(range.lowerBound) to \(range.upperBound)") {
                DecimalParsing.parse($0).map { range.contains($0) } ?? false
            }
        case .word(let words):
            try Self.check(value, "one of " + words.joined(separator: ", ")) { words.contains($0) }
        case .url(let schemes): try Self.checkURL(value, schemes: schemes)
        case .list(let shape):
            for element in try value.elements() {
                guard !element.isNull else { throw element.error("empty or null entry") }
                try shape.check(element, folder: folder)
            }
        case .texts: for member in try value.members() { _ = try member.value.string() }
        case .section(let shape): try shape.check(value, folder: folder)
        case .relabeling: _ = try Relabeler(try value.elements(), nameValidation: .utf8)
        case .targets: try Self.checkTargets(value)
        }
    }

    private static func check(
        _ value: YAMLValue, _ expected: String, _ holds: (String) -> Bool
    ) throws(ConfigurationError) {
        let text = try value.string()
        guard holds(text) else { throw value.error("expected \(expected), found \"\(text)\"") }
    }

    /// The address is not repeated in the message: it may hold a password.
    private static func checkURL(_ value: YAMLValue, schemes: [String]) throws(ConfigurationError) {
        let text = try value.string()
        guard let colon = text.range(of: "://") else { throw value.error("expected a URL with scheme and host") }
        let scheme = text[..<colon.lowerBound]
        guard schemes.isEmpty || schemes.contains(where: { $0 == scheme.lowercased() }) else {
            throw value.error("URL scheme must be one of \(schemes.joined(separator: ", ")), found \"\(scheme)\"")
        }
        let host = text[colon.upperBound...].prefix { !"/?#".contains($0) }
        guard !host.isEmpty || scheme == "unix" else { throw value.error("host is missing in URL") }
    }

    private static func checkTargets(_ value: YAMLValue) throws(ConfigurationError) {
        for element in try value.elements() {
            guard !element.isNull else { throw element.error("empty or null section in static_configs") }
            _ = try TargetGroupReader.group(element, source: "")
        }
    }
}

extension String {
    /// The first place where a text stands in this one.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
