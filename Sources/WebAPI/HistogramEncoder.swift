import MetricModel

extension JSONWriter {
    /// A native histogram: count, sum and the buckets that are not empty, in ascending order.
    ///
    /// Each is `[rule, lower, upper, count]`. Rule 0 is (lower, upper], 1 is [lower, upper), 2 is open and 3 closed on both
    /// sides.
    mutating func nativeHistogram(_ histogram: NativeHistogram) {
        object { writer in
            writer.key("count")
            writer.sampleValue(histogram.count)
            writer.key("sum")
            writer.sampleValue(histogram.sum)
            let buckets = histogram.allBuckets.filter { $0.count != 0 }
            guard !buckets.isEmpty else { return }
            writer.key("buckets")
            writer.array(of: buckets) { writer, bucket in
                writer.beginArray()
                writer.integer(Self.rule(bucket))
                writer.sampleValue(bucket.lower)
                writer.sampleValue(bucket.upper)
                writer.sampleValue(bucket.count)
                writer.endArray()
            }
        }
    }

    private static func rule(_ bucket: Bucket) -> Int {
        switch (bucket.lowerInclusive, bucket.upperInclusive) {
        case (false, true): 0
        case (true, false): 1
        case (false, false): 2
        case (true, true): 3
        }
    }
}
