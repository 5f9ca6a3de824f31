import MetricModel
import Storage

/// The series of head and partitions, each label set once, while they are put together.
struct JoinedSeries {
    private(set) var labels = SelectedLabels()
    /// For each series its number among `labels`.
    private(set) var labelNumbers: [Int32] = []
    /// The series in the head's selection, -1 for none.
    private(set) var headSeries: [Int32] = []
    /// For each series its place in each partition's selection, -1 for none.
    private(set) var places: [Int32] = []
    /// The partition with the most series.
    private(set) var largestPartition = 0
    private var width = 0
    /// Every series is in the largest partition, which gives them in order.
    private var isInOrder = false

    /// What they take.
    var byteCount: Int {
        labels.byteCount + (labelNumbers.capacity + headSeries.capacity + places.capacity) * 4
    }

    /// The series of the head alone.
    mutating func take(_ head: SelectedLabels) {
        labels = head
        headSeries = (0..<Int32(head.count)).map { $0 }
        labelNumbers = headSeries
    }

    /// The series of head and partitions, in the order of the partition with the most of them.
    mutating func join(
        _ head: SelectedLabels, _ found: [PartitionSelection], _ held: inout HeldMemory
    ) throws(StorageError) {
        width = found.count
        // Texts that come are written behind the head's last ones, in a copy of that chunk, where there are any of the head's.
        var numbers = SelectedLabelNumbers(head.count > 0 ? head.texts : PairTexts())
        try held.take(PairTexts.chunkBytes)
        try numbers.know(head, &held)
        let order = found.indices.sorted { found[$0].series.count > found[$1].series.count }
        largestPartition = order[0]
        for partition in order {
            numbers.startOver()
            try found[partition].forEachRun(in: &numbers, &held) {
                (_, held, run, number) throws(StorageError) in
                try makePlaces(upTo: number + run.count, &held)
                for place in run {
                    places[(number + place - run.lowerBound) * width + partition] = Int32(place)
                }
            }
        }
        numbers.startOver()
        for series in 0..<head.count {
            let number = try numbers.number(of: head.pairs(of: series), &held)
            try makePlaces(upTo: number + 1, &held)
            headSeries[number] = Int32(series)
        }
        labels = numbers.labels
        isInOrder = labels.count == found[largestPartition].series.count
        labelNumbers = (0..<Int32(headSeries.count)).map { $0 }
    }

    private mutating func makePlaces(upTo count: Int, _ held: inout HeldMemory) throws(StorageError) {
        let missing = count - headSeries.count
        guard missing > 0 else { return }
        // Twice, because lists grow by doubling and are put into order.
        try held.takeLittle(missing * (24 + 8 * width))
        headSeries.append(contentsOf: repeatElement(-1, count: missing))
        places.append(contentsOf: repeatElement(-1, count: missing * width))
    }

    /// Puts the series in order of labels.
    ///
    /// They mostly are, because the largest partition has them so.
    mutating func order(_ held: borrowing HeldMemory) throws(StorageError) {
        if isInOrder { return }
        guard labelNumbers.indices.dropFirst().contains(where: { labels.precedes($0, $0 - 1) }) else { return }
        let bytes = SelectedLabels.orderingBytes
        var meanwhile = held.beside()
        try meanwhile.take(labels.count * bytes.series + labels.allPairs.count * bytes.label)
        let order = labels.order().map { Int32($0) }
        labelNumbers = order
        headSeries = order.map { [headSeries] in headSeries[Int($0)] }
        places = order.flatMap { [places] in places[(Int($0) * width)..<((Int($0) + 1) * width)] }
    }
}
