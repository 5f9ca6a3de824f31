import PromQLSyntax

/// A range function whose parameters are scalars of the query: they are evaluated first, then the kernel is made.
struct PreparedRangeFunction: VectorOperator {
    let timeline: Timeline
    let plan: RangePlan
    let kernel: PreparedKernel
    let notes: KernelAnnotator
    let parameterRange: SourceRange
    /// The whole call.
    let range: SourceRange

    var keepsName: Bool { kernel.function == .firstOverTime || kernel.function == .lastOverTime }

    var sharesOneName: Bool { plan.source.sharesOneName }
    var hasFaults: Bool { plan.source.hasFaults }

    /// What the series come with.
    private enum Identity {
        case labels, labelsWithoutName
        case group(OperandGroups)
    }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        try stream(context, with: .labels, body)
    }

    func streamNameless(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        try stream(context, with: .labelsWithoutName, body)
    }

    func labels(_ context: QueryContext) throws(QueryError) -> KnownLabels? {
        try (plan.source as? SelectorSource)?.labels(plan.windows, context)
    }

    func stream(_ context: QueryContext, into groups: OperandGroups, _ body: SeriesBody) throws(QueryError) {
        try stream(context, with: .group(groups), body)
    }

    private func stream(
        _ function: RangeFunctionOperator, _ context: QueryContext, with identity: Identity, _ body: SeriesBody
    ) throws(QueryError) {
        switch identity {
        case .labels: try function.stream(context, body)
        case .labelsWithoutName: try function.streamNameless(context, body)
        case .group(let groups): try function.stream(context, into: groups, body)
        }
    }

    private func stream(
        _ context: QueryContext, with identity: Identity, _ body: SeriesBody
    ) throws(QueryError) {
        var parameters: [[Double]] = []
        for parameter in kernel.parameters {
            // A subquery is evaluated before the parameters, wherever they stand.
            parameters.append(try presence.values(ofNext: parameter, context))
        }
        if kernel.function == .doubleExponentialSmoothing { try checkFactors(parameters, context) }
        let function = RangeFunctionOperator(
            timeline: timeline, windows: plan.windows, source: plan.source, kernel: try kernel.make(parameters),
            notes: notes)
        guard kernel.function == .quantileOverTime, let quantiles = parameters.first else {
            return try stream(function, context, with: identity, body)
        }
        // Only a quantile that was asked of some samples is worth a warning.
        var isUsed = [Bool](repeating: false, count: timeline.count)
        try stream(function, context, with: identity) { (series: inout StepSeries) throws(QueryError) in
            for step in isUsed.indices where !series.values[step].isAbsent { isUsed[step] = true }
            try body(&series)
        }
        let used = isUsed.indices.filter { isUsed[$0] }.map { quantiles[$0] }
        QuantileJudge(range: parameterRange, speaker: range).judge(used, context)
    }
}

extension PreparedRangeFunction {
    /// Where there are samples.
    private var presence: RangeFunctionOperator {
        RangeFunctionOperator(
            timeline: timeline, windows: plan.windows, source: plan.source, kernel: SampleCounts(measure: .presence),
            notes: notes)
    }

    /// Factors of smoothing lie between 0 and 1; they are looked at where there is something to smooth.
    private func checkFactors(_ factors: [[Double]], _ context: QueryContext) throws(QueryError) {
        func isFault(_ factor: Double) -> Bool { factor <= 0 || factor >= 1 }
        let faulty = (0..<timeline.count).filter { step in factors.contains { isFault($0[step]) } }
        if faulty.isEmpty { return }
        try presence.stream(context) { (series: inout StepSeries) throws(QueryError) in
            for step in faulty where !series.values[step].isAbsent {
                let isSmoothing = isFault(factors[0][step])
                let text = GoNumber.sixDecimals(factors[isSmoothing ? 0 : 1][step])
                throw .execution(
                    message: isSmoothing
                        ? "invalid smoothing factor. Expected: 0 < sf < 1, got: \(text)"
                        : "invalid trend factor. Expected: 0 < tf < 1, got: \(text)")
            }
        }
    }
}

/// The choice of a kernel by function.
struct PreparedKernel {
    let function: Function
    let boundary: RangeBoundary
    let parameters: [any ScalarOperator]
    let usesStartTimestamps: Bool
    let lookbackMilliseconds: Int64

    func make(_ parameters: [[Double]]) throws(QueryError) -> any RangeKernel {
        if boundary != .plain { return try extended() }
        switch function {
        case .rate, .increase, .delta:
            return ExtrapolatedRate(
                isCounter: function != .delta, isRate: function == .rate,
                usesStartTimestamps: usesStartTimestamps && function != .delta)
        case .irate: return InstantDelta(isRate: true, usesStartTimestamps: usesStartTimestamps)
        case .idelta: return InstantDelta(isRate: false, usesStartTimestamps: false)
        case .resets: return ChangeCounts(countsResets: true, usesStartTimestamps: usesStartTimestamps)
        case .changes: return ChangeCounts(countsResets: false, usesStartTimestamps: false)
        case .sumOverTime: return SumOverTime(takesMean: false)
        case .avgOverTime: return SumOverTime(takesMean: true)
        case .minOverTime: return SlidingExtreme(takesMaximum: false, takesTime: false)
        case .maxOverTime: return SlidingExtreme(takesMaximum: true, takesTime: false)
        case .countOverTime: return SampleCounts(measure: .count)
        case .presentOverTime: return SampleCounts(measure: .presence)
        case .tsOfFirstOverTime: return SampleCounts(measure: .firstTime)
        case .tsOfLastOverTime: return SampleCounts(measure: .lastTime)
        case .tsOfMinOverTime: return SlidingExtreme(takesMaximum: false, takesTime: true)
        case .tsOfMaxOverTime: return SlidingExtreme(takesMaximum: true, takesTime: true)
        case .firstOverTime: return EdgeSample(takesLast: false)
        case .lastOverTime: return EdgeSample(takesLast: true)
        case .stddevOverTime: return OctetKernel(VarianceOverTime(takesRoot: true))
        case .stdvarOverTime: return OctetKernel(VarianceOverTime(takesRoot: false))
        case .madOverTime: return SlidingMedianDeviation()
        case .deriv: return OctetKernel(LinearRegression(secondsAhead: nil))
        case .quantileOverTime: return SlidingQuantile(quantiles: parameters[0])
        case .predictLinear: return OctetKernel(LinearRegression(secondsAhead: parameters[0]))
        case .doubleExponentialSmoothing:
            return OctetKernel(DoubleExponentialSmoothing(smoothing: parameters[0], trend: parameters[1]))
        default: throw .notImplemented(name: function.rawValue)
        }
    }

    private func extended() throws(QueryError) -> any RangeKernel {
        switch function {
        case .changes, .resets:
            return AnchoredChanges(
                counts: ChangeCounts(countsResets: function == .resets, usesStartTimestamps: false),
                lookbackMilliseconds: lookbackMilliseconds)
        case .rate, .increase, .delta:
            return ExtendedRate(
                isCounter: function != .delta, isRate: function == .rate, isSmoothed: boundary == .smoothed,
                lookbackMilliseconds: lookbackMilliseconds)
        default: throw .notImplemented(name: "\(function.rawValue) with \(boundary.rawValue)")
        }
    }
}
