import MetricModel

/// What the histograms of a column say of each other, found out once: a window takes two places of running totals, however
/// many histograms it covers.
struct HistogramNeighbours {
    /// The places of histograms before which the counter was reset, ascending.
    private(set) var resets: [Int] = []
    /// How many up to a place, itself included, are of a kind.
    private var custom: [Int32] = []
    private var gauges: [Int32] = []
    private var changedSchemas: [Int32] = []
    private var overlaps: [Int32] = []

    /// - Parameters:
    ///   - findsResets: Resets matter for counters alone.
    ///   - usesStartTimestamps: Histograms may say when they began to count.
    init(_ samples: [HistogramSample], findsResets: Bool, usesStartTimestamps: Bool) {
        for index in samples.indices {
            let sample = samples[index]
            Self.count(sample.histogram.usesCustomBuckets, in: &custom)
            Self.count(sample.histogram.counterResetHint == .gauge, in: &gauges)
            guard index > 0 else {
                changedSchemas.append(0)
                overlaps.append(0)
                continue
            }
            let before = samples[index - 1]
            Self.count(sample.histogram.schema != before.histogram.schema, in: &changedSchemas)
            let overlapsBefore =
                usesStartTimestamps
                && StartTimestamps.overlaps(
                    startBefore: before.startTimestamp, timeBefore: before.timestamp, start: sample.startTimestamp)
            Self.count(overlapsBefore, in: &overlaps)
            guard findsResets else { continue }
            let beginsAnew = usesStartTimestamps && sample.beginsAnew(after: before)
            if beginsAnew || sample.histogram.isReset(after: before.histogram) { resets.append(index) }
        }
    }

    private static func count(_ isOne: Bool, in totals: inout [Int32]) {
        totals.append((totals.last ?? 0) + (isOne ? 1 : 0))
    }

    private func sum(_ totals: [Int32], in range: Range<Int>) -> Int {
        guard !range.isEmpty else { return 0 }
        return Int(totals[range.upperBound - 1] - (range.lowerBound > 0 ? totals[range.lowerBound - 1] : 0))
    }

    /// Whether all have custom buckets, or none has.
    func areAlike(in range: Range<Int>, custom isCustom: Bool) -> Bool {
        sum(custom, in: range) == (isCustom ? range.count : 0)
    }

    func hasGauge(in range: Range<Int>) -> Bool { sum(gauges, in: range) > 0 }

    /// Whether one of them overlaps the one before it in time.
    func hasOverlap(in range: Range<Int>) -> Bool { sum(overlaps, in: range) > 0 }

    func hasOneSchema(in range: Range<Int>) -> Bool { sum(changedSchemas, in: range.dropFirst()) == 0 }

    /// The resets before histograms of the range.
    func resets(in range: Range<Int>) -> ArraySlice<Int> {
        let low = ExtendedRate.first(in: 0..<resets.count) { resets[$0] >= range.lowerBound }
        return resets[low..<ExtendedRate.first(in: low..<resets.count) { resets[$0] >= range.upperBound }]
    }
}
