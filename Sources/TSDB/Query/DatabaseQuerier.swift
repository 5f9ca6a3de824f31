import MetricModel
import Storage

/// A consistent view of head and partitions.
final class DatabaseQuerier: Querier {
    private let head: Head
    private let position: ViewPosition
    private let clocks = ClockCache()
    private let memory: QueryMemory

    init(head: Head, position: ViewPosition, cacheLimitBytes: Int) {
        self.head = head
        self.position = position
        memory = QueryMemory(limit: cacheLimitBytes)
    }

    func select(_ request: SelectRequest) throws(StorageError) -> any SelectedSeries {
        let selection = try HeadSelection(head: head, request: request, position: position, memory: memory)
        return SelectedDatabaseSeries(selection: selection, clocks: clocks, range: request.range)
    }

    func labelNames(
        matching selectors: [[LabelMatcher]], in range: TimeRange, limit: Int
    ) throws(StorageError) -> [String] {
        try limited(headLabelNames(matching: selectors), limit: limit)
    }

    func labelValues(
        of name: String, matching selectors: [[LabelMatcher]], in range: TimeRange, limit: Int
    ) throws(StorageError) -> [String] {
        try limited(headLabelValues(of: name, matching: selectors), limit: limit)
    }

    func series(
        matching selectors: [[LabelMatcher]], in range: TimeRange, limit: Int
    ) throws(StorageError) -> [LabelSet] {
        var found = try head.withIndex { index throws(StorageError) in
            let postings = try MatcherResolution.resolveAny(selectors, in: index)
            return postings.numbers.filter { index.series.isInUse($0) }.map { index.series.labels(of: $0) }
        }
        found.sort()
        return limit > 0 ? Array(found.prefix(limit)) : found
    }

    private func limited(_ names: Set<String>, limit: Int) -> [String] {
        let sorted = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return limit > 0 ? Array(sorted.prefix(limit)) : sorted
    }

    private func headLabelNames(matching selectors: [[LabelMatcher]]) throws(StorageError) -> Set<String> {
        try head.withIndex { index throws(StorageError) in
            if selectors.isEmpty { return Set(index.labelNames()) }
            var numbers = Set<UInt32>()
            try MatcherResolution.resolveAny(selectors, in: index).forEach { series in
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
            if selectors.isEmpty { return Set(index.values(of: name)) }
            guard let wanted = index.series.pairs.nameNumber(of: name) else { return [] }
            var numbers = Set<UInt32>()
            try MatcherResolution.resolveAny(selectors, in: index).forEach { series in
                for pair in index.series.labelPairs(of: series)
                where index.series.pairs.nameNumbers[Int(pair)] == wanted {
                    numbers.insert(pair)
                }
            }
            return Set(numbers.map { index.series.pairs.value(of: $0) })
        }
    }
}
