import MetricModel

/// Selectors by name and label.
extension Parser {
    /// Whether the current token can begin a selector.
    var isAtSelector: Bool {
        switch current.kind {
        case .leftBrace, .identifier, .metricIdentifier, .aggregator: true
        case .keyword(let keyword): keyword.canNameMetric
        case .binaryOperator(let symbol): symbol.isSetOperator
        default: false
        }
    }

    mutating func parseVectorSelector() throws(SyntaxError) -> VectorSelector {
        if current.kind == .leftBrace { return try parseVectorSelector(after: nil) }
        return try parseVectorSelector(after: try take())
    }

    /// The selector whose name was taken already.
    mutating func parseVectorSelector(after name: Token?) throws(SyntaxError) -> VectorSelector {
        let start = name?.range.start ?? current.range.start
        var matchers: [LabelMatcher] = []
        if current.kind == .leftBrace { matchers = try parseMatchers() }
        if let name { matchers.append(LabelMatcher(equal: LabelName.metricName, name.text)) }
        return VectorSelector(name: name?.text ?? "", matchers: matchers, range: SourceRange(start, takenEnd))
    }

    private mutating func parseMatchers() throws(SyntaxError) -> [LabelMatcher] {
        try take()
        var matchers: [LabelMatcher] = []
        while true {
            if current.kind == .rightBrace {
                try take()
                return matchers
            }
            matchers.append(try parseMatcher())
            if current.kind == .rightBrace { continue }
            try expect(.comma, in: "label matching", expected: "\",\" or \"}\"")
        }
    }

    private mutating func parseMatcher() throws(SyntaxError) -> LabelMatcher {
        guard current.kind == .identifier || current.kind == .string else {
            throw unexpected(in: "label matching", expected: "identifier or \"}\"")
        }
        let name = try take()
        let isQuoted = name.kind == .string
        let label = isQuoted ? String(decoding: StringEscape.unquote(name.text), as: UTF8.self) : name.text
        guard let kind = matcherKind(of: current.kind) else {
            // A string alone is the name of the metric.
            if isQuoted, current.kind == .comma || current.kind == .rightBrace {
                return LabelMatcher(equal: LabelName.metricName, label)
            }
            throw isQuoted
                ? unexpected(in: "label matching", expected: "\",\" or \"}\"")
                : unexpected(in: "label matching", expected: "label matching operator")
        }
        try take()
        guard current.kind == .string else { throw unexpected(in: "label matching", expected: "string") }
        let token = try take()
        let value = String(decoding: StringEscape.unquote(token.text), as: UTF8.self)
        do {
            return try LabelMatcher(label, kind, value)
        } catch {
            throw self.error("error parsing regexp: \(error.reason)", name.range.union(token.range))
        }
    }

    private func matcherKind(of kind: Token.Kind) -> LabelMatcher.Kind? {
        switch kind {
        case .assign: .equal
        case .binaryOperator(.notEqual): .notEqual
        case .matchRegex: .regex
        case .matchNotRegex: .notRegex
        default: nil
        }
    }
}
