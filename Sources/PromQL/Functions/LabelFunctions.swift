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
        if let renaming = try renaming(context) { return try stream(renaming, context, body) }
        var aside = SeriesAside()
        try operand.stream(context) { (series: inout StepSeries) throws(QueryError) in
            if let labels = changed(series.labels) {
                series.labels = labels
                if destination == LabelName.metricName { series.dropsName = false }
            }
            try aside.add(&series, context)
        }
        try aside.handOn(over: timeline.count, kinds: keepsKinds ? .kept : .separated, context, body)
    }

    func labels(_ context: QueryContext) throws(QueryError) -> KnownLabels? {
        guard let renaming = try renaming(context) else { return nil }
        context.release(renaming.costBefore)
        return KnownLabels(labels: renaming.labelsInOrder, cost: renaming.costAfter)
    }

    /// What becomes of the labels, where they are known before the series and none of them meet; nil where the series have to
    /// be gathered.
    private func renaming(_ context: QueryContext) throws(QueryError) -> SeriesRenaming? {
        guard context.ordersByLabels, timeline.count >= context.settings.labelsFirstSteps,
            destination != LabelName.metricName,
            let known = try operand.labels(context)
        else { return nil }
        let renaming = try SeriesRenaming(known, over: timeline.count, context) { changed($0) ?? $0 }
        if renaming.hasEqual {
            context.release(renaming.costBefore + renaming.costAfter)
            return nil
        }
        return renaming
    }

    private func stream(
        _ given: SeriesRenaming, _ context: QueryContext, _ body: SeriesBody
    ) throws(QueryError) {
        var renaming = given
        try operand.stream(context) { (series: inout StepSeries) throws(QueryError) in
            try renaming.take(&series, context, body)
        }
        try renaming.finish(context, body)
        context.release(renaming.costBefore + renaming.costAfter)
    }

    /// Nil leaves the labels as they are.
    private func changed(_ labels: LabelSet) -> LabelSet? {
        guard let text = newValue(labels) else { return nil }
        var builder = LabelSetBuilder(labels)
        builder.set(destination, to: text)
        return builder.build()
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
