import MetricModel
import Storage

/// What a selector found in one partition.
struct FoundPartition: Sendable {
    let reader: PartitionReader
    /// Ascending, which is label order.
    let numbers: Postings
    let clocks: PartitionClocks
    let needsValues: Bool

    init(reader: PartitionReader, request: SelectRequest) throws(StorageError) {
        self.reader = reader
        clocks = PartitionClocks(range: request.range)
        needsValues = request.needsValues
        numbers = try reader.select(request.matchers)
    }
}

/// The places of the symbols of a partition that were met, in pages of those that were.
private struct SymbolPlaces {
    private static let pageSize: UInt32 = 256
    /// Where the page of symbols starts in `places`, -1 for none.
    private var pages: [Int32] = []
    /// Of each symbol that was met its place + 1, of the others 0.
    private var places: [UInt32] = []

    /// Writes the places of symbols to `result` in place of what was there; false where one was not met before.
    func find(_ symbols: ArraySlice<UInt32>, into result: inout [UInt32]) -> Bool {
        let pages = pages.span
        let places = places.span
        let wanted = symbols.span
        result.removeAll(keepingCapacity: true)
        result.append(addingCapacity: wanted.count) { found in
            for index in wanted.indices {
                let symbol = wanted[index]
                let page = Int(symbol / Self.pageSize)
                guard page < pages.count, pages[page] >= 0 else { return }
                let place = places[Int(pages[page]) + Int(symbol % Self.pageSize)]
                guard place > 0 else { return }
                found.append(place - 1)
            }
        }
        return result.count == wanted.count
    }

    /// The place of a symbol; `make` gives it where it was not met before.
    mutating func place(
        of symbol: UInt32, _ held: inout HeldMemory, _ make: (inout HeldMemory) throws(StorageError) -> UInt32
    ) throws(StorageError) -> UInt32 {
        let page = Int(symbol / Self.pageSize)
        if page >= pages.count {
            let added = page + 1 - pages.count
            try held.takeLittle(added * 4)
            pages.append(contentsOf: repeatElement(-1, count: added))
        }
        if pages[page] < 0 {
            try held.takeLittle(Int(Self.pageSize) * 4)
            pages[page] = Int32(places.count)
            places.append(contentsOf: repeatElement(0, count: Int(Self.pageSize)))
        }
        let index = Int(pages[page]) + Int(symbol % Self.pageSize)
        if places[index] == 0 { places[index] = try make(&held) + 1 }
        return places[index] - 1
    }
}

/// The series of one partition that a selector found, for one query.
///
/// Safe on many threads.
final class PartitionSelection: Sendable {
    let reader: PartitionReader
    /// Numbers of the series, ascending, which is label order.
    let series: [UInt32]
    private let clocks: PartitionClocks
    private let needsValues: Bool

    convenience init(reader: PartitionReader, request: SelectRequest) throws(StorageError) {
        self.init(try FoundPartition(reader: reader, request: request))
    }

    /// Series of those that were found; all of them unless told otherwise.
    init(_ found: FoundPartition, places: Range<Int>? = nil) {
        reader = found.reader
        clocks = found.clocks
        needsValues = found.needsValues
        series = places.map { found.numbers[$0].numbers } ?? found.numbers.numbers
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
            var places = SymbolPlaces()
            var pairs: [UInt32] = []
            for (index, number) in series.enumerated() {
                let symbols = try labels.symbols(of: number)
                if !places.find(symbols, into: &pairs) {
                    pairs.removeAll(keepingCapacity: true)
                    for symbol in symbols {
                        pairs.append(
                            try places.place(of: symbol, &held) { held throws(StorageError) in
                                let (block, range) = try labels.text(of: symbol)
                                return try numbers.place(of: block.bytes[range], &held)
                            })
                    }
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
