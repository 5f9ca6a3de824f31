import MetricModel
import PromQLSyntax

/// `limitk` and `limit_ratio`: some elements of each group, with their own labels.
struct LimitingAggregation: VectorOperator {
    let operand: any VectorOperator
    let parameter: any ScalarOperator
    let grouping: Grouping
    let isRatio: Bool
    let parameterRange: SourceRange

    var timeline: Timeline { operand.timeline }
    var sharesOneName: Bool { operand.sharesOneName }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        let values = try parameter.evaluate(context)
        if isRatio { try streamRatio(values, context, body) } else { try streamCount(values, context, body) }
    }

    private func streamCount(_ values: [Double], _ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        let limits = try ElementLimit.counts(values, context)
        var taken: [LabelSet: [Int]] = [:]
        let stepCount = timeline.count
        try operand.stream(context) { (series: inout StepSeries) throws(QueryError) in
            let key = grouping.key(of: series.labels)
            var counts = taken.removeValue(forKey: key) ?? [Int](repeating: 0, count: stepCount)
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
        var ratios = values
        for step in ratios.indices {
            if ratios[step].isNaN { throw .execution(message: "Ratio value is NaN") }
            let capped = min(max(ratios[step], -1), 1)
            if capped != ratios[step] {
                context.warn(
                    "ratio value should be between -1 and 1, got \(GoNumber.general(ratios[step])), capping to "
                        + GoNumber.general(capped), at: parameterRange)
            }
            ratios[step] = capped
        }
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
