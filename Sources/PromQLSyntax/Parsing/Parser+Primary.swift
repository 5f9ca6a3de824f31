import MetricModel

/// Numbers, strings, parentheses, calls and aggregations.
extension Parser {
    mutating func parsePrimary() throws(SyntaxError) -> Expression {
        switch current.kind {
        case .number, .duration: return .number(try parseNumber())
        case .string:
            let token = try take()
            return .string(StringLiteral(bytes: StringEscape.unquote(token.text), range: token.range))
        case .leftParenthesis:
            let start = try take().range.start
            let content = try parseExpression(minimumPrecedence: .or)
            guard current.kind == .rightParenthesis else { throw unexpected() }
            try take()
            return .parenthesized(Parenthesized(content, range: SourceRange(start, takenEnd)))
        case .aggregator(let aggregator):
            let name = try take()
            switch current.kind {
            case .leftParenthesis, .keyword(.by), .keyword(.without):
                return .aggregation(try parseAggregation(aggregator, name: name))
            default: return .vectorSelector(try parseVectorSelector(after: name))
            }
        case .identifier:
            let name = try take()
            if current.kind == .leftParenthesis { return .call(try parseCall(name)) }
            return .vectorSelector(try parseVectorSelector(after: name))
        case .keyword(let keyword) where keyword.isCallable:
            let name = try take()
            if current.kind == .leftParenthesis { return .call(try parseCall(name)) }
            return .vectorSelector(try parseVectorSelector(after: name))
        default:
            guard isAtSelector else { throw unexpected() }
            return .vectorSelector(try parseVectorSelector())
        }
    }

    /// A number is judged before what comes behind it is read, so that its fault is the first.
    mutating func parseNumber() throws(SyntaxError) -> NumberLiteral {
        let number = try currentNumber()
        try take()
        return number
    }

    /// The number or duration that is looked at, which is not taken.
    func currentNumber() throws(SyntaxError) -> NumberLiteral {
        let token = current
        let isDuration = token.kind == .duration
        let value: Double
        do {
            value = try isDuration ? NumberText.seconds(token.text) : NumberText.value(token.text)
        } catch {
            throw self.error(error.message, token.range)
        }
        return NumberLiteral(value, isDuration: isDuration, range: token.range)
    }

    private mutating func parseCall(_ name: Token) throws(SyntaxError) -> Call {
        let arguments = try parseArguments()
        // Before the closing parenthesis is taken: what comes behind it is not read yet when the name is looked up.
        guard let function = Function(rawValue: name.text) else {
            var error = error("unknown function with name \(LabelName.quoted(name.text))", name.range)
            error.suggestion =
                FunctionSuggestion.nearest(to: name.text) ?? FunctionSuggestion.nearestWord(to: name.text)
            throw error
        }
        if function.signature.isExperimental && !options.allowsExperimentalFunctions {
            throw error("function \(LabelName.quoted(name.text)) is not enabled", name.range)
        }
        try take()
        return Call(function, arguments, range: SourceRange(name.range.start, takenEnd))
    }

    /// From the opening parenthesis up to the closing one, which is not taken.
    private mutating func parseArguments() throws(SyntaxError) -> [Expression] {
        try take()
        if current.kind == .rightParenthesis { return [] }
        var arguments = [try parseExpression(minimumPrecedence: .or)]
        while current.kind == .comma {
            let comma = try take()
            guard isAtExpression else {
                throw error("trailing commas not allowed in function call args", comma.range)
            }
            arguments.append(try parseExpression(minimumPrecedence: .or))
        }
        guard current.kind == .rightParenthesis else { throw unexpected() }
        return arguments
    }

    /// Whether an expression can begin with the current token.
    var isAtExpression: Bool {
        switch current.kind {
        case .number, .duration, .string, .leftParenthesis, .aggregator, .identifier: true
        case .binaryOperator(let symbol) where symbol == .add || symbol == .subtract: true
        case .keyword(let keyword) where keyword.isCallable: true
        default: isAtSelector
        }
    }

    private mutating func parseAggregation(
        _ aggregator: AggregationOperator, name: Token
    ) throws(SyntaxError) -> Aggregation {
        openAggregations += 1
        var grouping: (labels: [String], isWithout: Bool)?
        if current.kind != .leftParenthesis { grouping = try parseGroupingClause() }
        guard current.kind == .leftParenthesis else { throw unexpected() }
        var arguments = try parseArguments()
        openAggregations -= 1
        // Behind a clause nothing follows the parenthesis: what comes then is not read yet.
        if grouping != nil {
            try check(arguments, of: aggregator, SourceRange(name.range.start, current.range.end))
            try take()
        } else {
            try take()
            if current.kind == .keyword(.by) || current.kind == .keyword(.without) {
                grouping = try parseGroupingClause()
            }
            try check(arguments, of: aggregator, SourceRange(name.range.start, takenEnd))
        }
        let operand = arguments.removeLast()
        return Aggregation(
            aggregator, operand, parameter: arguments.first, grouping: grouping?.labels ?? [],
            isWithout: grouping?.isWithout ?? false, range: SourceRange(name.range.start, takenEnd))
    }

    private func check(
        _ arguments: [Expression], of aggregator: AggregationOperator, _ range: SourceRange
    ) throws(SyntaxError) {
        guard !arguments.isEmpty else { throw error("no arguments for aggregate expression provided", range) }
        if aggregator.isExperimental && !options.allowsExperimentalFunctions {
            throw error(
                "\(aggregator.rawValue)() is experimental and must be enabled with "
                    + "--enable-feature=promql-experimental-functions", range)
        }
        let wanted = aggregator.parameterType == nil ? 1 : 2
        guard arguments.count == wanted else {
            throw error(
                "wrong number of arguments for aggregate expression provided, expected \(wanted), "
                    + "got \(arguments.count)", range)
        }
    }

    private mutating func parseGroupingClause() throws(SyntaxError) -> (labels: [String], isWithout: Bool) {
        let isWithout = try take().kind == .keyword(.without)
        return (try parseGroupingLabels(), isWithout)
    }

    /// A list of labels in parentheses, after `by`, `on` and their like.
    mutating func parseGroupingLabels() throws(SyntaxError) -> [String] {
        try expect(.leftParenthesis, in: "grouping opts", expected: "\"(\"")
        var labels: [String] = []
        while true {
            if try takeIf(.rightParenthesis) { return labels }
            labels.append(try parseGroupingLabel())
            if try takeIf(.rightParenthesis) { return labels }
            try expect(.comma, in: "grouping opts", expected: "\",\" or \")\"")
        }
    }

    private mutating func parseGroupingLabel() throws(SyntaxError) -> String {
        switch current.kind {
        case .identifier, .metricIdentifier, .aggregator: return try take().text
        case .keyword(let keyword) where keyword != .without: return try take().text
        case .binaryOperator(let symbol) where symbol.isSetOperator || symbol == .arcTangent:
            return try take().text
        case .string:
            let token = try take()
            let name = StringLiteral(bytes: StringEscape.unquote(token.text), range: token.range)
            guard name.isValidUTF8, !name.bytes.isEmpty else {
                throw error("invalid label name for grouping: \(name.quoted)", token.range)
            }
            return name.value
        default: throw unexpected(in: "grouping opts", expected: "label")
        }
    }
}
