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
    /// Floats and histograms that meet stay so; else operators above see one of them.
    let keepsKinds: Bool

    var timeline: Timeline { operand.timeline }
    var sharesOneName: Bool { destination != LabelName.metricName && operand.sharesOneName }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        var merger = SeriesMerger(.allowedBetweenKinds)
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
        for index in all.indices {
            if !keepsKinds { all[index].separateKinds() }
            try body(&all[index])
        }
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
    /// The plan of `label_replace` or `label_join` over an operand that is planned already.
    func labelFunction(
        _ call: Call, of operand: any VectorOperator, keepsKinds: Bool
    ) throws(QueryError) -> any VectorOperator {
        let texts = try literals(call.arguments.dropFirst())
        let change: LabelFunction.Change
        if call.function == .labelReplace {
            do {
                change = .replace(
                    pattern: try RegexPattern(texts[3].value), replacement: texts[1].value, source: texts[2].value)
            } catch {
                throw .execution(message: "invalid regular expression in label_replace(): \(texts[3].value)")
            }
        } else {
            for source in texts.dropFirst(2) where !source.isLabelName {
                throw .execution(message: "invalid source label name in label_join(): \(source.value)")
            }
            change = .join(separator: texts[1].value, sources: texts.dropFirst(2).map(\.value))
        }
        guard texts[0].isLabelName else {
            throw .execution(
                message: "invalid destination label name in \(call.function.rawValue)(): \(texts[0].value)")
        }
        return LabelFunction(operand: operand, destination: texts[0].value, change: change, keepsKinds: keepsKinds)
    }
}

extension StringLiteral {
    /// Any text in UTF-8 but the empty one may be the name of a label.
    var isLabelName: Bool { !bytes.isEmpty && isValidUTF8 }
}
