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

    /// Whether the many side as written has a fill value, which lets a step go on without any of its elements.
    private var isManySideFilled: Bool { (isSwapped ? matching.fillRight : matching.fillLeft) != nil }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        let leftSide = try left.collect(context)
        if leftSide.series.isEmpty, matching.fillLeft == nil { return try right.discard(context) }
        let rightSide = try right.collect(context)
        if rightSide.series.isEmpty, matching.fillRight == nil {
            context.release(leftSide.cost)
            return
        }
        let groups = try MatchGroups(
            many: isSwapped ? rightSide.series : leftSide.series, one: isSwapped ? leftSide.series : rightSide.series,
            matching: matching, isSwapped: isSwapped, context)
        var results: [StepSeries] = []
        var held = QueryCost()
        for index in groups.groups.indices {
            try context.limits.check()
            let before = results.count
            try compute(groups, index, into: &results, context)
            var made = QueryCost()
            for result in results[before...] { made += result.cost }
            try context.hold(made)
            held += made
        }
        if isSwapped { Self.clearUnfilled(leftSide.series, rightSide.series, matching, &results) }
        var merged = try SeriesMerger.merged(results)
        results = []
        context.order(&merged)
        for index in merged.indices where !merged[index].isEmpty { try body(&merged[index]) }
        context.release(leftSide.cost + rightSide.cost + groups.cost + held)
    }

    /// A step at which a side has nothing and no fill value has no result, whatever the other value fills.
    private static func clearUnfilled(
        _ left: [StepSeries], _ right: [StepSeries], _ matching: VectorMatching, _ results: inout [StepSeries]
    ) {
        if matching.fillLeft == nil && matching.fillRight == nil { return }
        for (side, fill) in [(left, matching.fillLeft), (right, matching.fillRight)] where fill == nil {
            guard let stepCount = results.first?.values.count else { return }
            var isPresent = [Bool](repeating: false, count: stepCount)
            for series in side {
                for (step, isThere) in series.presence().enumerated() where isThere { isPresent[step] = true }
            }
            for index in results.indices { results[index].keep(where: isPresent) }
        }
    }

    private func compute(
        _ groups: MatchGroups, _ index: Int, into results: inout [StepSeries], _ context: QueryContext
    ) throws(QueryError) {
        let group = groups.groups[index]
        if group.one.count > 1 { try groups.checkOneSide(of: group, fillsMany: isManySideFilled) }
        var taken = OccupiedSteps(cardinality: matching.cardinality)
        for manyIndex in group.many {
            let many = groups.many[manyIndex]
            for oneIndex in group.one {
                let one = groups.one[oneIndex]
                var result = pair(many, one, context)
                result.labels = resultLabels(many.labels, one.labels)
                try taken.occupy(result.labels, by: many, and: one, result)
                results.append(result)
            }
            if let oneFill {
                let missing = StepSeries(
                    labels: group.key, values: groups.absence(of: group.one, in: groups.one, filledWith: oneFill))
                var result = pair(many, missing, context)
                result.labels = resultLabels(many.labels, missing.labels)
                try taken.occupy(result.labels, by: many, and: missing, result)
                results.append(result)
            }
        }
        guard let manyFill else { return }
        let missing = StepSeries(
            labels: group.key, values: groups.absence(of: group.many, in: groups.many, filledWith: manyFill))
        for oneIndex in group.one {
            let one = groups.one[oneIndex]
            var result = pair(missing, one, context)
            result.labels = resultLabels(missing.labels, one.labels)
            results.append(result)
        }
    }

    /// The operator over all steps at which both have an element.
    private func pair(_ many: StepSeries, _ one: StepSeries, _ context: QueryContext) -> StepSeries {
        let leftSeries = isSwapped ? one : many
        let rightSeries = isSwapped ? many : one
        var result = StepSeries(values: leftSeries.values)
        result.dropsName = delaysNameRemoval && element.returnsBool
        let hasHistograms = !leftSeries.histograms.isEmpty || !rightSeries.histograms.isEmpty
        if hasHistograms || element.symbol.isTrim {
            pairElements(leftSeries, rightSeries, into: &result, context)
            return result
        }
        ColumnPair(symbol: element.symbol, returnsBool: element.returnsBool)
            .apply(&result.values, rightSeries.values)
        return result
    }

    /// The slow way, element by element, for series with histograms.
    private func pairElements(
        _ left: StepSeries, _ right: StepSeries, into result: inout StepSeries, _ context: QueryContext
    ) {
        for step in left.values.indices {
            result.values[step] = Column.absent
            guard let leftElement = left.element(at: step), let rightElement = right.element(at: step) else {
                continue
            }
            switch element.apply(leftElement, rightElement, context) {
            case .float(let value):
                result.values[step] = element.returnsBool && element.symbol.isComparison ? 1 : value
            case .histogram(let histogram):
                if element.returnsBool {
                    result.values[step] = 1
                } else {
                    result.histograms.append(StepHistogram(step: step, histogram: histogram))
                }
            case .filtered: if element.returnsBool { result.values[step] = 0 }
            case .incompatible: break
            }
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
