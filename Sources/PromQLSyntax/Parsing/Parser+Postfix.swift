import Bytes
import MetricModel

/// What follows an expression and changes when it is evaluated: ranges, offsets, `@`, `anchored` and `smoothed`.
extension Parser {
    mutating func parsePostfix() throws(SyntaxError) -> Expression {
        var expression = try parsePrimary()
        while true {
            switch current.kind {
            case .leftBracket: expression = try parseRange(of: expression)
            case .at: expression = try parseAt(of: expression)
            case .keyword(.offset): expression = try parseOffset(of: expression)
            case .keyword(.anchored): expression = try parseBoundary(.anchored, of: expression)
            case .keyword(.smoothed): expression = try parseBoundary(.smoothed, of: expression)
            default: return expression
            }
        }
    }

    // MARK: - Ranges

    private mutating func parseRange(of expression: Expression) throws(SyntaxError) -> Expression {
        try countOperation(after: expression)
        let bracket = try take().range.start
        let window = try parsePositiveDuration(.window)
        if try takeIf(.colon) { return try parseSubquery(of: expression, window: window) }
        guard current.kind == .rightBracket else {
            throw unexpected(in: "subquery or range", expected: "\":\" or \"]\"")
        }
        // Before the bracket is taken: what comes behind it is not read yet.
        let range = SourceRange(bracket, current.range.end)
        guard case .vectorSelector(let selector) = expression else {
            throw error("ranges only allowed for vector selectors", range)
        }
        if selector.offset != nil { throw error("no offset modifiers allowed before range", range) }
        if selector.at != nil { throw error("no @ modifiers allowed before range", range) }
        try take()
        return .matrixSelector(
            MatrixSelector(selector, window: window, range: SourceRange(selector.range.start, takenEnd)))
    }

    private mutating func parseSubquery(
        of expression: Expression, window: DurationValue
    ) throws(SyntaxError) -> Expression {
        var step: DurationValue?
        if current.kind != .rightBracket {
            step = try parsePositiveDuration(.step)
        }
        try expect(.rightBracket, in: "subquery selector", expected: "\"]\"")
        return .subquery(
            Subquery(expression, window: window, step: step, range: SourceRange(expression.range.start, takenEnd)))
    }

    private mutating func parseBoundary(
        _ boundary: RangeBoundary, of expression: Expression
    ) throws(SyntaxError) -> Expression {
        try take()
        let name = boundary.rawValue
        guard options.allowsExtendedRangeSelectors else {
            throw error("\(name) modifier is experimental and not enabled", expression.range)
        }
        switch expression {
        case .vectorSelector(var selector):
            try set(boundary, in: &selector, range: expression.range)
            return .vectorSelector(selector)
        case .matrixSelector(var matrix):
            try set(boundary, in: &matrix.selector, range: expression.range)
            return .matrixSelector(matrix)
        case .subquery: throw error("\(name) modifier is not supported for subqueries", expression.range)
        // Prometheus' words where there is no selector before it; nothing is missing here.
        default: throw error("\(name) modifier not implemented", expression.range)
        }
    }

    private func set(
        _ boundary: RangeBoundary, in selector: inout VectorSelector, range: SourceRange
    ) throws(SyntaxError) {
        guard selector.boundary == .plain || selector.boundary == boundary else {
            throw error("anchored and smoothed modifiers cannot be used together", range)
        }
        selector.boundary = boundary
    }

    // MARK: - Times

    private mutating func parseOffset(of expression: Expression) throws(SyntaxError) -> Expression {
        try take()
        let written = try parseOffsetDuration()
        // An offset of nothing is as if none had been written, and is not printed.
        let offset: DurationValue? = written == .milliseconds(0) ? nil : written
        return try changingTimes(
            of: expression, upTo: takenEnd, modifier: "offset modifier",
            isSet: { offset, _ in offset != nil }, whenSet: "offset may not be set multiple times",
            change: {
                $0 = offset ?? $0; _ = $1
            })
    }

    private mutating func parseAt(of expression: Expression) throws(SyntaxError) -> Expression {
        try take()
        let at = try parseAtModifier(of: expression)
        // All that can be wrong with it is told before what comes behind it is read.
        let changed = try changingTimes(
            of: expression, upTo: current.range.end, modifier: "@ modifier",
            isSet: { _, at in at != nil }, whenSet: "@ <timestamp> may not be set multiple times",
            change: {
                _ = $0; $1 = at
            })
        try take()
        return changed
    }

    /// Up to its last token, which is not taken.
    private mutating func parseAtModifier(of expression: Expression) throws(SyntaxError) -> AtModifier {
        if current.kind == .keyword(.start) || current.kind == .keyword(.end) {
            let isStart = try take().kind == .keyword(.start)
            try expect(.leftParenthesis, in: "@", expected: "timestamp")
            guard current.kind == .rightParenthesis else { throw unexpected(in: "@", expected: "timestamp") }
            return isStart ? .start : .end
        }
        var isNegative = false
        if case .binaryOperator(let symbol) = current.kind, symbol == .add || symbol == .subtract {
            isNegative = symbol == .subtract
            try take()
        }
        guard current.kind == .number || current.kind == .duration else {
            throw unexpected(in: "@", expected: "timestamp")
        }
        let number = try currentNumber().value
        let seconds = isNegative ? -number : number
        guard seconds.magnitude < 0x1p63 else {
            // All digits of a whole number, as Go's %f has them.
            let shown =
                Int128(exactly: seconds).map { "\($0).000000" } ?? DecimalFormatting.text(seconds, style: .plain)
            throw error("timestamp out of bounds for @ modifier: \(shown)", expression.range)
        }
        // Seconds are held to the bounds of what holds milliseconds; beyond these, as amd64 converts them.
        let milliseconds = Int64(exactly: (seconds * 1000).rounded()) ?? .min
        return .timestamp(Timestamp(milliseconds: milliseconds))
    }

    /// Changes offset and `@` of whatever can have them.
    private func changingTimes(
        of expression: Expression, upTo end: Int, modifier: String, isSet: (DurationValue?, AtModifier?) -> Bool,
        whenSet: String,
        change: (inout DurationValue?, inout AtModifier?) -> Void
    ) throws(SyntaxError) -> Expression {
        switch expression {
        case .vectorSelector(var selector):
            if isSet(selector.offset, selector.at) { throw error(whenSet, expression.range) }
            change(&selector.offset, &selector.at)
            selector.range.end = end
            return .vectorSelector(selector)
        case .matrixSelector(var matrix):
            if isSet(matrix.selector.offset, matrix.selector.at) { throw error(whenSet, expression.range) }
            change(&matrix.selector.offset, &matrix.selector.at)
            matrix.range.end = end
            return .matrixSelector(matrix)
        case .subquery(var subquery):
            if isSet(subquery.offset, subquery.at) { throw error(whenSet, expression.range) }
            change(&subquery.offset, &subquery.at)
            subquery.range.end = end
            return .subquery(subquery)
        default:
            throw error(
                "\(modifier) must be preceded by an instant vector selector or range vector selector or a subquery",
                expression.range)
        }
    }
}
