import MetricModel

/// Prometheus' functions over strings, links and samples.
enum TemplateText {
    static func call(_ arguments: TemplateArguments, externalURL: String) throws(TemplateError) -> TemplateValue {
        switch arguments.function {
        case .title: return .string(titled(try arguments.string(0)))
        case .toUpper: return .string(try arguments.string(0).uppercased())
        case .toLower: return .string(try arguments.string(0).lowercased())
        case .match: return .bool(try pattern(try arguments.string(0)).matchesPart(try arguments.string(1)))
        case .reReplaceAll:
            return .string(
                replaceAll(
                    try pattern(try arguments.string(0)), with: try arguments.string(1), in: try arguments.string(2)))
        case .stripPort: return .string(withoutPort(try arguments.string(0)))
        case .stripDomain: return .string(withoutDomain(try arguments.string(0)))
        case .graphLink: return .string("/graph?g0.expr=" + GoEscape.query(try arguments.string(0)) + "&g0.tab=0")
        case .tableLink: return .string("/graph?g0.expr=" + GoEscape.query(try arguments.string(0)) + "&g0.tab=1")
        case .urlQueryEscape: return .string(GoEscape.query(try arguments.string(0)))
        case .safeHtml: return .string(try arguments.string(0))
        case .externalURL: return .string(externalURL)
        case .pathPrefix: return .string(path(of: externalURL))
        case .args:
            let named = arguments.values.enumerated().map { ("arg\($0.offset)", $0.element) }
            return .map(Dictionary(uniqueKeysWithValues: named))
        case .first:
            guard let first = try arguments.list(0).first else {
                throw TemplateError("first() called on vector with no elements")
            }
            return first
        case .label: return .string(try arguments.sample(1).labels[try arguments.string(0)] ?? "")
        case .value: return try arguments.sample(0).value
        case .strvalue: return .string(try arguments.sample(0).labels["__value__"] ?? "")
        default: return try sorted(arguments)
        }
    }

    private static func sorted(_ arguments: TemplateArguments) throws(TemplateError) -> TemplateValue {
        let name = try arguments.string(0)
        var keyed: [(key: String, value: TemplateValue)] = []
        for element in try arguments.list(1) {
            let parts = TemplateArguments(function: .sortByLabel, values: [element])
            keyed.append((try parts.sample(0).labels[name] ?? "", element))
        }
        // Equal keys keep their order, as sorting in Swift is not promised to be stable.
        let order = keyed.indices.sorted { left, right in
            keyed[left].key == keyed[right].key
                ? left < right : keyed[left].key.utf8.lexicographicallyPrecedes(keyed[right].key.utf8)
        }
        return .list(order.map { keyed[$0].value })
    }

    private static func pattern(_ source: String) throws(TemplateError) -> RegexPattern {
        do {
            return try RegexPattern(source)
        } catch {
            throw TemplateError(error.description)
        }
    }

    /// Go's `ReplaceAllString`: matches from left to right; an empty match directly behind another one does not count.
    static func replaceAll(_ pattern: RegexPattern, with template: String, in text: String) -> String {
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var copied = 0
        var search = 0
        var lastMatchEnd = -1
        while search <= bytes.count, let groups = pattern.groups(in: bytes, from: search, wholeText: false),
            let match = groups.first.flatMap({ $0 })
        {
            result.append(contentsOf: bytes[copied..<match.lowerBound])
            copied = match.lowerBound
            if match.upperBound > lastMatchEnd || match.lowerBound == 0 {
                if !(match.isEmpty && match.lowerBound == lastMatchEnd) {
                    result.append(contentsOf: pattern.expand(template, match: groups, in: bytes).utf8)
                }
            }
            copied = match.upperBound
            lastMatchEnd = match.upperBound
            search = match.isEmpty ? nextScalar(in: bytes, after: match.upperBound) : match.upperBound
        }
        if copied < bytes.count { result.append(contentsOf: bytes[copied...]) }
        return String(decoding: result, as: UTF8.self)
    }

    private static func nextScalar(in bytes: [UInt8], after position: Int) -> Int {
        var next = position + 1
        while next < bytes.count, bytes[next] & 0xc0 == 0x80 { next += 1 }
        return next
    }

    /// Every word's first letter in upper case (`strings.Title`).
    private static func titled(_ text: String) -> String {
        var result = ""
        var isInWord = false
        for character in text {
            result += isInWord ? String(character) : String(character).uppercased()
            isInWord = character.isLetter || character.isNumber || character == "_" || character == "'"
        }
        return result
    }

    /// Host and port of `host:port` and `[address]:port`; nil where the text is neither.
    private static func hostAndPort(_ text: String) -> (host: String, port: String)? {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let host = text[..<colon]
        let port = String(text[text.index(after: colon)...])
        if host.hasPrefix("["), host.hasSuffix("]") { return (String(host.dropFirst().dropLast()), port) }
        guard !host.contains(":"), !host.contains("["), !host.contains("]") else { return nil }
        return (String(host), port)
    }

    private static func withoutPort(_ text: String) -> String { hostAndPort(text)?.host ?? text }

    private static func withoutDomain(_ text: String) -> String {
        let parts = hostAndPort(text)
        let host = parts?.host ?? text
        let isAddress = host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." }
        guard !isAddress else { return text }
        let name = host.prefix { $0 != "." }
        return parts.map { "\(name):\($0.port)" } ?? String(name)
    }

    /// The path of an address, without a slash at its end.
    private static func path(of url: String) -> String {
        let rest = url.firstRange(of: "://").map { url[$0.upperBound...] } ?? url[...]
        guard let slash = rest.firstIndex(of: "/") else { return "" }
        let path = rest[slash...].prefix { $0 != "?" && $0 != "#" }
        return path.hasSuffix("/") ? String(path.dropLast()) : String(path)
    }
}
