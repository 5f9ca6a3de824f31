import MetricModel
import PromQLSyntax

extension Planner {
    /// The plan of an aggregation.
    func aggregation(_ aggregation: Aggregation, on timeline: Timeline) throws(QueryError) -> any VectorOperator {
        var planner = self
        if case .vectorSelector = aggregation.operand.unparenthesized {
            planner.needsOnlyPresence = aggregation.operator == .count || aggregation.operator == .group
        }
        let operand = try planner.vector(aggregation.operand, on: timeline)
        let grouping = Grouping(labels: aggregation.grouping, isWithout: aggregation.isWithout)
        let annotator = AggregationAnnotator(
            symbol: aggregation.operator, range: aggregation.range,
            operandRange: aggregation.operand.unparenthesized.range)
        let parameterRange = aggregation.parameter?.unparenthesized.range ?? aggregation.range
        func streaming(_ accumulator: any GroupAccumulator.Type) -> any VectorOperator {
            StreamingAggregation(
                operand: operand, accumulator: accumulator, grouping: grouping, annotator: annotator,
                delaysNameRemoval: settings.delaysNameRemoval)
        }
        func parameter() throws(QueryError) -> any ScalarOperator {
            guard let expression = aggregation.parameter else {
                throw .execution(message: "missing parameter of \(aggregation.operator.rawValue)")
            }
            return try scalar(expression, on: timeline)
        }
        switch aggregation.operator {
        case .sum: return streaming(SumAccumulator.self)
        case .avg: return streaming(MeanAccumulator.self)
        case .count: return streaming(CountAccumulator.self)
        case .min: return streaming(MinimumAccumulator.self)
        case .max: return streaming(MaximumAccumulator.self)
        case .group: return streaming(PresenceAccumulator.self)
        case .stddev: return streaming(DeviationAccumulator.self)
        case .stdvar: return streaming(VarianceAccumulator.self)
        case .topk, .bottomk:
            return RankingAggregation(
                operand: operand, parameter: try parameter(), grouping: grouping,
                takesLargest: aggregation.operator == .topk, annotator: annotator)
        case .quantile:
            return QuantileAggregation(
                operand: operand, parameter: try parameter(), grouping: grouping, annotator: annotator,
                judge: QuantileJudge(range: parameterRange, speaker: aggregation.range),
                delaysNameRemoval: settings.delaysNameRemoval)
        case .countValues:
            guard case .string(let label)? = aggregation.parameter?.unparenthesized else {
                throw .execution(message: "expected a string as parameter of count_values")
            }
            guard label.isLabelName else {
                throw .execution(message: "invalid label name \(label.quoted)")
            }
            // The value's label takes the place of one of the same name; `without` may take it away again.
            let isTakenAway =
                aggregation.isWithout
                && (label.value == LabelName.metricName || aggregation.grouping.contains(label.value))
            return CountValuesAggregation(
                operand: operand, label: isTakenAway ? nil : label.value,
                grouping: Grouping(
                    labels: aggregation.isWithout
                        ? aggregation.grouping + [label.value]
                        : aggregation.grouping.filter { $0 != label.value },
                    isWithout: aggregation.isWithout))
        case .limitK, .limitRatio:
            return LimitingAggregation(
                operand: operand, parameter: try parameter(), grouping: grouping,
                isRatio: aggregation.operator == .limitRatio, parameterRange: parameterRange,
                range: aggregation.range)
        }
    }

    /// The plan of a binary operation that gives a vector.
    func binary(_ operation: BinaryOperation, on timeline: Timeline) throws(QueryError) -> any VectorOperator {
        let symbol = operation.operator
        var planner = self
        if symbol.isTrim { planner.needsBuckets = true }
        let isFilter = symbol.isComparison && !operation.returnsBool
        var element = ElementOperator(symbol: symbol, returnsBool: operation.returnsBool, range: operation.range)
        switch (operation.left.type, operation.right.type) {
        case (.instantVector, .instantVector):
            let left = try planner.vector(operation.left, on: timeline)
            let right = try planner.vector(operation.right, on: timeline)
            let matching = operation.matching ?? VectorMatching()
            if symbol.isSetOperator {
                return SetOperation(left: left, right: right, symbol: symbol, key: MatchGroups.key(of: matching))
            }
            return VectorMatchingOperation(
                left: left, right: right, matching: matching, element: element,
                delaysNameRemoval: settings.delaysNameRemoval)
        case (.scalar, .instantVector):
            element.keepsRight = true
            let operation = VectorScalarOperation(
                vector: try planner.vector(operation.right, on: timeline),
                scalar: try planner.scalar(operation.left, on: timeline),
                scalarIsLeft: true, element: element)
            return nameless(operation, drops: !isFilter && !symbol.isTrim)
        default:
            let operation = VectorScalarOperation(
                vector: try planner.vector(operation.left, on: timeline),
                scalar: try planner.scalar(operation.right, on: timeline),
                scalarIsLeft: false, element: element)
            return nameless(operation, drops: !isFilter && !symbol.isTrim)
        }
    }
}
