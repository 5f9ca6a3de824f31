import PromQLSyntax

/// How far an expression's value at a step looks ahead of the step; nil where it depends on more than the samples around
/// the step.
///
/// What depends on the bounds of the query (`start()`, `end()`, `range()`, `@`) or on times that are worked out, and
/// `fill`, which is decided over all steps, has no reach.
struct CacheReach {
    let lookbackMilliseconds: Int64

    /// Milliseconds from a step to the newest sample that may matter for it.
    func ahead(of expression: Expression) -> Int64? {
        switch expression {
        case .number, .string: return 0
        case .vectorSelector(let selector): return ahead(of: selector)
        case .matrixSelector(let matrix):
            guard case .milliseconds = matrix.window else { return nil }
            return ahead(of: matrix.selector)
        case .subquery(let subquery):
            guard subquery.at == nil, case .milliseconds = subquery.window, isPlain(subquery.step),
                let shift = shift(subquery.offset), let inner = ahead(of: subquery.operand)
            else { return nil }
            return sum(shift, inner)
        case .call(let call):
            switch call.function {
            case .start, .end, .range, .info: return nil
            default: return greatest(call.arguments)
            }
        case .aggregation(let aggregation):
            guard let parameter = aggregation.parameter else { return ahead(of: aggregation.operand) }
            // Of an operand that is the same at every step, the parameter of the query's first one holds for all.
            if StepInvariance.holds(for: aggregation.operand), !StepInvariance.holds(for: parameter) { return nil }
            return greatest([aggregation.operand, parameter])
        case .binary(let operation):
            guard operation.matching?.fillLeft == nil, operation.matching?.fillRight == nil else { return nil }
            return greatest([operation.left, operation.right])
        case .unary(let operation): return ahead(of: operation.operand)
        case .parenthesized(let group): return ahead(of: group.content)
        }
    }

    private func ahead(of selector: VectorSelector) -> Int64? {
        guard selector.at == nil, let shift = shift(selector.offset) else { return nil }
        return selector.boundary == .smoothed ? sum(shift, lookbackMilliseconds) : shift
    }

    private func greatest(_ expressions: [Expression]) -> Int64? {
        var result: Int64 = 0
        for expression in expressions {
            guard let ahead = ahead(of: expression) else { return nil }
            result = max(result, ahead)
        }
        return result
    }

    /// A positive offset looks back, and never less than the step itself is assumed.
    private func shift(_ offset: DurationValue?) -> Int64? {
        switch offset {
        case nil: 0
        case .milliseconds(let offset): max(0, offset == .min ? .max : -offset)
        case .expression: nil
        }
    }

    private func isPlain(_ duration: DurationValue?) -> Bool {
        switch duration {
        case nil, .milliseconds: true
        case .expression: false
        }
    }

    private func sum(_ left: Int64, _ right: Int64) -> Int64? {
        let (sum, overflows) = left.addingReportingOverflow(right)
        return overflows ? nil : sum
    }
}
