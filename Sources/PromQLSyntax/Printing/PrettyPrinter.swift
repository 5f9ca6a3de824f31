/// The text of a tree over several lines, two spaces a level.
///
/// What fits into 100 characters stays on one line.
struct PrettyPrinter {
    static let lineLimit = 100

    static func text(of expression: Expression) -> String { PrettyPrinter().lines(expression, level: 0) }

    private func indent(_ level: Int) -> String { String(repeating: "  ", count: level) }

    private func lines(_ expression: Expression, level: Int) -> String {
        let oneLine = Printer.text(of: expression)
        guard oneLine.utf8.count > Self.lineLimit else {
            // Prometheus does not indent a subquery that fits.
            if case .subquery = expression { return oneLine }
            return indent(level) + oneLine
        }
        switch expression {
        case .number, .string, .vectorSelector, .matrixSelector: return indent(level) + oneLine
        case .subquery(let subquery): return lines(subquery.operand, level: level) + Printer.suffix(of: subquery)
        case .unary(let operation):
            let operand = lines(operation.operand, level: level)
            return indent(level) + (operation.isNegative ? "-" : "+") + operand.drop { $0 == " " }
        case .parenthesized(let group):
            return "\(indent(level))(\n\(lines(group.content, level: level + 1))\n\(indent(level)))"
        case .call(let call): return block(call.function.rawValue, call.arguments, level: level)
        case .aggregation(let aggregation):
            return block(Printer.head(of: aggregation), Printer.arguments(of: aggregation), level: level)
        case .binary(let operation):
            var left = lines(operation.left, level: level + 1)
            if case .number = operation.left { left = indent(level + 1) + Printer.textOfLeft(of: operation) }
            let right = lines(operation.right, level: level + 1)
            return "\(left)\n\(indent(level))\(Printer.head(of: operation))\n\(right)"
        }
    }

    private func block(_ head: String, _ arguments: [Expression], level: Int) -> String {
        let inner = arguments.map { lines($0, level: level + 1) }.joined(separator: ",\n")
        return "\(indent(level))\(head)(\n\(inner)\n\(indent(level)))"
    }
}

extension Expression {
    /// The text over several lines where it is longer than 100 characters, for people to read.
    package func prettyPrinted() -> String { PrettyPrinter.text(of: self) }
}
