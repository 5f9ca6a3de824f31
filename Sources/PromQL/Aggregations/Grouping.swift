import Bytes
import MetricModel
import PromQLSyntax

/// The labels by which an aggregation gathers its series.
struct Grouping: Sendable {
    fileprivate let filter: LabelFilter
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

extension Grouping {
    /// Writes the labels of a series' group in place of what was in `key`.
    func encode(_ labels: LabelSet, into key: inout [UInt8]) {
        if isSingleGroup { key.removeAll(keepingCapacity: true) } else { filter.encode(labels, into: &key) }
    }
}

/// The groups of an aggregation, numbered as they appear; a series of a known group costs no allocation.
struct GroupNumbers {
    private let grouping: Grouping
    private(set) var labels: [LabelSet] = []
    /// Open addressing: number + 1, 0 for a free place.
    private var places = [UInt32](repeating: 0, count: 64)
    private var key: [UInt8] = []

    init(_ grouping: Grouping) { self.grouping = grouping }

    /// The number of a series' group; `labels.count` before the call where it is new.
    mutating func number(of series: LabelSet) -> Int {
        grouping.encode(series, into: &key)
        let hash = ByteHash.hash(key)
        var place = Int(truncatingIfNeeded: hash) & (places.count - 1)
        while places[place] != 0 {
            let number = Int(places[place]) - 1
            if labels[number].byteHash == hash, labels[number].hasEncoding(key) { return number }
            place = (place + 1) & (places.count - 1)
        }
        labels.append(LabelSet(encoded: Array(key)))
        places[place] = UInt32(labels.count)
        if labels.count * 2 > places.count { grow() }
        return labels.count - 1
    }

    private mutating func grow() {
        places = [UInt32](repeating: 0, count: places.count * 2)
        for (number, set) in labels.enumerated() {
            var place = Int(truncatingIfNeeded: set.byteHash) & (places.count - 1)
            while places[place] != 0 { place = (place + 1) & (places.count - 1) }
            places[place] = UInt32(number) + 1
        }
    }
}

/// The annotations of an aggregation.
struct AggregationAnnotator: Sendable {
    let symbol: AggregationOperator
    /// The aggregation, and the expression inside.
    let range: SourceRange
    let operandRange: SourceRange

    func annotate(_ notes: AggregationNotes, _ context: QueryContext) {
        if notes.isEmpty { return }
        let kinds = notes.kinds
        if kinds.contains(.mixedFloatsAndHistograms) {
            context.warn("encountered a mix of histograms and floats for aggregation", at: operandRange)
        }
        if kinds.contains(.ignoredHistograms) {
            let isRanking = symbol == .topk || symbol == .bottomk
            context.inform(
                "ignored histogram in \(symbol.rawValue) aggregation", at: isRanking ? range : operandRange)
        }
        for metric in notes.metricsOfMixedSchemas {
            context.warn(
                "vector contains a mix of histograms with exponential and custom buckets schemas for metric name "
                    + LabelName.quoted(metric), at: operandRange)
        }
        if kinds.contains(.reconciledCustomBuckets) {
            context.inform("mismatched custom buckets were reconciled during aggregation", at: operandRange)
        }
        if kinds.contains(.counterResetCollision) {
            context.warn("conflicting counter resets during histogram aggregation", at: operandRange)
        }
    }
}
