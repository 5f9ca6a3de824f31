import MetricModel
import PromQLSyntax

/// Turns a query's tree into operators.
///
/// Parts that are the same at every step are planned for one time and repeated; durations are resolved, matchers and
/// windows are fixed. Nothing is read from the store here.
struct Planner {
    let settings: EngineSettings
    let lookbackMilliseconds: Int64
    /// The times of the query as asked: what `start()`, `end()`, `step()` and `range()` say, in subqueries too.
    let queryStart: Int64
    let queryEnd: Int64
    let queryStep: Int64
    let text: String
    /// Below a function that takes only count and sum of histograms.
    var needsNoBuckets = false
    /// Below something that looks at buckets, or at resets by itself, wherever else.
    var needsBuckets = false
    /// Below an aggregation that asks of a selector only where it has samples.
    var needsOnlyPresence = false
    /// Notes the plan for somebody who wants it explained.
    var recorder: PlanRecorder?

    var resolver: DurationResolver {
        DurationResolver(
            start: Timestamp(milliseconds: queryStart), end: Timestamp(milliseconds: queryEnd),
            stepMilliseconds: queryStep, text: text)
    }

    // MARK: Vectors

    /// The plan of an expression that gives an instant vector.
    ///
    /// - Parameter keepsKinds: Where labels are changed last, floats and histograms that meet at a step stay beside each other,
    ///   as in the answers of Prometheus; operators above get one element a step.
    func vector(
        _ expression: Expression, on timeline: Timeline, keepsKinds: Bool = false
    ) throws(QueryError) -> any VectorOperator {
        if case .parenthesized(let group) = expression {
            return try vector(group.content, on: timeline, keepsKinds: keepsKinds)
        }
        guard let recorder else { return try plannedVector(expression, on: timeline, keepsKinds) }
        let node = recorder.begin(expression)
        defer { recorder.end() }
        let plan = try plannedVector(expression, on: timeline, keepsKinds)
        recorder.change(node) { $0.isRepeated = plan is RepeatedVector }
        return MeasuredVector(operand: plan, node: node, recorder: recorder)
    }

    private func plannedVector(
        _ expression: Expression, on timeline: Timeline, _ keepsKinds: Bool
    ) throws(QueryError) -> any VectorOperator {
        if timeline.count > 1, StepInvariance.holds(for: expression) {
            // What cannot be repeated is an error there.
            let once = try vectorAtEachStep(expression, on: Timeline(instant: timeline.start), keepsKinds: true)
            return RepeatedVector(timeline: timeline, operand: once)
        }
        return try vectorAtEachStep(expression, on: timeline, keepsKinds: keepsKinds)
    }

    private func vectorAtEachStep(
        _ expression: Expression, on timeline: Timeline, keepsKinds: Bool
    ) throws(QueryError) -> any VectorOperator {
        switch expression {
        case .parenthesized(let group): return try vector(group.content, on: timeline, keepsKinds: keepsKinds)
        case .vectorSelector(let selector): return try newestSamples(selector, .value, on: timeline)
        case .call(let call) where call.function == .labelReplace || call.function == .labelJoin:
            let operand = try vector(call.arguments[0], on: timeline, keepsKinds: keepsKinds)
            return try labelFunction(call, of: operand, keepsKinds: keepsKinds)
        case .call(let call): return try self.call(call, on: timeline)
        case .aggregation(let aggregation): return try self.aggregation(aggregation, on: timeline)
        case .binary(let operation): return try binary(operation, on: timeline)
        case .unary(let operation):
            let operand = try vector(operation.operand, on: timeline, keepsKinds: keepsKinds)
            guard operation.isNegative else { return operand }
            return nameless(NegatedVector(operand: operand), kinds: keepsKinds ? .kept : .separated)
        case .number, .string, .matrixSelector, .subquery:
            throw .execution(message: "expected an instant vector, got \(expression.type.documentedName)")
        }
    }

    // MARK: Scalars

    /// The plan of an expression that gives a scalar.
    func scalar(_ expression: Expression, on timeline: Timeline) throws(QueryError) -> any ScalarOperator {
        guard let recorder, case .call = expression else { return try plannedScalar(expression, on: timeline) }
        let node = recorder.begin(expression)
        defer { recorder.end() }
        let plan = try plannedScalar(expression, on: timeline)
        recorder.change(node) { $0.isRepeated = plan is RepeatedScalar }
        return MeasuredScalar(operand: plan, node: node, recorder: recorder)
    }

    private func plannedScalar(
        _ expression: Expression, on timeline: Timeline
    ) throws(QueryError) -> any ScalarOperator {
        if timeline.count > 1, StepInvariance.holds(for: expression) {
            let once = try scalarAtEachStep(expression, on: Timeline(instant: timeline.start))
            return RepeatedScalar(timeline: timeline, operand: once)
        }
        return try scalarAtEachStep(expression, on: timeline)
    }

    private func scalarAtEachStep(
        _ expression: Expression, on timeline: Timeline
    ) throws(QueryError) -> any ScalarOperator {
        switch expression {
        case .number(let literal): return ConstantScalar(timeline: timeline, value: literal.value)
        case .parenthesized(let group): return try scalar(group.content, on: timeline)
        case .unary(let operation):
            let operand = try scalar(operation.operand, on: timeline)
            return operation.isNegative ? NegatedScalar(operand: operand) : operand
        case .binary(let operation):
            if operation.operator.isTrim {
                throw .execution(
                    message:
                        "operator \(LabelName.quoted(operation.operator.rawValue)) not allowed for Scalar operations"
                )
            }
            return BinaryScalar(
                left: try scalar(operation.left, on: timeline), right: try scalar(operation.right, on: timeline),
                function: FloatOperator(operation.operator))
        case .call(let call): return try scalarCall(call, on: timeline)
        default:
            throw .execution(message: "expected a scalar, got \(expression.type.documentedName)")
        }
    }

    private func scalarCall(_ call: Call, on timeline: Timeline) throws(QueryError) -> any ScalarOperator {
        func constant(_ value: Double) -> any ScalarOperator { ConstantScalar(timeline: timeline, value: value) }
        switch call.function {
        case .pi: return constant(Double.pi)
        case .time: return TimeScalar(timeline: timeline)
        case .scalar: return ScalarOfVector(operand: try vector(call.arguments[0], on: timeline))
        case .start: return constant(Double(queryStart) / 1000)
        case .end: return constant(Double(queryEnd) / 1000)
        case .step: return constant(queryStart == queryEnd ? 0 : Double(queryStep) / 1000)
        case .range: return constant(Double(queryEnd &- queryStart) / 1000)
        case .minOf, .maxOf:
            return ExtremeScalar(
                left: try scalar(call.arguments[0], on: timeline), right: try scalar(call.arguments[1], on: timeline),
                takesMaximum: call.function == .maxOf)
        default: throw .notImplemented(name: call.function.rawValue)
        }
    }
}

/// `min_of` and `max_of`.
struct ExtremeScalar: ScalarOperator {
    let left: any ScalarOperator
    let right: any ScalarOperator
    let takesMaximum: Bool

    var timeline: Timeline { left.timeline }

    func evaluate(_ context: QueryContext) throws(QueryError) -> [Double] {
        var values = try left.evaluate(context)
        let others = try right.evaluate(context)
        for step in values.indices {
            values[step] =
                takesMaximum
                ? GoMath.maximum(values[step], others[step]) : GoMath.minimum(values[step], others[step])
        }
        return values
    }
}
