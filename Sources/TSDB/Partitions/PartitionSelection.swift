import Bytes
import MetricModel
import Storage

/// What a selector found in one partition.
struct FoundPartition: Sendable {
    let reader: PartitionReader
    /// What found them.
    let matchers: MatcherText
    /// Ascending, which is label order.
    let numbers: Postings
    let clocks: PartitionClocks
    let needsValues: Bool

    /// - Parameter text: The matchers of the request.
    init(reader: PartitionReader, request: SelectRequest, _ text: MatcherText) throws(StorageError) {
        self.reader = reader
        matchers = text
        clocks = PartitionClocks(range: request.range)
        needsValues = request.needsValues
        numbers = try reader.select(request.matchers, text)
    }
}

/// The series of one partition that a selector found, for one query.
///
/// Safe on many threads.
final class PartitionSelection: Sendable {
    let reader: PartitionReader
    /// What found them; nil where these are not all that it finds.
    let matchers: MatcherText?
    /// Numbers of the series, ascending, which is label order.
    let series: [UInt32]
    private let clocks: PartitionClocks
    private let needsValues: Bool

    convenience init(reader: PartitionReader, request: SelectRequest) throws(StorageError) {
        self.init(try FoundPartition(reader: reader, request: request, MatcherText(request.matchers)))
    }

    /// Series of those that were found; all of them unless told otherwise.
    init(_ found: FoundPartition, places: Range<Int>? = nil) {
        reader = found.reader
        matchers = places == nil ? found.matchers : nil
        clocks = found.clocks
        needsValues = found.needsValues
        series = places.map { found.numbers[$0].numbers } ?? found.numbers.numbers
    }

    /// The series that match any of the selectors, for their labels.
    init(reader: PartitionReader, selectors: [[LabelMatcher]], range: TimeRange) throws(StorageError) {
        self.reader = reader
        matchers = nil
        clocks = PartitionClocks(range: range)
        needsValues = false
        series = try reader.selectAny(selectors).numbers
    }

    /// Calls `body` with runs of series that have one number of `numbers` after the other, and the number of the first;
    /// `numbers` gets to know the labels.
    func forEachRun(
        in numbers: inout SelectedLabelNumbers, _ held: inout HeldMemory,
        _ body: (inout SelectedLabelNumbers, inout HeldMemory, Range<Int>, Int) throws(StorageError) -> Void
    ) throws(StorageError) {
        try reader.withConnection { connection throws(StorageError) in
            let labels = PartitionLabelReader(reader: reader, connection: connection)
            var places = SymbolPlaces()
            var pairs: [UInt32] = []
            var index = 0
            while index < series.count {
                let (block, first) = try labels.block(of: series[index])
                let run = try numbers.takeRun(series[index...], of: block, from: first, places, &held)
                if !run.isEmpty {
                    try body(&numbers, &held, index..<index + run.count, run.lowerBound)
                    index += run.count
                    continue
                }
                pairs.removeAll(keepingCapacity: true)
                for place in try labels.symbolRange(of: series[index]) {
                    let symbol = block.symbols[place]
                    if let known = places.known(symbol) {
                        pairs.append(known)
                        continue
                    }
                    pairs.append(
                        try places.place(of: symbol, &held) { held throws(StorageError) in
                            let (block, range) = try labels.text(of: symbol)
                            return try numbers.place(of: block.bytes[range], &held)
                        })
                }
                let number = try numbers.number(of: pairs[...], &held)
                try body(&numbers, &held, index..<index + 1, number)
                index += 1
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

    /// There are neither histograms nor deletions.
    var hasPlainFloatsOnly: Bool { reader.metadata.histogramCount == 0 && reader.deletions.isEmpty }

    /// A reader for one thread.
    ///
    /// Pieces of all readers share this selection's clocks.
    func makeReader(
        keepsFrames: Bool = false, _ zstd: ZstdWorkspace = ZstdWorkspace()
    ) throws(StorageError) -> PartitionFrameReader {
        try PartitionFrameReader(
            reader: reader, clocks: clocks, needsValues: needsValues, keepsFrames: keepsFrames, zstd: zstd)
    }
}
