import MetricModel

/// When an operator's results lose name, type and unit.
struct NameDropping: Sendable {
    /// Delayed name removal: the series is only marked.
    var delays: Bool

    /// Applies the rule to a series.
    func apply(_ series: inout StepSeries) {
        if delays {
            series.dropsName = true
        } else {
            // On the way to an aggregation they mostly have none.
            if !series.labels.isEmpty { series.labels = series.labels.droppingMetadata() }
        }
    }
}

/// Gives the series of an operator without their names, or marks them.
///
/// Where that may give two series the same labels all of them are gathered and merged first.
struct NamelessVector: VectorOperator {
    let operand: any VectorOperator
    let dropping: NameDropping
    /// Series with the same labels become one where they have no step in common; otherwise they are an error.
    ///
    /// Range functions work on series, not on steps: in Prometheus theirs are an error in any case.
    let mergesSteps: Bool
    /// What happens where a float and a histogram meet.
    let kinds: KindMeeting

    enum KindMeeting {
        case refused
        /// Operators above see one of them.
        case separated
        case kept
    }

    var timeline: Timeline { operand.timeline }
    var sharesOneName: Bool { operand.sharesOneName || !dropping.delays }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        guard dropping.delays || operand.sharesOneName else { return try merge(context, body) }
        if dropping.delays {
            try operand.stream(context) { (series: inout StepSeries) throws(QueryError) in
                series.dropsName = true
                try body(&series)
            }
        } else {
            try operand.streamNameless(context, body)
        }
    }

    func stream(_ context: QueryContext, into groups: OperandGroups, _ body: SeriesBody) throws(QueryError) {
        guard dropping.delays || operand.sharesOneName else {
            return try merge(context) { (series: inout StepSeries) throws(QueryError) in
                series.group = Int32(groups.number(of: series.labels))
                try body(&series)
            }
        }
        if !dropping.delays { groups.ignoreMetadata() }
        try operand.stream(context, into: groups) { (series: inout StepSeries) throws(QueryError) in
            dropping.apply(&series)
            try body(&series)
        }
    }

    private func merge(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        var merger = SeriesMerger(kinds == .refused ? .refused : .allowedBetweenKinds)
        var held = QueryCost()
        try operand.stream(context) { (series: inout StepSeries) throws(QueryError) in
            let cost = series.cost
            guard cost.samples > 0 else { return }
            try context.hold(cost)
            held += cost
            dropping.apply(&series)
            let before = merger.series.count
            try merger.add(series)
            if !mergesSteps, merger.series.count == before { throw .sameLabelSet }
        }
        if !mergesSteps { context.noteDependenceOnAllSteps() }
        var all = merger.series
        merger = SeriesMerger()
        context.order(&all)
        for index in all.indices {
            if kinds == .separated { all[index].separateKinds() }
            try body(&all[index])
        }
        context.release(held)
    }
}

extension Planner {
    /// The operator with the names of its results dropped, if they are to be.
    func nameless(
        _ operand: any VectorOperator, drops: Bool = true, mergesSteps: Bool = true,
        kinds: NamelessVector.KindMeeting = .refused
    ) -> any VectorOperator {
        guard drops else { return operand }
        return NamelessVector(
            operand: operand, dropping: NameDropping(delays: settings.delaysNameRemoval), mergesSteps: mergesSteps,
            kinds: kinds)
    }
}
