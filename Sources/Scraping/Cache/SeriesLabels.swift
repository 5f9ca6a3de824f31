import MetricModel

/// From the labels on a page to the labels of a series, for lines never seen before.
///
/// In order, as the reference does it: target labels are added (honor_labels decides conflicts), metric relabelling,
/// names are checked, limits are checked.
struct SeriesLabels: Sendable {
    static let conflictPrefix = "exported_"

    private let targetLabels: LabelSet
    private let targetPairs: [(name: String, value: String)]
    private let honorsLabels: Bool
    private let relabeling: Relabeler
    private let nameValidation: NameValidationScheme
    private let limits: ScrapeLimits

    init(target: ScrapeTarget, job: ScrapeJobSettings) {
        targetLabels = target.labels
        targetPairs = target.labels.pairs
        honorsLabels = job.honorsLabels
        relabeling = job.metricRelabeling
        nameValidation = job.nameValidation
        limits = job.limits
    }

    /// The labels of the series, nil where relabelling drops it.
    ///
    /// `emptyLabels` are those that the page spells out with an empty value.
    func resolve(_ scraped: LabelSet, emptyLabels: [String], line: Int) throws(ScrapeFailure) -> LabelSet? {
        let merged = emptyLabels.isEmpty ? Self.union(scraped, targetLabels) : nil
        guard var labels = merged ?? self.merged(scraped, emptyLabels: emptyLabels) else { return nil }
        if !relabeling.isEmpty {
            guard let relabelled = relabeling.apply(to: labels) else { return nil }
            labels = relabelled
        }
        try checkNames(labels, line: line)
        try checkLimits(labels)
        return labels
    }

    /// Whether `resolve` may throw.
    var mayRefuse: Bool {
        !relabeling.isEmpty || nameValidation == .legacy || limits.labels > 0 || limits.labelNameBytes > 0
            || limits.labelValueBytes > 0
    }

    /// The labels of a report series.
    func reportLabels(named name: String) -> LabelSet {
        var labels = LabelSetBuilder(targetLabels)
        labels.set(LabelName.metricName, to: name)
        return labels.build()
    }

    /// Both sets in one, byte by byte; nil where they have a name in common.
    private static func union(_ left: LabelSet, _ right: LabelSet) -> LabelSet? {
        var encoded: [UInt8] = []
        encoded.reserveCapacity(left.encoded.count + right.encoded.count)
        var leftCursor = left.makeCursor()
        var rightCursor = right.makeCursor()
        var hasLeft = leftCursor.next()
        var hasRight = rightCursor.next()
        while hasLeft, hasRight {
            if leftCursor.name.lexicographicallyPrecedes(rightCursor.name) {
                encoded.append(contentsOf: leftCursor.pair)
                hasLeft = leftCursor.next()
            } else if leftCursor.name.elementsEqual(rightCursor.name) {
                return nil
            } else {
                encoded.append(contentsOf: rightCursor.pair)
                hasRight = rightCursor.next()
            }
        }
        while hasLeft {
            encoded.append(contentsOf: leftCursor.pair)
            hasLeft = leftCursor.next()
        }
        while hasRight {
            encoded.append(contentsOf: rightCursor.pair)
            hasRight = rightCursor.next()
        }
        return LabelSet(encoded: encoded)
    }

    private func merged(_ scraped: LabelSet, emptyLabels: [String]) -> LabelSet? {
        var labels = LabelSetBuilder(scraped)
        if honorsLabels {
            // A label that is scraped as empty blocks the target's label too.
            for (name, value) in targetPairs
            where labels[name] == nil && !emptyLabels.contains(where: { $0.isExactly(name) }) {
                labels.set(name, to: value)
            }
            return labels.build()
        }
        var conflicting: [(name: String, value: String)] = []
        for (name, value) in targetPairs {
            if let scrapedValue = labels[name] { conflicting.append((name, scrapedValue)) }
            labels.set(name, to: value)
        }
        // Shortest names first, so that exported_a of the page and a renamed a do not take each other's place.
        conflicting.sort { left, right in left.name.utf8.count < right.name.utf8.count }
        for (name, value) in conflicting {
            var renamed = Self.conflictPrefix + name
            while labels[renamed] != nil { renamed = Self.conflictPrefix + renamed }
            labels.set(renamed, to: value)
        }
        return labels.build()
    }

    private func checkNames(_ labels: LabelSet, line: Int) throws(ScrapeFailure) {
        guard !relabeling.isEmpty || nameValidation == .legacy else { return }
        guard let name = labels[LabelName.metricName] else { throw .missingName(line: line) }
        guard nameValidation == .legacy else { return }
        for pair in labels.pairs where pair.name != LabelName.metricName {
            if !LabelName.isLegacyLabelName(pair.name) { throw .invalidName(line: line, name: pair.name) }
        }
        if !LabelName.isLegacyMetricName(name) { throw .invalidName(line: line, name: name) }
    }

    private func checkLimits(_ labels: LabelSet) throws(ScrapeFailure) {
        guard limits.labels > 0 || limits.labelNameBytes > 0 || limits.labelValueBytes > 0 else { return }
        let metric = labels.metricName
        let pairs = labels.pairs
        try check(.count, metric: metric, label: "", found: pairs.count, limit: limits.labels)
        for (name, value) in pairs {
            try check(.nameLength, metric: metric, label: name, found: name.utf8.count, limit: limits.labelNameBytes)
            try check(.valueLength, metric: metric, label: name, found: value.utf8.count, limit: limits.labelValueBytes)
        }
    }

    private func check(
        _ kind: LabelLimitViolation.Kind, metric: String, label: String, found: Int, limit: Int
    ) throws(ScrapeFailure) {
        guard limit > 0, found > limit else { return }
        throw .labelLimit(
            LabelLimitViolation(kind: kind, metric: metric, label: label, found: found, limit: limit))
    }
}
