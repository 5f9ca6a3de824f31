import MetricModel
import Storage

/// The series that a selector found in head and partitions, each label set once.
///
/// They stand in the order of the partition with the most of them, which is label order, so that the segments of each
/// partition are read one after the other; series that it lacks follow.
final class SelectedDatabaseSeries: SelectedSeries {
    let selection: HeadSelection
    let partitions: [PartitionSelection]
    /// The one with the most series.
    private let largestPartition: Int
    /// Held so that neither files nor slices go away while they are read.
    private let view: DatabaseView
    let clocks: ClockCache
    let needsOnlyNewest: Bool
    private let labels: SelectedLabels
    /// For each series its number among `labels`.
    private let labelNumbers: [Int32]
    private let held: HeldMemory
    /// Where what is found out of the labels is kept for the next query.
    private let kept: KeptPlace?
    /// The series in the head's selection, -1 for none.
    let headSeries: [Int32]
    /// For each series its place in each partition's selection, -1 for none.
    let places: [Int32]

    let estimatedSampleCount: Int

    init(
        selection: HeadSelection, partitions found: [PartitionSelection], view: DatabaseView, clocks: ClockCache,
        request: SelectRequest, _ alreadyHeld: consuming HeldMemory
    ) throws(StorageError) {
        self.view = view
        self.selection = selection
        self.clocks = clocks
        needsOnlyNewest = request.needsOnlyNewest
        partitions = found
        var held = alreadyHeld
        try held.take(selection.count * Self.bytesPerSeries)
        kept = KeptSeries.place(of: found, besides: selection, isOrdered: request.isOrdered)
        let joined: JoinedSeries
        if let kept {
            joined = try KeptSeries.find(at: kept, &held) { held throws(StorageError) in
                try Self.join(selection.labels, found, isOrdered: request.isOrdered, &held)
            }
        } else {
            joined = try Self.join(selection.labels, found, isOrdered: request.isOrdered, &held)
        }
        labels = joined.labels
        labelNumbers = joined.labelNumbers
        headSeries = joined.headSeries
        places = joined.places
        largestPartition = joined.largestPartition
        estimatedSampleCount =
            request.needsOnlyNewest
            ? joined.headSeries.count
            : selection.estimatedSampleCount
                + found.reduce(0) { $0 + $1.series.count * $1.estimatedSampleCountPerSeries }
        self.held = held
    }

    private static func join(
        _ head: SelectedLabels, _ found: [PartitionSelection], isOrdered: Bool, _ held: inout HeldMemory
    ) throws(StorageError) -> JoinedSeries {
        var joined = JoinedSeries()
        if found.isEmpty {
            joined.take(head)
        } else {
            try joined.join(head, found, &held)
        }
        // Of the head alone in order of creation, as Prometheus has it; of anything else by labels.
        if isOrdered || !found.isEmpty { try joined.order(held) }
        return joined
    }

    /// Numbers of a series here, and those in new order while they are put into it.
    private static let bytesPerSeries = 24

    var count: Int { labelNumbers.count }

    /// How many samples one of the series may have.
    var samplesPerSeries: Int { needsOnlyNewest ? 1 : (estimatedSampleCount + count - 1) / max(1, count) }

    var readerBytes: Int {
        let batch = DatabaseSeriesReader.batchSize(self)
        return batch.count * samplesPerSeries * 8 + batch.keptBytes
    }

    func labels(at index: Int) -> LabelSet { labels.labels(of: Int(labelNumbers[index])) }

    func labels(at index: Int, without names: [[UInt8]]) -> LabelSet {
        labels.labels(of: Int(labelNumbers[index]), without: names)
    }

    func labelBytes(at index: Int) -> Int { labels.byteCount(of: Int(labelNumbers[index])) }

    func choose(_ choice: LabelChoice) -> (any ChosenLabels)? {
        let make = { ChosenSelectedLabels(choice, of: self.labels, numbers: self.labelNumbers) }
        guard let kept, !(choice.keepsNamed && choice.names.isEmpty) else { return make() }
        return KeptChoice.find(choice, at: kept, count: count, make)
    }

    func makeReader(over indexes: Range<Int>) -> any SeriesReader {
        DatabaseSeriesReader(series: self, indexes: indexes)
    }

    /// Series that stand in one frame of the largest partition's segments stay together.
    func blockEnd(startingAt index: Int, limit: Int) -> Int {
        let bound = min(count, index + limit)
        guard bound < count, !partitions.isEmpty, bound > index else { return bound }
        let width = partitions.count
        let numbers = partitions[largestPartition].series
        let reader = partitions[largestPartition].reader
        // The farthest boundary of frames within the limit.
        var end = index
        while true {
            let place = Int(places[end * width + largestPartition])
            guard place >= 0, let frameEnd = try? reader.frameEnd(of: numbers[place]) else { break }
            var next = end + 1
            while next <= bound, next < count {
                let place = Int(places[next * width + largestPartition])
                if place >= 0, Int(numbers[place]) >= frameEnd { break }
                next += 1
            }
            guard next <= bound, next < count else { break }
            end = next
        }
        return end > index ? end : bound
    }
}
