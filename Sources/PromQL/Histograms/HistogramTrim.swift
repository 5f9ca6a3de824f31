import Glibc
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
            var bucket = bucket
            let isCustom = histogram.usesCustomBuckets
            if isCustom, bucket.lower == -.infinity { bucket.lower = bucket.upper > 0 ? 0 : -.infinity }
            buckets[position] = keep(bucket, isLinear: isCustom, isCustom: isCustom)
        }
        return buckets
    }

    mutating func trim(negative histogram: NativeHistogram) -> [Double] {
        var buckets = histogram.negativeBuckets
        for (position, bucket) in histogram.negativeBucketList.enumerated() {
            buckets[position] = keep(bucket, isLinear: false, isCustom: false)
        }
        return buckets
    }

    mutating func trimZero(_ histogram: NativeHistogram) -> Double {
        guard histogram.zeroCount != 0 else { return histogram.zeroCount }
        var bucket = histogram.zeroBucket
        let hasPositive = histogram.positiveBuckets.contains { $0 != 0 }
        let hasNegative = histogram.negativeBuckets.contains { $0 != 0 }
        if hasPositive && !hasNegative { bucket.lower = 0 }
        if hasNegative && !hasPositive { bucket.upper = 0 }
        return keep(bucket, isLinear: true, isCustom: false)
    }

    /// What is left of a bucket, added to the sums.
    private mutating func keep(_ bucket: Bucket, isLinear: Bool, isCustom: Bool) -> Double {
        guard bucket.count != 0 else { return bucket.count }
        var lower = bucket.lower
        var upper = bucket.upper
        let share: Double
        if keepsUpper {
            if bucket.upper <= bound, !(bucket.upper == .infinity && bound == .infinity) {
                share = 0
            } else if bucket.lower >= bound {
                share = 1
            } else if bucket.upper == .infinity {
                share = bound >= bucket.lower ? 1 : 1
            } else {
                share = 1 - part(of: bucket, isLinear: isLinear)
                lower = bound
            }
        } else {
            if bucket.lower >= bound {
                share = 0
            } else if bucket.upper <= bound {
                share = 1
            } else if bucket.upper == .infinity {
                share = 0
            } else if bucket.lower == -.infinity {
                share = 0
            } else {
                share = part(of: bucket, isLinear: isLinear)
                upper = bound
            }
        }
        if share != 1 { hasChanged = true }
        let kept = share == 1 ? bucket.count : share == 0 ? 0 : bucket.count * share
        if kept != 0 {
            count += kept
            sum += middle(lower, upper, isLinear: isLinear) * kept
        }
        return kept
    }

    /// The share of a bucket's observations up to the bound.
    private func part(of bucket: Bucket, isLinear: Bool) -> Double {
        if isLinear { return (bound - bucket.lower) / (bucket.upper - bucket.lower) }
        let logLower = log2(bucket.lower.magnitude)
        let logUpper = log2(bucket.upper.magnitude)
        let logBound = log2(bound.magnitude)
        if bound > 0 { return (logBound - logLower) / (logUpper - logLower) }
        return 1 - (logBound - logUpper) / (logLower - logUpper)
    }

    private func middle(_ lower: Double, _ upper: Double, isLinear: Bool) -> Double {
        if lower == -.infinity { return upper }
        if upper == .infinity { return lower }
        if isLinear { return (lower + upper) / 2 }
        let root = (lower.magnitude * upper.magnitude).squareRoot()
        return lower < 0 ? -root : root
    }
}
