import Glibc
import MetricModel

/// A native histogram as the reference describes it: counts by bucket number, nothing in spans.
struct NaiveHistogram {
    enum Hint { case unknown, reset, notReset, gauge }

    var hint = Hint.unknown
    var schema = 0
    var zeroThreshold = 0.0
    var zeroCount = 0.0
    var count = 0.0
    var sum = 0.0
    var positive: [Int: Double] = [:]
    var negative: [Int: Double] = [:]
    var bounds: [Double] = []

    static let customSchema = -53

    var isCustom: Bool { schema == Self.customSchema }

    init() {}

    init(_ stored: NativeHistogram) {
        switch stored.counterResetHint {
        case .unknown: hint = .unknown
        case .reset: hint = .reset
        case .notReset: hint = .notReset
        case .gauge: hint = .gauge
        }
        schema = Int(stored.schema)
        zeroThreshold = stored.zeroThreshold
        zeroCount = stored.zeroCount
        count = stored.count
        sum = stored.sum
        bounds = stored.customValues
        positive = Self.counts(stored.positiveSpans, stored.positiveBuckets)
        negative = Self.counts(stored.negativeSpans, stored.negativeBuckets)
    }

    private static func counts(_ spans: [NativeHistogram.Span], _ buckets: [Double]) -> [Int: Double] {
        var result: [Int: Double] = [:]
        var index = 0
        var next = 0
        for span in spans {
            index += Int(span.offset)
            for _ in 0..<span.length {
                result[index] = buckets[next]
                index += 1
                next += 1
            }
        }
        return result
    }

    // MARK: - Bounds

    /// The upper bound of a bucket of the positive side.
    func upper(_ index: Int) -> Double {
        if isCustom { return index < 0 ? -.infinity : index < bounds.count ? bounds[index] : .infinity }
        return Self.edge(index, schema)
    }

    /// The one thing that is not worked out anew: Prometheus' bounds are a table.
    static func edge(_ index: Int, _ schema: Int) -> Double {
        BucketBounds.exponential(Int32(index), schema: Int32(schema))
    }

    struct Bucket {
        var lower: Double
        var upper: Double
        var count: Double
        var isZero = false
    }

    /// All populated buckets from the lowest to the highest.
    var buckets: [Bucket] {
        var result: [Bucket] = []
        for (index, count) in negative.sorted(by: { $0.key > $1.key }) where count != 0 {
            result.append(Bucket(lower: -upper(index), upper: -upper(index - 1), count: count))
        }
        if zeroCount > 0 {
            result.append(Bucket(lower: -zeroThreshold, upper: zeroThreshold, count: zeroCount, isZero: true))
        }
        for (index, count) in positive.sorted(by: { $0.key < $1.key }) where count != 0 {
            result.append(Bucket(lower: upper(index - 1), upper: upper(index), count: count))
        }
        return result
    }

    // MARK: - Arithmetic

    func mapped(_ change: (Double) -> Double) -> NaiveHistogram {
        var result = self
        result.zeroCount = change(zeroCount)
        result.count = change(count)
        result.sum = change(sum)
        result.positive = positive.mapValues(change)
        result.negative = negative.mapValues(change)
        return result
    }

    func multiplied(by factor: Double) -> NaiveHistogram {
        var result = mapped { $0 * factor }
        if factor < 0 { result.hint = .gauge }
        return result
    }

    func divided(by divisor: Double) -> NaiveHistogram {
        var result = mapped { $0 / divisor }
        if divisor == 0 {
            result.positive = [:]
            result.negative = [:]
        } else if divisor < 0 {
            result.hint = .gauge
        }
        return result
    }

    func reduced(to target: Int) -> NaiveHistogram {
        var result = self
        while result.schema > target {
            result.schema -= 1
            result.positive = Self.halved(result.positive)
            result.negative = Self.halved(result.negative)
        }
        return result
    }

    private static func halved(_ counts: [Int: Double]) -> [Int: Double] {
        var result: [Int: Double] = [:]
        for (index, count) in counts { result[Int((Double(index) / 2).rounded(.up)), default: 0] += count }
        return result
    }

    /// The zero bucket widened to a threshold, or beyond it to the end of a populated bucket.
    func widened(to wanted: Double) -> NaiveHistogram {
        var threshold = wanted
        for side in [positive, negative] {
            for (index, count) in side where count != 0 && upper(index - 1) < threshold && upper(index) > threshold {
                return widened(to: upper(index))
            }
        }
        threshold = max(threshold, zeroThreshold)
        var result = self
        result.zeroThreshold = threshold
        for (index, count) in positive where upper(index - 1) < threshold {
            result.zeroCount += count
            result.positive[index] = nil
        }
        for (index, count) in negative where upper(index - 1) < threshold {
            result.zeroCount += count
            result.negative[index] = nil
        }
        return result
    }

    /// Adds the buckets, times a factor, to those over fewer bounds, in their order: sums of fractions depend on it.
    func add(to buckets: inout [Int: Double], over fewer: [Double], factor: Double = 1) {
        for (index, count) in positive.sorted(by: { $0.key < $1.key }) {
            let end = upper(index)
            let target = fewer.firstIndex { $0 >= end } ?? fewer.count
            buckets[target, default: 0] += count * factor
        }
    }

    /// Without empty buckets.
    var compacted: NaiveHistogram {
        var result = self
        result.positive = positive.filter { $0.value != 0 }
        result.negative = negative.filter { $0.value != 0 }
        return result
    }

    struct Sum {
        var histogram: NaiveHistogram
        var reconciledBounds = false
        var hintsCollide = false
    }

    /// The sum, or the difference; nil where the kinds do not go together.
    func plus(_ other: NaiveHistogram, factor: Double = 1) -> Sum? {
        guard isCustom == other.isCustom else { return nil }
        var left = self
        var right = other
        var result = Sum(histogram: left)
        if isCustom {
            if bounds != other.bounds {
                let shared = bounds.filter(other.bounds.contains)
                left.bounds = shared
                left.positive = [:]
                add(to: &left.positive, over: shared)
                other.add(to: &left.positive, over: shared, factor: factor)
                right.positive = [:]
                result.reconciledBounds = true
            }
        } else {
            // The right side's buckets stay even where its zero bucket took them in, unless they end there.
            var wide = right
            while left.zeroThreshold != wide.zeroThreshold {
                if left.zeroThreshold < wide.zeroThreshold {
                    left = left.widened(to: wide.zeroThreshold)
                } else {
                    wide = other.widened(to: left.zeroThreshold)
                }
            }
            let schema = min(left.schema, right.schema)
            left = left.reduced(to: schema)
            right = right.reduced(to: schema)
            right.zeroCount = wide.zeroCount
            right.positive = right.positive.filter { right.upper($0.key) > left.zeroThreshold }
            right.negative = right.negative.filter { right.upper($0.key) > left.zeroThreshold }
        }
        left.zeroCount += factor * right.zeroCount
        left.count += factor * right.count
        left.sum += factor * right.sum
        left.positive.merge(right.positive.mapValues { factor * $0 }) { $0 + $1 }
        left.negative.merge(right.negative.mapValues { factor * $0 }) { $0 + $1 }
        // Bounds that are fewer than before are filled anew.
        if result.reconciledBounds { left = left.compacted }
        switch (hint, other.hint) {
        case (.gauge, _), (_, .gauge): left.hint = .gauge
        case (.unknown, _), (_, .unknown): left.hint = .unknown
        default:
            result.hintsCollide = hint != other.hint
            left.hint = hint == other.hint ? hint : .unknown
        }
        result.histogram = left
        return result
    }

    /// All that counts for equality, empty buckets left out.
    func isSame(as other: NaiveHistogram) -> Bool {
        func populated(_ counts: [Int: Double]) -> [Int: UInt64] {
            counts.filter { $0.value != 0 }.mapValues(\.bitPattern)
        }
        return schema == other.schema && zeroThreshold == other.zeroThreshold && bounds == other.bounds
            && zeroCount.bitPattern == other.zeroCount.bitPattern && count.bitPattern == other.count.bitPattern
            && sum.bitPattern == other.sum.bitPattern && populated(positive) == populated(other.positive)
            && populated(negative) == populated(other.negative)
    }

    // MARK: - Resets

    /// Whether the counter was reset after `before`.
    func isReset(after before: NaiveHistogram) -> Bool {
        if hint == .reset { return true }
        if hint == .notReset { return false }
        if count < before.count { return true }
        if isCustom != before.isCustom { return true }
        if isCustom {
            guard bounds != before.bounds else { return isBelow(positive, before.positive) }
            // On the bounds that both have there is no missing bucket, only an empty one.
            let shared = bounds.filter(before.bounds.contains)
            var now: [Int: Double] = [:]
            var old: [Int: Double] = [:]
            add(to: &now, over: shared)
            before.add(to: &old, over: shared)
            return Set(now.keys).union(old.keys).contains { now[$0] ?? 0 < old[$0] ?? 0 }
        }
        if schema > before.schema || zeroThreshold < before.zeroThreshold { return true }
        for side in [before.positive, before.negative] where zeroThreshold > before.zeroThreshold {
            for (index, count) in side where count != 0 {
                if before.upper(index - 1) < zeroThreshold, before.upper(index) > zeroThreshold { return true }
            }
        }
        let wide = before.zeroThreshold == zeroThreshold ? before : before.widened(to: zeroThreshold)
        if zeroCount < wide.zeroCount { return true }
        // What the zero bucket took in stays part of a coarser bucket that reaches beyond it.
        let old = before.reduced(to: schema)
        func outside(_ counts: [Int: Double]) -> [Int: Double] { counts.filter { old.upper($0.key) > zeroThreshold } }
        return isBelow(positive, outside(old.positive)) || isBelow(negative, outside(old.negative))
    }

    private func isBelow(_ counts: [Int: Double], _ old: [Int: Double]) -> Bool {
        let last = counts.keys.max() ?? .min
        if old.contains(where: {
            $0.key <= last && (counts[$0.key].map { [old = $0.value] in $0 < old } ?? ($0.value != 0))
        }) {
            return true
        }
        // Behind the last bucket only the next of the old ones is looked at.
        return old.filter { $0.key > last }.min { $0.key < $1.key }.map { $0.value != 0 } ?? false
    }

    /// Whether a store takes it for the continuation of `before`.
    func continues(_ before: NaiveHistogram) -> Bool {
        func isWhole(_ counts: [Int: Double], _ old: [Int: Double]) -> Bool {
            old.allSatisfy { $0.value <= counts[$0.key] ?? 0 }
        }
        return hint != .reset && before.hint != .gauge && schema == before.schema && bounds == before.bounds
            && zeroThreshold == before.zeroThreshold && count >= before.count && zeroCount >= before.zeroCount
            && isWhole(positive, before.positive) && isWhole(negative, before.negative)
    }
}
