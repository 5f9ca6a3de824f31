import MetricModel
import SQLite
import Storage

/// Writes the labels of a partition: blocks of label sets, the symbols they refer to, and the postings.
///
/// A symbol is a label pair; its number is given when it is first seen. A block of 128 neighbouring series, sealed and
/// compressed:
///
///     varint    number of series
///     series    varint    pairs at the front that are the same as in the series before
///               varint    further pairs
///               zigzag    each further pair's number - number of the pair at that place in the series before (or 0)
///
/// A block of 256 symbols holds their bytes as `LabelSet` has them, one after the other.
struct PartitionLabelWriter: ~Copyable {
    static let seriesPerBlock = 128
    static let symbolsPerBlock = 256

    struct Block {
        var firstSeries: UInt32
        var data: [UInt8]
    }

    private var pairs = LabelPairTable()
    private var previousNumbers: [UInt32] = []
    private var numbers: [UInt32] = []

    private var block = OutputBytes()
    private var blockFirst: UInt32 = 0
    private var blockCount = 0

    /// Adds the labels of the next series; the block before, when this one begins a new one.
    mutating func add(_ labels: LabelSet, series: UInt32) throws(StorageError) -> Block? {
        let finished = try startSeries(series)
        findNumbers(of: labels)
        append(series)
        return finished
    }

    /// The same for a series whose pairs have their numbers from `addPair`.
    mutating func add(numbers known: some Sequence<UInt32>, series: UInt32) throws(StorageError) -> Block? {
        let finished = try startSeries(series)
        numbers.removeAll(keepingCapacity: true)
        numbers.append(contentsOf: known)
        append(series)
        return finished
    }

    /// Gives a pair a number, without looking whether it has one.
    mutating func addPair(_ bytes: ArraySlice<UInt8>) -> UInt32 { pairs.append(bytes) }

    private mutating func startSeries(_ series: UInt32) throws(StorageError) -> Block? {
        let finished = blockCount == Self.seriesPerBlock ? try finishBlock() : nil
        if blockCount == 0 {
            blockFirst = series
            // A block can be read alone: its first series refers to nothing.
            previousNumbers.removeAll(keepingCapacity: true)
        }
        return finished
    }

    /// Writes the series whose pairs stand in `numbers`.
    private mutating func append(_ series: UInt32) {
        for number in numbers { pairs.notePosting(series, of: number) }
        var shared = 0
        while shared < numbers.count, shared < previousNumbers.count, numbers[shared] == previousNumbers[shared] {
            shared += 1
        }
        block.append(varint: UInt64(shared))
        block.append(varint: UInt64(numbers.count - shared))
        for place in shared..<numbers.count {
            let before = place < previousNumbers.count ? Int64(previousNumbers[place]) : 0
            block.append(zigzag: Int64(numbers[place]) - before)
        }
        blockCount += 1
        swap(&numbers, &previousNumbers)
    }

    /// Gives each pair its number.
    ///
    /// Most stand where they stood in the series before, which spares the table.
    private mutating func findNumbers(of labels: LabelSet) {
        numbers.removeAll(keepingCapacity: true)
        let encoded = labels.encoded
        var cursor = labels.makeCursor()
        while cursor.next() {
            let range = cursor.pair.indices
            let place = numbers.count
            if place < previousNumbers.count, pairs.isPair(Int(previousNumbers[place]), at: range, of: encoded) {
                numbers.append(previousNumbers[place])
            } else {
                numbers.append(pairs.number(of: encoded, range: range))
            }
        }
    }

    /// The block that is being written, nil where it is empty.
    mutating func finishBlock() throws(StorageError) -> Block? {
        guard blockCount > 0 else { return nil }
        var content = OutputBytes()
        content.append(varint: UInt64(blockCount))
        unsafe content.append(block.bytes)
        let sealed = try SealedBlob.seal(unsafe Array(content.bytes), compresses: true)
        block.removeAll()
        blockCount = 0
        return Block(firstSeries: blockFirst, data: sealed)
    }

    /// Writes symbols and postings; the last thing that is asked of it.
    mutating func writeTables(to connection: SQLiteConnection) throws(StorageError) {
        for start in stride(from: 0, to: pairs.count, by: Self.symbolsPerBlock) {
            var content: [UInt8] = []
            for pair in start..<min(pairs.count, start + Self.symbolsPerBlock) { content += pairs.bytes(of: pair) }
            let data = try SealedBlob.seal(content, compresses: true)
            try withStorageErrors { () throws(SQLiteError) in
                let statement = try connection.cached("INSERT INTO symbol (id, data) VALUES (?,?)")
                try statement.bind(start, at: 1)
                try statement.run(binding: data, at: 2)
            }
        }
        for number in pairs.sortedNumbers() {
            let data = try SealedBlob.seal(pairs.finishPostings(of: number), compresses: false)
            let text = pairs.text(of: number)
            try withStorageErrors { () throws(SQLiteError) in
                let statement = try connection.cached("INSERT INTO label (name, value, postings) VALUES (?,?,?)")
                try statement.bind(text.name, at: 1)
                try statement.bind(text.value, at: 2)
                try statement.run(binding: data, at: 3)
            }
        }
    }
}
