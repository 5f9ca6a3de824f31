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
        let inHead = try headLabelValues(of: name, matching: selectors)
        let readers = partitions(in: range)
        guard !readers.isEmpty else {
            let order = inHead.order()
            return (limit > 0 ? order.prefix(limit) : order[...]).map { inHead.text($0) }
        }
        // Each list is in order already, so that they are merged and not sorted again.
        var merged = inHead.order().map { inHead.text($0) }
        for reader in readers {
            merged = Self.merged(merged, try reader.labelValues(of: name, matching: selectors))
        }
        return limit > 0 ? Array(merged.prefix(limit)) : merged
    }

    /// Two lists of texts in the order of their bytes as one, each text once.
    private static func merged(_ left: [String], _ right: [String]) -> [String] {
        var result: [String] = []
        result.reserveCapacity(max(left.count, right.count))
        var (leftIndex, rightIndex) = (0, 0)
        while leftIndex < left.count, rightIndex < right.count {
            // By bytes: as texts, different bytes may be equal.
            if left[leftIndex].utf8.elementsEqual(right[rightIndex].utf8) {
                result.append(left[leftIndex])
                leftIndex += 1
                rightIndex += 1
            } else if left[leftIndex].utf8.lexicographicallyPrecedes(right[rightIndex].utf8) {
                result.append(left[leftIndex])
                leftIndex += 1
            } else {
                result.append(right[rightIndex])
                rightIndex += 1
            }
        }
        return result + left[leftIndex...] + right[rightIndex...]
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
    ) throws(StorageError) -> ByteTexts {
        try head.withIndex { index throws(StorageError) in
            let hidden = index.hiddenSeries()
            var values = ByteTexts()
            guard let wanted = index.series.pairs.nameNumber(of: name) else { return values }
            if selectors.isEmpty, hidden.isEmpty {
                for pair in index.series.pairs.names[Int(wanted)].pairs {
                    values.append(index.series.pairs.valueBytes(of: pair))
                }
                return values
            }
            var isSeen = [Bool](repeating: false, count: index.series.pairs.numberLimit)
            try MatcherResolution.resolveAny(selectors, in: index).forEach { series in
                guard !hidden.contains(series) else { return }
                for pair in index.series.labelPairs(of: series)
                where !isSeen[Int(pair)] && index.series.pairs.nameNumbers[Int(pair)] == wanted {
                    isSeen[Int(pair)] = true
                    values.append(index.series.pairs.valueBytes(of: pair))
                }
            }
            return values
        }
    }
}
