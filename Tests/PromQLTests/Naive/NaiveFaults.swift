import Glibc
import MetricModel
import PromQLSyntax

/// What is wrong with a query whatever its data: names, regular expressions, lengths of time.
extension NaiveEvaluator {
    /// The texts of all faults of a query.
    func faults(of expression: Expression) -> [String] {
        var result: [String] = []
        expression.walk { node in
            switch node {
            case .call(let call): result += fault(of: call).map { [$0] } ?? []
            case .aggregation(let aggregation):
                if aggregation.operator == .countValues,
                    case .string(let label)? = aggregation.parameter?.unparenthesized, !Self.isName(label)
                {
                    result.append("invalid label name \(label.quoted)")
                }
            case .vectorSelector(let selector): result += fault(of: selector.offset, mustBePositive: false)
            case .matrixSelector(let matrix): result += fault(of: matrix.window, mustBePositive: true)
            case .subquery(let subquery):
                result += fault(of: subquery.offset, mustBePositive: false)
                result += fault(of: subquery.step, mustBePositive: true)
                result += fault(of: subquery.window, mustBePositive: true)
            default: break
            }
        }
        return result
    }

    private func fault(of duration: DurationValue?, mustBePositive: Bool) -> [String] {
        do {
            _ = try duration.map { try milliseconds($0, mustBePositive: mustBePositive) }
            return []
        } catch {
            return [(error as? NaiveFailure)?.message ?? "\(error)"]
        }
    }

    private func fault(of call: Call) -> String? {
        let literals = call.arguments.dropFirst().compactMap { argument -> StringLiteral? in
            if case .string(let literal) = argument.unparenthesized { literal } else { nil }
        }
        switch call.function {
        case .labelReplace:
            guard (try? RegexPattern(literals[3].value)) != nil else {
                return "invalid regular expression in label_replace(): \(literals[3].value)"
            }
            return Self.isName(literals[0])
                ? nil : "invalid destination label name in label_replace(): \(literals[0].value)"
        case .labelJoin:
            if let source = literals.dropFirst(2).first(where: { !Self.isName($0) }) {
                return "invalid source label name in label_join(): \(source.value)"
            }
            return Self.isName(literals[0])
                ? nil : "invalid destination label name in label_join(): \(literals[0].value)"
        default: return nil
        }
    }

    /// Any text in UTF-8 but the empty one.
    private static func isName(_ literal: StringLiteral) -> Bool {
        !literal.bytes.isEmpty && String(validating: literal.bytes, as: UTF8.self) != nil
    }

    // MARK: - Lengths of time

    func milliseconds(_ duration: DurationValue, mustBePositive: Bool) throws -> Int64 {
        switch duration {
        case .milliseconds(let milliseconds): return milliseconds
        case .expression(let expression):
            let seconds = try seconds(expression)
            let place = Self.place(of: expression)
            func failure(_ message: String) -> NaiveFailure {
                NaiveFailure("\(place.start):\(place.end): duration \(message)")
            }
            guard seconds.isFinite else { throw failure("is NaN or infinite") }
            if mustBePositive, seconds <= 0 { throw failure("must be greater than 0") }
            guard abs(seconds) < 9_223_372_036 else { throw failure("is out of range") }
            return Int64((seconds * 1000).rounded(.towardZero))
        }
    }

    /// From the first byte of the expression to the last, but for what encloses it.
    private static func place(of expression: DurationExpression) -> (start: Int, end: Int) {
        switch expression {
        case .literal(let number): (number.range.start, number.range.end)
        case .quantity(_, let position): (position.range.start, position.range.end)
        case .signed(_, let operand, let position): (position.range.start, place(of: operand).end)
        case .binary(_, let left, let right), .choice(_, let left, let right, _):
            (place(of: left).start, place(of: right).end)
        case .parenthesized(let content, _): place(of: content)
        }
    }

    private func seconds(_ expression: DurationExpression) throws -> Double {
        switch expression {
        case .literal(let number): return number.value
        case .quantity(.step, _): return Double(step) / 1000
        case .quantity(.range, _): return Double(end - start) / 1000
        case .parenthesized(let content, _): return try seconds(content)
        case .signed(let isNegative, let operand, _): return try seconds(operand) * (isNegative ? -1 : 1)
        case .choice(let choice, let left, let right, _):
            let (left, right) = (try seconds(left), try seconds(right))
            return choice == .minimum ? Self.minimum(left, right) : Self.maximum(left, right)
        case .binary(let symbol, let leftSide, let rightSide):
            let (left, right) = (try seconds(leftSide), try seconds(rightSide))
            let place = Self.place(of: expression)
            switch symbol {
            case .plus: return left + right
            case .minus: return left - right
            case .multiply: return left * right
            case .power: return Glibc.pow(left, right)
            case .divide:
                if right == 0 { throw NaiveFailure("\(place.start):\(place.end): division by zero") }
                return left / right
            case .modulo:
                if right == 0 { throw NaiveFailure("\(place.start):\(place.end): modulo by zero") }
                return fmod(left, right)
            }
        }
    }
}
