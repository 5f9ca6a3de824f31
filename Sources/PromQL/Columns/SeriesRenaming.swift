import MetricModel

/// Series on their way to other labels, of which no two are equal, and to the order of these.
///
/// All labels are known before the first series comes, so that a series waits for those alone that come before it by its new
/// labels and after it by its old ones. Labels that change with a part of another label, as most do, hardly change the order.
struct SeriesRenaming {
    private let stepCount: Int
    private let before: [LabelSet]
    private let after: [LabelSet]
    /// The place of each in the new order.
    private let ranks: [Int]
    /// Which of the new order has come, or will not.
    private var isDone: [Bool]
    /// How many of the old order have come, or will not.
    private var position = 0
    /// The place whose series is to be given next.
    private var next = 0
    private var waiting: [Int: PackedSeries] = [:]
    /// Two of the new labels may be equal.
    let hasEqual: Bool
    let costBefore: QueryCost
    let costAfter: QueryCost

    /// - Parameters:
    ///   - known: Labels in order; there are series of some of them.
    ///   - change: The new labels.
    init(
        _ known: KnownLabels, over stepCount: Int, _ context: QueryContext, _ change: (LabelSet) -> LabelSet
    ) throws(QueryError) {
        var after: [LabelSet] = []
        var cost = QueryCost()
        for (index, labels) in known.labels.enumerated() {
            if index % 256 == 0 { try context.limits.check() }
            let changed = change(labels)
            // With its rank, its place among hashes and its mark.
            let added = KnownLabels.cost(of: changed) + QueryCost(bytes: 64)
            try context.hold(added)
            cost += added
            after.append(changed)
        }
        let order = after.indices.sorted { LabelOrder.precedes(after[$0], after[$1]) }
        var ranks = [Int](repeating: 0, count: order.count)
        for (rank, index) in order.enumerated() { ranks[index] = rank }
        self.ranks = ranks
        hasEqual = SeriesMerger.hasEqualHashes(after.count) { after[$0] }
        self.stepCount = stepCount
        before = known.labels
        self.after = after
        isDone = [Bool](repeating: false, count: order.count)
        costBefore = known.cost
        costAfter = cost
    }

    /// The new labels in their order.
    var labelsInOrder: [LabelSet] {
        var result = after
        for (index, rank) in ranks.enumerated() { result[rank] = after[index] }
        return result
    }

    /// Takes a series with its old labels, and gives those whose turn it is.
    mutating func take(
        _ series: inout StepSeries, _ context: QueryContext, _ body: SeriesBody
    ) throws(QueryError) {
        var place = position
        while place < before.count, before[place] != series.labels { place += 1 }
        // One that came into being while the query runs.
        guard place < before.count else { return }
        for skipped in position..<place { isDone[ranks[skipped]] = true }
        position = place + 1
        let rank = ranks[place]
        series.labels = after[place]
        try giveWaiting(before: rank, context, body)
        isDone[rank] = true
        guard next == rank else {
            try context.hold(PackedSeries.cost(of: series))
            waiting[rank] = PackedSeries(taking: &series)
            return
        }
        next += 1
        try body(&series)
        try giveWaiting(before: ranks.count, context, body)
    }

    /// Gives those that still wait.
    mutating func finish(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        for skipped in position..<before.count { isDone[ranks[skipped]] = true }
        position = before.count
        try giveWaiting(before: ranks.count, context, body)
    }

    /// Gives those whose turn it is, up to a place.
    private mutating func giveWaiting(
        before end: Int, _ context: QueryContext, _ body: SeriesBody
    ) throws(QueryError) {
        while next < end, isDone[next] {
            if let waited = waiting.removeValue(forKey: next) {
                context.release(waited.cost)
                var series = waited.unpacked(over: stepCount)
                try body(&series)
            }
            next += 1
        }
    }
}
