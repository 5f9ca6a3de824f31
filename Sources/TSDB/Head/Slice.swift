internal import CColumns
import MetricModel

/// The rows of one source between two cuts: bytes in blocks, and where each row stands.
///
/// A value: a copy is a snapshot, because blocks never change what they published.
struct Slice {
    typealias Row = ccolumns_row

    private(set) var rows: [Row] = []
    private(set) var timestamps: [Int64] = []
    private var blocks: [RowBlock] = []
    private var usedInLastBlock = 0
    private(set) var byteCount = 0
    private(set) var capacity = 0
    private(set) var hasHistograms = false
    private(set) var hasStarts = false
    /// What queries keep of it; nil before the first one.
    private(set) var kept: KeptColumns?
    /// The number of the view from which on the partitions hold these rows; `.max` while only the head has them.
    var sealedEpoch = UInt64.max

    /// A block holds about this many rows.
    private static let rowsPerBlock = 15
    private static let smallestBlockBytes = 512

    /// How many blocks were allocated for the rows.
    var blockCount: Int { blocks.count }
    var isEmpty: Bool { rows.isEmpty }
    var rowCount: Int { rows.count }
    var firstTimestamp: Int64 { timestamps.first ?? .max }
    var lastTimestamp: Int64 { timestamps.last ?? .min }
    var lastSequence: UInt64 { rows.last?.sequence ?? 0 }

    /// Adds a row's bytes.
    ///
    /// Allocates only when a block is full.
    mutating func append(
        _ bytes: UnsafeRawBufferPointer, timestamp: Int64, sequence: UInt64, hasHistograms: Bool, hasStarts: Bool
    ) {
        if rows.isEmpty {
            rows.reserveCapacity(Lane.rowsPerSlice)
            timestamps.reserveCapacity(Lane.rowsPerSlice)
        }
        if blocks.isEmpty || blocks[blocks.count - 1].capacity - usedInLastBlock < bytes.count {
            // A key row is larger than those behind it, and the last block is for the rows that are still to come.
            let rest = max(1, Lane.rowsPerSlice - rows.count)
            let wanted = rows.isEmpty ? bytes.count : bytes.count * min(Self.rowsPerBlock, rest)
            let block = RowBlock(capacity: max(Self.smallestBlockBytes, wanted))
            blocks.append(block)
            capacity += block.capacity
            usedInLastBlock = 0
        }
        unsafe blocks[blocks.count - 1].write(bytes, at: usedInLastBlock)
        rows.append(
            Row(
                sequence: sequence, block: UInt32(blocks.count - 1), offset: UInt32(usedInLastBlock),
                byte_count: UInt32(bytes.count)))
        timestamps.append(timestamp)
        usedInLastBlock += bytes.count
        byteCount += bytes.count
        if hasHistograms { self.hasHistograms = true }
        if hasStarts { self.hasStarts = true }
    }

    /// Whether views of an epoch find the rows here and not in partitions, and the rows have floats alone.
    func isPlain(after epoch: UInt64) -> Bool { sealedEpoch > epoch && !hasHistograms && !hasStarts }

    /// Makes a place for what queries keep.
    mutating func makeKept() {
        if kept == nil { kept = KeptColumns() }
    }

    /// Calls `body` with the bytes of each of the first `count` rows; ends early where it answers false.
    func forEachRow(first count: Int, _ body: (Int, UnsafeRawBufferPointer) -> Bool) {
        for index in 0..<min(count, rows.count) {
            let row = rows[index]
            let bytes = unsafe blocks[Int(row.block)].bytes(at: Int(row.offset), count: Int(row.byte_count))
            guard unsafe body(index, bytes) else { return }
        }
    }

    /// Calls `body` with rows that follow each other in one block, and with where that begins; ends early where it answers
    /// false.
    func forEachRun(
        in wanted: Range<Int>, _ body: (UnsafePointer<UInt8>, UnsafeBufferPointer<Row>) -> Bool
    ) {
        unsafe rows.withUnsafeBufferPointer { rows in
            var start = wanted.lowerBound
            while start < wanted.upperBound {
                let number = unsafe rows[start].block
                var end = start + 1
                while end < wanted.upperBound, unsafe rows[end].block == number { end += 1 }
                let last = unsafe rows[end - 1]
                let bytes = unsafe blocks[Int(number)].bytes(at: 0, count: Int(last.offset) + Int(last.byte_count))
                guard let first = unsafe bytes.assumingMemoryBound(to: UInt8.self).baseAddress,
                    unsafe body(first, UnsafeBufferPointer(rebasing: rows[start..<end]))
                else { return }
                start = end
            }
        }
    }

    /// How many rows at the front a view sees that stands at `sequence`.
    func visibleRowCount(at sequence: UInt64) -> Int {
        guard let last = rows.last, last.sequence > sequence else { return rows.count }
        var count = rows.count
        while count > 0, rows[count - 1].sequence > sequence { count -= 1 }
        return count
    }
}
