import MetricModel
import PromQLSyntax

/// Arithmetic and comparisons between two vectors, one-to-one or with a many side.
///
/// Which series meet is resolved once per pair of series: the series of both sides are gathered into match groups by
/// their key, and a pair is then computed over the steps that they share.
struct VectorMatchingOperation: VectorOperator {
    let left: any VectorOperator
    let right: any VectorOperator
    let matching: VectorMatching
    let element: ElementOperator
    let delaysNameRemoval: Bool

    var timeline: Timeline { left.timeline }
    var sharesOneName: Bool { !keepsNames && !matching.include.contains(where: LabelFilter.isMetadata) }

    /// Whether results have the names of the many side, for now at least.
    private var keepsNames: Bool { element.keepsName || (delaysNameRemoval && element.returnsBool) }

    /// The right side is the many side.
    private var isSwapped: Bool { matching.cardinality == .oneToMany }
    /// As in Prometheus `fill_left` is for the many side and `fill_right` for the one side, with `group_right` too.
    private var manyFill: Double? { matching.fillLeft?.value }
    private var oneFill: Double? { matching.fillRight?.value }
    /// Whether a step goes on where one side has nothing.
    private var fills: Bool { manyFill != nil || oneFill != nil }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        guard var results = try match(context) else { return }
        var merged = try PackedSeries.merged(results.takeAll(), over: timeline.count)
        context.order(&merged)
        for index in merged.indices {
            var series = PackedSeries.none
            swap(&series, &merged[index])
            // Who takes it counts it.
            results.giveBack(series.cost)
            if series.isEmpty { continue }
            var whole = series.unpacked(over: timeline.count)
            try body(&whole)
        }
        context.release(results.held)
    }

    /// What comes out of both sides, which are not held any more then; nil where nothing can.
    private func match(_ context: QueryContext) throws(QueryError) -> Results? {
        let leftSide = try left.pack(context)
        if leftSide.series.isEmpty, !fills {
            try right.discard(context)
            return nil
        }
        let rightSide = try right.pack(context)
        if rightSide.series.isEmpty, !fills {
            context.release(leftSide.cost)
            return nil
        }
        var groups = try MatchGroups(
            many: isSwapped ? rightSide.series : leftSide.series, one: isSwapped ? leftSide.series : rightSide.series,
            over: timeline.count, matching: matching, isSwapped: isSwapped, context)
        var results = try Results(stepCount: timeline.count, context: context)
        for index in groups.groups.indices where groups.groups[index].one.count > 1 {
            groups.checkOneSide(of: groups.groups[index], fills: fills, &results.fault)
        }
        for index in groups.groups.indices { try compute(groups, index, into: &results) }
        try results.fault.throwIfAny()
        results.notes.annotate(context, at: element.range)
        context.release(leftSide.cost + rightSide.cost + groups.cost)
        return results
    }

    /// What came out of the groups so far.
    private struct Results {
        let stepCount: Int
        let context: QueryContext
        private var series: [PackedSeries] = []
        /// Where each series stands among those of its step, as Prometheus goes through them.
        private var places: [Int] = []
        /// The memory of the result that is being made.
        private var floats: [Double] = []
        /// Counted before it is taken.
        var held = QueryCost()
        var notes = LastNotes()
        var fault = EarliestFault()

        init(stepCount: Int, context: QueryContext) throws(QueryError) {
            self.stepCount = stepCount
            self.context = context
            try hold(QueryCost(bytes: stepCount * 8))
        }

        private mutating func hold(_ cost: QueryCost) throws(QueryError) {
            try context.hold(cost)
            held += cost
        }

        mutating func giveBack(_ cost: QueryCost) {
            context.release(cost)
            held += QueryCost(samples: -cost.samples, bytes: -cost.bytes)
        }

        /// A result with nothing at any step, one at a time.
        mutating func begin(_ labels: LabelSet) -> StepSeries {
            var result = StepSeries(labels: labels, values: floats)
            floats = []
            result.makeAbsent(over: stepCount)
            return result
        }

        /// Takes a result that is complete.
        mutating func add(_ given: consuming StepSeries, place: Int) throws(QueryError) {
            var result = given
            // Those of one partner are in order, those of several may not be.
            if result.histograms.count > 1 { result.histograms.sort { $0.step < $1.step } }
            try hold(PackedSeries.cost(of: result) + QueryCost(bytes: MemoryLayout<Int>.stride))
            series.append(PackedSeries(taking: &result))
            places.append(place)
            // There where it was copied.
            floats = result.takeValues()
        }

        /// All results: those of the many side in its order, then those that it was filled in for.
        mutating func takeAll() -> [PackedSeries] {
            var all: [PackedSeries] = []
            swap(&all, &series)
            // Where labels tell the order it is made later.
            if context.ordersByLabels || zip(places, places.dropFirst()).allSatisfy({ $0 <= $1 }) { return all }
            let order = places.indices.sorted { (places[$0], $0) < (places[$1], $1) }
            return order.map { all[$0] }
        }
    }

    private func compute(_ groups: MatchGroups, _ index: Int, into results: inout Results) throws(QueryError) {
        let group = groups.groups[index]
        var taken = OccupiedSteps(
            cardinality: matching.cardinality, stepCount: timeline.count,
            isNeeded: group.many.count > 1 || manyFill != nil)
        let missingOne = oneFill.map {
            PackedSeries(labels: group.key, values: groups.absence(of: group.one, in: groups.one, filledWith: $0))
        }
        for manyIndex in group.many {
            var partners: [Partner] = []
            for oneIndex in group.one {
                let steps = groups.sharedSteps(manyIndex, oneIndex)
                if !steps.isEmpty {
                    partners.append(Partner(one: groups.one[oneIndex], steps: steps, order: manyIndex))
                }
            }
            if let missingOne {
                let steps = groups.many[manyIndex].extent
                partners.append(Partner(one: missingOne, steps: steps, order: manyIndex))
            }
            try combine(groups.many[manyIndex], with: partners, place: manyIndex, &taken, into: &results)
        }
        guard let manyFill else { return }
        let missing = PackedSeries(
            labels: group.key,
            values: (0..<timeline.count).map { taken.isTaken(at: $0) ? Column.absent : manyFill })
        let partners = group.one.map {
            Partner(one: groups.one[$0], steps: groups.one[$0].extent, order: groups.many.count + $0)
        }
        var free = OccupiedSteps(cardinality: matching.cardinality, stepCount: timeline.count, isNeeded: false)
        try combine(missing, with: partners, place: partners.first?.order ?? 0, &free, into: &results)
    }

    /// A series of the one side that an element of the many side meets at some steps.
    private struct Partner {
        let one: PackedSeries
        let steps: Range<Int>
        /// Where what is told of the pair stands among all that is told at a step.
        let order: Int
    }

    /// The results of a series of the many side, one for each set of labels.
    private func combine(
        _ many: PackedSeries, with partners: [Partner], place: Int, _ taken: inout OccupiedSteps,
        into results: inout Results
    ) throws(QueryError) {
        try results.context.limits.check()
        var current: StepSeries?
        for partner in partners {
            // Without labels of the one side all results of the series have the same.
            if current == nil || !matching.include.isEmpty {
                let labels = resultLabels(many.labels, partner.one.labels)
                if let known = current, known.labels != labels {
                    try results.add(known, place: place)
                    current = nil
                }
                if current == nil {
                    current = results.begin(labels)
                    current?.dropsName = delaysNameRemoval && element.returnsBool
                }
            }
            guard var result = current.take() else { continue }
            let refused = pair(many, partner, into: &result, &results.notes)
            try taken.occupy(
                many, partner.one, over: partner.steps, labels: result.labels, refused: refused, results.context,
                &results.held, &results.fault)
            current = result
        }
        if let current { try results.add(current, place: place) }
    }

    /// The operator at the steps at which both have an element; the steps whose elements do not go together.
    private func pair(
        _ many: PackedSeries, _ partner: Partner, into result: inout StepSeries, _ notes: inout LastNotes
    ) -> [Int] {
        let left = isSwapped ? partner.one : many
        let right = isSwapped ? many : partner.one
        if !left.histograms.isEmpty || !right.histograms.isEmpty || element.symbol.isTrim {
            return pairElements(left, right, partner, into: &result, &notes)
        }
        ColumnPair(symbol: element.symbol, returnsBool: element.returnsBool)
            .apply(left, right, over: partner.steps, into: &result.values)
        return []
    }

    /// The slow way, element by element, for series with histograms.
    private func pairElements(
        _ left: PackedSeries, _ right: PackedSeries, _ partner: Partner, into result: inout StepSeries,
        _ notes: inout LastNotes
    ) -> [Int] {
        var refused: [Int] = []
        for step in partner.steps {
            guard let leftElement = left.element(at: step), let rightElement = right.element(at: step) else {
                continue
            }
            var note: ElementOperator.Note?
            switch element.apply(leftElement, rightElement, &note) {
            case .float(let value):
                result.values[step] = element.returnsBool && element.symbol.isComparison ? 1 : value
            case .histogram(let histogram):
                if element.returnsBool {
                    result.values[step] = 1
                } else {
                    result.histograms.append(StepHistogram(step: step, histogram: histogram))
                }
            case .filtered: if element.returnsBool { result.values[step] = 0 }
            case .incompatible: refused.append(step)
            }
            if let note { notes.add(note, at: step, order: partner.order) }
        }
        return refused
    }

    private func resultLabels(_ many: LabelSet, _ one: LabelSet) -> LabelSet {
        var labels = keepsNames ? many : many.droppingMetadata()
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

    /// Puts the results of the steps at which both sides have a value into `results`.
    func apply(
        _ leftSeries: PackedSeries, _ rightSeries: PackedSeries, over given: Range<Int>, into results: inout [Double]
    ) {
        let function = FloatOperator(symbol)
        let steps = leftSeries.floatSteps(in: rightSeries.floatSteps(in: given))
        guard !steps.isEmpty else { return }
        let leftFirst = steps.lowerBound - leftSeries.firstStep
        let rightFirst = steps.lowerBound - rightSeries.firstStep
        let left = leftSeries.values[leftFirst..<leftFirst + steps.count].span
        let right = rightSeries.values[rightFirst..<rightFirst + steps.count].span
        let firstStep = steps.lowerBound
        @inline(__always)
        func combine(_ operation: (Double, Double) -> Double) {
            for index in left.indices where !left[index].isAbsent && !right[index].isAbsent {
                results[firstStep + index] = operation(left[index], right[index])
            }
        }
        switch symbol {
        case .add: combine { $0 + $1 }
        case .subtract: combine { $0 - $1 }
        case .multiply: combine { $0 * $1 }
        case .divide: combine { $0 / $1 }
        case let comparison where comparison.isComparison && returnsBool:
            combine { function.holds($0, $1) ? 1 : 0 }
        case let comparison where comparison.isComparison:
            combine { function.holds($0, $1) ? $0 : Column.absent }
        default: combine { function.arithmetic($0, $1) }
        }
    }
}
