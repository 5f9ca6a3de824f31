import MetricModel
import PromQLSyntax

/// The labels by which an aggregation gathers its series.
struct Grouping: Sendable {
    private let filter: LabelFilter
    /// All series are one group: `by ()` or no clause.
    let isSingleGroup: Bool

    init(labels: [String], isWithout: Bool) {
        if isWithout {
            filter = LabelFilter(dropping: labels + [LabelName.metricName])
            isSingleGroup = false
        } else {
            filter = LabelFilter(keeping: labels)
            isSingleGroup = labels.isEmpty
        }
    }

    /// The labels of a series' group.
    func key(of labels: LabelSet) -> LabelSet { isSingleGroup ? .empty : filter.apply(labels) }
}

/// The annotations of an aggregation.
struct AggregationAnnotator: Sendable {
    let symbol: AggregationOperator
    /// The aggregation, and the expression inside.
    let range: SourceRange
    let operandRange: SourceRange

    func annotate(_ notes: AggregationNotes, _ context: QueryContext) {
        if notes.isEmpty { return }
        if notes.contains(.mixedFloatsAndHistograms) {
            context.warn("encountered a mix of histograms and floats for aggregation", at: operandRange)
        }
        if notes.contains(.ignoredHistograms) {
            let isRanking = symbol == .topk || symbol == .bottomk
            context.inform(
                "ignored histogram in \(symbol.rawValue) aggregation", at: isRanking ? range : operandRange)
        }
        if notes.contains(.mixedExponentialAndCustom) {
            context.warn(
                "vector contains a mix of histograms with exponential and custom buckets schemas for metric name \"\"",
                at: operandRange)
        }
        if notes.contains(.reconciledCustomBuckets) {
            context.inform("mismatched custom buckets were reconciled during aggregation", at: operandRange)
        }
        if notes.contains(.counterResetCollision) {
            context.warn("conflicting counter resets during histogram aggregation", at: operandRange)
        }
    }
}
