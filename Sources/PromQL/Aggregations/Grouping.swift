import Bytes
import MetricModel
import PromQLSyntax
import Storage

/// The labels by which an aggregation gathers its series.
struct Grouping: Sendable {
    let filter: LabelFilter
    /// All series are one group: `by ()` or no clause.
    let isSingleGroup: Bool

    /// Whether no group has a name.
    ///
    /// Like a selector's series of one name, groups do not differ in type and unit alone then.
    let hasNoName: Bool

    private init(_ filter: LabelFilter, isSingleGroup: Bool) {
        self.filter = filter
        self.isSingleGroup = isSingleGroup
        hasNoName = true
    }

    /// The same of series without name, type and unit.
    var withoutMetadata: Grouping { Grouping(filter.withoutMetadata, isSingleGroup: isSingleGroup) }

    init(labels: [String], isWithout: Bool) {
        if isWithout {
            filter = LabelFilter(dropping: labels + [LabelName.metricName])
            isSingleGroup = false
            hasNoName = true
        } else {
            filter = LabelFilter(keeping: labels)
            isSingleGroup = labels.isEmpty
            hasNoName = !labels.contains(where: LabelFilter.isMetadata)
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

/// The groups of an aggregation while the series of its operand pass by.
///
/// An operator that knows the groups of its series by cheaper means than their labels need not make labels.
///
/// Belongs to the thread that runs the query. Nothing that it calls comes back to it: to ask at run time whether something does took
/// 60 instructions for each series that was labelled.
final class OperandGroups {
    private(set) var grouping: Grouping
    private var numbers: GroupNumbers
    /// What is not said again of series of one name.
    var saidNotes: KernelNotes = []
    /// Where the labels are of the series that passes by, if it need not have them itself.
    @exclusivity(unchecked) private var block: (any SelectedSeries)?
    @exclusivity(unchecked) private var index = 0
    private var ignoresMetadata = false

    init(_ grouping: Grouping) {
        self.grouping = grouping
        numbers = GroupNumbers(grouping)
    }

    /// The labels of a group.
    func labels(of group: Int) -> LabelSet { numbers.labels[group] }

    /// The number of the group of a series, or of labels that have all that the grouping looks at; one more than the others
    /// where it is new.
    func number(of labels: LabelSet) -> Int { numbers.number(of: labels) }

    /// Name, type and unit of the series do not count; before there are any groups.
    func ignoreMetadata() {
        precondition(numbers.labels.isEmpty, "groups are made once")
        grouping = grouping.withoutMetadata
        numbers = GroupNumbers(grouping)
        ignoresMetadata = true
    }

    /// The series of a block pass by, or none does.
    func pass(_ selected: (any SelectedSeries)?) { unsafe block = selected }

    /// The series of the block that passes by now.
    func pass(index: Int) { unsafe self.index = index }

    /// Gives the series that passes by the labels that it may be without.
    func label(_ series: inout StepSeries) {
        guard let block = unsafe block else { return }
        let labels: SelectedSeriesLabels = ignoresMetadata ? .withoutMetadata : .whole
        series.labels = unsafe labels.of(block, at: index)
    }
}

/// The groups of the series of one selection, by number of series.
struct SelectedGroups {
    private let groups: OperandGroups
    /// Nil where all series are one group.
    private var chosen: (any ChosenLabels)?
    /// The choices of all series where they were known.
    private var numbers: [UInt32] = []
    /// The group of each choice of labels that was met.
    private var known: [Int] = []

    /// What a series may take here.
    static let bytesPerSeries = 32

    /// Nil where the selection gives its labels only as a whole.
    init?(_ groups: OperandGroups, of selected: any SelectedSeries) {
        self.groups = groups
        if groups.grouping.isSingleGroup { return }
        guard let chosen = selected.choose(groups.grouping.filter.choice) else { return nil }
        self.chosen = chosen
        numbers = chosen.knownNumbers ?? []
    }

    mutating func number(of index: Int) -> Int {
        let number = index < numbers.count ? Int(numbers[index]) : chosen?.number(of: index) ?? 0
        if number == known.count { known.append(groups.number(of: chosen?.labels(numbered: number) ?? .empty)) }
        return known[number]
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
