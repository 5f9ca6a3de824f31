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
    let kinds: SeriesMerger.Meeting

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

    func labels(_ context: QueryContext) throws(QueryError) -> KnownLabels? {
        guard dropping.delays || operand.sharesOneName else { return nil }
        guard var known = try operand.labels(context) else { return nil }
        if !dropping.delays {
            for index in known.labels.indices { known.labels[index] = known.labels[index].droppingMetadata() }
        }
        return known
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
        var aside = SeriesAside()
        // Nobody has to wait for all series to hear of two that are alike.
        let stopsEarly = !operand.hasFaults
        var places = LabelPlaces()
        var held = QueryCost()
        try operand.stream(context) { (series: inout StepSeries) throws(QueryError) in
            dropping.apply(&series)
            if stopsEarly, !series.isEmpty {
                let cost = QueryCost(bytes: LabelPlaces.bytesPerLabelSet)
                try context.hold(cost)
                held += cost
                if let known = places.take(series.labels, at: aside.series.count),
                    aside.series[known].labels == series.labels,
                    !mergesSteps || aside.series[known].meets(series, kinds)
                {
                    throw .sameLabelSet
                }
            }
            try aside.add(&series, context)
        }
        places = LabelPlaces()
        context.release(held)
        if !mergesSteps { context.noteDependenceOnAllSteps() }
        try aside.handOn(over: timeline.count, isEach: !mergesSteps, kinds: kinds, context, body)
    }
}

extension Planner {
    /// The operator with the names of its results dropped, if they are to be.
    func nameless(
        _ operand: any VectorOperator, drops: Bool = true, mergesSteps: Bool = true,
        kinds: SeriesMerger.Meeting = .refused
    ) -> any VectorOperator {
        guard drops else { return operand }
        return NamelessVector(
            operand: operand, dropping: NameDropping(delays: settings.delaysNameRemoval), mergesSteps: mergesSteps,
            kinds: kinds)
    }
}
