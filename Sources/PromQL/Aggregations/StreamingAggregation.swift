import MetricModel

/// An aggregation that keeps one accumulator a group and lets the series pass by.
struct StreamingAggregation: VectorOperator {
    let operand: any VectorOperator
    let accumulator: any GroupAccumulator.Type
    let grouping: Grouping
    let annotator: AggregationAnnotator
    var delaysNameRemoval = false

    var timeline: Timeline { operand.timeline }
    var sharesOneName: Bool { grouping.hasNoName }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        var groups: [StreamedGroup] = []
        let numbers = OperandGroups(grouping)
        var notes = AggregationNotes()
        // What the labels of the groups take.
        var held = QueryCost()
        let spent = accumulator.init(stepCount: 0)
        let stepCount = timeline.count
        try operand.stream(context, into: numbers) { (series: inout StepSeries) throws(QueryError) in
            let index = Int(series.group)
            while index >= groups.count {
                let key = numbers.labels(of: groups.count)
                let keyCost = QueryCost(bytes: 2 * StepSeries.overheadBytes + 2 * key.encoded.count)
                try context.hold(keyCost)
                held += keyCost
                groups.append(StreamedGroup(labels: key, accumulator: spent))
            }
            if delaysNameRemoval { groups[index].marks.add(series) }
            if groups[index].window.count < stepCount {
                guard let window = StreamedGroup.window(groups[index].window, with: series) else { return }
                try widen(&groups[index], to: window, context)
            }
            groups[index].add(series, notes: &notes)
        }
        let order =
            context.ordersByLabels
            ? groups.indices.sorted { LabelOrder.precedes(groups[$0].labels, groups[$1].labels) }
            : Array(groups.indices)
        for index in order {
            var result = groups[index].finish(over: stepCount, notes: &notes)
            // Who takes the result counts it.
            groups[index].accumulator = spent
            context.release(cost(of: groups[index].window))
            if !result.isEmpty { try body(&result) }
        }
        annotator.annotate(notes, context)
        context.release(held)
    }

    private func cost(of window: Range<Int>) -> QueryCost {
        QueryCost(samples: window.count, bytes: window.count * accumulator.bytesPerStep)
    }

    private func widen(
        _ group: inout StreamedGroup, to window: Range<Int>, _ context: QueryContext
    ) throws(QueryError) {
        guard window != group.window else { return }
        try context.hold(cost(of: window))
        context.release(cost(of: group.window))
        group.widen(to: window, accumulator)
    }
}

/// What a group has of the series so far: an accumulator for the steps from the first that any of them has to the last.
///
/// Where targets come and go, as those of deployments do, most groups of a long range have few steps.
private struct StreamedGroup {
    let labels: LabelSet
    var accumulator: any GroupAccumulator
    var marks = NameMarks()
    private(set) var window = 0..<0

    /// Windows begin and end at multiples of this, so that few series widen them.
    private static let windowSteps = 16

    init(labels: LabelSet, accumulator: any GroupAccumulator) {
        self.labels = labels
        self.accumulator = accumulator
    }

    /// The steps needed once a series is added to a group that has those of `window`, nil where it has nothing.
    static func window(_ window: Range<Int>, with series: StepSeries) -> Range<Int>? {
        let all = 0..<series.values.count
        // Their steps stand with them.
        if !series.histograms.isEmpty { return all }
        var steps = series.floatExtent
        if steps.isEmpty { return nil }
        if !window.isEmpty {
            steps = min(steps.lowerBound, window.lowerBound)..<max(steps.upperBound, window.upperBound)
        }
        if steps == window { return window }
        let first = steps.lowerBound / windowSteps * windowSteps
        let end = (steps.upperBound + windowSteps - 1) / windowSteps * windowSteps
        steps = first..<min(end, all.upperBound)
        return steps.count >= all.count / 2 ? all : steps
    }

    mutating func widen(to wanted: Range<Int>, _ type: any GroupAccumulator.Type) {
        if window.isEmpty {
            accumulator = type.init(stepCount: wanted.count)
        } else {
            accumulator.widen(to: wanted.count, at: window.lowerBound - wanted.lowerBound)
        }
        window = wanted
    }

    /// Adds a series whose steps are in the window; mutating, so that the group is not copied for it.
    mutating func add(_ series: StepSeries, notes: inout AggregationNotes) {
        if window.count == series.values.count { return accumulator.add(series, notes: &notes) }
        accumulator.add(StepSeries(labels: series.labels, values: Array(series.values[window])), notes: &notes)
    }

    /// The values over all steps.
    func finish(over stepCount: Int, notes: inout AggregationNotes) -> StepSeries {
        var result = accumulator.finish(notes: &notes)
        if window.count < stepCount {
            var values = [Double](repeating: Column.absent, count: stepCount)
            values.replaceSubrange(window, with: result.values)
            result.values = values
        }
        result.labels = labels
        result.dropsName = marks.dropName
        return result
    }
}
