/// The streams of many series between two cuts, in cells of 64 bytes that are chained.
///
///     cell:  60 bytes of the stream | u32 number of the next cell, kept beside the cells
///
/// So a stream grows without being moved, and nothing is allocated per series.
struct LooseSlice {
    static let cellByteCount = 60
    private static let cellsPerBlock = 1024
    private static let none = UInt32.max

    private struct Chain {
        var first = LooseSlice.none
        var last = LooseSlice.none
        var usedInLast = 0
        var byteCount = 0
    }

    private var blocks: [RowBlock] = []
    private var nextCells: [UInt32] = []
    private var chains: [Chain] = []
    private var streams: [LooseStream] = []
    private var streamOfSlot: [UInt32] = []
    private(set) var byteCount = 0
    private(set) var minimumTimestamp = Int64.max
    private(set) var maximumTimestamp = Int64.min
    /// The number of the view from which on the partitions hold these samples; `.max` while only the head has them.
    var sealedEpoch = UInt64.max

    var isEmpty: Bool { streams.isEmpty }
    var seriesCount: Int { streams.count }

    /// Slots with samples in this slice, ascending.
    var slots: [Int] { streamOfSlot.indices.filter { streamOfSlot[$0] != Self.none } }

    func sampleCount(slot: Int) -> Int {
        guard slot < streamOfSlot.count, streamOfSlot[slot] != Self.none else { return 0 }
        return streams[Int(streamOfSlot[slot])].sampleCount
    }

    /// Adds to the stream of a slot what `body` appends to `scratch`.
    ///
    /// `body` lowers `first` and raises `newest` to the times it adds, and answers whether there is anything to add.
    mutating func extend(
        slot: Int, scratch: inout [UInt8], first: inout Int64, newest: inout Int64,
        _ body: (inout LooseStream, inout [UInt8], inout Int64, inout Int64) -> Bool
    ) -> Bool {
        let index = streamIndex(slot: slot)
        scratch.removeAll(keepingCapacity: true)
        guard body(&streams[index], &scratch, &first, &newest) else { return false }
        append(scratch, to: index)
        minimumTimestamp = min(minimumTimestamp, first)
        maximumTimestamp = max(maximumTimestamp, newest)
        return true
    }

    private mutating func streamIndex(slot: Int) -> Int {
        if slot >= streamOfSlot.count {
            streamOfSlot.append(contentsOf: repeatElement(Self.none, count: slot + 1 - streamOfSlot.count))
        }
        if streamOfSlot[slot] == Self.none {
            streamOfSlot[slot] = UInt32(streams.count)
            streams.append(LooseStream())
            chains.append(Chain())
        }
        return Int(streamOfSlot[slot])
    }

    private mutating func append(_ bytes: [UInt8], to index: Int) {
        var written = 0
        while written < bytes.count {
            if chains[index].last == Self.none || chains[index].usedInLast == Self.cellByteCount { addCell(to: index) }
            let count = min(bytes.count - written, Self.cellByteCount - chains[index].usedInLast)
            let cell = Int(chains[index].last)
            let offset = cell % Self.cellsPerBlock * Self.cellByteCount + chains[index].usedInLast
            unsafe bytes.withUnsafeBytes { source in
                unsafe blocks[cell / Self.cellsPerBlock].write(
                    UnsafeRawBufferPointer(rebasing: source[written..<written + count]), at: offset)
            }
            chains[index].usedInLast += count
            written += count
        }
        chains[index].byteCount += bytes.count
        byteCount += bytes.count
    }

    private mutating func addCell(to index: Int) {
        let cell = UInt32(nextCells.count)
        if nextCells.count % Self.cellsPerBlock == 0 {
            blocks.append(RowBlock(capacity: Self.cellsPerBlock * Self.cellByteCount))
        }
        nextCells.append(Self.none)
        if chains[index].last == Self.none {
            chains[index].first = cell
        } else {
            nextCells[Int(chains[index].last)] = cell
        }
        chains[index].last = cell
        chains[index].usedInLast = 0
    }

    /// The bytes of a slot's stream, nil where it has none.
    func bytes(slot: Int) -> [UInt8]? {
        guard slot < streamOfSlot.count, streamOfSlot[slot] != Self.none else { return nil }
        let chain = chains[Int(streamOfSlot[slot])]
        var result: [UInt8] = []
        result.reserveCapacity(chain.byteCount)
        var cell = chain.first
        while cell != Self.none {
            let count = min(Self.cellByteCount, chain.byteCount - result.count)
            let block = blocks[Int(cell) / Self.cellsPerBlock]
            let offset = Int(cell) % Self.cellsPerBlock * Self.cellByteCount
            unsafe result.append(contentsOf: block.bytes(at: offset, count: count))
            cell = nextCells[Int(cell)]
        }
        return result
    }
}
