import Bytes
import MetricModel
import PromQLSyntax

/// The series of a vector by histogram: native ones, and the buckets of classic ones by their labels without `le`.
///
/// Where series come in order of labels, a histogram is complete when one comes that does not begin with the labels that its
/// series have before `le`: no more are held than have these in common.
struct HistogramGroups {
    struct Group {
        /// With the name, without `le`.
        let labels: LabelSet
        /// Series with native histograms.
        fileprivate var native: [PackedSeries] = []
        /// Series of buckets with their upper bounds, in the order in which they came.
        fileprivate var buckets: [(upperBound: Double, place: Int, series: PackedSeries)] = []
        /// What it takes.
        fileprivate var cost = QueryCost()

        fileprivate init(labels: LabelSet) { self.labels = labels }

        /// Puts the buckets in order once, so that no step has to.
        fileprivate mutating func arrange() {
            if buckets.contains(where: { $0.upperBound.isNaN }) { return }
            // Those of one bound are added together in the order in which they came.
            buckets.sort { ($0.upperBound, $0.place) < ($1.upperBound, $1.place) }
        }
    }

    /// What takes a group with all of its series.
    typealias Taker = (Group) throws(QueryError) -> Void

    enum Sample {
        case native(NativeHistogram)
        case classic(ClassicBuckets)
    }

    private var groups: [LabelSet: Group] = [:]
    /// The groups in the order in which they began, by the labels before `le` that they have in common; each begins with those
    /// before it.
    private var open: [(prefix: [UInt8], groups: [LabelSet])] = []
    /// The hashes of the groups that were handed on before the end.
    private var closed: Set<UInt64> = []
    private var seriesCount = 0
    private var closedCost = QueryCost()
    private let handsOnEarly: Bool
    private let delaysNameRemoval: Bool
    private let operandRange: SourceRange
    private let withoutBound = LabelFilter(dropping: [LabelName.bucketBound])
    /// A series came for a group that had been handed on: the order was not that of labels.
    private(set) var isBroken = false

    private static let boundName = Array(LabelName.bucketBound.utf8)

    /// - Parameter handsOnEarly: Series are said to come in order of labels.
    init(handsOnEarly: Bool, delaysNameRemoval: Bool, operandRange: SourceRange) {
        self.handsOnEarly = handsOnEarly
        self.delaysNameRemoval = delaysNameRemoval
        self.operandRange = operandRange
    }

    /// Takes a series, and hands on what cannot get any more.
    mutating func add(
        _ series: inout StepSeries, _ context: QueryContext, _ take: Taker
    ) throws(QueryError) {
        let labels = series.labels
        series.labels = .empty
        let cost = PackedSeries.cost(of: series)
        guard cost.samples > 0, !isBroken else { return }
        let prefix = handsOnEarly ? Self.prefix(of: labels) : []
        while let last = open.last, !labels.encoded.starts(with: last.prefix) { try close(context, take) }
        seriesCount += 1
        let packed = PackedSeries(taking: &series)
        if !packed.histograms.isEmpty {
            try add(to: labels, prefix, cost, context) { $0.native.append(packed) }
        }
        guard packed.floatCount > 0 else { return }
        let text = labels.value(of: LabelName.bucketBound)
        guard let bound = GoNumberText.parse(text) else {
            return context.warn(
                "bucket label \"le\" is missing or has a malformed value of \(LabelName.quoted(text))"
                    + suffix(labels), at: operandRange)
        }
        let place = seriesCount
        try add(to: withoutBound.apply(labels), prefix, cost, context) { $0.buckets.append((bound, place, packed)) }
    }

    /// Hands on what is left, native ones first, as in Prometheus.
    mutating func finish(_ context: QueryContext, _ take: Taker) throws(QueryError) {
        let left = open.flatMap(\.groups)
        let native = left.filter { groups[$0]?.native.isEmpty == false }
        let classic = left.filter { groups[$0]?.native.isEmpty == true }
        for labels in native + classic { try handOn(labels, context, take) }
        open = []
        context.release(closedCost)
    }

    private mutating func add(
        to labels: LabelSet, _ prefix: [UInt8], _ cost: QueryCost, _ context: QueryContext,
        _ change: (inout Group) -> Void
    ) throws(QueryError) {
        // Lists of members grow by doubling.
        var made = cost + QueryCost(bytes: 32)
        let isNew = groups[labels] == nil
        if isNew { made += StepSeries.keyCost(labels) + QueryCost(bytes: 2 * MemoryLayout<Group>.stride) }
        try context.hold(made)
        if isNew {
            if closed.contains(labels.byteHash) { isBroken = true }
            if open.last.map({ $0.prefix != prefix }) ?? true { open.append((prefix, [])) }
            open[open.count - 1].groups.append(labels)
        }
        change(&groups[labels, default: Group(labels: labels)])
        groups[labels]?.cost += made
    }

    /// Hands on the groups that begin with the longest labels in common.
    private mutating func close(_ context: QueryContext, _ take: Taker) throws(QueryError) {
        guard let last = open.popLast() else { return }
        let cost = QueryCost(bytes: last.groups.count * 32)
        try context.hold(cost)
        closedCost += cost
        for labels in last.groups {
            closed.insert(labels.byteHash)
            try handOn(labels, context, take)
        }
    }

    private mutating func handOn(
        _ labels: LabelSet, _ context: QueryContext, _ take: Taker
    ) throws(QueryError) {
        guard var group = groups.removeValue(forKey: labels) else { return }
        group.arrange()
        try take(group)
        context.release(group.cost)
    }

    /// The labels that come before `le` in the order of labels.
    private static func prefix(of labels: LabelSet) -> [UInt8] {
        var cursor = labels.makeCursor()
        var byteCount = 0
        while cursor.next(), labels.encoded[cursor.nameRange].lexicographicallyPrecedes(boundName) {
            byteCount += cursor.pair.count
        }
        return Array(labels.encoded[..<byteCount])
    }

    private func suffix(_ labels: LabelSet) -> String {
        let name = delaysNameRemoval ? labels.metricName : ""
        return name.isEmpty ? "" : " for metric name \(LabelName.quoted(name))"
    }

    /// What a group has at a step; nothing where it has both kinds, which is worth a warning.
    func sample(of group: Group, at step: Int, _ context: QueryContext) -> Sample? {
        var buckets: [ClassicBuckets.Bucket] = []
        buckets.reserveCapacity(group.buckets.count)
        for bucket in group.buckets {
            let count = bucket.series.value(at: step)
            if !count.isAbsent { buckets.append(ClassicBuckets.Bucket(upperBound: bucket.upperBound, count: count)) }
        }
        let native = group.native.lazy.compactMap { $0.histogram(at: step) }.first
        switch (native, buckets.isEmpty) {
        case (nil, true): return nil
        case (let histogram?, true): return .native(histogram)
        case (nil, false): return .classic(ClassicBuckets(buckets))
        case (_?, false):
            context.warn(
                "vector contains a mix of classic and native histograms" + suffix(group.labels), at: operandRange)
            return nil
        }
    }
}
