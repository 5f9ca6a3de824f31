import MetricModel
import PromQLSyntax

/// `and`, `or` and `unless`: elements survive by whether the other side has one with the same match key.
struct SetOperation: VectorOperator {
    let left: any VectorOperator
    let right: any VectorOperator
    let symbol: BinaryOperator
    let key: LabelFilter

    var timeline: Timeline { left.timeline }
    var sharesOneName: Bool { symbol == .or ? false : left.sharesOneName }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        if symbol == .or { return try streamUnion(context, body) }
        var held = QueryCost()
        let present = try presentOnTheRight(context, &held)
        defer { context.release(held) }
        if symbol == .and, present.isEmpty { return try left.discard(context) }
        let keepsPresent = symbol == .and
        try left.stream(context) { (series: inout StepSeries) throws(QueryError) in
            if let other = present[key.apply(series.labels)] {
                series.keep(where: keepsPresent ? other : other.map { !$0 })
            } else if keepsPresent {
                return
            }
            try body(&series)
        }
    }

    private func presentOnTheRight(
        _ context: QueryContext, _ held: inout QueryCost
    ) throws(QueryError) -> [LabelSet: [Bool]] {
        var present: [LabelSet: [Bool]] = [:]
        do {
            try right.stream(context) { (series: inout StepSeries) throws(QueryError) in
                try Self.note(series, under: key.apply(series.labels), in: &present, &held, context)
            }
        } catch {
            // Where both sides fail it is the left one's error that is told.
            try left.discard(context)
            throw error
        }
        return present
    }

    private func streamUnion(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        var present: [LabelSet: [Bool]] = [:]
        var all: [StepSeries] = []
        var held = QueryCost()
        try left.stream(context) { (series: inout StepSeries) throws(QueryError) in
            try Self.note(series, under: key.apply(series.labels), in: &present, &held, context)
            let cost = series.cost
            try context.hold(cost)
            held += cost
            all.append(series)
        }
        try right.stream(context) { (series: inout StepSeries) throws(QueryError) in
            if let other = present[key.apply(series.labels)] { series.keep(where: other.map { !$0 }) }
            let cost = series.cost
            guard cost.samples > 0 else { return }
            try context.hold(cost)
            held += cost
            all.append(series)
        }
        var merged = try SeriesMerger.merged(all)
        context.order(&merged)
        for index in merged.indices { try body(&merged[index]) }
        context.release(held)
    }

    private static func note(
        _ series: StepSeries, under key: LabelSet, in present: inout [LabelSet: [Bool]], _ held: inout QueryCost,
        _ context: QueryContext
    ) throws(QueryError) {
        guard var known = present.removeValue(forKey: key) else {
            let cost = StepSeries.keyCost(key) + QueryCost(bytes: series.values.count)
            try context.hold(cost)
            held += cost
            present[key] = series.presence()
            return
        }
        for step in series.values.indices where !series.values[step].isAbsent { known[step] = true }
        for sample in series.histograms { known[sample.step] = true }
        present[key] = known
    }
}
