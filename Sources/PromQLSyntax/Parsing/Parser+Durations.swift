/// Durations in brackets and after `offset`.
extension Parser {
    /// What the error of a duration says of its place: the grammar of Prometheus knows no more than where it began.
    enum DurationPlace {
        case window, step, offset

        var context: String {
            switch self {
            case .window: "subquery or range selector"
            case .step: "subquery selector"
            case .offset: "offset"
            }
        }

        var expected: String {
            self == .step
                ? "number, duration, step(), range(), or \"]\"" : "number, duration, step(), or range()"
        }
    }

    /// The error of a token that does not continue a duration.
    private func unexpectedInDuration() -> SyntaxError {
        unexpected(in: durationPlace.context, expected: durationPlace.expected)
    }

    private func requireDuration() throws(SyntaxError) {
        guard canBeginDuration else { throw unexpectedInDuration() }
    }

    /// A window or step: any duration expression; a literal must be greater than 0, and may come to no millisecond.
    mutating func parsePositiveDuration(_ place: DurationPlace) throws(SyntaxError) -> DurationValue {
        durationPlace = place
        try requireDuration()
        let expression = try parseDurationExpression(minimumPrecedence: .addition)
        guard case .literal(let number) = expression.unparenthesized else { return .expression(expression) }
        let milliseconds = try milliseconds(number)
        guard number.value > 0 else { throw error("duration must be greater than 0", number.range) }
        return .milliseconds(milliseconds)
    }

    /// What may follow `offset`: arithmetic only in parentheses, so that `foo offset 1m + 2` is an addition.
    mutating func parseOffsetDuration() throws(SyntaxError) -> DurationValue {
        durationPlace = .offset
        try requireDuration()
        let expression = try parseDurationExpression(minimumPrecedence: .atom)
        guard case .literal(let number) = expression.unparenthesized else { return .expression(expression) }
        return .milliseconds(try milliseconds(number))
    }

    private var canBeginDuration: Bool {
        switch current.kind {
        case .number, .duration, .leftParenthesis, .binaryOperator(.add), .binaryOperator(.subtract),
            .keyword(.step), .keyword(.range), .keyword(.minOf), .keyword(.maxOf):
            true
        default: false
        }
    }

    /// Whole milliseconds of a literal, rounded to nanoseconds first.
    private func milliseconds(_ number: NumberLiteral) throws(SyntaxError) -> Int64 {
        guard isInRange(number.value) else { throw error("duration out of range", number.range) }
        // As amd64 converts it.
        guard !number.value.isNaN else { return .min / 1_000_000 }
        let nanoseconds = (number.value * 1e9).rounded()
        return Int64((nanoseconds / 1e6).rounded(.towardZero))
    }

    /// Whether seconds fit into 64 bits of nanoseconds; NaN is let through, as by Prometheus.
    private func isInRange(_ seconds: Double) -> Bool { !((seconds * 1e9).magnitude >= 0x1p63) }

    private mutating func parseDurationExpression(
        minimumPrecedence: Precedence
    ) throws(SyntaxError) -> DurationExpression {
        try enterLevel()
        defer { leaveLevel() }
        var left = try parseDurationOperand(isOffset: minimumPrecedence == .atom)
        while case .binaryOperator(let token) = current.kind, let symbol = DurationExpression.Operator(token) {
            let precedence = Precedence(of: token)
            guard precedence >= minimumPrecedence else { break }
            try countOperation()
            let place = try take().range
            try requireDuration()
            let right = try parseDurationExpression(
                minimumPrecedence: symbol == .power ? precedence : precedence.next)
            if case .literal(let number) = right, number.value == 0, symbol == .divide || symbol == .modulo {
                throw error(symbol == .divide ? "division by zero" : "modulo by zero", place)
            }
            left = .binary(symbol, left, right)
        }
        return left
    }

    private mutating func parseDurationOperand(isOffset: Bool) throws(SyntaxError) -> DurationExpression {
        let start = current.range.start
        switch current.kind {
        case .number, .duration:
            let number = try parseNumber()
            guard isInRange(number.value) else { throw error("duration out of range", number.range) }
            return .literal(number)
        case .binaryOperator(let symbol) where symbol == .add || symbol == .subtract:
            try countOperation()
            let sign = try take().range
            try requireDuration()
            if isOffset, current.kind == .number || current.kind == .duration {
                var number = try parseNumber()
                guard isInRange(number.value) else { throw error("duration out of range", sign) }
                if symbol == .subtract { number.value = -number.value }
                number.range.start = start
                return .literal(number)
            }
            // Signs bind like multiplications; after `offset` only to what directly follows.
            let operand = try parseDurationExpression(minimumPrecedence: isOffset ? .atom : .power)
            if case .literal(var number) = operand {
                if symbol == .subtract { number.value = -number.value }
                number.range.start = start
                return .literal(number)
            }
            if symbol == .add { return operand }
            return .signed(isNegative: true, operand, .init(SourceRange(start, operand.range.end)))
        case .leftParenthesis:
            try take()
            try requireDuration()
            let content = try parseDurationExpression(minimumPrecedence: .addition)
            guard try takeIf(.rightParenthesis) else { throw unexpectedInDuration() }
            // A number is one with parentheses too, but for a sign that would bind otherwise without.
            if case .literal(let number) = content, number.value.sign == .plus { return content }
            return .parenthesized(content, .init(SourceRange(start, takenEnd)))
        case .keyword(let keyword): return try parseDurationFunction(keyword, start)
        default: throw unexpectedInDuration()
        }
    }

    private mutating func parseDurationFunction(_ keyword: Keyword, _ start: Int) throws(SyntaxError)
        -> DurationExpression
    {
        try take()
        guard try takeIf(.leftParenthesis) else { throw unexpectedInDuration() }
        if keyword == .step || keyword == .range {
            guard try takeIf(.rightParenthesis) else { throw unexpectedInDuration() }
            return .quantity(keyword == .step ? .step : .range, .init(SourceRange(start, takenEnd)))
        }
        try requireDuration()
        let left = try parseDurationExpression(minimumPrecedence: .addition)
        guard try takeIf(.comma) else { throw unexpectedInDuration() }
        try requireDuration()
        let right = try parseDurationExpression(minimumPrecedence: .addition)
        guard try takeIf(.rightParenthesis) else { throw unexpectedInDuration() }
        return .choice(keyword == .minOf ? .minimum : .maximum, left, right, .init(SourceRange(start, takenEnd)))
    }
}

extension DurationExpression.Operator {
    init?(_ symbol: BinaryOperator) {
        switch symbol {
        case .add, .subtract, .multiply, .divide, .modulo, .power: self.init(rawValue: symbol.rawValue)
        default: return nil
        }
    }
}
