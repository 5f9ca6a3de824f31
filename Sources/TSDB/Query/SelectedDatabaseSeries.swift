import MetricModel
import Storage

/// The series that a selector found in head and partitions, in label order.
final class SelectedDatabaseSeries: SelectedSeries {
    private let entries: [Entry]
    private let selection: HeadSelection
    private let clocks: ClockCache
    private let range: TimeRange

    struct Entry: Sendable {
        var labels: LabelSet
        /// The series in the head's selection, -1 for none.
        var head: Int
    }

    let estimatedSampleCount: Int

    init(selection: HeadSelection, clocks: ClockCache, range: TimeRange) {
        self.selection = selection
        self.clocks = clocks
        self.range = range
        var entries = selection.labels.indices.map { Entry(labels: selection.labels[$0], head: $0) }
        entries.sort { $0.labels < $1.labels }
        self.entries = entries
        estimatedSampleCount = selection.labels.indices.reduce(0) { $0 + selection.estimatedSampleCount(of: $1) }
    }

    var count: Int { entries.count }

    func labels(at index: Int) -> LabelSet { entries[index].labels }

    func makeReader(over indexes: Range<Int>) -> any SeriesReader { Reader(series: self, indexes: indexes) }

    private struct Reader: SeriesReader {
        let series: SelectedDatabaseSeries
        var position: Int
        let end: Int
        var pieces: [ColumnPiece] = []

        init(series: SelectedDatabaseSeries, indexes: Range<Int>) {
            self.series = series
            position = indexes.lowerBound
            end = indexes.upperBound
        }

        mutating func next(into columns: inout SampleColumns) throws(StorageError) -> Bool {
            guard position < end else { return false }
            let entry = series.entries[position]
            position += 1
            pieces.removeAll(keepingCapacity: true)
            if entry.head >= 0 {
                let isAnswered = series.selection.readNewest(entry.head, clocks: series.clocks, into: &pieces)
                if !isAnswered { try series.selection.read(entry.head, clocks: series.clocks, into: &pieces) }
            }
            PieceMerge.merge(pieces, clocks: series.clocks, into: &columns)
            return true
        }
    }
}
