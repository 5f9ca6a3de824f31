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

    /// The series that match any of the selectors, for their labels.
    init(reader: PartitionReader, selectors: [[LabelMatcher]], range: TimeRange) throws(StorageError) {
        self.reader = reader
        clocks = PartitionClocks(range: range)
        needsValues = false
        series = try reader.selectAny(selectors).numbers
    }

    /// Calls `body` with the index of each series and the places of its pairs, which `numbers` knows.
    func forEachPairs(
        in numbers: inout SelectedLabelNumbers, _ held: inout HeldMemory,
        _ body: (inout SelectedLabelNumbers, inout HeldMemory, Int, ArraySlice<UInt32>) throws(StorageError) -> Void
    ) throws(StorageError) {
        try reader.withConnection { connection throws(StorageError) in
            let labels = PartitionLabelReader(reader: reader, connection: connection)
            // Of each symbol that was met the place + 1.
            var known: [UInt32] = []
            var pairs: [UInt32] = []
            for (index, number) in series.enumerated() {
                pairs.removeAll(keepingCapacity: true)
                for symbol in try labels.symbols(of: number) {
                    if symbol >= known.count {
                        let added = Int(symbol) + 1 - known.count
                        try held.takeLittle(added * 4)
                        known.append(contentsOf: repeatElement(0, count: added))
                    }
                    if known[Int(symbol)] == 0 {
                        let (block, range) = try labels.text(of: symbol)
                        known[Int(symbol)] = try numbers.place(of: block.bytes[range], &held) + 1
                    }
                    pairs.append(known[Int(symbol)] - 1)
                }
                try body(&numbers, &held, index, pairs[...])
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
