import Bytes
import MetricModel

/// `count_values`: how often each value stands in a group, the value as a label.
struct CountValuesAggregation: VectorOperator {
    let operand: any VectorOperator
    /// Nil where the grouping takes the label away.
    let label: String?
    let grouping: Grouping

    var timeline: Timeline { operand.timeline }
    var sharesOneName: Bool { false }

    private struct Key: Hashable {
        var group: LabelSet
        var value: String
    }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        var results: [StepSeries] = []
        var indexes: [Key: Int] = [:]
        var texts: [UInt64: String] = [:]
        var held = QueryCost()
        let stepCount = timeline.count
        func count(_ value: String, at step: Int, _ group: LabelSet) throws(QueryError) {
            let key = Key(group: group, value: label == nil ? "" : value)
            let index: Int
            if let known = indexes[key] {
                index = known
            } else {
                index = results.count
                let cost = QueryCost(
                    samples: stepCount,
                    bytes: 2 * (StepSeries.overheadBytes + group.encoded.count + value.utf8.count) + stepCount * 8)
                try context.hold(cost)
                held += cost
                indexes[key] = index
                var labels = LabelSetBuilder(group)
                if let label { labels.set(label, to: value) }
                results.append(StepSeries(labels: labels.build(), absentOver: stepCount))
            }
            let before = results[index].values[step]
            results[index].values[step] = before.isAbsent ? 1 : before + 1
        }
        try operand.stream(context) { (series: inout StepSeries) throws(QueryError) in
            let group = grouping.key(of: series.labels)
            for step in 0..<stepCount where !series.values[step].isAbsent {
                let bits = series.values[step].bitPattern
                let text = texts[bits] ?? DecimalFormatting.text(series.values[step], style: .plain)
                if texts[bits] == nil {
                    let cost = QueryCost(bytes: 64 + text.utf8.count)
                    try context.hold(cost)
                    held += cost
                }
                texts[bits] = text
                try count(text, at: step, group)
            }
            for sample in series.histograms {
                try count(sample.histogram.compactText, at: sample.step, group)
            }
        }
        context.order(&results)
        for index in results.indices { try body(&results[index]) }
        context.release(held)
    }
}
