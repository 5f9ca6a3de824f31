import Bytes
import MetricModel
import PromQLSyntax

/// A function of each float by itself; histograms are left out.
struct ElementwiseFunction: VectorOperator {
    let operand: any VectorOperator
    let function: Function

    var timeline: Timeline { operand.timeline }
    var sharesOneName: Bool { operand.sharesOneName }
    var hasFaults: Bool { operand.hasFaults }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        guard let operation = Self.operation(function) else {
            throw .notImplemented(name: function.rawValue)
        }
        try operand.stream(context) { (series: inout StepSeries) throws(QueryError) in
            series.dropHistograms()
            for step in series.values.indices where !series.values[step].isAbsent {
                series.values[step] = operation(series.values[step])
            }
            try body(&series)
        }
    }

    /// The function of one number, nil where the function is not of this kind.
    static func operation(_ function: Function) -> ((Double) -> Double)? {
        switch function {
        case .abs: { $0.magnitude }
        case .ceil: { $0.rounded(.up) }
        case .floor: { $0.rounded(.down) }
        case .exp: { Elementary.exp($0) }
        case .sqrt: { $0.squareRoot() }
        case .ln: { Elementary.log($0) }
        case .log2: { Elementary.log2($0) }
        case .log10: { Elementary.log10($0) }
        case .sin: { Elementary.sin($0) }
        case .cos: { Elementary.cos($0) }
        case .tan: { Elementary.tan($0) }
        case .asin: { Elementary.asin($0) }
        case .acos: { Elementary.acos($0) }
        case .atan: { Elementary.atan($0) }
        case .sinh: { Elementary.sinh($0) }
        case .cosh: { Elementary.cosh($0) }
        case .tanh: { Elementary.tanh($0) }
        case .asinh: { Elementary.asinh($0) }
        case .acosh: { Elementary.acosh($0) }
        case .atanh: { Elementary.atanh($0) }
        case .deg: { $0 * 180 / Double.pi }
        case .rad: { $0 * Double.pi / 180 }
        case .sgn: { $0 < 0 ? -1 : $0 > 0 ? 1 : $0 }
        default: CalendarField(function).map { field in { field.value(of: $0) } }
        }
    }
}

/// Unary minus.
struct NegatedVector: VectorOperator {
    let operand: any VectorOperator

    var timeline: Timeline { operand.timeline }
    var sharesOneName: Bool { operand.sharesOneName }
    var hasFaults: Bool { operand.hasFaults }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        try operand.stream(context) { (series: inout StepSeries) throws(QueryError) in
            for step in series.values.indices where !series.values[step].isAbsent {
                series.values[step] = -series.values[step]
            }
            for index in series.histograms.indices {
                series.histograms[index].histogram = series.histograms[index].histogram.multiplied(by: -1)
            }
            try body(&series)
        }
    }
}

/// `clamp`, `clamp_min`, `clamp_max` and `round`: a function of each float and of a scalar or two.
struct BoundedFunction: VectorOperator {
    enum Operation { case clamp, clampMinimum, clampMaximum, round }

    let operand: any VectorOperator
    let operation: Operation
    let first: any ScalarOperator
    var second: (any ScalarOperator)?

    var timeline: Timeline { operand.timeline }
    var sharesOneName: Bool { operand.sharesOneName }
    var hasFaults: Bool { operand.hasFaults }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        let firsts = try operand.values(ofNext: first, context)
        let seconds =
            try second.map { (next) throws(QueryError) in try operand.values(ofNext: next, context) } ?? firsts
        try operand.stream(context) { (series: inout StepSeries) throws(QueryError) in
            series.dropHistograms()
            for step in series.values.indices where !series.values[step].isAbsent {
                series.values[step] = value(series.values[step], firsts[step], seconds[step])
            }
            try body(&series)
        }
    }

    private func value(_ value: Double, _ first: Double, _ second: Double) -> Double {
        switch operation {
        case .clamp: second < first ? Column.absent : GoMath.maximum(first, GoMath.minimum(second, value))
        case .clampMinimum: GoMath.maximum(first, value)
        case .clampMaximum: GoMath.minimum(first, value)
        case .round:
            // The inverse is less prone to rounding than a division by the unit.
            (value * (1 / first) + 0.5).rounded(.down) / (1 / first)
        }
    }
}

/// Minimum and maximum as Go has them: an infinity of the wanted sign wins over NaN, NaN over the rest.
enum GoMath {
    static func minimum(_ left: Double, _ right: Double) -> Double {
        if left == -.infinity || right == -.infinity { return -.infinity }
        if left.isNaN || right.isNaN { return SpecialValue.notANumber }
        if left == 0, right == 0 { return left.sign == .minus ? left : right }
        return left < right ? left : right
    }

    static func maximum(_ left: Double, _ right: Double) -> Double {
        if left == .infinity || right == .infinity { return .infinity }
        if left.isNaN || right.isNaN { return SpecialValue.notANumber }
        if left == 0, right == 0 { return left.sign == .minus ? right : left }
        return left > right ? left : right
    }
}
