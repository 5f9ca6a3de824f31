import Bytes
import MetricModel

extension NativeHistogram {
    /// The part of the observations on one side of a value: `</` keeps those up to it, `>/` those from it on.
    ///
    /// The bucket that holds the value is split as quantiles interpolate. Where anything was cut, count and sum are
    /// estimated anew from what is left.
    func trimmed(to bound: Double, keepsUpper: Bool) -> NativeHistogram {
        var trimmer = HistogramTrimmer(bound: bound, keepsUpper: keepsUpper)
        var result = self
        result.positiveBuckets = trimmer.trim(positive: self)
        if !usesCustomBuckets {
            result.negativeBuckets = trimmer.trim(negative: self)
            result.zeroCount = trimmer.trimZero(self)
        }
        guard trimmer.hasChanged else { return self }
        result.count = trimmer.count
        result.sum = trimmer.sum
        return result
    }
}

/// The sums that come with cutting a histogram.
private struct HistogramTrimmer {
    let bound: Double
    let keepsUpper: Bool
    private(set) var hasChanged = false
    private(set) var count = 0.0
    private(set) var sum = 0.0

    init(bound: Double, keepsUpper: Bool) {
        self.bound = bound
        self.keepsUpper = keepsUpper
    }

    mutating func trim(positive histogram: NativeHistogram) -> [Double] {
        var buckets = histogram.positiveBuckets
        for (position, bucket) in histogram.positiveBucketList.enumerated() {
            buckets[position] = keep(bucket, isLinear: histogram.usesCustomBuckets)
        }
        return buckets
    }

    mutating func trim(negative histogram: NativeHistogram) -> [Double] {
        var buckets = histogram.negativeBuckets
        for (position, bucket) in histogram.negativeBucketList.enumerated() {
            buckets[position] = keep(bucket, isLinear: false)
        }
        return buckets
    }

    mutating func trimZero(_ histogram: NativeHistogram) -> Double {
        // A count below zero or NaN, as arithmetic leaves it, stays and is not counted.
        guard histogram.zeroCount > 0 else { return histogram.zeroCount }
        var bucket = histogram.zeroBucket
        let hasPositive = histogram.positiveBuckets.contains { $0 != 0 }
        let hasNegative = histogram.negativeBuckets.contains { $0 != 0 }
        if hasPositive && !hasNegative { bucket.lower = 0 }
        if hasNegative && !hasPositive { bucket.upper = 0 }
        let (kept, middle) = split(zero: bucket)
        if kept != bucket.count { hasChanged = true }
        count += kept
        sum += middle * kept
        return kept
    }

    /// What is left of the zero bucket; nothing of one without width that lies on the bound of `</`.
    private func split(zero bucket: Bucket) -> (kept: Double, middle: Double) {
        let width = bucket.upper - bucket.lower
        let whole = (bucket.count, (bucket.lower + bucket.upper) / 2)
        if bound <= bucket.lower { return keepsUpper ? whole : (0, 0) }
        if bound >= bucket.upper { return keepsUpper ? (0, 0) : whole }
        return keepsUpper
            ? (bucket.count * ((bucket.upper - bound) / width), (bound + bucket.upper) / 2)
            : (bucket.count * ((bound - bucket.lower) / width), (bucket.lower + bound) / 2)
    }

    /// What is left of a bucket, added to the sums.
    private mutating func keep(_ bucket: Bucket, isLinear: Bool) -> Double {
        guard bucket.count != 0 else { return bucket.count }
        let isWhole = keepsUpper ? bucket.lower >= bound : bucket.upper <= bound
        // No bucket lies on the wanted side of NaN.
        let isGone = keepsUpper ? !(bucket.upper > bound) : !(bucket.lower < bound)
        let (kept, middle): (Double, Double)
        if isWhole {
            (kept, middle) = (bucket.count, self.middle(bucket.lower, bucket.upper, isLinear: isLinear))
        } else if isGone {
            (kept, middle) = (0, 0)
        } else if bucket.lower == -.infinity || bucket.upper == .infinity {
            (kept, middle) = splitOpen(bucket)
        } else if keepsUpper {
            (kept, middle) = (
                bucket.count - bucket.count * part(of: bucket, isLinear: isLinear),
                self.middle(bound, bucket.upper, isLinear: isLinear)
            )
        } else {
            (kept, middle) = (
                bucket.count * part(of: bucket, isLinear: isLinear),
                self.middle(bucket.lower, bound, isLinear: isLinear)
            )
        }
        if !isWhole, kept != bucket.count { hasChanged = true }
        count += kept
        sum += middle * kept
        return kept
    }

    /// A bucket without an end holds observations of which nothing is known: it is kept or dropped as a whole, except
    /// that one from minus infinity to a positive bound counts as starting at zero.
    private func splitOpen(_ bucket: Bucket) -> (kept: Double, middle: Double) {
        let hasPositiveEnd = bucket.upper > 0 && bucket.upper != .infinity
        if bucket.lower == -.infinity {
            if keepsUpper {
                guard bound >= 0, hasPositiveEnd else { return (0, 0) }
                return (bucket.count * (1 - bound / bucket.upper), (bound + bucket.upper) / 2)
            }
            if bound > 0, hasPositiveEnd { return (bucket.count * bound / bucket.upper, bound / 2) }
            return bucket.upper <= 0 ? (bucket.count, bound) : (0, 0)
        }
        return keepsUpper && bound >= bucket.lower ? (bucket.count, bound) : (0, 0)
    }

    /// The share of a bucket's observations up to the bound.
    private func part(of bucket: Bucket, isLinear: Bool) -> Double {
        if isLinear { return (bound - bucket.lower) / (bucket.upper - bucket.lower) }
        let logLower = Elementary.log2(bucket.lower.magnitude)
        let logUpper = Elementary.log2(bucket.upper.magnitude)
        let logBound = Elementary.log2(bound.magnitude)
        if bound > 0 { return (logBound - logLower) / (logUpper - logLower) }
        return 1 - (logBound - logUpper) / (logLower - logUpper)
    }

    /// The value that stands for all observations between two bounds.
    private func middle(_ lower: Double, _ upper: Double, isLinear: Bool) -> Double {
        if lower == -.infinity { return upper == .infinity ? 0 : upper > 0 ? upper / 2 : upper }
        if upper == .infinity { return lower }
        if isLinear { return (lower + upper) / 2 }
        let root = (lower * upper).magnitude.squareRoot()
        return lower < 0 ? -root : root
    }
}
