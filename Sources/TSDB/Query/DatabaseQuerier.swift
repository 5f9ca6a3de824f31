import MetricModel
import Storage

/// A consistent view of head and partitions.
final class DatabaseQuerier: Querier {
    private let head: Head
    private let position: ViewPosition
    let changePosition: ChangePosition?
    private let view: DatabaseView
    private let clocks = ClockCache()
    private let memory: ByteQuota

    init(
        head: Head, view: DatabaseView, position: ViewPosition, changePosition: ChangePosition, cacheLimitBytes: Int
    ) {
        self.changePosition = changePosition
        self.head = head
        self.view = view
        self.position = position
        memory = ByteQuota(limit: cacheLimitBytes)
    }

    func select(_ request: SelectRequest) throws(StorageError) -> any SelectedSeries {
        var held = HeldMemory(request.reservation)
        let reading = reading(for: request)
        guard case .series(let found) = try FoundSeries.find(reading, seriesLimit: .max, &held) else {
            preconditionFailure("no limit, no numbers alone")
        }
        let partitions = try reading.findPartitions(&held).map { PartitionSelection($0) }
        return try reading.select(found, partitions, held)
    }

    func blocks(of request: SelectRequest, seriesLimit: Int) throws(StorageError) -> any SeriesBlocks {
        var held = HeldMemory(request.reservation)
        let reading = reading(for: request)
        let partitions = try reading.findPartitions(&held)
        let hasMany = partitions.contains { $0.numbers.count > seriesLimit }
        switch try FoundSeries.find(reading, seriesLimit: hasMany ? -1 : seriesLimit, &held) {
        case .series(let found):
            return OneBlock(try reading.select(found, partitions.map { PartitionSelection($0) }, held))
        case .numbers(let numbers) where partitions.isEmpty && !request.isOrdered:
            return NumberedBlocks(numbers, in: reading, seriesLimit: seriesLimit, held)
        case .numbers(let numbers):
            return try LabelOrderedBlocks(numbers, partitions, in: reading, seriesLimit: seriesLimit, held)
        }
    }

    private func reading(for request: SelectRequest) -> ViewReading {
        ViewReading(
            head: head, view: view, position: position, clocks: clocks, memory: memory, request: request,
            text: MatcherText(request.matchers))
    }

    func earliestChange(since position: ChangePosition) -> Int64? { head.changes.earliestChange(since: position) }

    private func partitions(in range: TimeRange) -> [PartitionReader] {
        view.partitions.filter { $0.metadata.overlaps(range) }
    }

    func labelNames(
        matching selectors: [[LabelMatcher]], in range: TimeRange, limit: Int, holding held: inout HeldMemory
    ) throws(StorageError) -> [String] {
        var names = Set(try headLabelNames(matching: selectors, &held).map(ExactText.init))
        for reader in partitions(in: range) {
            try hold(try reader.labelNames(matching: selectors), in: &names, &held)
        }
        return limited(names, limit: limit)
    }

    func labelValues(
        of name: String, matching selectors: [[LabelMatcher]], in range: TimeRange, limit: Int,
        holding held: inout HeldMemory
    ) throws(StorageError) -> [String] {
        let inHead = try headLabelValues(of: name, matching: selectors, &held)
        let readers = partitions(in: range)
        guard !readers.isEmpty else {
            let order = inHead.order()
            return (limit > 0 ? order.prefix(limit) : order[...]).map { inHead.text($0) }
        }
        // Each list is in order already, so that they are merged and not sorted again.
        var merged = inHead.order().map { inHead.text($0) }
        for reader in readers {
            let more = try reader.labelValues(of: name, matching: selectors)
            // Its own list, and the list that is made of both.
            try held.take(
                more.reduce(0) { $0 + $1.utf8.count + Self.bytesPerText } + (merged.count + more.count) * 16)
            merged = Self.merged(merged, more)
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
        matching selectors: [[LabelMatcher]], in range: TimeRange, limit: Int,
        reservation: (any MemoryReservation)?
    ) throws(StorageError) -> any LabelSets {
        var held = HeldMemory(reservation)
        let inHead = try head.withIndex(holding: &held) { index, isAffordable throws(StorageError) in
            let hidden = index.hiddenSeries()
            let postings = try MatcherResolution.resolveAny(selectors, in: index)
            return SelectedLabels(
                of: postings, in: index, where: { index.series.isInUse($0) && !hidden.contains($0) },
                ifAffordable: isAffordable)
        }
        var found: [PartitionSelection] = []
        for reader in partitions(in: range) {
            let selection = try PartitionSelection(reader: reader, selectors: selectors, range: range)
            try held.take(selection.series.count * 12)
            if !selection.series.isEmpty { found.append(selection) }
        }
        return try ListedSeries(head: inHead, partitions: found, limit: limit, held)
    }

    // MARK: Names and values

    /// What a text takes as a member of a set and in a list, beside its bytes.
    private static let bytesPerText = 96

    private func hold(
        _ texts: [String], in all: inout Set<ExactText>, _ held: inout HeldMemory
    ) throws(StorageError) {
        for text in texts.lazy.map(ExactText.init) where !all.contains(text) {
            try held.takeLittle(text.text.utf8.count + Self.bytesPerText)
            all.insert(text)
        }
    }

    private func limited(_ names: Set<ExactText>, limit: Int) -> [String] {
        let sorted = names.map(\.text).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return limit > 0 ? Array(sorted.prefix(limit)) : sorted
    }

    private func headLabelNames(
        matching selectors: [[LabelMatcher]], _ held: inout HeldMemory
    ) throws(StorageError) -> [String] {
        try head.withIndex(holding: &held) { index, isAffordable throws(StorageError) in
            let hidden = index.hiddenSeries()
            let names = index.series.pairs.names
            guard isAffordable(names.reduce(0) { $0 + $1.text.utf8.count + Self.bytesPerText }) else { return nil }
            if selectors.isEmpty, hidden.isEmpty { return index.labelNames() }
            var numbers = Set<UInt32>()
            try MatcherResolution.resolveAny(selectors, in: index).forEach { series in
                guard !hidden.contains(series) else { return }
                for pair in index.series.labelPairs(of: series) {
                    numbers.insert(index.series.pairs.nameNumbers[Int(pair)])
                }
            }
            return numbers.map { names[Int($0)].text }
        }
    }

    private func headLabelValues(
        of name: String, matching selectors: [[LabelMatcher]], _ held: inout HeldMemory
    ) throws(StorageError) -> ByteTexts {
        try head.withIndex(holding: &held) { index, isAffordable throws(StorageError) in
            let hidden = index.hiddenSeries()
            guard let wanted = index.series.pairs.nameNumber(of: name) else { return ByteTexts() }
            var pairs = index.series.pairs.names[Int(wanted)].pairs
            var byteCount = 0
            if !selectors.isEmpty || !hidden.isEmpty {
                byteCount = index.series.pairs.numberLimit + pairs.count * 8
                guard isAffordable(byteCount) else { return nil }
                pairs = []
                var isSeen = [Bool](repeating: false, count: index.series.pairs.numberLimit)
                try MatcherResolution.resolveAny(selectors, in: index).forEach { series in
                    guard !hidden.contains(series) else { return }
                    for pair in index.series.labelPairs(of: series)
                    where !isSeen[Int(pair)] && index.series.pairs.nameNumbers[Int(pair)] == wanted {
                        isSeen[Int(pair)] = true
                        pairs.append(pair)
                    }
                }
            }
            // As bytes, in a list that grows by doubling, and as texts.
            byteCount += pairs.reduce(0) { $0 + 3 * index.series.pairs.byteCount(of: $1) + Self.bytesPerText }
            guard isAffordable(byteCount) else { return nil }
            var values = ByteTexts()
            for pair in pairs { values.append(index.series.pairs.valueBytes(of: pair)) }
            return values
        }
    }
}
