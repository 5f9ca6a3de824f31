import MetricModel
import Storage

/// The series of one partition that a selector found, for one query.
///
/// Safe on many threads.
final class PartitionSelection: Sendable {
    let reader: PartitionReader
    /// Numbers of the series, ascending, which is label order.
    let series: [UInt32]
    private let clocks: PartitionClocks
    private let needsValues: Bool

    init(reader: PartitionReader, request: SelectRequest) throws(StorageError) {
        self.reader = reader
        clocks = PartitionClocks(range: request.range)
        needsValues = request.needsValues
        let found = try reader.select(request.matchers)
        series = found.numbers
    }

    /// Calls `body` with the index and the labels of each series, as `LabelSet` has them; the bytes are lent.
    func forEachLabels(_ body: (Int, [UInt8]) -> Void) throws(StorageError) {
        try reader.withConnection { connection throws(StorageError) in
            let labels = PartitionLabelReader(reader: reader, connection: connection)
            var encoded: [UInt8] = []
            for (index, number) in series.enumerated() {
                try labels.encode(number, into: &encoded)
                body(index, encoded)
            }
        }
    }

    /// How many samples a series may have in the range: its share of the partition's, if all were alike.
    var estimatedSampleCountPerSeries: Int {
        let metadata = reader.metadata
        guard metadata.seriesCount > 0, metadata.overlaps(clocks.range) else { return 0 }
        let average = Double(metadata.sampleCount) / Double(metadata.seriesCount)
        let span = Double(metadata.end) - Double(metadata.start) + 1
        let first = max(Double(metadata.start), Double(clocks.range.start.milliseconds))
        let last = min(Double(metadata.end), Double(clocks.range.end.milliseconds))
        return Int((average * min(1, max(0, last - first + 1) / span)).rounded(.up)) + 1
    }

    /// A reader for one thread.
    ///
    /// Pieces of all readers share this selection's clocks.
    func makeReader() throws(StorageError) -> PartitionFrameReader {
        try PartitionFrameReader(reader: reader, clocks: clocks, needsValues: needsValues)
    }
}
