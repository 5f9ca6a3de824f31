import Bytes
import MetricModel
import PromQLSyntax

/// The tree of an expression as Prometheus' `/parse_query` writes it, keys in order of name.
extension JSONWriter {
    mutating func expression(_ expression: Expression) {
        switch expression {
        case .number(let literal):
            literalNode("numberLiteral", DecimalFormatting.text(literal.value, style: .plain))
        case .string(let literal): literalNode("stringLiteral", literal.value)
        case .vectorSelector(let selector): vectorSelector(selector)
        case .matrixSelector(let matrix): matrixSelector(matrix)
        case .subquery(let subquery): self.subquery(subquery)
        case .call(let call): self.call(call)
        case .aggregation(let aggregation): self.aggregation(aggregation)
        case .binary(let operation): binary(operation)
        case .unary(let operation):
            object { writer in
                writer.key("expr")
                writer.expression(operation.operand)
                writer.key("op")
                writer.string(operation.isNegative ? "-" : "+")
                writer.type("unaryExpr")
            }
        case .parenthesized(let group):
            object { writer in
                writer.key("expr")
                writer.expression(group.content)
                writer.type("parenExpr")
            }
        }
    }

    private mutating func type(_ name: String) {
        key("type")
        string(name)
    }

    private mutating func literalNode(_ kind: String, _ value: String) {
        object { writer in
            writer.type(kind)
            writer.key("val")
            writer.string(value)
        }
    }

    private mutating func strings(_ name: String, _ values: [String]) {
        key(name)
        array(of: values) { $0.string($1) }
    }

    private mutating func flag(_ name: String, _ value: Bool) {
        key(name)
        boolean(value)
    }

    // MARK: - Operations

    private mutating func aggregation(_ aggregation: Aggregation) {
        object { writer in
            writer.key("expr")
            writer.expression(aggregation.operand)
            writer.strings("grouping", aggregation.grouping)
            writer.key("op")
            writer.string(aggregation.operator.rawValue)
            writer.key("param")
            if let parameter = aggregation.parameter { writer.expression(parameter) } else { writer.null() }
            writer.type("aggregation")
            writer.flag("without", aggregation.isWithout)
        }
    }

    private mutating func binary(_ operation: BinaryOperation) {
        object { writer in
            writer.flag("bool", operation.returnsBool)
            writer.key("lhs")
            writer.expression(operation.left)
            writer.key("matching")
            if let matching = operation.matching { writer.matching(matching) } else { writer.null() }
            writer.key("op")
            writer.string(operation.operator.rawValue)
            writer.key("rhs")
            writer.expression(operation.right)
            writer.type("binaryExpr")
        }
    }

    private mutating func matching(_ matching: VectorMatching) {
        let cardinality =
            switch matching.cardinality {
            case .oneToOne: "one-to-one"
            case .manyToOne: "many-to-one"
            case .oneToMany: "one-to-many"
            case .manyToMany: "many-to-many"
            }
        object { writer in
            writer.key("card")
            writer.string(cardinality)
            writer.key("fillValues")
            writer.object {
                $0.fillValue("lhs", matching.fillLeft)
                $0.fillValue("rhs", matching.fillRight)
            }
            writer.strings("include", matching.include)
            writer.strings("labels", matching.labels)
            writer.flag("on", matching.isOn)
        }
    }

    private mutating func fillValue(_ name: String, _ fill: FillValue?) {
        key(name)
        if let fill { number(fill.value) } else { null() }
    }

    private mutating func call(_ call: Call) {
        let signature = call.function.signature
        let variadic =
            switch signature.arity {
            case .exact: 0
            case .optionalLast(let atMost): atMost
            case .repeatedLast: -1
            }
        object { writer in
            writer.key("args")
            writer.array(of: call.arguments) { $0.expression($1) }
            writer.key("func")
            writer.object {
                $0.strings("argTypes", signature.argumentTypes.map(\.rawValue))
                $0.key("name")
                $0.string(call.function.rawValue)
                $0.key("returnType")
                $0.string(signature.returnType.rawValue)
                $0.key("variadic")
                $0.integer(variadic)
            }
            writer.type("call")
        }
    }

    // MARK: - Selectors

    private mutating func vectorSelector(_ selector: VectorSelector) {
        object { writer in
            writer.flag("anchored", selector.boundary == .anchored)
            writer.matchers(selector.matchers)
            writer.key("name")
            writer.string(selector.name)
            writer.duration("offset", selector.offset)
            writer.flag("smoothed", selector.boundary == .smoothed)
            writer.at(selector.at)
            writer.type("vectorSelector")
        }
    }

    private mutating func matrixSelector(_ matrix: MatrixSelector) {
        object { writer in
            writer.flag("anchored", matrix.selector.boundary == .anchored)
            writer.matchers(matrix.selector.matchers)
            writer.key("name")
            writer.string(matrix.selector.name)
            writer.duration("offset", matrix.selector.offset)
            writer.duration("range", matrix.window)
            writer.flag("smoothed", matrix.selector.boundary == .smoothed)
            writer.at(matrix.selector.at)
            writer.type("matrixSelector")
        }
    }

    private mutating func subquery(_ subquery: Subquery) {
        object { writer in
            writer.key("expr")
            writer.expression(subquery.operand)
            writer.duration("offset", subquery.offset)
            writer.duration("range", subquery.window)
            writer.edge(subquery.at)
            writer.duration("step", subquery.step)
            writer.timestamp(subquery.at)
            writer.type("subquery")
        }
    }

    private mutating func matchers(_ matchers: [LabelMatcher]) {
        key("matchers")
        array(of: matchers) { writer, matcher in
            writer.object {
                $0.key("name")
                $0.string(matcher.name)
                $0.key("type")
                $0.string(matcher.kind.rawValue)
                $0.key("value")
                $0.string(matcher.value)
            }
        }
    }

    private mutating func at(_ at: AtModifier?) {
        edge(at)
        timestamp(at)
    }

    private mutating func edge(_ at: AtModifier?) {
        key("startOrEnd")
        switch at {
        case .start: string("start")
        case .end: string("end")
        default: null()
        }
    }

    private mutating func timestamp(_ at: AtModifier?) {
        key("timestamp")
        if case .timestamp(let time) = at { integer(time.milliseconds) } else { null() }
    }

    // MARK: - Durations

    /// Milliseconds, and beside them the expression where the duration is one.
    private mutating func duration(_ name: String, _ duration: DurationValue?) {
        key(name)
        switch duration {
        case nil: integer(0)
        case .milliseconds(let milliseconds): integer(milliseconds)
        case .expression: integer(0)
        }
        key(name + "Expr")
        if case .expression(let expression) = duration {
            durationExpression(expression, isWrapped: false)
        } else {
            null()
        }
    }

    private mutating func durationExpression(_ expression: DurationExpression, isWrapped: Bool) {
        switch expression {
        case .literal(let number): literalNode("numberLiteral", DecimalFormatting.text(number.value, style: .plain))
        case .parenthesized(let content, _): durationExpression(content, isWrapped: true)
        case .quantity(let quantity, _): durationNode(quantity.rawValue, nil, nil, isWrapped)
        case .signed(let isNegative, let operand, _): durationNode(isNegative ? "-" : "+", nil, operand, isWrapped)
        case .binary(let symbol, let left, let right): durationNode(symbol.rawValue, left, right, isWrapped)
        case .choice(let choice, let left, let right, _): durationNode(choice.rawValue, left, right, isWrapped)
        }
    }

    private mutating func durationNode(
        _ symbol: String, _ left: DurationExpression?, _ right: DurationExpression?, _ isWrapped: Bool
    ) {
        object { writer in
            for (name, side) in [("lhs", left), ("rhs", right)] {
                writer.key(name)
                if let side { writer.durationExpression(side, isWrapped: false) } else { writer.null() }
                if name == "lhs" {
                    writer.key("op")
                    writer.string(symbol)
                }
            }
            writer.type("durationExpr")
            writer.flag("wrapped", isWrapped)
        }
    }
}
