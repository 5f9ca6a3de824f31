internal import Bytes
internal import MetricModel

/// Which series of a text page belong together: those of one classic histogram, and those that one `_created` line is about.
///
/// Asked when a series is new; afterwards a series is known by its number. A type counts for the family that its TYPE line
/// names and for no other.
struct SeriesGroups: Sendable {
    /// What a series is to its group.
    enum Role: Sendable, Hashable {
        case plain, count, sum, created
        case bucket(Double)
    }

    struct Entry: Sendable {
        var group: Int32
        var role: Role
    }

    /// What a new series is found to be.
    struct Finding {
        var family: String
        var role: Role
        /// Labels of the whole group, without a name.
        var labels: LabelSet
        var isHistogram: Bool
    }

    private struct Key: Hashable {
        var family: String
        var labels: LabelSet
    }

    /// By number of the series; nil for those that stand alone.
    private(set) var entries: [Entry?] = []
    /// For each group the number of the series that its histogram with custom buckets has, -1 where it has none.
    private(set) var histograms: [Int32] = []
    private var numbers: [Key: Int32] = [:]
    private var families: [String: MetricMetadata.MetricType] = [:]

    var isEmpty: Bool { histograms.isEmpty }

    /// What a TYPE line says.
    mutating func declare(_ family: String, _ type: MetricMetadata.MetricType) {
        guard families.count < ExpositionLimits.metadataLinesPerPage || families[family] != nil else { return }
        families[family] = type
    }

    /// What a series is, nil where it stands alone.
    func find(_ labels: LabelSet, isOpenMetrics: Bool) -> Finding? {
        let name = labels.metricName
        if let type = families[name], type == .counter || type == .summary {
            return Finding(family: name, role: .plain, labels: Self.shared(labels), isHistogram: false)
        }
        for suffix in ["_bucket", "_count", "_sum", "_total", "_created"] where name.hasSuffix(suffix) {
            let family = String(name.dropLast(suffix.utf8.count))
            guard let type = families[family], let role = Self.role(suffix, type, labels),
                role != .created || isOpenMetrics
            else { return nil }
            return Finding(family: family, role: role, labels: Self.shared(labels), isHistogram: type == .histogram)
        }
        return nil
    }

    private static func role(_ suffix: String, _ type: MetricMetadata.MetricType, _ labels: LabelSet) -> Role? {
        switch (type, suffix) {
        case (.histogram, "_bucket"): labels["le"].flatMap { GoNumberText.parse($0) }.map { .bucket($0) }
        case (.histogram, "_count"), (.summary, "_count"): .count
        case (.histogram, "_sum"), (.summary, "_sum"): .sum
        case (.counter, "_total"): .plain
        case (.histogram, "_created"), (.summary, "_created"), (.counter, "_created"): .created
        default: nil
        }
    }

    private static func shared(_ labels: LabelSet) -> LabelSet {
        var builder = LabelSetBuilder(labels)
        builder.keep { $0 != LabelName.metricName && $0 != "le" && $0 != "quantile" }
        return builder.build()
    }

    /// Puts a series into its group; the group's number and whether it is new.
    mutating func add(_ series: Int32, _ finding: Finding) -> (group: Int32, isNew: Bool) {
        let key = Key(family: finding.family, labels: finding.labels)
        let known = numbers[key]
        let group = known ?? Int32(histograms.count)
        if known == nil {
            numbers[key] = group
            histograms.append(-1)
        }
        while entries.count <= Int(series) { entries.append(nil) }
        entries[Int(series)] = Entry(group: group, role: finding.role)
        return (group, known == nil)
    }

    mutating func setHistogram(_ series: Int32, of group: Int32) { histograms[Int(group)] = series }

    /// Follows the series to their new numbers, -1 for those that were forgotten, and forgets groups without any.
    mutating func compact(_ newNumbers: [Int32]) {
        var kept: [Entry?] = []
        var newGroups = [Int32](repeating: -1, count: histograms.count)
        var newHistograms: [Int32] = []
        for (series, entry) in entries.enumerated() {
            guard var entry, newNumbers[series] >= 0 else { continue }
            if newGroups[Int(entry.group)] < 0 {
                newGroups[Int(entry.group)] = Int32(newHistograms.count)
                let histogram = histograms[Int(entry.group)]
                newHistograms.append(histogram < 0 ? -1 : newNumbers[Int(histogram)])
            }
            entry.group = newGroups[Int(entry.group)]
            let number = Int(newNumbers[series])
            while kept.count <= number { kept.append(nil) }
            kept[number] = entry
        }
        entries = kept
        histograms = newHistograms
        numbers = numbers.compactMapValues { newGroups[Int($0)] < 0 ? nil : newGroups[Int($0)] }
    }
}
