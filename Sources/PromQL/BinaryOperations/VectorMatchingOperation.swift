import MetricModel
import PromQLSyntax

/// Arithmetic and comparisons between two vectors, one-to-one or with a many side.
///
/// Which series meet is resolved once per pair of series: the series of both sides are gathered into match groups by
/// their key, and a pair is then computed over all steps.
struct VectorMatchingOperation: VectorOperator {
    let left: any VectorOperator
    let right: any VectorOperator
    let matching: VectorMatching
    let element: ElementOperator
    let delaysNameRemoval: Bool

    var timeline: Timeline { left.timeline }
    var sharesOneName: Bool { false }

    /// The right side is the many side.
    private var isSwapped: Bool { matching.cardinality == .oneToMany }
    /// As in Prometheus `fill_left` is for the many side and `fill_right` for the one side, with `group_right` too.
    private var manyFill: Double? { matching.fillLeft?.value }
    private var oneFill: Double? { matching.fillRight?.value }
    /// Whether a step goes on where one side has nothing.
    private var fills: Bool { manyFill != nil || oneFill != nil }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        let leftSide = try left.collect(context)
        if leftSide.series.isEmpty, !fills { return try right.discard(context) }
        let rightSide = try right.collect(context)
        if rightSide.series.isEmpty, !fills {
            context.release(leftSide.cost)
            return
        }
        let groups = try MatchGroups(
            many: isSwapped ? rightSide.series : leftSide.series, one: isSwapped ? leftSide.series : rightSide.series,
            matching: matching, isSwapped: isSwapped, context)
        var results: [StepSeries] = []
        var held = QueryCost()
        var notes = LastNotes()
        for index in groups.groups.indices {
            try context.limits.check()
            let before = results.count
            try compute(groups, index, into: &results, &notes)
            var made = QueryCost()
            for result in results[before...] { made += result.cost }
            try context.hold(made)
            held += made
        }
        notes.annotate(context, at: element.range)
        var merged = try SeriesMerger.merged(results)
        results = []
        context.order(&merged)
        for index in merged.indices where !merged[index].isEmpty { try body(&merged[index]) }
        context.release(leftSide.cost + rightSide.cost + groups.cost + held)
    }

    private func compute(
        _ groups: MatchGroups, _ index: Int, into results: inout [StepSeries], _ notes: inout LastNotes
    ) throws(QueryError) {
        let group = groups.groups[index]
        if group.one.count > 1 { try groups.checkOneSide(of: group, fills: fills) }
        var taken = OccupiedSteps(
            cardinality: matching.cardinality, isNeeded: group.many.count > 1 || manyFill != nil)
        for manyIndex in group.many {
            let many = groups.many[manyIndex]
            for oneIndex in group.one {
                let pair = self.pair(many, groups.one[oneIndex], order: manyIndex, &notes)
                try taken.occupy(many, groups.one[oneIndex], pair)
                results.append(pair.result)
            }
            if let oneFill {
                let missing = StepSeries(
                    labels: group.key, values: groups.absence(of: group.one, in: groups.one, filledWith: oneFill))
                let pair = self.pair(many, missing, order: manyIndex, &notes)
                try taken.occupy(many, missing, pair)
                results.append(pair.result)
            }
        }
        guard let manyFill else { return }
        let stepCount = timeline.count
        let missing = StepSeries(
            labels: group.key,
            values: (0..<stepCount).map { taken.isTaken(at: $0) ? Column.absent : manyFill })
        for oneIndex in group.one {
            results.append(self.pair(missing, groups.one[oneIndex], order: groups.many.count + oneIndex, &notes).result)
        }
    }

    /// The operator over all steps at which both have an element.
    private func pair(
        _ many: StepSeries, _ one: StepSeries, order: Int, _ notes: inout LastNotes
    ) -> OccupiedSteps.Pair {
        let leftSeries = isSwapped ? one : many
        let rightSeries = isSwapped ? many : one
        var pair = OccupiedSteps.Pair(result: StepSeries(values: leftSeries.values))
        pair.result.labels = resultLabels(many.labels, one.labels)
        pair.result.dropsName = delaysNameRemoval && element.returnsBool
        let hasHistograms = !leftSeries.histograms.isEmpty || !rightSeries.histograms.isEmpty
        if hasHistograms || element.symbol.isTrim {
            pairElements(leftSeries, rightSeries, into: &pair, order, &notes)
            return pair
        }
        ColumnPair(symbol: element.symbol, returnsBool: element.returnsBool)
            .apply(&pair.result.values, rightSeries.values)
        return pair
    }

    /// The slow way, element by element, for series with histograms.
    private func pairElements(
        _ left: StepSeries, _ right: StepSeries, into pair: inout OccupiedSteps.Pair, _ order: Int,
        _ notes: inout LastNotes
    ) {
        for step in left.values.indices {
            pair.result.values[step] = Column.absent
            guard let leftElement = left.element(at: step), let rightElement = right.element(at: step) else {
                continue
            }
            var note: ElementOperator.Note?
            switch element.apply(leftElement, rightElement, &note) {
            case .float(let value):
                pair.result.values[step] = element.returnsBool && element.symbol.isComparison ? 1 : value
            case .histogram(let histogram):
                if element.returnsBool {
                    pair.result.values[step] = 1
                } else {
                    pair.result.histograms.append(StepHistogram(step: step, histogram: histogram))
                }
            case .filtered: if element.returnsBool { pair.result.values[step] = 0 }
            case .incompatible: pair.refused.append(step)
            }
            if let note { notes.add(note, at: step, order: order) }
        }
    }

    private func resultLabels(_ many: LabelSet, _ one: LabelSet) -> LabelSet {
        let keepsName = (element.symbol.isComparison && !element.returnsBool) || element.symbol.isTrim
        let delaysName = delaysNameRemoval && element.returnsBool
        var labels = keepsName || delaysName ? many : many.droppingMetadata()
        if matching.cardinality == .oneToOne {
            labels =
                matching.isOn
                ? LabelFilter(keeping: matching.labels).apply(labels)
                : LabelFilter(dropping: matching.labels).apply(labels)
        }
        guard !matching.include.isEmpty else { return labels }
        var builder = LabelSetBuilder(labels)
        for name in matching.include { builder.set(name, to: one.value(of: name)) }
        return builder.build()
    }
}

/// A binary operator over two columns of floats.
struct ColumnPair {
    let symbol: BinaryOperator
    let returnsBool: Bool

    /// Puts the results in place of the left values.
    func apply(_ left: inout [Double], _ right: [Double]) {
        let function = FloatOperator(symbol)
        switch symbol {
        case .add: combine(&left, right) { $0 + $1 }
        case .subtract: combine(&left, right) { $0 - $1 }
        case .multiply: combine(&left, right) { $0 * $1 }
        case .divide: combine(&left, right) { $0 / $1 }
        case let comparison where comparison.isComparison && returnsBool:
            combine(&left, right) { function.holds($0, $1) ? 1 : 0 }
        case let comparison where comparison.isComparison:
            combine(&left, right) { function.holds($0, $1) ? $0 : Column.absent }
        default: combine(&left, right) { function.arithmetic($0, $1) }
        }
    }

    @inline(__always)
    private func combine(_ left: inout [Double], _ right: [Double], _ operation: (Double, Double) -> Double) {
        for step in left.indices {
            let isMissing = left[step].isAbsent || right[step].isAbsent
            left[step] = isMissing ? Column.absent : operation(left[step], right[step])
        }
    }
}

extension StepSeries {
    /// The element at a step, nil where there is none.
    func element(at step: Int) -> Element? {
        if !values[step].isAbsent { return .float(values[step]) }
        return histogram(at: step).map { .histogram($0) }
    }
}
