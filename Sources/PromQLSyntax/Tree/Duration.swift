/// A length of time in a query: a literal, or an expression that needs the query's times to be resolved.
package enum DurationValue: Hashable, Sendable {
    case milliseconds(Int64)
    case expression(DurationExpression)
}

/// Arithmetic over durations in seconds, as in `[step() * 2 + 30s]`.
package indirect enum DurationExpression: Hashable, Sendable {
    package enum Operator: String, Hashable, Sendable {
        case plus = "+"
        case minus = "-"
        case multiply = "*"
        case divide = "/"
        case modulo = "%"
        case power = "^"
    }

    /// `step()` is the query's step, `range()` its end minus its start; both are 0 in an instant query.
    package enum QueryQuantity: String, Hashable, Sendable { case step, range }

    package enum Choice: String, Hashable, Sendable {
        case minimum = "min_of"
        case maximum = "max_of"
    }

    case literal(NumberLiteral)
    case quantity(QueryQuantity, Position)
    case signed(isNegative: Bool, DurationExpression, Position)
    case binary(Operator, DurationExpression, DurationExpression)
    case choice(Choice, DurationExpression, DurationExpression, Position)
    case parenthesized(DurationExpression, Position)

    /// A source range that equality ignores.
    package struct Position: Hashable, Sendable {
        @IgnoredInEquality package var range: SourceRange
        package init(_ range: SourceRange) { self.range = range }
    }

    /// What stands in all parentheses around it.
    var unparenthesized: DurationExpression {
        if case .parenthesized(let content, _) = self { content.unparenthesized } else { self }
    }

    package var range: SourceRange {
        switch self {
        case .literal(let number): number.range
        case .quantity(_, let position), .signed(_, _, let position), .choice(_, _, _, let position),
            .parenthesized(_, let position):
            position.range
        case .binary(_, let left, let right): left.range.union(right.range)
        }
    }
}
