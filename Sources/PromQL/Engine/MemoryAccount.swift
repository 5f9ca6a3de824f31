import Glibc
import MetricModel
import Storage
import Synchronization

/// The bytes that one query holds, counted before they are taken.
///
/// Safe on several threads.
final class MemoryAccount: Sendable {
    private let used = Atomic<Int>(0)
    private let highest = Atomic<Int>(0)
    let limitBytes: Int
    /// More is not even looked for in what is shared.
    private let trialBytes: Int
    /// Shared with other queries.
    private let budget: MemoryBudget?
    private let progress: QueryProgress?
    /// How long to wait for others to give back; nil does not wait.
    private let waitsWithin: QueryLimits?
    /// The shared bytes are taken though there may be none.
    private let comesFirst: Bool
    let mayWait: Bool

    init(
        limitBytes: Int, trialBytes: Int? = nil, budget: MemoryBudget? = nil, progress: QueryProgress? = nil,
        waitsWithin: QueryLimits? = nil,
        comesFirst: Bool = false, mayWait: Bool = true
    ) {
        self.mayWait = mayWait
        self.comesFirst = comesFirst
        self.limitBytes = limitBytes
        self.trialBytes = trialBytes ?? .max
        self.waitsWithin = waitsWithin
        self.budget = budget
        self.progress = progress
    }

    deinit {
        // What a query that failed had not given back, and its answer.
        budget?.give(used.load(ordering: .relaxed))
    }

    /// The bytes that are held now.
    var usedBytes: Int { used.load(ordering: .relaxed) }

    /// The most bytes that were held at a time.
    var peakBytes: Int { highest.load(ordering: .relaxed) }

    /// Counts bytes that are about to be taken; where they go beyond the limit nothing is counted.
    func reserve(_ byteCount: Int) throws(QueryError) {
        let after = used.add(byteCount, ordering: .relaxed).newValue
        guard after <= limitBytes else {
            used.subtract(byteCount, ordering: .relaxed)
            throw .tooManyBytes(wanted: after, maximum: limitBytes)
        }
        if let budget, after > trialBytes || !take(byteCount, from: budget),
            !waitForRoom(byteCount, in: budget, holding: after - byteCount)
        {
            used.subtract(byteCount, ordering: .relaxed)
            throw .tooManyBytesTogether(wanted: byteCount, maximum: budget.limitBytes)
        }
        _ = highest.max(after, ordering: .relaxed)
        progress?.noteHeld(after)
    }

    private func take(_ byteCount: Int, from budget: MemoryBudget) -> Bool {
        guard comesFirst else { return budget.take(byteCount) }
        budget.takeFirst(byteCount)
        return true
    }

    /// Waits for others to give back what they hold; false where they hold nothing or the query is over.
    ///
    /// Where the budget has room and the process has none, freed memory may still be on its way back to the kernel.
    private func waitForRoom(_ byteCount: Int, in budget: MemoryBudget, holding own: Int) -> Bool {
        guard let waitsWithin else { return false }
        var pausesForProcess = MemoryBudget.processPauseLimit
        while !waitsWithin.isOver {
            let othersHold = budget.usedBytes - own
            if budget.take(byteCount) { return true }
            if othersHold <= 0 {
                guard own + byteCount <= budget.limitBytes, pausesForProcess > 0 else { return false }
                pausesForProcess -= 1
            }
            usleep(MemoryBudget.pauseMicroseconds)
        }
        return false
    }

    /// Gives reserved bytes back.
    func release(_ byteCount: Int) {
        let after = used.subtract(byteCount, ordering: .relaxed).newValue
        budget?.give(byteCount)
        progress?.noteHeld(after)
    }
}

extension MemoryAccount: MemoryReservation {
    func hold(_ byteCount: Int) throws(StorageError) {
        do {
            try reserve(byteCount)
        } catch {
            switch error {
            case .tooManyBytes(let wanted, let maximum):
                throw .memory(wanted: wanted, maximum: maximum, isShared: false)
            case .tooManyBytesTogether(let wanted, let maximum):
                throw .memory(wanted: wanted, maximum: maximum, isShared: true)
            default: throw .cancelled
            }
        }
    }

    func offer(_ byteCount: Int) -> Bool {
        let after = used.add(byteCount, ordering: .relaxed).newValue
        guard after <= min(limitBytes, trialBytes), budget.map({ take(byteCount, from: $0) }) ?? true else {
            used.subtract(byteCount, ordering: .relaxed)
            return false
        }
        _ = highest.max(after, ordering: .relaxed)
        progress?.noteHeld(after)
        return true
    }
}

/// What an operator holds: samples as Prometheus counts them, and bytes.
struct QueryCost {
    var samples = 0
    var bytes = 0

    static func + (left: QueryCost, right: QueryCost) -> QueryCost {
        QueryCost(samples: left.samples + right.samples, bytes: left.bytes + right.bytes)
    }

    static func += (left: inout QueryCost, right: QueryCost) { left = left + right }
}

extension StepSeries {
    /// Bytes of a series beside its values and labels: itself twice, because lists grow by doubling, the heads of its
    /// arrays, and its place among those that are looked for by labels.
    static let overheadBytes = 224

    /// What a series takes that other series are looked for by, beside its labels: a group, its members, its places.
    private static let keyOverheadBytes = 256

    /// What labels take as the key of a group.
    static func keyCost(_ labels: LabelSet) -> QueryCost {
        QueryCost(bytes: keyOverheadBytes + labels.encoded.count)
    }

    /// What keeping the series costs.
    var cost: QueryCost {
        let samples = sampleCost
        let histogramSamples = histograms.isEmpty ? 0 : samples - floatCount
        return QueryCost(
            samples: samples,
            bytes: Self.overheadBytes + values.count * 8 + labels.encoded.count + histogramSamples * 16)
    }
}
