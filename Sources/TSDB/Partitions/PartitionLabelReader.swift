import MetricModel
import SQLite
import Storage

/// 256 label pairs of a partition, decoded.
final class SymbolBlock: Sendable {
    /// The pairs' bytes one after the other, as `LabelSet` has them.
    let bytes: [UInt8]
    let ranges: [Range<Int>]

    /// What the block takes.
    var byteCount: Int { bytes.count + ranges.count * 16 + 128 }

    init(first: Int, reader: PartitionReader, connection: SQLiteConnection) throws(StorageError) {
        let part = "symbols \(first)"
        let content = try BlobRow.read("SELECT data FROM symbol WHERE id = ?", first, of: part, reader, connection)
        var cursor = LabelPairBytes(content, range: 0..<content.count)
        var ranges: [Range<Int>] = []
        var start = 0
        while cursor.nextRanges() != nil {
            ranges.append(start..<cursor.position)
            start = cursor.position
        }
        guard start == content.count else {
            throw .corrupt(path: reader.path, what: "\(part): \(SegmentDamage.structure("label"))")
        }
        bytes = content
        self.ranges = ranges
    }
}

/// The symbols of 128 neighbouring series, decoded.
final class SeriesBlock: CachedBlock {
    /// Those of all series, one after the other, and where each series' symbols end.
    let symbols: [UInt32]
    let ends: [Int]

    var byteCount: Int { symbols.count * 4 + ends.count * 8 + 128 }

    init(symbols: [UInt32] = [], ends: [Int] = []) {
        self.symbols = symbols
        self.ends = ends
    }

    /// Nil where the bytes are damaged.
    convenience init?(_ content: [UInt8]) {
        var symbols: [UInt32] = []
        var ends: [Int] = []
        let isSound = unsafe content.withUnsafeBytes { bytes in
            var input = unsafe InputBytes(bytes)
            return Self.decode(&input, &symbols, &ends)
        }
        guard isSound else { return nil }
        self.init(symbols: symbols, ends: ends)
    }

    private static func decode(_ input: inout InputBytes, _ symbols: inout [UInt32], _ ends: inout [Int]) -> Bool {
        let count = input.count(limit: PartitionLabelWriter.seriesPerBlock)
        // Each series is told by what differs from the one before.
        var current: [UInt32] = []
        ends.reserveCapacity(count)
        for _ in 0..<count {
            let shared = input.count(limit: current.count)
            let further = input.count(limit: input.remaining)
            for place in shared..<(shared + further) {
                let before = place < current.count ? Int64(current[place]) : 0
                let symbol = before &+ input.zigzag()
                guard symbol >= 0, symbol < Int64(UInt32.max) else { return false }
                if place < current.count { current[place] = UInt32(symbol) } else { current.append(UInt32(symbol)) }
            }
            if shared + further < current.count { current.removeLast(current.count - shared - further) }
            symbols.append(contentsOf: current)
            ends.append(symbols.count)
        }
        return !input.isDamaged && input.isAtEnd
    }
}

/// Reads the content of one sealed blob.
enum BlobRow {
    static func read(
        _ sql: String, _ id: Int, of part: String, _ reader: PartitionReader, _ connection: SQLiteConnection
    ) throws(StorageError) -> [UInt8] {
        let statement = try withStorageErrors { () throws(SQLiteError) in
            let statement = try connection.cached(sql)
            try statement.bind(id, at: 1)
            return statement
        }
        defer { statement.reset() }
        guard try withStorageErrors({ () throws(SQLiteError) in try statement.step() }) else {
            throw .corrupt(path: reader.path, what: "\(part) are missing")
        }
        do throws(SegmentDamage) {
            return unsafe try statement.withBlob(at: 0) { blob throws(SegmentDamage) in
                unsafe try SealedBlob.open(blob)
            }
        } catch {
            throw .corrupt(path: reader.path, what: "\(part): \(error)")
        }
    }
}

/// Gives the labels of series; neighbours come from one decoded block.
///
/// It belongs to one thread.
final class PartitionLabelReader {
    private let reader: PartitionReader
    private let connection: SQLiteConnection
    private var blockFirst = -1
    private var block = SeriesBlock()
    /// Where the bytes of a symbol that was met stand in `pairBytes`; empty for the others.
    private struct PairPlace {
        var start: UInt32
        var end: UInt32
        var isEmpty: Bool { start == end }
    }
    private var known: [PairPlace] = []
    private var pairBytes: [UInt8] = []
    /// The blocks used last, each in the place that its number chooses.
    private var blocks = [(number: Int, block: SymbolBlock)?](repeating: nil, count: 16)

    init(reader: PartitionReader, connection: SQLiteConnection) {
        self.reader = reader
        self.connection = connection
    }

    /// The labels of a series.
    func labels(of series: UInt32) throws(StorageError) -> LabelSet {
        var encoded: [UInt8] = []
        try encode(series, into: &encoded)
        return LabelSet(encoded: encoded)
    }

    /// Writes the labels of a series as `LabelSet` has them in place of what was in `encoded`.
    func encode(_ series: UInt32, into encoded: inout [UInt8]) throws(StorageError) {
        let range = try symbolRange(of: series)
        encoded.removeAll(keepingCapacity: true)
        let symbols = block.symbols
        for place in range {
            let number = Int(symbols[place])
            if number >= known.count || known[number].isEmpty { try take(UInt32(number)) }
            // Inside `pairBytes`, because only `take` makes ranges that are not empty.
            let pair = known[number]
            unsafe pairBytes.withUnsafeBufferPointer { bytes in
                unsafe encoded.append(
                    contentsOf: UnsafeBufferPointer(rebasing: bytes[Int(pair.start)..<Int(pair.end)]))
            }
        }
    }

    /// Takes a copy of a symbol's bytes, so that it is found by its number alone from then on.
    private func take(_ symbol: UInt32) throws(StorageError) {
        let (block, range) = try text(of: symbol)
        while known.count <= Int(symbol) { known.append(PairPlace(start: 0, end: 0)) }
        let start = pairBytes.count
        pairBytes.append(contentsOf: block.bytes[range])
        guard pairBytes.count <= Int(UInt32.max) else { throw damage }
        known[Int(symbol)] = PairPlace(start: UInt32(start), end: UInt32(pairBytes.count))
    }

    /// Each label pair of the series once, in the order of its symbols; with `name` those that have it.
    func pairs(of series: Postings, named name: String? = nil) throws(StorageError) -> [(name: String, value: String)] {
        var seen = Set<UInt32>()
        try series.forEach { number throws(StorageError) in
            for place in try symbolRange(of: number) { seen.insert(block.symbols[place]) }
        }
        var result: [(name: String, value: String)] = []
        // In their order, so that each block is read once; in that of the set nearly every symbol would read one.
        for symbol in seen.sorted() {
            let (block, range) = try text(of: symbol)
            if let name {
                var cursor = LabelPairBytes(block.bytes, range: range)
                guard let place = cursor.nextRanges()?.name, block.bytes[place].elementsEqual(name.utf8) else {
                    continue
                }
            }
            var cursor = LabelPairBytes(block.bytes, range: range)
            if let pair = cursor.next() { result.append(pair) }
        }
        return result
    }

    /// The block that has a series, and the number of its first one.
    func block(of series: UInt32) throws(StorageError) -> (block: SeriesBlock, first: UInt32) {
        let first = Int(series) - Int(series) % PartitionLabelWriter.seriesPerBlock
        if first != blockFirst { try load(first) }
        return (block, UInt32(first))
    }

    /// Where a symbol's bytes stand, as `LabelSet` has them.
    func text(of symbol: UInt32) throws(StorageError) -> (SymbolBlock, Range<Int>) {
        let (number, place) = Int(symbol).quotientAndRemainder(dividingBy: PartitionLabelWriter.symbolsPerBlock)
        let block: SymbolBlock
        if let known = blocks[number % blocks.count], known.number == number {
            block = known.block
        } else {
            block = try reader.symbolBlock(Int(symbol) - place, connection: connection)
            blocks[number % blocks.count] = (number, block)
        }
        guard place < block.ranges.count else { throw damage }
        return (block, block.ranges[place])
    }

    private var damage: StorageError {
        .corrupt(path: reader.path, what: "labels from series \(blockFirst) on: \(SegmentDamage.structure("block"))")
    }

    /// Where the symbols of a series stand in its block, in label order.
    func symbolRange(of series: UInt32) throws(StorageError) -> Range<Int> {
        let place = Int(series) % PartitionLabelWriter.seriesPerBlock
        let first = Int(series) - place
        if first != blockFirst { try load(first) }
        guard place < block.ends.count else { throw damage }
        return (place == 0 ? 0 : block.ends[place - 1])..<block.ends[place]
    }

    /// Takes the block of series that starts at `first`, from the cache or the file.
    private func load(_ first: Int) throws(StorageError) {
        let key = BlockCache.Key(partition: reader.number, place: Int64(first), kind: .labels)
        let (known, isWanted) = reader.cache?.find(key, as: SeriesBlock.self) ?? (nil, false)
        if let known {
            block = known
            blockFirst = first
            return
        }
        blockFirst = -1
        let content = try BlobRow.read(
            "SELECT labels FROM series WHERE id = ?", first, of: "labels from series \(first) on", reader, connection)
        blockFirst = first
        guard let read = SeriesBlock(content) else {
            block = SeriesBlock()
            throw damage
        }
        block = read
        if isWanted { reader.cache?.insert(read, for: key) }
    }
}
