internal import MetricModel

/// A classic histogram as it stands on a page: counts up to bounds.
struct ClassicHistogram {
    /// Zero where the page does not say.
    var count = 0.0
    var sum = 0.0
    var buckets: [(bound: Double, count: Double, exemplar: Exemplar?)] = []
    /// Whether the message has the parts of a native one too.
    var hasNative = false
    var exemplars: [Exemplar] = []
    /// When it began to count, in milliseconds; 0 where that is unknown.
    var start: Int64 = 0

    /// The same with custom buckets; nil where the buckets are none of a histogram (not cumulative, not ascending).
    var converted: NativeHistogram? {
        var bounds: [Double] = []
        var counts: [Double] = []
        var before = 0.0
        var total = count
        for bucket in buckets.sorted(by: { $0.bound < $1.bound }) {
            guard bucket.count >= before, !bucket.bound.isNaN else { return nil }
            if bucket.bound == .infinity {
                guard count == 0 || bucket.count == count else { return nil }
                total = bucket.count
                continue
            }
            if let last = bounds.last, bucket.bound <= last { return nil }
            bounds.append(bucket.bound)
            counts.append(bucket.count - before)
            before = bucket.count
        }
        guard total >= before else { return nil }
        counts.append(total - before)
        let histogram = NativeHistogram(
            schema: NativeHistogram.customBucketsSchema, count: total, sum: sum,
            positiveSpans: [.init(offset: 0, length: UInt32(counts.count))], positiveBuckets: counts,
            customValues: bounds)
        return histogram.fault == nil ? histogram : nil
    }
}
