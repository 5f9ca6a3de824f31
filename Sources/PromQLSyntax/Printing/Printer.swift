import Bytes
import MetricModel

/// The canonical text of a tree, on one line.
///
/// Parsing it gives an equal tree.
enum Printer {
    static func text(of expression: Expression) -> String {
        switch expression {
        case .number(let number): text(of: number)
        case .string(let string): string.quoted
        case .vectorSelector(let selector): text(of: selector)
        case .matrixSelector(let matrix): text(of: matrix)
        case .subquery(let subquery): text(of: subquery.operand) + suffix(of: subquery)
        case .call(let call): call.function.rawValue + "(" + list(call.arguments) + ")"
        case .aggregation(let aggregation): head(of: aggregation) + "(" + list(arguments(of: aggregation)) + ")"
        case .binary(let operation):
            textOfLeft(of: operation) + " " + head(of: operation) + " " + text(of: operation.right)
        case .unary(let operation): (operation.isNegative ? "-" : "+") + text(of: operation.operand)
        case .parenthesized(let group): "(" + text(of: group.content) + ")"
        }
    }

    /// The left side of an operator; infinity has no sign before a power, which the sign would take in.
    static func textOfLeft(of operation: BinaryOperation) -> String {
        if case .number(let number) = operation.left, operation.operator == .power, number.value == .infinity {
            return "Inf"
        }
        return text(of: operation.left)
    }

    private static func list(_ expressions: [Expression]) -> String {
        expressions.map { text(of: $0) }.joined(separator: ", ")
    }

    static func arguments(of aggregation: Aggregation) -> [Expression] {
        (aggregation.parameter.map { [$0] } ?? []) + [aggregation.operand]
    }

    // MARK: - Numbers and durations

    static func text(of number: NumberLiteral) -> String {
        guard number.isDuration, (number.value * 1000).magnitude < 0x1p63 else {
            return DecimalFormatting.text(number.value, style: .plain)
        }
        // Minus zero divides otherwise than zero does.
        if number.value == 0, number.value.sign == .minus { return "-0s" }
        return DurationText.text(milliseconds: Int64((number.value * 1000).rounded()))
    }

    static func text(of duration: DurationValue) -> String {
        switch duration {
        // Prometheus writes 0s, which cannot be read: a window may come to no millisecond, but not be written as none.
        case .milliseconds(0): "0.0001"
        case .milliseconds(let milliseconds): DurationText.text(milliseconds: milliseconds)
        case .expression(let expression): text(of: expression)
        }
    }

    static func text(of expression: DurationExpression) -> String {
        switch expression {
        case .literal(let number): text(of: number)
        case .quantity(let quantity, _): quantity.rawValue + "()"
        case .signed(let isNegative, let operand, _): (isNegative ? "-" : "") + text(of: operand)
        case .binary(let symbol, let left, let right): "\(text(of: left)) \(symbol.rawValue) \(text(of: right))"
        case .choice(let choice, let left, let right, _): "\(choice.rawValue)(\(text(of: left)), \(text(of: right)))"
        case .parenthesized(let content, _): "(" + text(of: content) + ")"
        }
    }

    // MARK: - Selectors

    static func text(of selector: VectorSelector) -> String {
        nameAndMatchers(of: selector) + atSuffix(selector.at) + boundarySuffix(selector) + offsetSuffix(selector.offset)
    }

    static func text(of matrix: MatrixSelector) -> String {
        let selector = matrix.selector
        return nameAndMatchers(of: selector) + "[" + text(of: matrix.window) + "]" + boundarySuffix(selector)
            + atSuffix(selector.at) + offsetSuffix(selector.offset)
    }

    /// Everything of a subquery that stands after its operand.
    static func suffix(of subquery: Subquery) -> String {
        let step = subquery.step.map { text(of: $0) } ?? ""
        return "[\(text(of: subquery.window)):\(step)]" + atSuffix(subquery.at) + offsetSuffix(subquery.offset)
    }

    private static func quoted(_ text: String) -> String { QuotedText.quoted(text, forReading: true) }

    private static func nameAndMatchers(of selector: VectorSelector) -> String {
        let isNamePlain = LabelName.isLegacyMetricName(selector.name)
        var inBraces: [String] = []
        for matcher in selector.matchers {
            let isName = matcher.name == LabelName.metricName && matcher.kind == .equal
            if isName && !selector.name.isEmpty && matcher.value == selector.name { continue }
            let name = LabelName.isLegacyLabelName(matcher.name) ? matcher.name : quoted(matcher.name)
            inBraces.append(name + matcher.kind.rawValue + quoted(matcher.value))
        }
        inBraces.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        if !selector.name.isEmpty && !isNamePlain { inBraces.insert(quoted(selector.name), at: 0) }
        let braces = inBraces.isEmpty ? "" : "{" + inBraces.joined(separator: ",") + "}"
        return (isNamePlain ? selector.name : "") + braces
    }

    private static func boundarySuffix(_ selector: VectorSelector) -> String {
        selector.boundary == .plain ? "" : " " + selector.boundary.rawValue
    }

    private static func atSuffix(_ at: AtModifier?) -> String {
        switch at {
        case nil: return ""
        case .start: return " @ start()"
        case .end: return " @ end()"
        case .timestamp(let time):
            let magnitude = time.milliseconds.magnitude
            let thousandths = String(magnitude % 1000)
            let padding = String(repeating: "0", count: 3 - thousandths.utf8.count)
            return " @ \(time.milliseconds < 0 ? "-" : "")\(magnitude / 1000).\(padding)\(thousandths)"
        }
    }

    private static func offsetSuffix(_ offset: DurationValue?) -> String {
        guard let offset else { return "" }
        return " offset " + text(of: offset)
    }

    // MARK: - Aggregations and operators

    /// Operator and clause, up to the parenthesis.
    static func head(of aggregation: Aggregation) -> String {
        let name = aggregation.operator.rawValue
        if aggregation.isWithout { return "\(name) without (\(labels(aggregation.grouping))) " }
        return aggregation.grouping.isEmpty ? name : "\(name) by (\(labels(aggregation.grouping))) "
    }

    /// Operator and modifiers, without the spaces around.
    static func head(of operation: BinaryOperation) -> String {
        var result = operation.operator.rawValue + (operation.returnsBool ? " bool" : "")
        guard let matching = operation.matching else { return result }
        let groups = matching.cardinality == .manyToOne || matching.cardinality == .oneToMany
        if !matching.labels.isEmpty || matching.isOn || groups {
            result += " \(matching.isOn ? "on" : "ignoring") (\(labels(matching.labels)))"
        }
        if groups {
            let side = matching.cardinality == .manyToOne ? "left" : "right"
            result += " group_\(side) (\(labels(matching.include)))"
        }
        if let left = matching.fillLeft, left == matching.fillRight { return result + fill("fill", left) }
        if let left = matching.fillLeft { result += fill("fill_left", left) }
        if let right = matching.fillRight { result += fill("fill_right", right) }
        return result
    }

    private static func fill(_ keyword: String, _ number: FillValue) -> String {
        " \(keyword) (\(DecimalFormatting.text(number.value, style: .compact)))"
    }

    private static func labels(_ names: [String]) -> String {
        names.map { LabelName.isLegacyLabelName($0) ? $0 : quoted($0) }.joined(separator: ", ")
    }
}

extension Expression: CustomStringConvertible {
    /// The canonical text, as Prometheus prints it.
    package var description: String { Printer.text(of: self) }
}

extension VectorSelector: CustomStringConvertible {
    package var description: String { Printer.text(of: self) }
}
