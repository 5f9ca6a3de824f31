import MetricModel
import PromQLSyntax

/// `sort`, `sort_desc`, `sort_by_label` and `sort_by_label_desc`; only the order of an instant query's result changes.
struct SortFunction: VectorOperator {
    let operand: any VectorOperator
    let isDescending: Bool
    /// The labels to sort by, nil to sort by value.
    let labels: [String]?
    let range: SourceRange
    /// It is evaluated from one time to another, of a query or a subquery, and not once.
    let coversTime: Bool

    var timeline: Timeline { operand.timeline }
    var sharesOneName: Bool { operand.sharesOneName }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        if coversTime {
            context.warn(
                "sort is ineffective for range queries since results are always ordered by labels", at: range)
        }
        guard timeline.count == 1 else {
            return try operand.stream(context) { (series: inout StepSeries) throws(QueryError) in
                if labels == nil { series.dropHistograms() }
                if !series.isEmpty { try body(&series) }
            }
        }
        let collected = try operand.collect(context)
        var series = collected.series
        if let labels { try sort(&series, by: labels, context) } else { sortByValue(&series) }
        for index in series.indices { try body(&series[index]) }
        context.release(collected.cost)
    }

    /// NaN comes last in both directions; histograms have no value to sort by.
    private func sortByValue(_ series: inout [StepSeries]) {
        for index in series.indices { series[index].dropHistograms() }
        series.removeAll { $0.isEmpty }
        let isDescending = isDescending
        // An element precedes NaN, whichever it is.
        PatternDefeatingSort.sort(&series) { left, right in
            let (left, right) = (left.values[0], right.values[0])
            return right.isNaN || (isDescending ? left > right : left < right)
        }
    }

    /// The place of a series with the texts of the labels to sort by.
    private struct Key {
        let index: Int
        let texts: [NaturalText]
    }

    private func sort(
        _ series: inout [StepSeries], by labels: [String], _ context: QueryContext
    ) throws(QueryError) {
        var keys: [Key] = []
        var held = QueryCost()
        for index in series.indices {
            let key = Key(index: index, texts: labels.map { NaturalText(series[index].labels.value(of: $0)) })
            let cost = QueryCost(
                bytes: 64 + MemoryLayout<StepSeries>.stride + key.texts.reduce(0) { $0 + $1.byteCount })
            try context.hold(cost)
            held += cost
            keys.append(key)
        }
        let isDescending = isDescending
        PatternDefeatingSort.sort(&keys) { left, right in
            for (text, other) in zip(left.texts, right.texts) where !text.isExactly(other) {
                return isDescending != text.precedes(other)
            }
            let (labels, others) = (series[left.index].labels, series[right.index].labels)
            return isDescending ? others < labels : labels < others
        }
        series = keys.map { series[$0.index] }
        context.release(held)
    }
}
