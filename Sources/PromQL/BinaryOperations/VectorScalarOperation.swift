import MetricModel
import PromQLSyntax

/// An operator between a vector and a scalar, on either side.
struct VectorScalarOperation: VectorOperator {
    let vector: any VectorOperator
    let scalar: any ScalarOperator
    let scalarIsLeft: Bool
    let element: ElementOperator

    var timeline: Timeline { vector.timeline }
    var sharesOneName: Bool { vector.sharesOneName }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        let scalars = try scalar.evaluate(context)
        try vector.stream(context) { (series: inout StepSeries) throws(QueryError) in
            let histograms = series.histograms
            series.dropHistograms()
            if element.symbol.isTrim {
                dropFloats(&series, scalars, context)
            } else if element.symbol.isComparison {
                compare(&series.values, scalars)
            } else {
                compute(&series.values, scalars)
            }
            if !histograms.isEmpty { combine(histograms, scalars, into: &series, context) }
            try body(&series)
        }
    }

    private func compute(_ values: inout [Double], _ scalars: [Double]) {
        let function = FloatOperator(element.symbol)
        switch (element.symbol, scalarIsLeft) {
        case (.add, _): transform(&values, scalars) { $0 + $1 }
        case (.multiply, _): transform(&values, scalars) { $0 * $1 }
        case (.subtract, false): transform(&values, scalars) { $0 - $1 }
        case (.divide, false): transform(&values, scalars) { $0 / $1 }
        case (_, true): transform(&values, scalars) { function.arithmetic($1, $0) }
        case (_, false): transform(&values, scalars) { function.arithmetic($0, $1) }
        }
    }

    @inline(__always)
    private func transform(
        _ values: inout [Double], _ scalars: [Double], _ operation: (Double, Double) -> Double
    ) {
        for step in values.indices {
            let value = values[step]
            values[step] = value.isAbsent ? value : operation(value, scalars[step])
        }
    }

    private func compare(_ values: inout [Double], _ scalars: [Double]) {
        let function = FloatOperator(element.symbol)
        for step in values.indices {
            let value = values[step]
            if value.isAbsent { continue }
            let holds = scalarIsLeft ? function.holds(scalars[step], value) : function.holds(value, scalars[step])
            if element.returnsBool {
                values[step] = holds ? 1 : 0
            } else if !holds {
                values[step] = Column.absent
            }
        }
    }

    /// Trimming is for histograms: floats give nothing but an info.
    private func dropFloats(_ series: inout StepSeries, _ scalars: [Double], _ context: QueryContext) {
        for step in series.values.indices where !series.values[step].isAbsent {
            let pair = (Element.float(series.values[step]), Element.float(scalars[step]))
            _ = scalarIsLeft ? element.apply(pair.1, pair.0, context) : element.apply(pair.0, pair.1, context)
            series.values[step] = Column.absent
        }
    }

    private func combine(
        _ histograms: [StepHistogram], _ scalars: [Double], into series: inout StepSeries, _ context: QueryContext
    ) {
        for sample in histograms {
            let pair = (Element.histogram(sample.histogram), Element.float(scalars[sample.step]))
            let outcome =
                scalarIsLeft ? element.apply(pair.1, pair.0, context) : element.apply(pair.0, pair.1, context)
            switch outcome {
            case .float(let value): series.values[sample.step] = value
            case .histogram(let histogram):
                series.histograms.append(StepHistogram(step: sample.step, histogram: histogram))
            case .filtered: if element.returnsBool { series.values[sample.step] = 0 }
            case .incompatible: break
            }
        }
    }
}
