import Storage

/// The rows of the head for blocks that follow each other: lanes are read for a stretch of blocks at a time.
///
/// A row is decoded once for all series of a lane that a stretch has, so that longer stretches cost less where the series of
/// a lane are spread over the blocks; what is decoded is held as long as the stretch lasts, so that it may not be all. Few
/// queries have more than one stretch.
struct HeadStretches {
    private let view: ViewReading
    private let blockCount: Int
    /// What is decoded for one stretch takes no more than this, unless one block alone does.
    private let limitBytes: Int
    /// How the lanes of the stretch at hand are read.
    private var readings: LaneReadings?
    /// Where it ends.
    private var end = 0
    /// What the block behind it has, found when there was no more room for it.
    private var next: WantedSlots?
    /// How many rows a lane has in the range.
    private var rowCounts: [UInt32: Int] = [:]

    /// An eighth of what the query's selections may decode together.
    private static let parts = 8

    init(of blockCount: Int, in view: ViewReading) {
        self.blockCount = blockCount
        self.view = view
        limitBytes = view.memory.limit / Self.parts
    }

    /// How the lanes of a block are read, which is the first one or follows the one before.
    mutating func readings(ofBlock block: Int, _ inHead: HeadDistribution) throws(StorageError) -> LaneReadings {
        if block < end, let readings { return readings }
        // Given back before the next is taken.
        readings = nil
        var held = HeldMemory(view.request.reservation)
        var wanted = WantedSlots()
        try add(block, inHead, to: &wanted, &held)
        end = block + 1
        var bytes = byteCount(of: wanted)
        while end < blockCount {
            var more = WantedSlots()
            try add(end, inHead, to: &more, &held)
            bytes += byteCount(of: more)
            guard bytes <= limitBytes else {
                next = more
                break
            }
            wanted.add(more)
            end += 1
        }
        let made = try wanted.readings(in: view, held)
        readings = made
        return made
    }

    /// What the columns of slots take, and the lists of them.
    private mutating func byteCount(of wanted: WantedSlots) -> Int {
        var sum = 0
        for (number, lane) in wanted.lanes {
            if rowCounts[number] == nil { rowCounts[number] = view.rowCount(of: lane.lane) }
            sum += lane.slots.count * (8 * (rowCounts[number] ?? 0) + WantedSlots.bytesPerSlot)
        }
        return sum
    }

    private mutating func add(
        _ block: Int, _ inHead: HeadDistribution, to wanted: inout WantedSlots, _ held: inout HeldMemory
    ) throws(StorageError) {
        if let known = next.take() {
            try held.take(known.slotCount * WantedSlots.bytesPerSlot)
            wanted.add(known)
        } else {
            try wanted.add(inHead.numbers(ofBlock: block), of: view.head, &held)
        }
    }
}

/// Lanes of the head, and the slots of each that are wanted.
struct WantedSlots {
    private(set) var lanes: [UInt32: (lane: HeadLane?, slots: [Int])] = [:]
    private(set) var slotCount = 0

    /// How many series are looked at while the index is locked.
    private static let turnCount = 4096
    /// What a slot takes in a list that grows by doubling.
    static let bytesPerSlot = 16

    /// Adds what series are attached to.
    mutating func add(_ numbers: Postings, of head: Head, _ held: inout HeldMemory) throws(StorageError) {
        var attachments: [Attachment] = []
        for start in stride(from: 0, to: numbers.count, by: Self.turnCount) {
            attachments.removeAll(keepingCapacity: true)
            // What the lists of one turn take is a few bytes for each of its series.
            head.withIndex { index in
                for place in start..<min(numbers.count, start + Self.turnCount) {
                    index.series.appendAttachments(of: numbers[place], to: &attachments)
                }
                attachments.forEachLane { lane, _ in
                    if lanes[lane] == nil { lanes[lane] = (index.lanes[lane], []) }
                }
            }
            let before = slotCount
            attachments.forEachLane { lane, run in if hasRows(lane) { slotCount += run.count } }
            try held.takeLittle((slotCount - before) * Self.bytesPerSlot)
            attachments.forEachLane { lane, run in
                if hasRows(lane) { lanes[lane]?.slots.append(contentsOf: run.lazy.map { Int($0.slot) }) }
            }
        }
    }

    /// A stream is found by its slot alone.
    private func hasRows(_ lane: UInt32) -> Bool { if case .rows? = lanes[lane]?.lane { true } else { false } }

    mutating func add(_ other: WantedSlots) {
        for (number, lane) in other.lanes { lanes[number, default: (lane.lane, [])].slots += lane.slots }
        slotCount += other.slotCount
    }

    /// How the lanes that have rows in the range are read; counted with what holds them.
    func readings(in view: ViewReading, _ alreadyHeld: consuming HeldMemory) throws(StorageError) -> LaneReadings {
        var held = alreadyHeld
        if view.request.needsOnlyNewest { try held.take(slotCount * NewestRows.bytesPerSlot) }
        var newest = NewestRows(beside: held)
        var result: [UInt32: LaneReadings.Lane] = [:]
        for (number, lane) in lanes {
            let slots = lane.slots.sorted()
            let reading = try view.reading(of: lane.lane, slots, &newest, &held)
            if let reading { result[number] = (reading, slots) }
        }
        return LaneReadings(result, newestBits: newest.copied, held)
    }
}

/// How the lanes of the head are read, for selections that have series of the same lanes; what they take is given back with it.
final class LaneReadings: Sendable {
    /// A reading, and the slots that it is for, ascending.
    typealias Lane = (reading: HeadSelection.Reading, slots: [Int])

    /// By number of lane; those that have rows in the range.
    let lanes: [UInt32: Lane]
    /// Bits of newest rows, as `NewestRow` says.
    let newestBits: [UInt64]
    private let held: HeldMemory

    init(_ lanes: [UInt32: Lane], newestBits: [UInt64], _ held: consuming HeldMemory) {
        self.lanes = lanes
        self.newestBits = newestBits
        self.held = held
    }

    /// For each attachment the place of its slot among those that its lane is read for.
    ///
    /// Series that were attached to a lane after these readings were made have `NewestRow.nowhere`: the view sees nothing of
    /// theirs there.
    func places(of found: FoundSeries) -> [UInt32] {
        let slots = found.lanes.map { lanes[$0.number]?.slots ?? [] }
        return zip(found.attachments, found.laneOfAttachment).map { attachment, lane in
            let place = SliceColumns.place(of: Int(attachment.slot), in: slots[Int(lane)])
            return place.map { UInt32($0) } ?? NewestRow.nowhere
        }
    }
}
