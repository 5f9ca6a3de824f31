import MetricModel

/// Series that are put aside, counted against the limits of samples and bytes until the caller releases what they cost.
struct SeriesAside {
    var series: [PackedSeries] = []
    private(set) var cost = QueryCost()

    /// Takes a series that has samples.
    mutating func add(_ given: inout StepSeries, _ context: QueryContext) throws(QueryError) {
        let added = PackedSeries.cost(of: given)
        guard added.samples > 0 else { return }
        try context.hold(added)
        cost += added
        series.append(PackedSeries(taking: &given))
    }

    /// Takes all that others have put aside, behind those that are here, with what they cost.
    mutating func take(allOf other: inout SeriesAside) {
        series += other.series
        cost += other.cost
        other = SeriesAside()
    }

    /// Gives one of them over all steps to whoever counts it from now on.
    mutating func take(at index: Int, over stepCount: Int, _ context: QueryContext) -> StepSeries {
        var taken = PackedSeries.none
        swap(&taken, &series[index])
        // Its place in the list stays, which may have grown by doubling.
        let given = QueryCost(
            samples: taken.cost.samples, bytes: taken.cost.bytes - 2 * MemoryLayout<PackedSeries>.stride)
        context.release(given)
        cost += QueryCost(samples: -given.samples, bytes: -given.bytes)
        return taken.unpacked(over: stepCount)
    }

    /// Hands all of them on, those of equal labels as one, in the order that the query wants; nothing is held any more then.
    ///
    /// - Parameter isEach: Two series of equal labels are an error, even where they share no step.
    mutating func handOn(
        over stepCount: Int, isEach: Bool = false, kinds: SeriesMerger.Meeting = .refused, _ context: QueryContext,
        _ body: SeriesBody
    ) throws(QueryError) {
        let count = series.count
        // One list, of which nobody else knows.
        series = try PackedSeries.merged(series, over: stepCount, kinds)
        if isEach, series.count < count { throw .sameLabelSet }
        context.order(&series)
        for index in series.indices {
            var whole = take(at: index, over: stepCount, context)
            if kinds == .separated { whole.separateKinds() }
            try body(&whole)
        }
        end(context)
    }

    /// Gives back what is held still.
    mutating func end(_ context: QueryContext) {
        context.release(cost)
        self = SeriesAside()
    }
}
