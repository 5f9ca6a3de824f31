import MetricModel
import PromQLSyntax

/// `histogram_count`, `histogram_sum` and their like: a number out of each native histogram; floats are left out.
struct HistogramFields: VectorOperator {
    let operand: any VectorOperator
    let function: Function
    let delaysNameRemoval: Bool

    var timeline: Timeline { operand.timeline }
    var sharesOneName: Bool { !delaysNameRemoval }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        var aside = SeriesAside()
        try operand.stream(context) { (series: inout StepSeries) throws(QueryError) in
            guard !series.histograms.isEmpty else { return }
            var result = StepSeries(labels: series.labels, absentOver: series.values.count)
            result.dropsName = delaysNameRemoval
            // These keep type and unit, unlike other functions.
            if !delaysNameRemoval { result.labels = LabelFilter.metricName.apply(series.labels) }
            for sample in series.histograms { result.values[sample.step] = field(of: sample.histogram) }
            try aside.add(&result, context)
        }
        try aside.handOn(over: timeline.count, context, body)
    }

    private func field(of histogram: NativeHistogram) -> Double {
        switch function {
        case .histogramCount: histogram.count
        case .histogramSum: histogram.sum
        case .histogramAvg: histogram.sum / histogram.count
        case .histogramStddev: histogram.variance.squareRoot()
        default: histogram.variance
        }
    }
}

extension Planner {
    /// The plan of a function of histograms.
    func histogramCall(_ call: Call, on timeline: Timeline) throws(QueryError) -> any VectorOperator {
        let arguments = call.arguments
        let position = arguments.firstIndex { $0.type == .instantVector } ?? 0
        var planner = self
        switch call.function {
        case .histogramCount, .histogramSum, .histogramAvg: planner.needsNoBuckets = true
        case .histogramQuantile, .histogramQuantiles, .histogramFraction: planner.needsBuckets = true
        default: break
        }
        let operand = try planner.vector(arguments[position], on: timeline)
        let measure: HistogramDistribution.Measure
        var quantileRanges: [SourceRange] = []
        switch call.function {
        case .histogramQuantile:
            measure = .quantile(try planner.scalar(arguments[0], on: timeline))
            quantileRanges = [arguments[0].unparenthesized.range]
        case .histogramFraction:
            measure = .fraction(
                lower: try planner.scalar(arguments[0], on: timeline),
                upper: try planner.scalar(arguments[1], on: timeline))
        case .histogramQuantiles:
            var quantiles: [any ScalarOperator] = []
            for argument in arguments.dropFirst(2) {
                quantiles.append(try planner.scalar(argument, on: timeline))
                quantileRanges.append(argument.unparenthesized.range)
            }
            measure = .quantiles(label: try string(arguments[1]), quantiles)
        default:
            return HistogramFields(
                operand: operand, function: call.function, delaysNameRemoval: settings.delaysNameRemoval)
        }
        return HistogramDistribution(
            operand: operand, measure: measure, delaysNameRemoval: settings.delaysNameRemoval,
            operandRange: arguments[position].unparenthesized.range, quantileRanges: quantileRanges, range: call.range)
    }
}
