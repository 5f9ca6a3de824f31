import Bytes
import Synchronization

/// What the journal is told of lanes and their slots.
extension Head {
    /// Tells the journal of slots it does not know, before the first row that uses them.
    func defineNewSlots(of lane: Lane) {
        let (first, series) = lane.withState { $0.takeUndefinedSlots() }
        guard !series.isEmpty else { return }
        define(lane: lane.number, kind: 0, name: lane.sourceName, firstSlot: first, series: series)
    }

    private func define(lane: UInt32, kind: UInt64, name: String, firstSlot: Int, series: [UInt32]) {
        for record in records(lane: lane, kind: kind, name: name, firstSlot: firstSlot, series: series) {
            journal.appendDefinition(lane: lane, record)
        }
    }

    /// What the journal has to know of slots: the lane before its first, and their series.
    private func records(lane: UInt32, kind: UInt64, name: String, firstSlot: Int, series: [UInt32]) -> [[UInt8]] {
        var records: [[UInt8]] = []
        if firstSlot == 0 {
            var record: [UInt8] = []
            let text = Array(name.utf8)
            unsafe text.withUnsafeBytes { bytes in
                unsafe JournalRecord.append(.lane, numbers: UInt64(lane), kind, bytes: bytes, to: &record)
            }
            records.append(record)
        }
        records.append(index.withLock { $0.definition(lane: lane, firstSlot: firstSlot, series: series) })
        return records
    }

    /// All that the journal was told of lanes, for a new one.
    ///
    /// Nothing is appended meanwhile.
    func allDefinitions() -> [(lane: UInt32, record: [UInt8])] {
        var result: [(lane: UInt32, record: [UInt8])] = []
        let lanes = index.withLock { $0.lanes }
        for (number, lane) in lanes.sorted(by: { $0.key < $1.key }) {
            let (kind, name, series): (UInt64, String, [UInt32]) =
                switch lane {
                case .rows(let lane):
                    (0, lane.sourceName, lane.withState { Array($0.slotSeries.prefix($0.definedSlotCount)) })
                case .loose(let lane): (1, "", lane.withState { Array($0.slotSeries.prefix($0.definedSlotCount)) })
                }
            guard !series.isEmpty else { continue }
            for record in records(lane: number, kind: kind, name: name, firstSlot: 0, series: series) {
                result.append((number, record))
            }
        }
        return result
    }

    func defineNewSlots(of lane: LooseLane) {
        let (first, series) = lane.withState { $0.takeUndefinedSlots() }
        guard !series.isEmpty else { return }
        define(lane: lane.number, kind: 1, name: "", firstSlot: first, series: series)
    }
}

/// The series of a lane's slots, of which the journal knows the first ones.
protocol SlotDefinitions {
    var slotSeries: [UInt32] { get }
    /// Slots from here on are not in the journal yet.
    var definedSlotCount: Int { get set }
}

extension SlotDefinitions {
    /// The slots that the journal does not know, which are taken for known from here on: the first, and the series of all.
    mutating func takeUndefinedSlots() -> (first: Int, series: [UInt32]) {
        let first = definedSlotCount
        let new = first < slotSeries.count ? Array(slotSeries[first...]) : []
        definedSlotCount = slotSeries.count
        return (first, new)
    }
}
