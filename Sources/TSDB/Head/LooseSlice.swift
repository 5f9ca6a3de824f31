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
        var usedInLast: UInt32 = 0
        var byteCount: UInt32 = 0
    }

    /// The state of a series' stream and where its bytes are.
    private struct Track {
        var stream = LooseStream()
        var chain = Chain()
    }

    private var blocks: [RowBlock] = []
    private var nextCells: [UInt32] = []
    private var tracks: [Track] = []
    private var trackOfSlot: [UInt32] = []
    private(set) var byteCount = 0
    private(set) var minimumTimestamp = Int64.max
    private(set) var maximumTimestamp = Int64.min
    /// The number of the view from which on the partitions hold these samples; `.max` while only the head has them.
    var sealedEpoch = UInt64.max

    var isEmpty: Bool { tracks.isEmpty }
    var seriesCount: Int { tracks.count }

    /// Slots with samples in this slice, ascending.
    var slots: [Int] { trackOfSlot.indices.filter { trackOfSlot[$0] != Self.none } }

    func sampleCount(slot: Int) -> Int {
        guard slot < trackOfSlot.count, trackOfSlot[slot] != Self.none else { return 0 }
        return tracks[Int(trackOfSlot[slot])].stream.sampleCount
    }

    /// The start timestamp that the slot's next sample would have without a word, 0 for unknown.
    func startTimestamp(slot: Int) -> Int64 {
        guard slot < trackOfSlot.count, trackOfSlot[slot] != Self.none else { return 0 }
        return tracks[Int(trackOfSlot[slot])].stream.start
    }

    /// Adds to the stream of a slot what `body` appends to `scratch`.
    ///
    /// `body` lowers `first` and raises `newest` to the times it adds, and answers whether there is anything to add.
    mutating func extend(
        slot: Int, scratch: inout [UInt8], first: inout Int64, newest: inout Int64,
        _ body: (inout LooseStream, inout [UInt8], inout Int64, inout Int64) -> Bool
    ) -> Bool {
        let index = trackIndex(slot: slot)
        scratch.removeAll(keepingCapacity: true)
        guard body(&tracks[index].stream, &scratch, &first, &newest) else { return false }
        append(scratch, to: index)
        minimumTimestamp = min(minimumTimestamp, first)
        maximumTimestamp = max(maximumTimestamp, newest)
        return true
    }

    private mutating func trackIndex(slot: Int) -> Int {
        if slot >= trackOfSlot.count {
            trackOfSlot.append(contentsOf: repeatElement(Self.none, count: slot + 1 - trackOfSlot.count))
        }
        if trackOfSlot[slot] == Self.none {
            trackOfSlot[slot] = UInt32(tracks.count)
            tracks.append(Track())
        }
        return Int(trackOfSlot[slot])
    }

    private mutating func append(_ bytes: [UInt8], to index: Int) {
        unsafe bytes.withUnsafeBytes { unsafe append($0, to: index) }
    }

    @inline(__always)
    private mutating func append(_ bytes: UnsafeRawBufferPointer, to index: Int) {
        var written = 0
        while written < bytes.count {
            let chain = tracks[index].chain
            if chain.last == Self.none || chain.usedInLast == UInt32(Self.cellByteCount) {
                addCell(to: index)
                continue
            }
            let used = Int(chain.usedInLast)
            let count = min(bytes.count - written, Self.cellByteCount - used)
            let cell = Int(chain.last)
            let offset = cell % Self.cellsPerBlock * Self.cellByteCount + used
            unsafe blocks[cell / Self.cellsPerBlock].write(
                UnsafeRawBufferPointer(rebasing: bytes[written..<written + count]), at: offset)
            tracks[index].chain.usedInLast = UInt32(used + count)
            written += count
        }
        tracks[index].chain.byteCount += UInt32(bytes.count)
        byteCount += bytes.count
    }

    /// Adds a float sample of a slot and answers where in `room` the bytes of its value are: none when it is that of
    /// before.
    ///
    /// `room` is memory for one sample.
    @inline(__always)
    mutating func append(
        bits: UInt64, timestamp: Int64, generation: UInt64, slot: Int, powers: UnsafePointer<Double>,
        room: UnsafeMutablePointer<UInt8>
    ) -> UnsafeRawBufferPointer {
        let index = trackIndex(slot: slot)
        let written = unsafe tracks[index].stream.encode(
            bits: bits, timestamp: timestamp, generation: generation, powers: powers, at: room)
        unsafe append(UnsafeRawBufferPointer(start: room, count: written.end - room), to: index)
        minimumTimestamp = min(minimumTimestamp, timestamp)
        maximumTimestamp = max(maximumTimestamp, timestamp)
        return unsafe UnsafeRawBufferPointer(start: written.value, count: written.end - written.value)
    }

    private mutating func addCell(to index: Int) {
        let cell = UInt32(nextCells.count)
        if nextCells.count % Self.cellsPerBlock == 0 {
            blocks.append(RowBlock(capacity: Self.cellsPerBlock * Self.cellByteCount))
        }
        nextCells.append(Self.none)
        if tracks[index].chain.last == Self.none {
            tracks[index].chain.first = cell
        } else {
            nextCells[Int(tracks[index].chain.last)] = cell
        }
        tracks[index].chain.last = cell
        tracks[index].chain.usedInLast = 0
    }

    /// The bytes of a slot's stream, nil where it has none.
    func bytes(slot: Int) -> [UInt8]? {
        var result: [UInt8] = []
        return append(slot: slot, to: &result) ? result : nil
    }

    /// Adds the bytes of a slot's stream; false where it has none.
    func append(slot: Int, to bytes: inout [UInt8]) -> Bool {
        guard slot < trackOfSlot.count, trackOfSlot[slot] != Self.none else { return false }
        let chain = tracks[Int(trackOfSlot[slot])].chain
        var rest = Int(chain.byteCount)
        bytes.reserveCapacity(bytes.count + rest)
        var cell = chain.first
        while cell != Self.none {
            let count = min(Self.cellByteCount, rest)
            let offset = Int(cell) % Self.cellsPerBlock * Self.cellByteCount
            unsafe bytes.append(contentsOf: blocks[Int(cell) / Self.cellsPerBlock].bytes(at: offset, count: count))
            rest -= count
            cell = nextCells[Int(cell)]
        }
        return true
    }

    /// The state of a slot's stream behind its last sample, nil where it has none.
    func stream(slot: Int) -> LooseStream? {
        guard slot < trackOfSlot.count, trackOfSlot[slot] != Self.none else { return nil }
        return tracks[Int(trackOfSlot[slot])].stream
    }
}
