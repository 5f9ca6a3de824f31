import MetricModel

/// `topk` and `bottomk`: the elements of a group with the largest or smallest values, with their own labels.
struct RankingAggregation: VectorOperator {
    let operand: any VectorOperator
    let parameter: any ScalarOperator
    let grouping: Grouping
    let takesLargest: Bool
    let annotator: AggregationAnnotator

    var timeline: Timeline { operand.timeline }
    var sharesOneName: Bool { operand.sharesOneName }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        guard let limits = try ElementLimit.counts(parameter.evaluate(context), of: operand, context) else { return }
        if timeline.count == 1, !context.isRangeQuery { return try streamInstant(limits[0], context, body) }
        let ranking = StepRanking(limits: limits, takesLargest: takesLargest, context)
        let groups = OperandGroups(grouping)
        var hasHistograms = false
        try operand.stream(context, into: groups) { (series: inout StepSeries) throws(QueryError) in
            // Where nothing is asked for nothing is looked at.
            if !hasHistograms { hasHistograms = series.histograms.contains { limits[$0.step] > 0 } }
            guard ranking.takes(series) else { return }
            // Most series are not among the best, and need no labels.
            groups.label(&series)
            try ranking.begin(series.group) { groups.labels(of: $0) }
            try ranking.add(&series)
        }
        if hasHistograms { annotator.annotate(AggregationNotes(.ignoredHistograms), context) }
        try ranking.finish(body)
    }

    /// At one time the result is ranked: the best first, group by group in order of appearance.
    ///
    /// Only the best so far are held.
    private func streamInstant(_ limit: Int, _ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        let best = BestElements(limit: limit, takesLargest: takesLargest)
        let groups = OperandGroups(grouping)
        var hasHistograms = false
        try operand.stream(context, into: groups) { (series: inout StepSeries) throws(QueryError) in
            if series.isEmpty { return }
            if !series.histograms.isEmpty { hasHistograms = true }
            if !best.knows(series.group) {
                try best.begin(series.group, labels: groups.labels(of: Int(series.group)), context)
            }
            guard best.takes(series) else { return }
            groups.label(&series)
            series.dropHistograms()
            try best.insert(&series, context)
        }
        if hasHistograms { annotator.annotate(AggregationNotes(.ignoredHistograms), context) }
        try best.finish(body, context)
    }
}

/// The best elements of each group at one time, as far as series have come.
///
/// Belongs to the thread that runs the query. Nothing that it calls comes back to it: to ask at run time whether something does took
/// 190 instructions a series.
private final class BestElements {
    private let limit: Int
    private let takesLargest: Bool
    /// In order of appearance.
    @exclusivity(unchecked) private var groups: [RankingHeap<StepSeries>] = []
    /// For each number of a group its place here, -1 where no series of it had anything.
    @exclusivity(unchecked) private var places: [Int] = []
    /// What is counted for the elements and for the keys of the groups.
    @exclusivity(unchecked) private var held = QueryCost()

    init(limit: Int, takesLargest: Bool) {
        self.limit = limit
        self.takesLargest = takesLargest
    }

    func knows(_ group: Int32) -> Bool { unsafe Int(group) < places.count && places[Int(group)] >= 0 }

    func begin(_ group: Int32, labels: LabelSet, _ context: QueryContext) throws(QueryError) {
        let cost = StepSeries.keyCost(labels)
        try context.hold(cost)
        unsafe held += cost
        while unsafe places.count <= Int(group) { unsafe places.append(-1) }
        unsafe places[Int(group)] = groups.count
        unsafe groups.append(RankingHeap(limit: limit, takesLargest: takesLargest))
    }

    /// Whether a series of this value would be taken in.
    func takes(_ series: StepSeries) -> Bool {
        let value = series.values[0]
        if value.isAbsent { return false }
        return unsafe knows(series.group) ? groups[places[Int(series.group)]].takes(value) : limit > 0
    }

    /// Takes in a series of a group that is known, and lets go of another that has to go for it.
    func insert(_ series: inout StepSeries, _ context: QueryContext) throws(QueryError) {
        let cost = series.cost
        if unsafe groups[places[Int(series.group)]].insert(series.values[0], &series) {
            let gone = series.cost
            context.release(gone)
            unsafe held.samples -= gone.samples
            unsafe held.bytes -= gone.bytes
        }
        try context.hold(cost)
        unsafe held += cost
    }

    /// Gives what was kept, group by group, the best first.
    func finish(_ body: SeriesBody, _ context: QueryContext) throws(QueryError) {
        for index in unsafe groups.indices {
            for var series in unsafe groups[index].takeSorted() { try body(&series) }
        }
        unsafe context.release(held)
    }
}

/// The parameter of `topk`, `bottomk` and `limitk` as a number of elements.
enum ElementLimit {
    /// The greatest number below 2^63, which is too large already.
    private static let upperLimit = 9_223_372_036_854_774_784.0

    /// Truncated to whole numbers; what is none is an error, unless the operand has one.
    ///
    /// Nil where no step asks for an element, however far below: the operand is evaluated for its errors then.
    static func counts(
        _ values: [Double], of operand: any VectorOperator, _ context: QueryContext
    ) throws(QueryError) -> [Int]? {
        let isNumber = !values.contains(where: \.isNaN)
        if isNumber, !values.contains(where: { $0 >= 1 }) {
            try operand.discard(context)
            return nil
        }
        if let fault = isNumber ? fault(of: values) : "Parameter value is NaN" {
            try operand.discard(context)
            throw .execution(message: fault)
        }
        return values.map { Int($0) }
    }

    private static func fault(of values: [Double]) -> String? {
        if let least = values.min(), least <= -0x1p63 {
            return "Scalar value \(GoNumber.general(least)) underflows int64"
        }
        if let greatest = values.max(), greatest >= upperLimit {
            return "Scalar value \(GoNumber.general(greatest)) overflows int64"
        }
        return nil
    }
}
