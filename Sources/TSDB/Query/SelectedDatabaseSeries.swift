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
    private let labels: [LabelSet]
    /// The series in the head's selection, -1 for none.
    let headSeries: [Int32]
    /// For each series its place in each partition's selection, -1 for none.
    let places: [Int32]

    let estimatedSampleCount: Int

    init(
        selection: HeadSelection, partitions found: [PartitionSelection], view: DatabaseView, clocks: ClockCache,
        request: SelectRequest
    ) throws(StorageError) {
        self.view = view
        self.selection = selection
        self.clocks = clocks
        needsOnlyNewest = request.needsOnlyNewest
        partitions = found
        var labels: [LabelSet]
        var headSeries: [Int32] = []
        var places: [Int32] = []
        let width = found.count
        var largest = 0
        if width == 0 {
            labels = selection.labels
            headSeries = labels.indices.map { Int32($0) }
        } else {
            var numbers = LabelSetNumbers()
            let order = found.indices.sorted { found[$0].series.count > found[$1].series.count }
            largest = order[0]
            numbers.reserve(found[largest].series.count)
            for partition in order {
                numbers.startOver()
                try found[partition].forEachLabels { place, encoded in
                    let number = numbers.number(of: encoded)
                    if number == headSeries.count {
                        headSeries.append(-1)
                        places.append(contentsOf: repeatElement(-1, count: width))
                    }
                    places[number * width + partition] = Int32(place)
                }
            }
            for (series, set) in selection.labels.enumerated() {
                let number = numbers.number(of: set)
                if number == headSeries.count {
                    headSeries.append(-1)
                    places.append(contentsOf: repeatElement(-1, count: width))
                }
                headSeries[number] = Int32(series)
            }
            labels = numbers.sets
        }
        if request.isOrdered { Self.order(&labels, &headSeries, &places, width: width) }
        self.labels = labels
        largestPartition = largest
        self.headSeries = headSeries
        self.places = places
        estimatedSampleCount =
            request.needsOnlyNewest
            ? labels.count
            : selection.labels.indices.reduce(0) { $0 + selection.estimatedSampleCount(of: $1) }
                + found.reduce(0) { $0 + $1.series.count * $1.estimatedSampleCountPerSeries }
    }

    /// Puts the series in order of labels.
    ///
    /// They mostly are, because the largest partition has them so.
    private static func order(
        _ labels: inout [LabelSet], _ headSeries: inout [Int32], _ places: inout [Int32], width: Int
    ) {
        var isOrdered = true
        for index in labels.indices.dropFirst() where labels[index] < labels[index - 1] {
            isOrdered = false
            break
        }
        if isOrdered { return }
        let unordered = labels
        let order = unordered.indices.sorted { unordered[$0] < unordered[$1] }
        labels = order.map { unordered[$0] }
        headSeries = order.map { [headSeries] in headSeries[$0] }
        places = order.flatMap { [places] in places[($0 * width)..<(($0 + 1) * width)] }
    }

    var count: Int { labels.count }

    /// How many samples one of the series may have.
    var samplesPerSeries: Int { needsOnlyNewest ? 1 : (estimatedSampleCount + count - 1) / max(1, count) }

    var readerBytes: Int { DatabaseSeriesReader.batchSize(self) * samplesPerSeries * 8 }

    func labels(at index: Int) -> LabelSet { labels[index] }

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
