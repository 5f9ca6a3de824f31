import MetricModel
import PromQL

extension JSONWriter {
    /// A native histogram: count, sum and the buckets that are not empty, in ascending order, each as `[rule, lower,
    /// upper, count]`.
    ///
    /// Rule 0 is (lower, upper], 1 is [lower, upper), 3 is closed on both sides.
    mutating func nativeHistogram(_ histogram: NativeHistogram) {
        object { writer in
            writer.key("count")
            writer.sampleValue(histogram.count)
            writer.key("sum")
            writer.sampleValue(histogram.sum)
            let buckets = histogram.shownBuckets
            guard !buckets.isEmpty else { return }
            writer.key("buckets")
            writer.array(of: buckets) { writer, bucket in
                writer.beginArray()
                writer.integer(bucket.rule)
                writer.sampleValue(bucket.lower)
                writer.sampleValue(bucket.upper)
                writer.sampleValue(bucket.count)
                writer.endArray()
            }
        }
    }
}

/// A bucket as the API shows it.
private struct ShownBucket {
    var rule: Int
    var lower: Double
    var upper: Double
    var count: Double
}

extension NativeHistogram {
    fileprivate var shownBuckets: [ShownBucket] {
        var result: [ShownBucket] = []
        for (index, count) in Self.indexed(negativeSpans, negativeBuckets).reversed() where count != 0 {
            result.append(
                ShownBucket(rule: 1, lower: -upperBound(at: index), upper: -upperBound(at: index - 1), count: count))
        }
        if zeroCount != 0 {
            result.append(ShownBucket(rule: 3, lower: -zeroThreshold, upper: zeroThreshold, count: zeroCount))
        }
        for (index, count) in Self.indexed(positiveSpans, positiveBuckets) where count != 0 {
            let lower = usesCustomBuckets && index == 0 ? -Double.infinity : upperBound(at: index - 1)
            let isFirstCustom = usesCustomBuckets && index == 0
            result.append(
                ShownBucket(rule: isFirstCustom ? 3 : 0, lower: lower, upper: upperBound(at: index), count: count))
        }
        return result
    }

    /// Bucket counts with their indexes, spans resolved.
    private static func indexed(_ spans: [Span], _ buckets: [Double]) -> [(index: Int, count: Double)] {
        var result: [(index: Int, count: Double)] = []
        var index = 0
        var position = 0
        for span in spans {
            index += Int(span.offset)
            for _ in 0..<span.length where position < buckets.count {
                result.append((index, buckets[position]))
                index += 1
                position += 1
            }
        }
        return result
    }

    private func upperBound(at index: Int) -> Double {
        BucketBounds.upper(Int32(clamping: index), schema: schema, customValues: customValues)
    }
}
