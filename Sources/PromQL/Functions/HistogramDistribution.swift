import Bytes
import MetricModel
import PromQLSyntax

/// `histogram_quantile`, `histogram_quantiles` and `histogram_fraction`, of native and classic histograms.
struct HistogramDistribution: VectorOperator {
    enum Measure {
        case quantile(any ScalarOperator)
        case quantiles(label: String, [any ScalarOperator])
        case fraction(lower: any ScalarOperator, upper: any ScalarOperator)
    }

    let operand: any VectorOperator
    let measure: Measure
    let delaysNameRemoval: Bool
    /// Where annotations about the vector point.
    let operandRange: SourceRange
    let quantileRanges: [SourceRange]
    /// The whole call.
    let range: SourceRange

    var timeline: Timeline { operand.timeline }
    var sharesOneName: Bool { !delaysNameRemoval }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        let columns = try self.columns(context)
        let isOrdered = context.ordersByLabels && timeline.count > 1
        var made = try results(columns, handsOnEarly: isOrdered, context)
        // What came was in no order: `sort` of what is fixed, for instance, gives the order of values.
        if made == nil { made = try results(columns, handsOnEarly: false, context) }
        guard var results = made else { return }
        results.repairs.annotate(context, at: operandRange)
        var all = SeriesAside()
        for index in results.columns.indices { all.take(allOf: &results.columns[index]) }
        try all.handOn(over: timeline.count, context, body)
    }

    /// What came out of the groups so far, by parameter.
    private struct Results {
        var columns: [SeriesAside]
        var repairs: MonotonicityReport
    }

    /// The results; nil where the operand has to be read once more, because groups were handed on too early.
    private func results(
        _ columns: [ParameterColumn], handsOnEarly: Bool, _ context: QueryContext
    ) throws(QueryError) -> Results? {
        var groups = HistogramGroups(
            handsOnEarly: handsOnEarly, delaysNameRemoval: delaysNameRemoval, operandRange: operandRange)
        var results = Results(
            columns: columns.map { _ in SeriesAside() },
            repairs: MonotonicityReport(over: timeline, isByStep: timeline == context.timeline))
        // Of the groups it takes what they have in common.
        let reader = groups
        func take(_ group: HistogramGroups.Group) throws(QueryError) {
            try context.limits.check()
            // Where the next quantile looks at the same buckets, they are repaired already.
            var repaired = StepSet(stepCount: timeline.count)
            for (index, column) in columns.enumerated() {
                var result = StepSeries(labels: labels(of: group, column), absentOver: timeline.count)
                result.dropsName = delaysNameRemoval
                for step in 0..<timeline.count where !column.first[step].isAbsent {
                    guard let sample = reader.sample(of: group, at: step, context) else { continue }
                    result.values[step] = value(
                        of: sample, group, column, at: step, &results.repairs, &repaired, context)
                }
                try results.columns[index].add(&result, context)
            }
            try context.hold(QueryCost(bytes: results.repairs.takeUncountedBytes()))
        }
        try operand.stream(context) { (series: inout StepSeries) throws(QueryError) in
            try groups.add(&series, context, take)
        }
        try groups.finish(context, take)
        guard groups.isBroken else { return results }
        for column in results.columns { context.release(column.cost) }
        context.release(QueryCost(bytes: results.repairs.countedBytes))
        return nil
    }

    private func labels(of group: HistogramGroups.Group, _ column: ParameterColumn) -> LabelSet {
        let labels = delaysNameRemoval ? group.labels : group.labels.droppingMetadata()
        guard let label = column.label else { return labels }
        var builder = LabelSetBuilder(labels)
        builder.set(label.name, to: label.value)
        return builder.build()
    }

    /// The parameters over the steps; one column a result.
    private struct ParameterColumn {
        var label: (name: String, value: String)?
        var first: [Double]
        var second: [Double]?
    }

    private func columns(_ context: QueryContext) throws(QueryError) -> [ParameterColumn] {
        switch measure {
        case .fraction(let lower, let upper):
            return [ParameterColumn(first: try lower.evaluate(context), second: try upper.evaluate(context))]
        case .quantile(let quantile):
            let values = try quantile.evaluate(context)
            QuantileJudge(range: quantileRanges[0], speaker: range).judge(values, context)
            return [ParameterColumn(first: values)]
        case .quantiles(let label, let quantiles):
            var result: [ParameterColumn] = []
            for (index, quantile) in quantiles.enumerated() {
                let values = try operand.values(ofNext: quantile, context)
                QuantileJudge(range: quantileRanges[index], speaker: range).judge(values, context)
                // A quantile that varies over the steps gives a series for each of its values.
                let distinct = Set(values.map(\.bitPattern)).sorted()
                for bits in distinct {
                    let shown = DecimalFormatting.text(Double(bitPattern: bits), style: .openMetrics)
                    result.append(
                        ParameterColumn(
                            label: (label, shown),
                            first: values.map { $0.bitPattern == bits ? $0 : Column.absent }))
                }
            }
            return result
        }
    }

    private func value(
        of sample: HistogramGroups.Sample, _ group: HistogramGroups.Group, _ column: ParameterColumn, at step: Int,
        _ repairs: inout MonotonicityReport, _ repaired: inout StepSet, _ context: QueryContext
    ) -> Double {
        switch sample {
        case .native(let histogram): return native(histogram, group, column, step, context)
        case .classic(var buckets):
            if let upper = column.second { return buckets.fraction(from: column.first[step], to: upper[step]) }
            let (value, repair) = buckets.quantile(column.first[step])
            if let repair, repaired.insert(step) {
                repairs.add(repair, at: step, name: delaysNameRemoval ? group.labels.metricName : "")
            }
            return value
        }
    }

    private func native(
        _ histogram: NativeHistogram, _ group: HistogramGroups.Group, _ column: ParameterColumn, _ step: Int,
        _ context: QueryContext
    ) -> Double {
        let name = delaysNameRemoval ? group.labels.metricName : ""
        let suffix = name.isEmpty ? "" : " for metric name \(LabelName.quoted(name))"
        if let upper = column.second {
            let lower = column.first[step]
            if lower < upper[step], histogram.count != 0, histogram.hasNaNObservations {
                context.inform(
                    "input to histogram_fraction has NaN observations, which are excluded from all fractions"
                        + suffix, at: operandRange)
            }
            return histogram.fraction(from: lower, to: upper[step])
        }
        let (value, observations) = histogram.quantile(column.first[step])
        switch observations {
        case .none: break
        case .resultIsNaN:
            context.inform(
                "input to histogram_quantile has NaN observations, result is NaN" + suffix, at: operandRange)
        case .resultIsSkewed:
            context.inform(
                "input to histogram_quantile has NaN observations, result is skewed higher" + suffix,
                at: operandRange)
        }
        return value
    }
}
