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
        let collected = try operand.collect(context)
        let gathered = try HistogramGroups(
            collected.series, delaysNameRemoval: delaysNameRemoval, operandRange: operandRange, context)
        var repairs = MonotonicityReport()
        var merger = SeriesMerger()
        var held = QueryCost()
        for column in columns {
            for group in gathered.groups {
                try context.limits.check()
                var result = StepSeries(labels: group.labels, absentOver: timeline.count)
                result.dropsName = delaysNameRemoval
                if !delaysNameRemoval { result.labels = group.labels.droppingMetadata() }
                if let label = column.label {
                    var builder = LabelSetBuilder(result.labels)
                    builder.set(label.name, to: label.value)
                    result.labels = builder.build()
                }
                for step in 0..<timeline.count {
                    result.values[step] = value(
                        of: group, gathered, column, at: step, &repairs, context)
                }
                if result.isEmpty { continue }
                let made = QueryCost(bytes: result.cost.bytes)
                try context.hold(made)
                held += made
                try merger.add(result)
            }
        }
        repairs.annotate(context, at: operandRange)
        var all = merger.series
        context.order(&all)
        for index in all.indices { try body(&all[index]) }
        context.release(collected.cost + gathered.cost + held)
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
                let values = try quantile.evaluate(context)
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
        of group: HistogramGroups.Group, _ gathered: HistogramGroups, _ column: ParameterColumn, at step: Int,
        _ repairs: inout MonotonicityReport, _ context: QueryContext
    ) -> Double {
        if column.first[step].isAbsent { return Column.absent }
        guard let sample = gathered.sample(of: group, at: step, context) else { return Column.absent }
        switch sample {
        case .native(let histogram): return native(histogram, group, column, step, context)
        case .classic(var buckets):
            if let upper = column.second { return buckets.fraction(from: column.first[step], to: upper[step]) }
            let (value, repair) = buckets.quantile(column.first[step])
            // Where the next quantile looks at the same buckets, they are repaired already.
            if let repair, repairs.isFirst(group.labels, at: step) {
                repairs.add(
                    MonotonicityRepair(repair, time: timeline.time(at: step)),
                    name: delaysNameRemoval ? group.labels.metricName : "")
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

/// The repairs of classic buckets by metric name.
private struct MonotonicityReport {
    private var repairs: [String: MonotonicityRepair] = [:]
    private var order: [String] = []
    private var repaired: Set<Place> = []

    private struct Place: Hashable {
        var labels: LabelSet
        var step: Int
    }

    /// Whether the buckets of a step are repaired for the first time.
    mutating func isFirst(_ labels: LabelSet, at step: Int) -> Bool {
        repaired.insert(Place(labels: labels, step: step)).inserted
    }

    mutating func add(_ repair: MonotonicityRepair, name: String) {
        guard repairs[name] != nil else {
            order.append(name)
            repairs[name] = repair
            return
        }
        repairs[name]?.formUnion(repair)
    }

    func annotate(_ context: QueryContext, at range: SourceRange) {
        for name in order {
            guard let repair = repairs[name] else { continue }
            let suffix = name.isEmpty ? "" : " for metric name \(LabelName.quoted(name))"
            context.inform(
                of: repair,
                "input to histogram_quantile needed to be fixed for monotonicity (see "
                    + "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)\(suffix)",
                at: range)
        }
    }
}
