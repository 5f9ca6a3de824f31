import MetricModel

/// `quantile`: interpolated between the ranks of a group's values.
struct QuantileAggregation: VectorOperator {
    let operand: any VectorOperator
    let parameter: any ScalarOperator
    let grouping: Grouping
    let annotator: AggregationAnnotator
    let judge: QuantileJudge

    var timeline: Timeline { operand.timeline }
    var sharesOneName: Bool { false }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        let quantiles = try parameter.evaluate(context)
        judge.judgeFarthest(quantiles, context)
        let grouped = try GroupedSeries(operand, grouping, context)
        if grouped.hasHistograms { annotator.annotate(AggregationNotes(.ignoredHistograms), context) }
        var scratch: [Double] = []
        for group in grouped.groups {
            try context.limits.check()
            var result = StepSeries(labels: group.labels, absentOver: timeline.count)
            for step in 0..<timeline.count {
                scratch.removeAll(keepingCapacity: true)
                for index in group.members where !grouped.series[index].values[step].isAbsent {
                    scratch.append(grouped.series[index].values[step])
                }
                if scratch.isEmpty { continue }
                result.values[step] = Quantile.of(&scratch, quantiles[step])
            }
            result.dropsName = group.members.contains { grouped.series[$0].dropsName }
            if !result.isEmpty { try body(&result) }
        }
        context.release(grouped.cost)
    }
}
