import Bytes
import MetricModel

/// What observations that were NaN did to a result; their sum is NaN then.
enum NaNObservations { case none, resultIsNaN, resultIsSkewed }

extension NativeHistogram {
    /// The quantile by interpolation inside the bucket that holds the rank: logarithmic in exponential buckets, linear
    /// in custom ones and the zero bucket.
    func quantile(_ quantile: Double) -> (value: Double, observations: NaNObservations) {
        if quantile < 0 { return (-.infinity, .none) }
        if quantile > 1 { return (.infinity, .none) }
        if count == 0 || quantile.isNaN { return (SpecialValue.notANumber, .none) }
        let isForward = sum.isNaN || quantile < 0.5
        var rank = isForward ? quantile * count : (1 - quantile) * count
        let buckets = isForward ? allBuckets : allBuckets.reversed()
        var bucket = Bucket(lower: 0, upper: 0, lowerInclusive: false, upperInclusive: false, count: 0)
        var reached = 0.0
        for next in buckets {
            bucket = next
            if next.count == 0 { continue }
            reached += next.count
            if reached >= rank { break }
        }
        if usesCustomBuckets {
            if bucket.lower == -.infinity {
                if bucket.upper <= 0 { return (bucket.upper, .none) }
                bucket.lower = 0
            } else if bucket.upper == .infinity {
                return (bucket.lower, .none)
            }
        } else {
            if bucket.lower < 0, bucket.upper > 0 { clip(&bucket) }
        }
        reached = min(reached, count)
        if reached < rank {
            return sum.isNaN ? (SpecialValue.notANumber, .resultIsNaN) : (bucket.upper, .none)
        }
        rank = isForward ? rank - (reached - bucket.count) : reached - rank
        let observations: NaNObservations = hasNaNObservations ? .resultIsSkewed : .none
        let part = rank / bucket.count
        if usesCustomBuckets || (bucket.lower <= 0 && bucket.upper >= 0) {
            return (bucket.lower + (bucket.upper - bucket.lower) * part, observations)
        }
        let logLower = Elementary.log2(bucket.lower.magnitude)
        let logUpper = Elementary.log2(bucket.upper.magnitude)
        if bucket.lower > 0 { return (Elementary.exp2(logLower + (logUpper - logLower) * part), observations) }
        return (-Elementary.exp2(logUpper + (logLower - logUpper) * (1 - part)), observations)
    }

    /// Whether observations were NaN, which count but lie in no bucket.
    ///
    /// Infinities alone leave no sum either.
    var hasNaNObservations: Bool {
        guard sum.isNaN else { return false }
        return allBuckets.reduce(0) { $0 + $1.count } < count
    }

    /// A bucket around zero reaches to one side only where only that side has buckets.
    private func clip(_ bucket: inout Bucket) {
        if negativeBuckets.isEmpty, !positiveBuckets.isEmpty {
            bucket.lower = 0
        } else if positiveBuckets.isEmpty, !negativeBuckets.isEmpty {
            bucket.upper = 0
        }
    }

    /// The share of the observations between two values.
    func fraction(from lower: Double, to upper: Double) -> Double {
        if count == 0 || lower.isNaN || upper.isNaN { return SpecialValue.notANumber }
        if lower >= upper { return 0 }
        var rank = 0.0
        var lowerRank: Double?
        var upperRank: Double?
        for var bucket in allBuckets {
            // Custom buckets around zero are cut as well, as in Prometheus.
            if bucket.lower <= 0, bucket.upper >= 0 { clip(&bucket) }
            lowerRank = lowerRank ?? self.rank(of: lower, in: bucket, after: rank)
            upperRank = upperRank ?? self.rank(of: upper, in: bucket, after: rank)
            if lowerRank != nil, upperRank != nil { break }
            rank += bucket.count
        }
        let top = sum.isNaN ? rank : count
        return (min(upperRank ?? top, count) - min(lowerRank ?? top, count)) / count
    }

    /// How many observations lie below a value, nil where the value lies above the bucket.
    private func rank(of value: Double, in bucket: Bucket, after rank: Double) -> Double? {
        if bucket.lower >= value { return rank }
        guard bucket.upper > value else { return nil }
        if bucket.lower == -.infinity { return rank + bucket.count }
        if bucket.upper == .infinity { return rank }
        if usesCustomBuckets || (bucket.lower <= 0 && bucket.upper >= 0) {
            return rank + bucket.count * (value - bucket.lower) / (bucket.upper - bucket.lower)
        }
        let logLower = Elementary.log2(bucket.lower.magnitude)
        let logUpper = Elementary.log2(bucket.upper.magnitude)
        let logValue = Elementary.log2(value.magnitude)
        let part =
            value > 0
            ? (logValue - logLower) / (logUpper - logLower) : 1 - (logValue - logUpper) / (logLower - logUpper)
        return rank + bucket.count * part
    }

    /// The variance, every observation taken for the middle of its bucket.
    var variance: Double {
        let mean = sum / count
        var total = CompensatedSum()
        for bucket in allBuckets where bucket.count != 0 {
            let middle: Double
            if usesCustomBuckets {
                middle = (bucket.upper + bucket.lower) / 2
            } else if bucket.lower <= 0, bucket.upper >= 0 {
                middle = 0
            } else {
                let root = (bucket.upper * bucket.lower).squareRoot()
                middle = bucket.upper < 0 ? -root : root
            }
            let delta = middle - mean
            total.add(bucket.count * delta * delta)
        }
        return (total.sum + total.compensation) / count
    }
}
