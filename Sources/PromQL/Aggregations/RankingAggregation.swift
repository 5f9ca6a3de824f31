import MetricModel

/// `topk` and `bottomk`: the elements of a group with the largest or smallest values, with their own labels.
struct RankingAggregation: VectorOperator {
    let operand: any VectorOperator
    let parameter: any ScalarOperator
    let grouping: Grouping
    let takesLargest: Bool
    let annotator: AggregationAnnotator

    var timeline: Timeline { operand.timeline }
    var sharesOneName: Bool { operand.sharesOneName }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        guard let limits = try ElementLimit.counts(parameter.evaluate(context), of: operand, context) else { return }
        if timeline.count == 1, !context.isRangeQuery { return try streamInstant(limits[0], context, body) }
        var grouped = try GroupedSeries(operand, grouping, context)
        if grouped.hasHistograms { annotator.annotate(AggregationNotes(.ignoredHistograms), context) }
        let keptCost = QueryCost(bytes: grouped.series.count * (StepSeries.overheadBytes + timeline.count * 8))
        try context.hold(keptCost)
        var kept = grouped.series.map { StepSeries(labels: $0.labels, absentOver: $0.values.count) }
        for group in grouped.groups {
            try context.limits.check()
            for step in 0..<timeline.count {
                let best = best(limits[step], of: group.members, at: step, in: grouped.series)
                for index in best { kept[index].values[step] = grouped.series[index].values[step] }
            }
        }
        for index in kept.indices { kept[index].dropsName = grouped.series[index].dropsName }
        grouped.series = []
        for index in kept.indices where !kept[index].isEmpty { try body(&kept[index]) }
        context.release(grouped.cost + keptCost)
    }

    /// At one time the result is ranked: the best first, group by group in order of the groups' first labels.
    ///
    /// Only the best so far are held.
    private func streamInstant(_ limit: Int, _ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        var groups: [InstantRanking] = []
        var indexes: [LabelSet: Int] = [:]
        var hasHistograms = false
        var held = QueryCost()
        try operand.stream(context) { (series: inout StepSeries) throws(QueryError) in
            if series.isEmpty { return }
            if !series.histograms.isEmpty { hasHistograms = true }
            let key = grouping.key(of: series.labels)
            let index = indexes[key] ?? groups.count
            if index == groups.count {
                let cost = StepSeries.keyCost(key) + StepSeries.keyCost(series.labels)
                try context.hold(cost)
                held += cost
                indexes[key] = index
                groups.append(InstantRanking(first: series.labels))
            }
            groups[index].note(series.labels)
            guard !series.values[0].isAbsent else { return }
            let change = groups[index].add(series, limit: limit) { ranks($0, before: $1) }
            context.release(change.released)
            try context.hold(change.held)
            held += change.held
            held.samples -= change.released.samples
            held.bytes -= change.released.bytes
        }
        if hasHistograms { annotator.annotate(AggregationNotes(.ignoredHistograms), context) }
        groups.sort { LabelOrder.precedes($0.first, $1.first) }
        for index in groups.indices {
            for place in groups[index].best.indices { try body(&groups[index].best[place]) }
        }
        context.release(held)
    }

    /// The best elements of a step, best first, those equal in order of appearance; NaN ranks last.
    private func best(_ limit: Int, of members: [Int], at step: Int, in series: [StepSeries]) -> [Int] {
        guard limit > 0 else { return [] }
        var candidates: [(value: Double, index: Int)] = []
        for index in members {
            let value = series[index].values[step]
            if value.isAbsent { continue }
            let next = (value: value, index: index)
            guard candidates.count < limit || limit == 0 else {
                if let last = candidates.last, ranks(next.value, before: last.value) {
                    candidates.removeLast()
                    insert(next, into: &candidates)
                }
                continue
            }
            insert(next, into: &candidates)
        }
        return candidates.map(\.index)
    }

    private func insert(_ next: (value: Double, index: Int), into sorted: inout [(value: Double, index: Int)]) {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if ranks(next.value, before: sorted[middle].value) { high = middle } else { low = middle + 1 }
        }
        sorted.insert(next, at: low)
    }

    @inline(__always)
    private func ranks(_ left: Double, before right: Double) -> Bool {
        if left.isNaN { return false }
        if right.isNaN { return true }
        return takesLargest ? left > right : left < right
    }
}

/// The parameter of `topk`, `bottomk` and `limitk` as a number of elements.
enum ElementLimit {
    /// The greatest number below 2^63, which is too large already.
    private static let upperLimit = 9_223_372_036_854_774_784.0

    /// Truncated to whole numbers; what is none is an error, unless the operand has one.
    ///
    /// Nil where no step asks for an element, however far below: the operand is evaluated for its errors then.
    static func counts(
        _ values: [Double], of operand: any VectorOperator, _ context: QueryContext
    ) throws(QueryError) -> [Int]? {
        let isNumber = !values.contains(where: \.isNaN)
        if isNumber, !values.contains(where: { $0 >= 1 }) {
            try operand.discard(context)
            return nil
        }
        if let fault = isNumber ? fault(of: values) : "Parameter value is NaN" {
            try operand.discard(context)
            throw .execution(message: fault)
        }
        return values.map { Int($0) }
    }

    private static func fault(of values: [Double]) -> String? {
        if let least = values.min(), least <= -0x1p63 {
            return "Scalar value \(GoNumber.general(least)) underflows int64"
        }
        if let greatest = values.max(), greatest >= upperLimit {
            return "Scalar value \(GoNumber.general(greatest)) overflows int64"
        }
        return nil
    }
}

/// The best elements of a group at one time.
private struct InstantRanking {
    /// The labels that come first of all elements of the group.
    var first: LabelSet
    /// Best first, those equal in order of labels.
    var best: [StepSeries] = []

    init(first: LabelSet) { self.first = first }

    mutating func note(_ labels: LabelSet) { if LabelOrder.precedes(labels, first) { first = labels } }

    /// Takes an element in where it is among the best; what it costs, and what the one that had to go did.
    mutating func add(
        _ series: StepSeries, limit: Int, ranks: (Double, Double) -> Bool
    ) -> (held: QueryCost, released: QueryCost) {
        func comesBefore(_ other: StepSeries) -> Bool {
            let value = series.values[0]
            if ranks(value, other.values[0]) { return true }
            return !ranks(other.values[0], value) && LabelOrder.precedes(series.labels, other.labels)
        }
        if best.count >= limit, let last = best.last, !comesBefore(last) { return (QueryCost(), QueryCost()) }
        var low = 0
        var high = best.count
        while low < high {
            let middle = (low + high) / 2
            if comesBefore(best[middle]) { high = middle } else { low = middle + 1 }
        }
        var kept = series
        kept.dropHistograms()
        best.insert(kept, at: low)
        guard best.count > limit else { return (kept.cost, QueryCost()) }
        return (kept.cost, best.removeLast().cost)
    }
}
