import Bytes
import MetricModel
import Storage

/// A lane of either kind.
enum HeadLane: Sendable {
    case rows(Lane)
    case loose(LooseLane)

    /// How many of the lane's series go on, as far as its newest samples tell.
    var liveSeriesCount: Int {
        switch self {
        case .rows(let lane): lane.liveSeriesCount
        case .loose(let lane): lane.liveSeriesCount
        }
    }

    /// Whether the head has samples of a slot that no partition has.
    func hasSamples(slot: Int) -> Bool {
        switch self {
        case .rows(let lane): lane.hasSamples(slot: slot)
        case .loose(let lane): lane.hasSamples(slot: slot)
        }
    }
}

/// The series of the head and the lanes they stand in.
///
/// Its owner locks it.
struct HeadIndex {
    var series = SeriesTable()
    private(set) var lanes: [UInt32: HeadLane] = [:]
    private var nextLane: UInt32 = 1
    /// Series that lists of labels leave out while the head has no samples of them: what partitions had was deleted.
    private var hidden: Set<UInt32> = []

    mutating func addLane(_ make: (UInt32) -> HeadLane) -> HeadLane {
        let number = nextLane
        nextLane += 1
        let lane = make(number)
        lanes[number] = lane
        return lane
    }

    /// Adds a lane that the journal knows under a number.
    mutating func restoreLane(_ lane: HeadLane, number: UInt32) {
        lanes[number] = lane
        nextLane = max(nextLane, number &+ 1)
    }

    /// Takes series out of lanes that ended, and lanes away of which none is left.
    mutating func remove(_ removal: LaneRemoval) {
        series.detach(removal.parts)
        for number in removal.ended { lanes[number] = nil }
        guard !hidden.isEmpty else { return }
        for part in removal.parts {
            for number in part.series where !series.isInUse(number) { hidden.remove(number) }
        }
    }

    /// Leaves series out of lists of labels until there are samples of them.
    mutating func hide(_ numbers: [UInt32]) {
        hidden.formUnion(numbers)
        _ = hiddenSeries()
    }

    /// The series to leave out now.
    mutating func hiddenSeries() -> Set<UInt32> {
        guard !hidden.isEmpty else { return hidden }
        let lanes = lanes
        let series = series
        hidden = hidden.filter { number in
            !series.attachments(of: number).contains { attachment in
                lanes[attachment.lane]?.hasSamples(slot: Int(attachment.slot)) ?? false
            }
        }
        return hidden
    }

    /// The journal's record for slots of a lane.
    func definition(lane: UInt32, firstSlot: Int, series numbers: [UInt32]) -> [UInt8] {
        let body = SlotDefinition.body(of: numbers, in: series)
        var record: [UInt8] = []
        unsafe body.withUnsafeBytes { bytes in
            unsafe JournalRecord.append(
                .series, numbers: UInt64(lane), UInt64(firstSlot), bytes: bytes, to: &record)
        }
        return record
    }
}

/// The head's index as matchers see it: series numbers of the moment it is asked.
extension HeadIndex: PostingsSource {
    func labelNames() -> [String] { series.pairs.names.filter { !$0.pairs.isEmpty }.map(\.text) }

    func values(of name: String) -> [String] {
        guard let number = series.pairs.nameNumber(of: name) else { return [] }
        return series.pairs.names[Int(number)].pairs.map { series.pairs.value(of: $0) }
    }

    func postings(_ name: String, _ value: String) -> Postings {
        var encoded: [UInt8] = []
        VarInt.append(UInt64(name.utf8.count), to: &encoded)
        encoded.append(contentsOf: name.utf8)
        VarInt.append(UInt64(value.utf8.count), to: &encoded)
        encoded.append(contentsOf: value.utf8)
        guard let pair = series.pairs.find(encoded) else { return .empty }
        return Postings(ascending: series.pairs.postings[Int(pair)])
    }

    func union(of name: String, prefix: String, where isIncluded: (UnsafeRawBufferPointer) -> Bool) -> Postings {
        guard let number = series.pairs.nameNumber(of: name) else { return .empty }
        let prefixBytes = Array(prefix.utf8)
        let nameByteCount = VarInt.byteCount(UInt64(name.utf8.count)) + name.utf8.count
        var sets: [Postings] = []
        for pair in series.pairs.names[Int(number)].pairs {
            let isWanted = unsafe series.pairs.bytes(of: pair).withUnsafeBytes { bytes in
                var offset = nameByteCount
                guard let length = unsafe VarInt.read(bytes, at: &offset), Int(length) == bytes.count - offset else {
                    return false
                }
                let value = unsafe UnsafeRawBufferPointer(rebasing: bytes[offset...])
                return unsafe value.starts(with: prefixBytes) && isIncluded(value)
            }
            if isWanted { sets.append(Postings(ascending: series.pairs.postings[Int(pair)])) }
        }
        return Postings.union(sets)
    }

    var allSeries: Postings { Postings(ascending: series.allSeries()) }
}
