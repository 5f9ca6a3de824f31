import MetricModel
import Storage

/// The labels of series in label order, for lists of them.
final class ListedSeries: LabelSets {
    private let joined: JoinedSeries
    private let held: HeldMemory
    let count: Int

    /// - Parameter limit: No more than so many, where it is not 0.
    init(
        head: SelectedLabels, partitions: [PartitionSelection], limit: Int, _ alreadyHeld: consuming HeldMemory
    ) throws(StorageError) {
        var held = alreadyHeld
        // Numbers, and those in order.
        try held.take(head.count * 24)
        var joined = JoinedSeries()
        if partitions.isEmpty { joined.take(head) } else { try joined.join(head, partitions, &held) }
        try joined.order(held)
        self.joined = joined
        self.held = held
        count = limit > 0 ? min(limit, joined.labelNumbers.count) : joined.labelNumbers.count
    }

    func labels(at index: Int) -> LabelSet { joined.labels.labels(of: Int(joined.labelNumbers[index])) }

    func labelBytes(at index: Int) -> Int { joined.labels.byteCount(of: Int(joined.labelNumbers[index])) }
}

extension SelectedLabels {
    /// The labels of series of the head; nil where there is no room for them.
    init?(
        of postings: Postings, in index: borrowing HeadIndex, where isIncluded: (UInt32) -> Bool,
        ifAffordable isAffordable: (Int) -> Bool
    ) {
        var labelCount = 0
        postings.forEach { labelCount += index.series.labelCount(of: $0) }
        // The postings themselves were found and put together.
        let byteCount = postings.count * (Self.bytesPerSeries + 12) + labelCount * Self.bytesPerLabel
        guard isAffordable(byteCount) else { return nil }
        self.init(index.series.pairs.texts)
        reserve(series: postings.count, labels: labelCount)
        postings.forEach { series in
            guard isIncluded(series) else { return }
            append(index.series.labelPairs(of: series), of: index.series.pairs)
        }
    }
}
