import Bytes
import MetricModel

extension NativeHistogram {
    /// Every count and the sum times a factor; a negative factor makes a gauge.
    func multiplied(by factor: Double) -> NativeHistogram {
        var result = self
        result.zeroCount *= factor
        result.count *= factor
        result.sum *= factor
        for index in positiveBuckets.indices { result.positiveBuckets[index] *= factor }
        for index in negativeBuckets.indices { result.negativeBuckets[index] *= factor }
        if factor < 0 { result.counterResetHint = .gauge }
        return result
    }

    /// Every count and the sum divided; a division by zero leaves no buckets.
    func divided(by divisor: Double) -> NativeHistogram {
        var result = self
        result.zeroCount /= divisor
        result.count /= divisor
        result.sum /= divisor
        guard divisor != 0 else {
            result.positiveBuckets = []
            result.negativeBuckets = []
            result.positiveSpans = []
            result.negativeSpans = []
            return result
        }
        for index in positiveBuckets.indices { result.positiveBuckets[index] /= divisor }
        for index in negativeBuckets.indices { result.negativeBuckets[index] /= divisor }
        if divisor < 0 { result.counterResetHint = .gauge }
        return result
    }

    /// Adds or takes away another histogram; nil where their kinds are incompatible, and nothing has changed.
    mutating func add(_ other: NativeHistogram, negated: Bool = false) -> HistogramAccumulator.Outcome? {
        var accumulator = HistogramAccumulator(self)
        guard let outcome = accumulator.add(other, factor: negated ? -1 : 1) else { return nil }
        self = accumulator.result()
        return outcome
    }

    /// Without empty buckets.
    func compacted() -> NativeHistogram {
        guard positiveBuckets.contains(0) || negativeBuckets.contains(0) || hasLooseSpans else { return self }
        var result = self
        (result.positiveSpans, result.positiveBuckets) = Self.layout(positiveCells.filter { $0.count != 0 })
        (result.negativeSpans, result.negativeBuckets) = Self.layout(negativeCells.filter { $0.count != 0 })
        return result
    }

    /// Spans that are empty or touch each other.
    private var hasLooseSpans: Bool {
        func isLoose(_ spans: [Span]) -> Bool {
            for (index, span) in spans.enumerated() where span.length == 0 || (index > 0 && span.offset == 0) {
                return true
            }
            return false
        }
        return isLoose(positiveSpans) || isLoose(negativeSpans)
    }

    /// Whether all that is stored is the same, bit for bit; the hint is not looked at.
    func equals(_ other: NativeHistogram) -> Bool {
        func same(_ left: [(index: Int32, count: Double)], _ right: [(index: Int32, count: Double)]) -> Bool {
            left.count == right.count
                && zip(left, right).allSatisfy {
                    $0.index == $1.index && $0.count.bitPattern == $1.count.bitPattern
                }
        }
        return schema == other.schema && count.bitPattern == other.count.bitPattern
            && sum.bitPattern == other.sum.bitPattern && zeroThreshold == other.zeroThreshold
            && zeroCount.bitPattern == other.zeroCount.bitPattern
            && (!usesCustomBuckets || customValues == other.customValues)
            && same(positiveCells, other.positiveCells) && same(negativeCells, other.negativeCells)
    }

    /// The form that `count_values` puts into a label: `{count:…, sum:…, (lower,upper]:n, …}`.
    var compactText: String {
        func text(_ bucket: Bucket) -> String {
            (bucket.lowerInclusive ? "[" : "(") + GoNumber.general(bucket.lower) + ","
                + GoNumber.general(bucket.upper) + (bucket.upperInclusive ? "]" : ")") + ":"
                + GoNumber.general(bucket.count)
        }
        var parts = ["count:" + GoNumber.general(count), "sum:" + GoNumber.general(sum)]
        for bucket in negativeBucketList.reversed() where bucket.count != 0 { parts.append(text(bucket)) }
        if zeroCount != 0 { parts.append(text(zeroBucket)) }
        for bucket in positiveBucketList where bucket.count != 0 { parts.append(text(bucket)) }
        return "{" + parts.joined(separator: ", ") + "}"
    }
}
