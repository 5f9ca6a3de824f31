import MetricModel
import PromQLSyntax

extension Planner {
    /// The plan of a function that gives a vector.
    func call(_ call: Call, on timeline: Timeline) throws(QueryError) -> any VectorOperator {
        if call.arguments.contains(where: { $0.type == .rangeVector }) {
            return try rangeCall(call, on: timeline)
        }
        if ElementwiseFunction.operation(call.function) != nil {
            let operand: any VectorOperator =
                call.arguments.isEmpty
                ? VectorOfScalar(operand: TimeScalar(timeline: timeline))
                : try vector(call.arguments[0], on: timeline)
            return nameless(ElementwiseFunction(operand: operand, function: call.function))
        }
        switch call.function {
        case .clamp, .clampMin, .clampMax, .round: return try boundedCall(call, on: timeline)
        case .vector: return VectorOfScalar(operand: try scalar(call.arguments[0], on: timeline))
        case .timestamp: return try timestampCall(call, on: timeline)
        case .startTimestamp:
            // What has been computed knows no start; nor does anything where they are not used.
            guard settings.usesStartTimestamps,
                case .vectorSelector(let selector) = call.arguments[0].unparenthesized
            else {
                return DiscardedVector(operand: try vector(call.arguments[0], on: timeline))
            }
            return try newestSamples(selector, .startTimestamp, on: timeline)
        case .absent:
            return AbsentFunction(
                operand: try vector(call.arguments[0], on: timeline),
                labels: AbsentFunction.labels(of: call.arguments[0]))
        case .sort, .sortDescending, .sortByLabel, .sortByLabelDescending:
            return try sortCall(call, on: timeline)
        case .histogramQuantile, .histogramQuantiles, .histogramFraction, .histogramCount, .histogramSum,
            .histogramAvg, .histogramStddev, .histogramStdvar:
            return try histogramCall(call, on: timeline)
        case .info: return try infoCall(call, on: timeline)
        default: throw .notImplemented(name: call.function.rawValue)
        }
    }

    private func boundedCall(_ call: Call, on timeline: Timeline) throws(QueryError) -> any VectorOperator {
        let operation: BoundedFunction.Operation =
            switch call.function {
            case .clamp: .clamp
            case .clampMin: .clampMinimum
            case .clampMax: .clampMaximum
            default: .round
            }
        let first: any ScalarOperator =
            call.arguments.count > 1
            ? try scalar(call.arguments[1], on: timeline) : ConstantScalar(timeline: timeline, value: 1)
        var function = BoundedFunction(
            operand: try vector(call.arguments[0], on: timeline), operation: operation, first: first)
        if call.arguments.count > 2 { function.second = try scalar(call.arguments[2], on: timeline) }
        return nameless(function)
    }

    private func timestampCall(_ call: Call, on timeline: Timeline) throws(QueryError) -> any VectorOperator {
        if case .vectorSelector(let selector) = call.arguments[0].unparenthesized {
            return try newestSamples(selector, .timestamp, on: timeline)
        }
        return nameless(TimestampFunction(operand: try vector(call.arguments[0], on: timeline)))
    }

    private func sortCall(_ call: Call, on timeline: Timeline) throws(QueryError) -> any VectorOperator {
        let isDescending = call.function == .sortDescending || call.function == .sortByLabelDescending
        let byLabel = call.function == .sortByLabel || call.function == .sortByLabelDescending
        let labels = byLabel ? try literals(call.arguments.dropFirst()).map(\.value) : nil
        return SortFunction(
            operand: try vector(call.arguments[0], on: timeline), isDescending: isDescending, labels: labels,
            range: call.range,
            // What is the same at every step is evaluated at one time, however many of them there are.
            coversTime: !StepInvariance.holds(for: .call(call))
                && (timeline.count > 1 || isLastStepOfRange(timeline)))
    }

    /// Whether this is the last step of a range query, the others being known from before or none.
    private func isLastStepOfRange(_ timeline: Timeline) -> Bool {
        let whole = Timeline(start: queryStart, end: queryEnd, step: queryStep)
        return queryStart < queryEnd && timeline == Timeline(start: whole.end, step: whole.step, count: 1)
    }

    /// The text of a string argument.
    func string(_ expression: Expression) throws(QueryError) -> String { try literal(expression).value }

    private func literal(_ expression: Expression) throws(QueryError) -> StringLiteral {
        guard case .string(let literal) = expression.unparenthesized else {
            throw .execution(message: "expected a string literal")
        }
        return literal
    }

    /// Several string arguments.
    func literals(_ expressions: ArraySlice<Expression>) throws(QueryError) -> [StringLiteral] {
        var result: [StringLiteral] = []
        for expression in expressions { result.append(try literal(expression)) }
        return result
    }

    // MARK: Range functions

    private func rangeCall(_ call: Call, on timeline: Timeline) throws(QueryError) -> any VectorOperator {
        let position = call.arguments.firstIndex { $0.type == .rangeVector } ?? 0
        let argument = call.arguments[position]
        let plan = try measuredRange(argument, on: timeline)
        try checkBoundary(plan.boundary, of: call.function)
        if call.function == .absentOverTime {
            let presence = RangeFunctionOperator(
                timeline: timeline, windows: plan.windows, source: plan.source,
                kernel: SampleCounts(measure: .presence), notes: annotator(call, argument))
            return AbsentFunction(
                operand: presence, labels: plan.matchers.map(AbsentFunction.labels(of:)) ?? .empty)
        }
        let kernel = PreparedKernel(
            function: call.function, boundary: plan.boundary,
            parameters: try parameters(of: call, besides: position, on: timeline),
            usesStartTimestamps: settings.usesStartTimestamps && plan.matchers != nil,
            lookbackMilliseconds: lookbackMilliseconds)
        let function = PreparedRangeFunction(
            timeline: timeline, plan: plan, kernel: kernel, notes: annotator(call, argument),
            parameterRange: position == 0 ? call.range : call.arguments[0].unparenthesized.range, range: call.range)
        return nameless(function, drops: !function.keepsName, mergesSteps: false)
    }

    private func measuredRange(_ argument: Expression, on timeline: Timeline) throws(QueryError) -> RangePlan {
        guard let recorder else { return try range(argument, on: timeline) }
        let node = recorder.begin(argument)
        defer { recorder.end() }
        var plan = try range(argument, on: timeline)
        plan.source = MeasuredSource(operand: plan.source, node: node, recorder: recorder)
        return plan
    }

    /// Prometheus points at the first argument, whichever it is; what a subquery gave has no place in the text, and is
    /// said to stand at its beginning.
    private func annotator(_ call: Call, _ argument: Expression) -> KernelAnnotator {
        var range = call.arguments[0].unparenthesized.range
        if case .subquery = call.arguments[0].unparenthesized { range = SourceRange(0, 0) }
        return KernelAnnotator(
            function: call.function, range: range, speaker: argument.unparenthesized.range,
            usesTypeAndUnitLabels: settings.usesTypeAndUnitLabels)
    }

    private func parameters(
        of call: Call, besides position: Int, on timeline: Timeline
    ) throws(QueryError) -> [any ScalarOperator] {
        var result: [any ScalarOperator] = []
        for (index, argument) in call.arguments.enumerated() where index != position {
            result.append(try scalar(argument, on: timeline))
        }
        return result
    }

    private func checkBoundary(_ boundary: RangeBoundary, of function: Function) throws(QueryError) {
        let allowed: [Function]
        switch boundary {
        case .plain: return
        case .anchored: allowed = [.changes, .delta, .increase, .rate, .resets]
        case .smoothed: allowed = [.delta, .increase, .rate]
        }
        guard !allowed.contains(function) else { return }
        let names = allowed.map(\.rawValue).joined(separator: ", ")
        throw .execution(
            message: "\(boundary.rawValue) modifier can only be used with: \(names) - not with \(function.rawValue)")
    }
}
