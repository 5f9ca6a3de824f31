import MetricModel
import Storage

/// A consistent view of head and partitions.
final class DatabaseQuerier: Querier {
    private let head: Head
    private let position: ViewPosition
    let changePosition: ChangePosition?
    private let view: DatabaseView
    private let clocks = ClockCache()
    private let memory: QueryMemory

    init(
        head: Head, view: DatabaseView, position: ViewPosition, changePosition: ChangePosition, cacheLimitBytes: Int
    ) {
        self.changePosition = changePosition
        self.head = head
        self.view = view
        self.position = position
        memory = QueryMemory(limit: cacheLimitBytes)
    }

    func select(_ request: SelectRequest) throws(StorageError) -> any SelectedSeries {
        let selection = try HeadSelection(head: head, request: request, position: position, memory: memory)
        var inPartitions: [PartitionSelection] = []
        for reader in partitions(in: request.range) {
            let found = try PartitionSelection(reader: reader, request: request)
            if !found.series.isEmpty { inPartitions.append(found) }
        }
        return try SelectedDatabaseSeries(
            selection: selection, partitions: inPartitions, view: view, clocks: clocks,
            request: request)
    }

    func earliestChange(since position: ChangePosition) -> Int64? { head.changes.earliestChange(since: position) }

    private func partitions(in range: TimeRange) -> [PartitionReader] {
        view.partitions.filter { $0.metadata.overlaps(range) }
    }

    func labelNames(
        matching selectors: [[LabelMatcher]], in range: TimeRange, limit: Int
    ) throws(StorageError) -> [String] {
        var names = try headLabelNames(matching: selectors)
        for reader in partitions(in: range) { names.formUnion(try reader.labelNames(matching: selectors)) }
        return limited(names, limit: limit)
    }

    func labelValues(
        of name: String, matching selectors: [[LabelMatcher]], in range: TimeRange, limit: Int
    ) throws(StorageError) -> [String] {
        var values = try headLabelValues(of: name, matching: selectors)
        for reader in partitions(in: range) {
            values.formUnion(try reader.labelValues(of: name, matching: selectors))
        }
        return limited(values, limit: limit)
    }

    func series(
        matching selectors: [[LabelMatcher]], in range: TimeRange, limit: Int
    ) throws(StorageError) -> [LabelSet] {
        let inHead = try head.withIndex { index throws(StorageError) in
            let hidden = index.hiddenSeries()
            let postings = try MatcherResolution.resolveAny(selectors, in: index)
            return postings.numbers.filter { index.series.isInUse($0) && !hidden.contains($0) }.map {
                index.series.labels(of: $0)
            }
        }
        var found = Set(inHead)
        for reader in partitions(in: range) {
            found.formUnion(try reader.labels(of: try reader.selectAny(selectors)))
        }
        let sorted = found.sorted()
        return limit > 0 ? Array(sorted.prefix(limit)) : sorted
    }

    private func limited(_ names: Set<String>, limit: Int) -> [String] {
        let sorted = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return limit > 0 ? Array(sorted.prefix(limit)) : sorted
    }

    private func headLabelNames(matching selectors: [[LabelMatcher]]) throws(StorageError) -> Set<String> {
        try head.withIndex { index throws(StorageError) in
            let hidden = index.hiddenSeries()
            if selectors.isEmpty, hidden.isEmpty { return Set(index.labelNames()) }
            var numbers = Set<UInt32>()
            try MatcherResolution.resolveAny(selectors, in: index).forEach { series in
                guard !hidden.contains(series) else { return }
                for pair in index.series.labelPairs(of: series) {
                    numbers.insert(index.series.pairs.nameNumbers[Int(pair)])
                }
            }
            return Set(numbers.map { index.series.pairs.names[Int($0)].text })
        }
    }

    private func headLabelValues(
        of name: String, matching selectors: [[LabelMatcher]]
    ) throws(StorageError) -> Set<String> {
        try head.withIndex { index throws(StorageError) in
            let hidden = index.hiddenSeries()
            if selectors.isEmpty, hidden.isEmpty { return Set(index.values(of: name)) }
            guard let wanted = index.series.pairs.nameNumber(of: name) else { return [] }
            var numbers = Set<UInt32>()
            try MatcherResolution.resolveAny(selectors, in: index).forEach { series in
                guard !hidden.contains(series) else { return }
                for pair in index.series.labelPairs(of: series)
                where index.series.pairs.nameNumbers[Int(pair)] == wanted {
                    numbers.insert(pair)
                }
            }
            return Set(numbers.map { index.series.pairs.value(of: $0) })
        }
    }
}
