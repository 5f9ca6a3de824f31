import MetricModel

/// A series that is put aside for later: where it has few of the steps, only the values from its first float to its last.
///
/// Where targets come and go, as those of deployments do, most series of a long range have samples at few steps.
struct PackedSeries: Sendable {
    /// Its histograms have the steps of the whole timeline.
    private var kept: StepSeries
    /// The step of the first value; outside of the values there are no floats.
    let firstStep: Int

    /// Takes the memory of a series where most steps are between its first float and its last, copies these else.
    init(taking series: inout StepSeries) {
        let extent = series.floatExtent
        guard Self.isCopied(series, extent) else {
            kept = StepSeries(values: [])
            swap(&kept, &series)
            firstStep = 0
            return
        }
        firstStep = extent.lowerBound
        let run = series.knownFloatRun
        kept = StepSeries(labels: series.labels, dropsName: series.dropsName, values: [], histograms: series.histograms)
        kept.take(Array(series.values[extent]), run: run.map { _ in 0..<extent.count })
    }

    init(labels: LabelSet, values: [Double]) {
        kept = StepSeries(labels: labels, values: values)
        firstStep = 0
    }

    /// One without samples.
    static let none = PackedSeries(labels: .empty, values: [])

    private static func isCopied(_ series: StepSeries, _ extent: Range<Int>) -> Bool {
        extent.count < series.values.count / 2
    }

    /// What keeping a series will cost.
    static func cost(of series: StepSeries) -> QueryCost {
        var cost = series.cost
        let extent = series.floatExtent
        if isCopied(series, extent) { cost.bytes -= (series.values.count - extent.count) * 8 }
        return cost
    }

    var labels: LabelSet {
        get { kept.labels }
        set { kept.labels = newValue }
    }

    var dropsName: Bool {
        get { kept.dropsName }
        set { kept.dropsName = newValue }
    }

    var values: [Double] { kept.values }
    var histograms: [StepHistogram] { kept.histograms }

    /// What keeping the series costs.
    var cost: QueryCost { kept.cost }
    var isEmpty: Bool { kept.isEmpty }
    var floatCount: Int { kept.floatCount }

    /// The steps that have floats where they are one run without gaps, nil where there are gaps.
    var run: Range<Int>? { kept.run.map { $0.lowerBound + firstStep..<$0.upperBound + firstStep } }

    /// The steps from the first sample to the last; empty where there is none.
    var extent: Range<Int> {
        let floats = kept.floatExtent
        var steps = floats.lowerBound + firstStep..<floats.upperBound + firstStep
        guard let first = kept.histograms.first, let last = kept.histograms.last else { return steps }
        if steps.isEmpty { return first.step..<last.step + 1 }
        steps = min(steps.lowerBound, first.step)..<max(steps.upperBound, last.step + 1)
        return steps
    }

    /// Those of a run of steps for which there is a value, which may be the absent one.
    func floatSteps(in steps: Range<Int>) -> Range<Int> {
        let first = max(steps.lowerBound, firstStep)
        return first..<max(first, min(steps.upperBound, firstStep + kept.values.count))
    }

    /// The float at a step, or the absent value.
    @inline(__always)
    func value(at step: Int) -> Double {
        let place = step - firstStep
        return place >= 0 && place < kept.values.count ? kept.values[place] : Column.absent
    }

    /// The histogram at a step, nil where there is none.
    func histogram(at step: Int) -> NativeHistogram? { kept.histogram(at: step) }

    func hasElement(at step: Int) -> Bool {
        !value(at: step).isAbsent || (!kept.histograms.isEmpty && kept.histogram(at: step) != nil)
    }

    /// The element at a step, nil where there is none.
    func element(at step: Int) -> Element? {
        let float = value(at: step)
        if !float.isAbsent { return .float(float) }
        return kept.histogram(at: step).map { .histogram($0) }
    }

    /// Appends the floats of a run of steps, absent values among them.
    func append(valuesAt steps: Range<Int>, to output: inout [Double]) {
        let own = floatSteps(in: steps)
        guard !own.isEmpty else {
            return output.append(contentsOf: repeatElement(Column.absent, count: steps.count))
        }
        output.append(contentsOf: repeatElement(Column.absent, count: own.lowerBound - steps.lowerBound))
        output.append(contentsOf: kept.values[own.lowerBound - firstStep..<own.upperBound - firstStep])
        output.append(contentsOf: repeatElement(Column.absent, count: steps.upperBound - own.upperBound))
    }

    /// The series over all steps of a timeline.
    consuming func unpacked(over stepCount: Int) -> StepSeries {
        guard kept.values.count < stepCount else { return kept }
        var values: [Double] = []
        values.reserveCapacity(stepCount)
        append(valuesAt: 0..<stepCount, to: &values)
        return StepSeries(
            labels: kept.labels, dropsName: kept.dropsName, values: values, histograms: kept.histograms)
    }

    /// Takes the labels out of a series that is not needed any more.
    mutating func takeLabels() -> LabelSet {
        var labels = LabelSet.empty
        swap(&labels, &kept.labels)
        return labels
    }

    /// Takes the floats of a run of steps out of a series that is not needed any more.
    mutating func takeValues(of run: Range<Int>) -> [Double] {
        let places = run.lowerBound - firstStep..<run.upperBound - firstStep
        if places.count < kept.values.count / 2 { return Array(kept.values[places]) }
        var values = kept.takeValues()
        if places.upperBound < values.count { values.removeLast(values.count - places.upperBound) }
        if places.lowerBound > 0 { values.removeFirst(places.lowerBound) }
        return values
    }

    /// Whether becoming one series with another is an error.
    func meets(_ other: StepSeries, _ meeting: SeriesMerger.Meeting) -> Bool {
        let refusesKinds = meeting == .refused
        for step in floatSteps(in: other.values.indices) where !value(at: step).isAbsent {
            if !other.values[step].isAbsent { return true }
        }
        for sample in histograms {
            if other.histogram(at: sample.step) != nil { return true }
            if refusesKinds, !other.values[sample.step].isAbsent { return true }
        }
        return refusesKinds && other.histograms.contains { !value(at: $0.step).isAbsent }
    }

    /// The series given, with those of equal labels merged; cheap where there are none.
    static func merged(
        _ all: [PackedSeries], over stepCount: Int, _ meeting: SeriesMerger.Meeting = .refused
    ) throws(QueryError) -> [PackedSeries] {
        guard SeriesMerger.hasEqualHashes(all.count, { all[$0].labels }) else { return all }
        var merger = SeriesMerger(meeting)
        for next in all { try merger.add(next.unpacked(over: stepCount)) }
        var merged = merger.series
        return merged.indices.map { PackedSeries(taking: &merged[$0]) }
    }
}
