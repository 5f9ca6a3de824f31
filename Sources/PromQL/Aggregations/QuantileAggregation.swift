import MetricModel

/// `quantile`: interpolated between the ranks of a group's values.
struct QuantileAggregation: VectorOperator {
    let operand: any VectorOperator
    let parameter: any ScalarOperator
    let grouping: Grouping
    let annotator: AggregationAnnotator
    let judge: QuantileJudge
    var delaysNameRemoval = false

    var timeline: Timeline { operand.timeline }
    var sharesOneName: Bool { grouping.hasNoName }

    /// The series of a group, which are put aside without labels: a step's values are needed together.
    private struct Group {
        let labels: LabelSet
        var members = SeriesAside()
        var marks = NameMarks()
        let labelsCost: QueryCost
    }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        let quantiles = try parameter.evaluate(context)
        judge.judgeFarthest(quantiles, context)
        var groups = try gather(context)
        if context.ordersByLabels { groups.sort { LabelOrder.precedes($0.labels, $1.labels) } }
        var scratch: [Double] = []
        for index in groups.indices {
            try context.limits.check()
            let group = groups[index]
            var result = StepSeries(labels: group.labels, absentOver: timeline.count)
            for step in 0..<timeline.count {
                scratch.removeAll(keepingCapacity: true)
                for member in group.members.series {
                    let value = member.value(at: step)
                    if !value.isAbsent { scratch.append(value) }
                }
                if scratch.isEmpty { continue }
                result.values[step] = Quantile.of(&scratch, quantiles[step])
            }
            result.dropsName = group.marks.dropName
            groups[index].members = SeriesAside()
            context.release(group.members.cost + group.labelsCost)
            if !result.isEmpty { try body(&result) }
        }
    }

    private func gather(_ context: QueryContext) throws(QueryError) -> [Group] {
        var groups: [Group] = []
        var hasHistograms = false
        let numbers = OperandGroups(grouping)
        try operand.stream(context, into: numbers) { (series: inout StepSeries) throws(QueryError) in
            if !series.histograms.isEmpty { hasHistograms = true }
            let index = Int(series.group)
            while index >= groups.count {
                let key = numbers.labels(of: groups.count)
                let cost = StepSeries.keyCost(key)
                try context.hold(cost)
                groups.append(Group(labels: key, labelsCost: cost))
            }
            series.labels = .empty
            series.dropHistograms()
            if delaysNameRemoval { groups[index].marks.add(series) }
            try groups[index].members.add(&series, context)
        }
        if hasHistograms { annotator.annotate(AggregationNotes(.ignoredHistograms), context) }
        return groups
    }
}
