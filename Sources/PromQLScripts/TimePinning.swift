import MetricModel
import PromQLSyntax

/// Writes `@ T` into a query wherever its time was left open, so that it means the same at any time.
struct TimePinning {
    /// Functions whose results depend on the time of evaluation whatever their arguments are pinned to.
    private static let unsafeFunctions: Set<Function> = [
        .daysInMonth, .dayOfMonth, .dayOfWeek, .dayOfYear, .hour, .minute, .month, .year, .predictLinear, .time,
        .timestamp, .start, .end, .step, .range,
    ]

    let time: Timestamp

    /// The query with every selector and subquery pinned; nil where that does not fix its meaning.
    func pinned(_ expression: Expression) -> Expression? {
        var isSafe = true
        expression.walk { node in
            if case .call(let call) = node, Self.unsafeFunctions.contains(call.function) { isSafe = false }
        }
        return isSafe ? pin(expression) : nil
    }

    /// `start()` and `end()` of an instant query are its time.
    private func pin(_ at: AtModifier?) -> AtModifier {
        if case .timestamp(let fixed) = at { return .timestamp(fixed) }
        return .timestamp(time)
    }

    private func pin(_ expression: Expression) -> Expression {
        switch expression {
        case .number, .string: return expression
        case .vectorSelector(var selector):
            selector.at = pin(selector.at)
            return .vectorSelector(selector)
        case .matrixSelector(var matrix):
            matrix.selector.at = pin(matrix.selector.at)
            return .matrixSelector(matrix)
        case .subquery(var subquery):
            // What stands below is evaluated on the grid of the subquery, which now is fixed.
            subquery.at = pin(subquery.at)
            return .subquery(subquery)
        case .call(var call):
            // The second argument of info names labels, it is no selector with a time of its own.
            let pinnedCount = call.function == .info ? 1 : call.arguments.count
            for index in call.arguments.indices.prefix(pinnedCount) {
                call.arguments[index] = pin(call.arguments[index])
            }
            return .call(call)
        case .aggregation(var aggregation):
            aggregation.operand = pin(aggregation.operand)
            aggregation.parameter = aggregation.parameter.map { pin($0) }
            return .aggregation(aggregation)
        case .binary(var operation):
            operation.left = pin(operation.left)
            operation.right = pin(operation.right)
            return .binary(operation)
        case .unary(var operation):
            operation.operand = pin(operation.operand)
            return .unary(operation)
        case .parenthesized(var group):
            group.content = pin(group.content)
            return .parenthesized(group)
        }
    }
}
