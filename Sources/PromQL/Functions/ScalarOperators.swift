import MetricModel

/// One number at all steps.
struct ConstantScalar: ScalarOperator {
    let timeline: Timeline
    let value: Double

    func evaluate(_ context: QueryContext) throws(QueryError) -> [Double] {
        [Double](repeating: value, count: timeline.count)
    }
}

/// `time()`: the evaluation time in seconds.
struct TimeScalar: ScalarOperator {
    let timeline: Timeline

    func evaluate(_ context: QueryContext) throws(QueryError) -> [Double] {
        (0..<timeline.count).map { Double(timeline.time(at: $0)) / 1000 }
    }
}

/// A sign before a scalar.
struct NegatedScalar: ScalarOperator {
    let operand: any ScalarOperator
    var timeline: Timeline { operand.timeline }

    func evaluate(_ context: QueryContext) throws(QueryError) -> [Double] { try operand.evaluate(context).map { -$0 } }
}

/// An operator between two scalars.
struct BinaryScalar: ScalarOperator {
    let left: any ScalarOperator
    let right: any ScalarOperator
    let function: FloatOperator

    var timeline: Timeline { left.timeline }

    func evaluate(_ context: QueryContext) throws(QueryError) -> [Double] {
        var values = try left.evaluate(context)
        let others = try right.evaluate(context)
        for step in values.indices { values[step] = function.scalar(values[step], others[step]) }
        return values
    }
}

/// `scalar(v)`: the value of the only float element, NaN where there is none or more than one.
struct ScalarOfVector: ScalarOperator {
    let operand: any VectorOperator
    var timeline: Timeline { operand.timeline }

    func evaluate(_ context: QueryContext) throws(QueryError) -> [Double] {
        var values = [Double](repeating: SpecialValue.notANumber, count: timeline.count)
        var counts = [Int32](repeating: 0, count: timeline.count)
        try operand.stream(context) { (series: inout StepSeries) throws(QueryError) in
            for step in values.indices where !series.values[step].isAbsent {
                counts[step] += 1
                values[step] = counts[step] == 1 ? series.values[step] : SpecialValue.notANumber
            }
        }
        return values
    }
}

/// A scalar that was evaluated at one time and holds at all.
struct RepeatedScalar: ScalarOperator {
    let timeline: Timeline
    let operand: any ScalarOperator

    func evaluate(_ context: QueryContext) throws(QueryError) -> [Double] {
        var value = SpecialValue.notANumber
        try context.repeatingCounts(over: timeline.count) { () throws(QueryError) in
            if let first = try operand.evaluate(context).first { value = first }
        }
        return [Double](repeating: value, count: timeline.count)
    }
}

/// `vector(s)`: one element without labels.
struct VectorOfScalar: VectorOperator {
    let operand: any ScalarOperator
    var timeline: Timeline { operand.timeline }
    var sharesOneName: Bool { true }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        var series = StepSeries(values: try operand.evaluate(context))
        try body(&series)
    }
}

/// A vector that was evaluated at one time and holds at all.
struct RepeatedVector: VectorOperator {
    let timeline: Timeline
    let operand: any VectorOperator
    var sharesOneName: Bool { operand.sharesOneName }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        let timeline = timeline
        try context.repeatingCounts(over: timeline.count) { () throws(QueryError) in
            try operand.stream(context) { (series: inout StepSeries) throws(QueryError) in
                // Prometheus knows of one element that it repeats.
                if let histogram = series.histograms.first, !series.values[histogram.step].isAbsent {
                    throw .execution(message: "unexpected number of samples")
                }
                var repeated = StepSeries(
                    labels: series.labels, dropsName: series.dropsName,
                    values: [Double](repeating: series.values.first ?? Column.absent, count: timeline.count))
                if let histogram = series.histograms.first?.histogram {
                    repeated.histograms = (0..<timeline.count).map { StepHistogram(step: $0, histogram: histogram) }
                }
                try body(&repeated)
            }
        }
    }
}
