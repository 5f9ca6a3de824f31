import MetricModel
import PromQLSyntax

/// `label_replace` and `label_join`: one label is set from others.
struct LabelFunction: VectorOperator {
    enum Change {
        case replace(pattern: RegexPattern, replacement: String, source: String)
        case join(separator: String, sources: [String])
    }

    let operand: any VectorOperator
    let destination: String
    let change: Change

    var timeline: Timeline { operand.timeline }
    var sharesOneName: Bool { destination != LabelName.metricName && operand.sharesOneName }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        var merger = SeriesMerger()
        var held = QueryCost()
        try operand.stream(context) { (series: inout StepSeries) throws(QueryError) in
            let cost = series.cost
            try context.hold(cost)
            held += cost
            if let text = newValue(series.labels) {
                let made = QueryCost(bytes: text.utf8.count)
                try context.hold(made)
                held += made
                var builder = LabelSetBuilder(series.labels)
                builder.set(destination, to: text)
                series.labels = builder.build()
                if destination == LabelName.metricName { series.dropsName = false }
            }
            try merger.add(series)
        }
        var all = merger.series
        context.order(&all)
        for index in all.indices { try body(&all[index]) }
        context.release(held)
    }

    /// Nil leaves the label as it is.
    private func newValue(_ labels: LabelSet) -> String? {
        switch change {
        case .replace(let pattern, let replacement, let source):
            let text = Array(labels.value(of: source).utf8)
            guard let match = pattern.groups(in: text, from: 0, wholeText: true) else { return nil }
            return pattern.expand(replacement, match: match, in: text)
        case .join(let separator, let sources):
            return sources.map { labels.value(of: $0) }.joined(separator: separator)
        }
    }
}

extension Planner {
    func labelReplace(_ call: Call, on timeline: Timeline) throws(QueryError) -> any VectorOperator {
        let texts = try strings(call.arguments.dropFirst())
        let pattern: RegexPattern
        do {
            pattern = try RegexPattern(texts[3])
        } catch {
            throw .execution(message: "invalid regular expression in label_replace(): \(texts[3])")
        }
        guard LabelText.isValidName(texts[0]) else {
            throw .execution(message: "invalid destination label name in label_replace(): \(texts[0])")
        }
        return LabelFunction(
            operand: try vector(call.arguments[0], on: timeline), destination: texts[0],
            change: .replace(pattern: pattern, replacement: texts[1], source: texts[2]))
    }

    func labelJoin(_ call: Call, on timeline: Timeline) throws(QueryError) -> any VectorOperator {
        let texts = try strings(call.arguments.dropFirst())
        for source in texts.dropFirst(2) where !LabelText.isValidName(source) {
            throw .execution(message: "invalid source label name in label_join(): \(source)")
        }
        guard LabelText.isValidName(texts[0]) else {
            throw .execution(message: "invalid destination label name in label_join(): \(texts[0])")
        }
        return LabelFunction(
            operand: try vector(call.arguments[0], on: timeline), destination: texts[0],
            change: .join(separator: texts[1], sources: Array(texts.dropFirst(2))))
    }
}
