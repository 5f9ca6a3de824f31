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
        needsOnlyNewest: Bool
    ) {
        self.view = view
        self.selection = selection
        self.clocks = clocks
        self.needsOnlyNewest = needsOnlyNewest
        partitions = found
        var labels: [LabelSet] = []
        var headSeries: [Int32] = []
        var places: [Int32] = []
        let width = found.count
        if width == 0 {
            labels = selection.labels
            headSeries = labels.indices.map { Int32($0) }
        } else {
            var numberOfLabels: [LabelSet: Int] = [:]
            func number(_ set: LabelSet) -> Int {
                if let known = numberOfLabels[set] { return known }
                let new = labels.count
                numberOfLabels[set] = new
                labels.append(set)
                headSeries.append(-1)
                places.append(contentsOf: repeatElement(-1, count: width))
                return new
            }
            let order = found.indices.sorted { found[$0].series.count > found[$1].series.count }
            for partition in order {
                for (place, set) in found[partition].labels.enumerated() {
                    places[number(set) * width + partition] = Int32(place)
                }
            }
            for (series, set) in selection.labels.enumerated() { headSeries[number(set)] = Int32(series) }
        }
        self.labels = labels
        self.headSeries = headSeries
        self.places = places
        estimatedSampleCount =
            needsOnlyNewest
            ? labels.count
            : selection.labels.indices.reduce(0) { $0 + selection.estimatedSampleCount(of: $1) }
                + found.reduce(0) { $0 + $1.series.count * $1.estimatedSampleCountPerSeries }
    }

    var count: Int { labels.count }

    func labels(at index: Int) -> LabelSet { labels[index] }

    func makeReader(over indexes: Range<Int>) -> any SeriesReader { Reader(series: self, indexes: indexes) }

    private struct Reader: SeriesReader {
        let series: SelectedDatabaseSeries
        var position: Int
        let end: Int
        var pieces: [ColumnPiece] = []
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
            pieces.removeAll(keepingCapacity: true)
            let newestInHead = try readHead(Int(series.headSeries[index]))
            let width = series.partitions.count
            for partition in 0..<width {
                let place = Int(series.places[index * width + partition])
                guard place >= 0 else { continue }
                let source = series.partitions[partition]
                if series.needsOnlyNewest, newestInHead >= source.reader.metadata.end { continue }
                if readers[partition] == nil { readers[partition] = try source.makeReader() }
                guard let reader = readers[partition] else { continue }
                try reader.read(source.series[place], clocks: series.clocks, into: &pieces)
            }
            PieceMerge.merge(pieces, clocks: series.clocks, into: &columns)
            return true
        }

        /// Reads what the head has, and returns the time of its newest sample.
        private mutating func readHead(_ head: Int) throws(StorageError) -> Int64 {
            guard head >= 0 else { return .min }
            if !series.selection.readNewest(head, clocks: series.clocks, into: &pieces) {
                try series.selection.read(head, clocks: series.clocks, into: &pieces)
            }
            guard series.needsOnlyNewest else { return .min }
            return pieces.reduce(Int64.min) { newest, piece in
                max(newest, piece.lastTimestamp, piece.histograms.last?.timestamp ?? .min)
            }
        }
    }
}
