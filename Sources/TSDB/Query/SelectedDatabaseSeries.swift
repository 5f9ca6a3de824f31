import MetricModel
import Storage

/// The series that a selector found in head and partitions, each label set once.
///
/// They stand in the order of the partition with the most of them, which is label order, so that the segments of each
/// partition are read one after the other; series that it lacks follow.
final class SelectedDatabaseSeries: SelectedSeries {
    private let selection: HeadSelection
    private let partitions: [PartitionSelection]
    /// Held so that neither files nor slices go away while they are read.
    private let view: DatabaseView
    private let clocks: ClockCache
    private let needsOnlyNewest: Bool
    private let labels: [LabelSet]
    /// The series in the head's selection, -1 for none.
    private let headSeries: [Int32]
    /// For each series its place in each partition's selection, -1 for none.
    private let places: [Int32]

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
        if width == 0 {
            labels = selection.labels
            headSeries = labels.indices.map { Int32($0) }
        } else {
            var numbers = LabelSetNumbers()
            let order = found.indices.sorted { found[$0].series.count > found[$1].series.count }
            numbers.reserve(found[order[0]].series.count)
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

    func labels(at index: Int) -> LabelSet { labels[index] }

    func makeReader(over indexes: Range<Int>) -> any SeriesReader { Reader(series: self, indexes: indexes) }

    private struct Reader: SeriesReader {
        let series: SelectedDatabaseSeries
        var position: Int
        let end: Int
        var pieces = ColumnPieces()
        /// Made when the first series of the partition is read.
        var readers: [PartitionSeriesReader?]

        init(series: SelectedDatabaseSeries, indexes: Range<Int>) {
            self.series = series
            position = indexes.lowerBound
            end = indexes.upperBound
            readers = [PartitionSeriesReader?](repeating: nil, count: series.partitions.count)
        }

        mutating func next(into columns: inout SampleColumns) throws(StorageError) -> Bool {
            guard position < end else { return false }
            let index = position
            position += 1
            pieces.removeAll()
            let head = Int(series.headSeries[index])
            if series.needsOnlyNewest { return try readNewest(index, head, into: &columns) }
            let width = series.partitions.count
            for partition in 0..<width {
                let place = Int(series.places[index * width + partition])
                if place >= 0 { try read(place, of: partition) }
            }
            // Last, because it is the newest.
            if head >= 0 { try series.selection.read(head, clocks: series.clocks, into: &pieces) }
            pieces.take(into: &columns, clocks: series.clocks)
            return true
        }

        private mutating func read(_ place: Int, of partition: Int) throws(StorageError) {
            let source = series.partitions[partition]
            do throws(StorageError) {
                if readers[partition] == nil { readers[partition] = try source.makeReader() }
                guard let reader = readers[partition] else { return }
                try reader.read(source.series[place], clocks: series.clocks, into: &pieces)
            } catch {
                source.reader.suspect(error)
                throw error
            }
        }

        /// Leaves out partitions that end before the newest sample found.
        private mutating func readNewest(
            _ index: Int, _ head: Int, into columns: inout SampleColumns
        ) throws(StorageError) -> Bool {
            if head >= 0 { try series.selection.read(head, clocks: series.clocks, into: &pieces) }
            let width = series.partitions.count
            for partition in (0..<width).reversed() {
                let place = Int(series.places[index * width + partition])
                guard place >= 0, pieces.newestTimestamp < series.partitions[partition].reader.metadata.end else {
                    continue
                }
                try read(place, of: partition)
            }
            pieces.take(into: &columns, clocks: series.clocks)
            return true
        }
    }
}
