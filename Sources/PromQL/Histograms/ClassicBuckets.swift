import MetricModel

/// The cumulative buckets of a classic histogram at one step.
struct ClassicBuckets {
    struct Bucket {
        var upperBound: Double
        var count: Double
    }

    /// What had to be changed so that counts rise with the bounds.
    struct Repair {
        var lowestBound = Double.infinity
        var highestBound = -Double.infinity
        var largestDifference = 0.0
    }

    /// Neighbours that differ relatively by less count as equal.
    private static let tolerance = 1e-12

    private var buckets: [Bucket]

    init(_ buckets: [Bucket]) { self.buckets = buckets }

    /// Sorted, those with one bound added together; false where the bucket up to infinity is missing.
    private mutating func arrange() -> Bool {
        let isArranged = zip(buckets, buckets.dropFirst()).allSatisfy { $0.upperBound < $1.upperBound }
        if isArranged { return buckets.last?.upperBound == .infinity }
        buckets.sort { $0.upperBound < $1.upperBound }
        guard buckets.last?.upperBound == .infinity else { return false }
        var merged: [Bucket] = []
        for bucket in buckets {
            if let last = merged.indices.last, merged[last].upperBound == bucket.upperBound {
                merged[last].count += bucket.count
            } else {
                merged.append(bucket)
            }
        }
        buckets = merged
        return true
    }

    /// Raises counts that are lower than the one before.
    private mutating func makeMonotonic() -> Repair? {
        var repair: Repair?
        var previous = buckets[0].count
        for index in buckets.indices.dropFirst() {
            let count = buckets[index].count
            if count == previous { continue }
            if Self.isAlmostEqual(previous, count) {
                buckets[index].count = previous
            } else if count < previous {
                var found = repair ?? Repair()
                found.lowestBound = min(found.lowestBound, buckets[index].upperBound)
                found.highestBound = max(found.highestBound, buckets[index].upperBound)
                found.largestDifference = max(found.largestDifference, previous - count)
                repair = found
                buckets[index].count = previous
            } else {
                previous = count
            }
        }
        return repair
    }

    private static func isAlmostEqual(_ left: Double, _ right: Double) -> Bool {
        if left.isNaN && right.isNaN { return true }
        let sum = abs(left) + abs(right)
        let difference = abs(left - right)
        if left == 0 || right == 0 || sum < .leastNormalMagnitude {
            return difference < tolerance * .leastNormalMagnitude
        }
        return difference / min(sum, .greatestFiniteMagnitude) < tolerance
    }

    /// The quantile, linear between the bounds of the bucket that holds the rank.
    mutating func quantile(_ quantile: Double) -> (value: Double, repair: Repair?) {
        if quantile.isNaN { return (SpecialValue.notANumber, nil) }
        if quantile < 0 { return (-.infinity, nil) }
        if quantile > 1 { return (.infinity, nil) }
        guard arrange() else { return (SpecialValue.notANumber, nil) }
        let repair = makeMonotonic()
        let last = buckets.count - 1
        guard last > 0, buckets[last].count != 0 else { return (SpecialValue.notANumber, repair) }
        var rank = quantile * buckets[last].count
        // Halving, so that counts that are NaN lead where they do in Prometheus.
        var index = 0
        var end = last
        while index < end {
            let middle = index + (end - index) / 2
            if buckets[middle].count >= rank { end = middle } else { index = middle + 1 }
        }
        if index == last { return (buckets[last - 1].upperBound, repair) }
        if index == 0, buckets[0].upperBound <= 0 { return (buckets[0].upperBound, repair) }
        var start = 0.0
        var count = buckets[index].count
        if index > 0 {
            start = buckets[index - 1].upperBound
            count -= buckets[index - 1].count
            rank -= buckets[index - 1].count
        }
        return (start + (buckets[index].upperBound - start) * (rank / count), repair)
    }

    /// The share of the observations between two values.
    mutating func fraction(from lower: Double, to upper: Double) -> Double {
        guard arrange() else { return SpecialValue.notANumber }
        let count = buckets[buckets.count - 1].count
        if count == 0 || lower.isNaN || upper.isNaN { return SpecialValue.notANumber }
        if lower >= upper { return 0 }
        var rank = 0.0
        var lowerRank: Double?
        var upperRank: Double?
        for (index, bucket) in buckets.enumerated() {
            let start: Double =
                index > 0 ? buckets[index - 1].upperBound : bucket.upperBound > 0 ? 0 : -.infinity
            func place(_ value: Double) -> Double? {
                if start >= value { return rank }
                guard bucket.upperBound > value else { return nil }
                if start == -.infinity { return bucket.count }
                if bucket.upperBound == .infinity { return rank }
                return rank + (bucket.count - rank) * (value - start) / (bucket.upperBound - start)
            }
            lowerRank = lowerRank ?? place(lower)
            upperRank = upperRank ?? place(upper)
            rank = bucket.count
        }
        return (min(upperRank ?? count, count) - min(lowerRank ?? count, count)) / count
    }
}
