import MetricModel

/// The rows of one source between two cuts: bytes in blocks, and where each row stands.
///
/// A value: a copy is a snapshot, because blocks never change what they published.
struct Slice {
    struct Row {
        var sequence: UInt64
        var block: UInt32
        var offset: UInt32
        var byteCount: UInt32
    }

    private(set) var rows: [Row] = []
    private(set) var timestamps: [Int64] = []
    private var blocks: [RowBlock] = []
    private var usedInLastBlock = 0
    private(set) var byteCount = 0
    private(set) var capacity = 0
    private(set) var hasHistograms = false
    private(set) var hasStarts = false
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

    /// Adds a row's bytes.
    ///
    /// Allocates only when a block is full.
    mutating func append(
        _ bytes: UnsafeRawBufferPointer, timestamp: Int64, sequence: UInt64, hasHistograms: Bool, hasStarts: Bool
    ) {
        if blocks.isEmpty || blocks[blocks.count - 1].capacity - usedInLastBlock < bytes.count {
            let wanted = rows.isEmpty ? bytes.count : bytes.count * Self.rowsPerBlock
            let block = RowBlock(capacity: max(Self.smallestBlockBytes, wanted))
            blocks.append(block)
            capacity += block.capacity
            usedInLastBlock = 0
        }
        unsafe blocks[blocks.count - 1].write(bytes, at: usedInLastBlock)
        rows.append(
            Row(
                sequence: sequence, block: UInt32(blocks.count - 1), offset: UInt32(usedInLastBlock),
                byteCount: UInt32(bytes.count)))
        timestamps.append(timestamp)
        usedInLastBlock += bytes.count
        byteCount += bytes.count
        if hasHistograms { self.hasHistograms = true }
        if hasStarts { self.hasStarts = true }
    }

    /// Calls `body` with the bytes of each of the first `count` rows; ends early where it answers false.
    func forEachRow(first count: Int, _ body: (Int, UnsafeRawBufferPointer) -> Bool) {
        for index in 0..<min(count, rows.count) {
            let row = rows[index]
            guard unsafe body(index, bytes(of: row)) else { return }
        }
    }

    func bytes(of row: Row) -> UnsafeRawBufferPointer {
        unsafe blocks[Int(row.block)].bytes(at: Int(row.offset), count: Int(row.byteCount))
    }

    /// How many rows at the front a view sees that stands at `sequence`.
    func visibleRowCount(at sequence: UInt64) -> Int {
        guard let last = rows.last, last.sequence > sequence else { return rows.count }
        var count = rows.count
        while count > 0, rows[count - 1].sequence > sequence { count -= 1 }
        return count
    }
}
