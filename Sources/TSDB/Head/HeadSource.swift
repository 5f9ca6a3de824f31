import MetricModel
import Storage
import Synchronization

/// The writer of one source: a lane, and the next one when slots are renumbered.
final class HeadSource: SourceWriter {
    /// Slots are renumbered only when at least this many are without samples, and a quarter of all.
    static let reclaimedSlotMinimum = 64

    private struct State {
        var lane: Lane
        var generation: UInt32 = 0
        var isClosed = false
    }

    private let head: Head
    private let state: Mutex<State>

    init(head: Head, lane: Lane) {
        self.head = head
        state = Mutex(State(lane: lane))
    }

    deinit { close() }

    private var lane: Lane { state.withLock { $0.lane } }

    var slotCount: Int { lane.slotCount }
    var generation: UInt32 { state.withLock { $0.generation } }

    func slot(for labels: LabelSet) throws(AppendError) -> Int { try head.slot(for: labels, in: lane) }

    func labels(of slot: Int) -> LabelSet? {
        let series = lane.withState { $0.slotSeries.indices.contains(slot) ? $0.slotSeries[slot] : nil }
        return series.map { series in head.withIndex { $0.series.labels(of: series) } }
    }

    func append(timestamp: Timestamp, values: [Double], histograms: [SlotHistogram]) throws(AppendError) {
        try append(timestamp: timestamp, values: values, histograms: histograms, starts: [])
    }

    func append(
        timestamp: Timestamp, values: [Double], histograms: [SlotHistogram], starts: [Int64]
    ) throws(AppendError) {
        precondition(
            starts.isEmpty || starts.count == values.count, "a row has one start timestamp for each slot or none")
        let lane = lane
        do throws(AppendError) {
            try head.append(
                timestamp: timestamp.milliseconds, values: values, histograms: histograms, starts: starts, to: lane)
        } catch {
            guard case .outOfOrder(let late, let newest) = error, late < newest else { throw error }
            return try head.appendLate(
                timestamp: late, values: values, histograms: histograms, starts: starts, of: lane, refused: error)
        }
        reclaimSlots(of: lane, histograms: histograms)
    }

    /// At the first row after a slice: when many slots have no samples any more, goes on without them.
    private func reclaimSlots(of lane: Lane, histograms: [SlotHistogram]) {
        guard let bits = lane.takeSlotsToCheck() else { return }
        var isAlive = bits.map { $0 != SpecialValue.absentBits && $0 != SpecialValue.staleBits }
        for entry in histograms { isAlive[entry.slot] = true }
        let kept = isAlive.indices.filter { isAlive[$0] }
        let deadCount = bits.count - kept.count
        guard deadCount >= Self.reclaimedSlotMinimum, deadCount * 4 >= bits.count else { return }
        let next = head.renumber(lane, keeping: kept)
        state.withLock { state in
            state.lane = next
            state.generation &+= 1
        }
    }

    func close() {
        let open: Lane? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.isClosed = true
            return state.lane
        }
        open?.close()
    }
}
