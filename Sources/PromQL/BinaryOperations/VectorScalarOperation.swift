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
    var hasFaults: Bool { vector.hasFaults }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        let scalars = try scalarIsLeft ? scalar.evaluate(context) : vector.values(ofNext: scalar, context)
        var notes = LastNotes()
        var order = 0
        try vector.stream(context) { (series: inout StepSeries) throws(QueryError) in
            order += 1
            let histograms = series.histograms
            series.dropHistograms()
            if element.symbol.isTrim {
                dropFloats(&series, scalars, order, &notes)
            } else if element.symbol.isComparison {
                compare(&series.values, scalars)
            } else {
                compute(&series.values, scalars)
            }
            if !histograms.isEmpty { combine(histograms, scalars, into: &series, order, &notes) }
            try body(&series)
        }
        notes.annotate(context, at: element.range)
    }

    private func apply(
        _ value: Element, _ scalars: [Double], at step: Int, _ order: Int, _ notes: inout LastNotes
    ) -> ElementOperator.Outcome {
        var note: ElementOperator.Note?
        let scalar = Element.float(scalars[step])
        let outcome = scalarIsLeft ? element.apply(scalar, value, &note) : element.apply(value, scalar, &note)
        if let note { notes.add(note, at: step, order: order) }
        return outcome
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
    private func dropFloats(
        _ series: inout StepSeries, _ scalars: [Double], _ order: Int, _ notes: inout LastNotes
    ) {
        for step in series.values.indices where !series.values[step].isAbsent {
            _ = apply(.float(series.values[step]), scalars, at: step, order, &notes)
            series.values[step] = Column.absent
        }
    }

    private func combine(
        _ histograms: [StepHistogram], _ scalars: [Double], into series: inout StepSeries, _ order: Int,
        _ notes: inout LastNotes
    ) {
        for sample in histograms {
            switch apply(.histogram(sample.histogram), scalars, at: sample.step, order, &notes) {
            case .float(let value): series.values[sample.step] = value
            case .histogram(let histogram):
                series.histograms.append(StepHistogram(step: sample.step, histogram: histogram))
            case .filtered: if element.returnsBool { series.values[sample.step] = 0 }
            case .incompatible: break
            }
        }
    }
}
