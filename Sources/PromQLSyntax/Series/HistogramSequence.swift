import MetricModel

/// The sums that make `{{…}}+{{…}}x3` a sequence.
///
/// The engine has arithmetic for every pair of histograms; here stand those cases that the notation can write: equal
/// zero buckets and equal custom bounds, and an increment whose schema is not lower.
enum HistogramSequence {
    struct Fault: Error {
        var message: String
    }

    /// `base + factor · change`.
    static func combine(
        _ base: NativeHistogram, _ change: NativeHistogram, factor: Double
    ) throws(Fault) -> NativeHistogram {
        guard base.schema <= change.schema else {
            throw Fault(
                message: "error combining histograms: cannot merge from schema \(change.schema) to \(base.schema)")
        }
        guard base.usesCustomBuckets == change.usesCustomBuckets, base.customValues == change.customValues else {
            throw Fault(message: "not implemented yet: sequences of histograms with different custom values")
        }
        guard base.zeroThreshold == change.zeroThreshold || change.zeroCount == 0 && change.zeroThreshold == 0 else {
            throw Fault(message: "not implemented yet: sequences of histograms with different zero thresholds")
        }
        var result = base
        result.count += factor * change.count
        result.sum += factor * change.sum
        result.zeroCount += factor * change.zeroCount
        let shift = change.schema - base.schema
        (result.positiveSpans, result.positiveBuckets) = sum(
            (base.positiveSpans, base.positiveBuckets), (change.positiveSpans, change.positiveBuckets), shift: shift,
            factor: factor)
        (result.negativeSpans, result.negativeBuckets) = sum(
            (base.negativeSpans, base.negativeBuckets), (change.negativeSpans, change.negativeBuckets), shift: shift,
            factor: factor)
        result.counterResetHint = hint(base.counterResetHint, change.counterResetHint)
        return result
    }

    private typealias Layout = (spans: [NativeHistogram.Span], buckets: [Double])

    private static func sum(_ base: Layout, _ change: Layout, shift: Int32, factor: Double) -> Layout {
        var counts: [Int64: Double] = [:]
        for (index, count) in indexed(base) { counts[index, default: 0] += count }
        for (index, count) in indexed(change) {
            // Merging neighbours halves the resolution: bucket i of the finer schema lies in ceil(i / 2) of the coarser.
            let merged = shift > 0 ? ((index - 1) >> Int64(shift)) + 1 : index
            counts[merged, default: 0] += factor * count
        }
        var spans: [NativeHistogram.Span] = []
        var buckets: [Double] = []
        var expected: Int64 = 0
        for (index, count) in counts.sorted(by: { $0.key < $1.key }) {
            if let last = spans.indices.last, index == expected {
                spans[last].length += 1
            } else {
                spans.append(NativeHistogram.Span(offset: Int32(clamping: index - expected), length: 1))
            }
            buckets.append(count)
            expected = index + 1
        }
        return (spans, buckets)
    }

    private static func indexed(_ layout: Layout) -> [(index: Int64, count: Double)] {
        var result: [(index: Int64, count: Double)] = []
        var index: Int64 = 0
        for span in layout.spans {
            index += Int64(span.offset)
            for _ in 0..<span.length where result.count < layout.buckets.count {
                result.append((index, layout.buckets[result.count]))
                index += 1
            }
        }
        return result
    }

    private static func hint(
        _ base: NativeHistogram.CounterResetHint, _ change: NativeHistogram.CounterResetHint
    ) -> NativeHistogram.CounterResetHint {
        if base == change { return base }
        return base == .gauge || change == .gauge ? .gauge : .unknown
    }
}
