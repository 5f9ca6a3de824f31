internal import CColumns
import MetricModel

/// What an aggregation keeps of one group, for all steps at once.
///
/// Series are added one after the other, so that the sums of every step are taken in the order of the series. Objects, because
/// a generic list of values had its type looked up at run time for every series. Nobody comes back to one while a series is added
/// to it; to ask at run time whether somebody does took 90 to 170 instructions a series, which is what `@exclusivity(unchecked)` is for.
protocol GroupAccumulator: AnyObject {
    /// What a step of a group takes.
    static var bytesPerStep: Int { get }

    init(stepCount: Int)
    func add(_ series: StepSeries, notes: inout AggregationNotes)
    /// Makes room for more steps; the first so far becomes step `offset`.
    func widen(to stepCount: Int, at offset: Int)
    /// The group's values; the labels are the caller's to set.
    func finish(notes: inout AggregationNotes) -> StepSeries
}

extension [Double] {
    /// As many values, of which those that are there stand from `offset` on.
    func widened(to count: Int, at offset: Int, filling value: Double) -> [Double] {
        var result = [Double](repeating: value, count: count)
        result.replaceSubrange(offset..<offset + self.count, with: self)
        return result
    }
}

/// `sum`: compensated float sums, and sums of histograms beside them.
final class SumAccumulator: GroupAccumulator {
    static let bytesPerStep = FloatSums.bytesPerStep

    @exclusivity(unchecked) private var sums: FloatSums
    private var histograms = HistogramSums(takesMean: false)

    init(stepCount: Int) { unsafe sums = FloatSums(stepCount: stepCount) }

    func add(_ series: StepSeries, notes: inout AggregationNotes) {
        unsafe sums.add(series.values)
        if series.histograms.isEmpty { return }
        let floats = unsafe sums
        histograms.add(series, notes: &notes) { floats.hasValue(at: $0) }
    }

    func widen(to stepCount: Int, at offset: Int) { unsafe sums.widen(to: stepCount, at: offset) }

    func finish(notes: inout AggregationNotes) -> StepSeries {
        var result = unsafe StepSeries(values: sums.finish())
        histograms.finish(into: &result, notes: &notes)
        return result
    }
}

/// `avg`: compensated means.
final class MeanAccumulator: GroupAccumulator {
    static let bytesPerStep = FloatMeans.bytesPerStep

    @exclusivity(unchecked) private var means: FloatMeans
    private var histograms = HistogramSums(takesMean: true)

    init(stepCount: Int) { unsafe means = FloatMeans(stepCount: stepCount) }

    func add(_ series: StepSeries, notes: inout AggregationNotes) {
        unsafe means.add(series.values)
        if series.histograms.isEmpty { return }
        let floats = unsafe means
        histograms.add(series, notes: &notes) { floats.hasValue(at: $0) }
    }

    func widen(to stepCount: Int, at offset: Int) { unsafe means.widen(to: stepCount, at: offset) }

    func finish(notes: inout AggregationNotes) -> StepSeries {
        var result = unsafe StepSeries(values: means.finish())
        histograms.finish(into: &result, notes: &notes)
        return result
    }
}

/// `min`: NaN only where all values are NaN.
final class MinimumAccumulator: GroupAccumulator {
    static let bytesPerStep = 8

    @exclusivity(unchecked) private var values: [Double]

    init(stepCount: Int) { unsafe values = [Double](repeating: Column.absent, count: stepCount) }

    func add(_ series: StepSeries, notes: inout AggregationNotes) {
        unsafe ccolumns_add_to_minima(series.values, min(series.values.count, values.count), &values)
        if !series.histograms.isEmpty { notes.insert(.ignoredHistograms) }
    }

    func widen(to stepCount: Int, at offset: Int) {
        unsafe values = values.widened(to: stepCount, at: offset, filling: Column.absent)
    }

    func finish(notes: inout AggregationNotes) -> StepSeries { unsafe StepSeries(values: values) }
}

/// `max`: NaN only where all values are NaN.
final class MaximumAccumulator: GroupAccumulator {
    static let bytesPerStep = 8

    @exclusivity(unchecked) private var values: [Double]

    init(stepCount: Int) { unsafe values = [Double](repeating: Column.absent, count: stepCount) }

    func add(_ series: StepSeries, notes: inout AggregationNotes) {
        unsafe ccolumns_add_to_maxima(series.values, min(series.values.count, values.count), &values)
        if !series.histograms.isEmpty { notes.insert(.ignoredHistograms) }
    }

    func widen(to stepCount: Int, at offset: Int) {
        unsafe values = values.widened(to: stepCount, at: offset, filling: Column.absent)
    }

    func finish(notes: inout AggregationNotes) -> StepSeries { unsafe StepSeries(values: values) }
}

/// `count`: how many elements of either type.
final class CountAccumulator: GroupAccumulator {
    static let bytesPerStep = 8

    @exclusivity(unchecked) private var counts: [Double]

    init(stepCount: Int) { unsafe counts = [Double](repeating: 0, count: stepCount) }

    func add(_ series: StepSeries, notes: inout AggregationNotes) {
        unsafe ccolumns_count_present(series.values, min(series.values.count, counts.count), &counts)
        for sample in series.histograms { unsafe counts[sample.step] += 1 }
    }

    func widen(to stepCount: Int, at offset: Int) {
        unsafe counts = counts.widened(to: stepCount, at: offset, filling: 0)
    }

    func finish(notes: inout AggregationNotes) -> StepSeries {
        unsafe StepSeries(values: counts.map { $0 == 0 ? Column.absent : $0 })
    }
}

/// `group`: 1 where there is any element.
final class PresenceAccumulator: GroupAccumulator {
    static let bytesPerStep = 8

    @exclusivity(unchecked) private var values: [Double]

    init(stepCount: Int) { unsafe values = [Double](repeating: Column.absent, count: stepCount) }

    func add(_ series: StepSeries, notes: inout AggregationNotes) {
        for step in unsafe values.indices where !series.values[step].isAbsent { unsafe values[step] = 1 }
        for sample in series.histograms { unsafe values[sample.step] = 1 }
    }

    func widen(to stepCount: Int, at offset: Int) {
        unsafe values = values.widened(to: stepCount, at: offset, filling: Column.absent)
    }

    func finish(notes: inout AggregationNotes) -> StepSeries { unsafe StepSeries(values: values) }
}

/// `stdvar`: population variance after Welford; a group whose first value is not finite has NaN.
final class VarianceAccumulator: GroupAccumulator {
    static let bytesPerStep = 24

    private var counts: [Double]
    private var means: [Double]
    private var squares: [Double]

    init(stepCount: Int) {
        counts = [Double](repeating: 0, count: stepCount)
        means = counts
        squares = counts
    }

    func add(_ series: StepSeries, notes: inout AggregationNotes) {
        for step in counts.indices {
            let value = series.values[step]
            if value.isAbsent { continue }
            counts[step] += 1
            if counts[step] == 1 {
                means[step] = value
                squares[step] = value.isFinite ? 0 : SpecialValue.notANumber
                continue
            }
            let delta = value - means[step]
            means[step] += delta / counts[step]
            squares[step] += delta * (value - means[step])
        }
        if !series.histograms.isEmpty { notes.insert(.ignoredHistograms) }
    }

    func widen(to stepCount: Int, at offset: Int) {
        counts = counts.widened(to: stepCount, at: offset, filling: 0)
        means = means.widened(to: stepCount, at: offset, filling: 0)
        squares = squares.widened(to: stepCount, at: offset, filling: 0)
    }

    func finish(notes: inout AggregationNotes) -> StepSeries {
        var result = StepSeries(absentOver: counts.count)
        for step in counts.indices where counts[step] > 0 { result.values[step] = squares[step] / counts[step] }
        return result
    }
}

/// `stddev`: the root of the variance.
final class DeviationAccumulator: GroupAccumulator {
    static let bytesPerStep = 24

    private var variance: VarianceAccumulator

    init(stepCount: Int) { variance = VarianceAccumulator(stepCount: stepCount) }

    func add(_ series: StepSeries, notes: inout AggregationNotes) { variance.add(series, notes: &notes) }

    func widen(to stepCount: Int, at offset: Int) { variance.widen(to: stepCount, at: offset) }

    func finish(notes: inout AggregationNotes) -> StepSeries {
        var result = variance.finish(notes: &notes)
        for step in result.values.indices where !result.values[step].isAbsent {
            result.values[step] = result.values[step].squareRoot()
        }
        return result
    }
}
