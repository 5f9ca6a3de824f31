import MetricModel

/// Holds a tree to the rules of types and gives it back with vector matching only where vectors are matched.
///
/// Children are checked before their parents, as Prometheus does, so that the first fault reported is the same.
struct TypeChecker {
    let text: String

    private func error(_ message: String, _ range: SourceRange) -> SyntaxError {
        SyntaxError(message, range: range, in: text)
    }

    func checked(_ expression: Expression) throws(SyntaxError) -> Expression {
        switch expression {
        case .number, .string: return expression
        case .vectorSelector(let selector):
            try check(selector)
            return expression
        case .matrixSelector(let matrix):
            try check(matrix.selector)
            return expression
        case .parenthesized(let group): return try checked(group)
        case .subquery(let subquery): return try checked(subquery)
        case .unary(let operation): return try checked(operation)
        case .aggregation(let aggregation): return .aggregation(try checked(aggregation))
        case .call(let call): return .call(try checked(call))
        case .binary(let operation): return .binary(try checked(operation))
        }
    }

    func check(_ selector: VectorSelector) throws(SyntaxError) {
        guard selector.name.isEmpty else {
            for matcher in selector.matchers.dropLast() where matcher.name == LabelName.metricName {
                throw error(
                    "metric name must not be set twice: \(LabelName.quoted(selector.name)) or "
                        + LabelName.quoted(matcher.value), selector.range)
            }
            return
        }
        guard selector.matchers.contains(where: { !$0.matchesEmpty }) else {
            throw error("vector selector must contain at least one non-empty matcher", selector.range)
        }
    }

    // Each kind has a function of its own: the recursion's frames stay small, and trees may be some hundred high.

    private func checked(_ group: Parenthesized) throws(SyntaxError) -> Expression {
        var result = group
        result.content = try checked(group.content)
        return .parenthesized(result)
    }

    private func checked(_ subquery: Subquery) throws(SyntaxError) -> Expression {
        var result = subquery
        result.operand = try checked(subquery.operand)
        guard result.operand.type == .instantVector else {
            let type = result.operand.type.rawValue
            throw error("subquery is only allowed on instant vector, got \(type) instead", subquery.range)
        }
        return .subquery(result)
    }

    private func checked(_ operation: UnaryOperation) throws(SyntaxError) -> Expression {
        var result = operation
        result.operand = try checked(operation.operand)
        let type = result.operand.type
        guard type == .scalar || type == .instantVector else {
            throw error(
                "unary expression only allowed on expressions of type scalar or instant vector, "
                    + "got \(LabelName.quoted(type.documentedName))", operation.range)
        }
        return .unary(result)
    }

    private func checked(_ aggregation: Aggregation) throws(SyntaxError) -> Aggregation {
        var result = aggregation
        result.operand = try expecting(.instantVector, aggregation.operand, in: "aggregation expression")
        if let parameter = aggregation.parameter, let type = aggregation.operator.parameterType {
            result.parameter = try expecting(type, parameter, in: "aggregation parameter")
        }
        return result
    }

    private func expecting(
        _ type: ValueType, _ expression: Expression, in context: String
    ) throws(SyntaxError) -> Expression {
        let result = try checked(expression)
        guard result.type == type else {
            var error = error(
                "expected type \(type.documentedName) in \(context), got \(result.type.documentedName)", result.range)
            if type == .rangeVector, result.type == .instantVector { error.suggestion = Self.ranged(result) }
            throw error
        }
        return result
    }

    /// The same over a range of five minutes, for those who left it out; nil where that would be long to read.
    private static func ranged(_ expression: Expression) -> String? {
        let isSelector = if case .vectorSelector = expression { true } else { false }
        let text = expression.description
        return text.utf8.count <= 80 ? text + (isSelector ? "[5m]" : "[5m:]") : nil
    }

    // MARK: - Calls

    private func checked(_ call: Call) throws(SyntaxError) -> Call {
        var result = call
        let signature = call.function.signature
        let name = LabelName.quoted(call.function.rawValue)
        let count = call.arguments.count
        if count < signature.minimumCount || count > signature.maximumCount ?? count {
            let kind: String
            let limit: Int
            switch signature.arity {
            case .exact: (kind, limit) = ("", signature.argumentTypes.count)
            default:
                let isBelow = count < signature.minimumCount
                (kind, limit) =
                    isBelow ? ("at least ", signature.minimumCount) : ("at most ", signature.maximumCount ?? 0)
            }
            throw error("expected \(kind)\(limit) argument(s) in call to \(name), got \(count)", call.range)
        }
        if call.function == .info, count > 1 { try checkInfoSelector(call.arguments[1], of: call) }
        for (index, argument) in call.arguments.enumerated() {
            if call.function == .info, index == 1 { continue }
            result.arguments[index] = try expecting(
                signature.type(ofArgument: index), argument, in: "call to function \(name)")
        }
        return result
    }

    /// The second argument of `info` is a selector of labels; it may match everything.
    private func checkInfoSelector(_ argument: Expression, of call: Call) throws(SyntaxError) {
        guard argument.type == .instantVector else {
            throw error(
                "expected type instant vector in call to function \"info\", got \(argument.type.documentedName)",
                call.range)
        }
        guard case .vectorSelector(let selector) = argument else {
            throw error("expected label selectors only", argument.range)
        }
        guard selector.name.isEmpty else {
            throw error("expected label selectors only, got vector selector instead", argument.range)
        }
    }

    // MARK: - Binary operations

    private func checked(_ operation: BinaryOperation) throws(SyntaxError) -> BinaryOperation {
        var result = operation
        result.left = try checked(operation.left)
        result.right = try checked(operation.right)
        let symbol = operation.operator
        let left = result.left.type
        let right = result.right.type
        var matching = operation.matching ?? VectorMatching()
        if operation.returnsBool && !symbol.isComparison {
            throw error("bool modifier can only be used on comparison operators", operatorRange(of: operation))
        }
        if symbol.isComparison && !operation.returnsBool && left == .scalar && right == .scalar {
            throw error("comparisons between scalars must use BOOL modifier", operatorRange(of: operation))
        }
        if symbol.isSetOperator && matching.cardinality == .oneToOne { matching.cardinality = .manyToMany }
        if matching.isOn, let label = matching.labels.first(where: matching.include.contains) {
            throw error(
                "label \(LabelName.quoted(label)) must not occur in ON and GROUP clause at once",
                operatorRange(of: operation))
        }
        for side in [result.left, result.right] where side.type != .scalar && side.type != .instantVector {
            throw error("binary expression must contain only scalar and instant vector types", side.range)
        }
        if left != .instantVector || right != .instantVector {
            if !matching.labels.isEmpty {
                throw error("vector matching only allowed between instant vectors", operation.range)
            }
            if matching.fillLeft != nil || matching.fillRight != nil {
                throw error("filling in missing series only allowed between instant vectors", operation.range)
            }
            if symbol.isSetOperator {
                throw error(
                    "set operator \(LabelName.quoted(symbol.rawValue)) not allowed in binary scalar expression",
                    operation.range)
            }
            result.matching = nil
            return result
        }
        if symbol.isSetOperator { try checkSetOperation(symbol, matching, operation.range) }
        result.matching = matching
        return result
    }

    private func checkSetOperation(
        _ symbol: BinaryOperator, _ matching: VectorMatching, _ range: SourceRange
    ) throws(SyntaxError) {
        guard matching.cardinality == .manyToMany else {
            throw error("no grouping allowed for \(LabelName.quoted(symbol.rawValue)) operation", range)
        }
        if matching.fillLeft != nil || matching.fillRight != nil {
            throw error("filling in missing series not allowed for set operators", range)
        }
    }

    /// What stands between the operands, without the spaces around it.
    private func operatorRange(of operation: BinaryOperation) -> SourceRange {
        let bytes = Array(text.utf8)
        var range = SourceRange(operation.left.range.end, operation.right.range.start)
        while range.start < range.end, bytes[range.start].isSpace { range.start += 1 }
        while range.end > range.start, bytes[range.end - 1].isSpace { range.end -= 1 }
        return range
    }
}
