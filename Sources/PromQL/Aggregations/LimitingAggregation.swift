import MetricModel
import PromQLSyntax

/// `limitk` and `limit_ratio`: some elements of each group, with their own labels.
struct LimitingAggregation: VectorOperator {
    let operand: any VectorOperator
    let parameter: any ScalarOperator
    let grouping: Grouping
    let isRatio: Bool
    let parameterRange: SourceRange
    /// The whole aggregation.
    let range: SourceRange

    var timeline: Timeline { operand.timeline }
    var sharesOneName: Bool { operand.sharesOneName }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        let values = try parameter.evaluate(context)
        guard timeline.count == 1, !context.isRangeQuery else { return try select(values, context, body) }
        // At one time what is kept comes out group by group, in the order of the heap that Prometheus puts it into.
        var groups: [RankingHeap<StepSeries>] = []
        var indexes: [LabelSet: Int] = [:]
        var held = QueryCost()
        defer { context.release(held) }
        try select(values, context) { (series: inout StepSeries) throws(QueryError) in
            let key = grouping.key(of: series.labels)
            let index = indexes[key] ?? groups.count
            var cost = series.cost
            if index == groups.count { cost += StepSeries.keyCost(key) }
            try context.hold(cost)
            held += cost
            if index == groups.count {
                indexes[key] = index
                groups.append(RankingHeap(limit: .max, takesLargest: true))
            }
            _ = groups[index].insert(series.histograms.isEmpty ? series.values[0] : 0, &series)
        }
        for group in groups {
            for var series in group.inOrderOfHeap { try body(&series) }
        }
    }

    private func select(_ values: [Double], _ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        if isRatio { try streamRatio(values, context, body) } else { try streamCount(values, context, body) }
    }

    private func streamCount(_ values: [Double], _ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        guard let limits = try ElementLimit.counts(values, of: operand, context) else { return }
        var taken: [LabelSet: [Int]] = [:]
        let stepCount = timeline.count
        var held = QueryCost()
        defer { context.release(held) }
        try operand.stream(context) { (series: inout StepSeries) throws(QueryError) in
            let key = grouping.key(of: series.labels)
            let known = taken.removeValue(forKey: key)
            if known == nil {
                let cost = StepSeries.keyCost(key) + QueryCost(bytes: stepCount * 8)
                try context.hold(cost)
                held += cost
            }
            var counts = known ?? [Int](repeating: 0, count: stepCount)
            var presence = series.presence()
            for step in 0..<stepCount where presence[step] {
                if counts[step] < limits[step] { counts[step] += 1 } else { presence[step] = false }
            }
            taken[key] = counts
            series.keep(where: presence)
            if presence.contains(true) { try body(&series) }
        }
    }

    private func streamRatio(_ values: [Double], _ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        if values.contains(where: \.isNaN) {
            try operand.discard(context)
            throw .execution(message: "Ratio value is NaN")
        }
        // Of all steps the farthest value on each side is told.
        for (value, bound) in [(values.max(), 1.0), (values.min(), -1.0)] {
            guard let value, bound > 0 ? value > bound : value < bound else { continue }
            context.warn(
                "ratio value should be between -1 and 1, got \(GoNumber.general(value)), capping to "
                    + GoNumber.general(bound), at: parameterRange, by: range)
        }
        let ratios = values.map { min(max($0, -1), 1) }
        try operand.stream(context) { (series: inout StepSeries) throws(QueryError) in
            let position = Double(LabelHash.hash(series.labels)) / Double(UInt64.max)
            let kept = ratios.map { ratio in
                ratio >= 0 ? position < ratio : position >= 1 + ratio
            }
            series.keep(where: kept)
            if !series.isEmpty { try body(&series) }
        }
    }
}
