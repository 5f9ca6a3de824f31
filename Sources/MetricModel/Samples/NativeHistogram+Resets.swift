extension NativeHistogram {
    /// Whether the counter was reset between `previous` and this histogram.
    ///
    /// The hint decides where it knows; otherwise a count that went down anywhere does, and a layout that can only
    /// change with a restart. The sum may go down for other reasons and is not looked at.
    package func isReset(after previous: NativeHistogram) -> Bool {
        if counterResetHint == .reset { return true }
        if counterResetHint == .notReset { return false }
        if count < previous.count { return true }
        if usesCustomBuckets {
            guard previous.usesCustomBuckets else { return true }
            if customValues != previous.customValues { return isResetOnSharedBounds(after: previous) }
        } else if previous.usesCustomBuckets {
            // No exponential schema is as low as the number that stands for custom buckets.
            return true
        }
        if schema > previous.schema || zeroThreshold < previous.zeroThreshold { return true }
        guard let before = previous.countInside(threshold: zeroThreshold), zeroCount >= before else { return true }
        let shift = previous.schema &- schema
        return Self.hasDecrease(
            from: Self.outside(previous.positiveCells, of: zeroThreshold, shift: shift, schema: schema),
            to: positiveCells)
            || Self.hasDecrease(
                from: Self.outside(previous.negativeCells, of: zeroThreshold, shift: shift, schema: schema),
                to: negativeCells)
    }

    /// What a store says of a histogram that follows another one of its series, as Prometheus reads it from a chunk: a gauge
    /// is one, a counter that goes on in the layout of the one before was not reset, and nothing is known of any other,
    /// whatever its sender said.
    ///
    /// Source: `counterResetHint` and `appendable` in Prometheus' `tsdb/chunkenc`.
    package func storedHint(after previous: NativeHistogram?) -> CounterResetHint {
        if counterResetHint == .gauge { return .gauge }
        guard let previous, continues(previous) else { return .unknown }
        return .notReset
    }

    /// Says nothing of whether the counter was reset, because what stands before it is another one now; a gauge stays one.
    package mutating func forgetResetHint() {
        if counterResetHint != .gauge { counterResetHint = .unknown }
    }

    private func continues(_ previous: NativeHistogram) -> Bool {
        counterResetHint != .reset && previous.counterResetHint != .gauge && schema == previous.schema
            && zeroThreshold == previous.zeroThreshold && customValues == previous.customValues
            && !(count < previous.count) && !(zeroCount < previous.zeroCount)
            && !Self.hasDecrease(from: previous.positiveCells.filter { $0.count != 0 }, to: positiveCells)
            && !Self.hasDecrease(from: previous.negativeCells.filter { $0.count != 0 }, to: negativeCells)
    }

    /// The zero count for a larger threshold, nil where that cuts a populated bucket.
    private func countInside(threshold: Double) -> Double? {
        if threshold == zeroThreshold { return zeroCount }
        var total = zeroCount
        for cell in positiveCells + negativeCells {
            if BucketBounds.exponential(cell.index &- 1, schema: schema) >= threshold { continue }
            if BucketBounds.exponential(cell.index, schema: schema) > threshold, cell.count != 0 { return nil }
            total += cell.count
        }
        return total
    }

    /// The cells of a coarser schema that do not lie in the zero bucket.
    private static func outside(
        _ cells: [(index: Int32, count: Double)], of threshold: Double, shift: Int32, schema: Int32
    ) -> [(index: Int32, count: Double)] {
        var result: [(index: Int32, count: Double)] = []
        for cell in cells {
            let index = BucketBounds.merged(cell.index, by: min(max(shift, 0), 31))
            if schema != customBucketsSchema, BucketBounds.exponential(index, schema: schema) <= threshold { continue }
            if let last = result.indices.last, result[last].index == index {
                result[last].count += cell.count
            } else {
                result.append((index, cell.count))
            }
        }
        return result
    }

    /// Whether a populated cell vanished or any went down.
    ///
    /// Behind the last of the later ones only the next cell counts, as in Prometheus.
    private static func hasDecrease(
        from before: [(index: Int32, count: Double)], to after: [(index: Int32, count: Double)]
    ) -> Bool {
        var position = 0
        for cell in before {
            while position < after.count, after[position].index < cell.index { position += 1 }
            if position == after.count { return cell.count != 0 }
            let isThere = after[position].index == cell.index
            if isThere ? after[position].count < cell.count : cell.count != 0 { return true }
        }
        return false
    }

    private func isResetOnSharedBounds(after previous: NativeHistogram) -> Bool {
        let shared = CustomBounds.intersection(customValues, previous.customValues)
        let now = countsUp(to: shared)
        let before = previous.countsUp(to: shared)
        return zip(now, before).contains { $0 < $1 }
    }

    /// The counts of the buckets that the bounds cut, the last one up to infinity.
    private func countsUp(to bounds: [Double]) -> [Double] {
        var counts = [Double](repeating: 0, count: bounds.count + 1)
        var target = 0
        for bucket in positiveBucketList {
            while target < bounds.count, bounds[target] < bucket.upper { target += 1 }
            counts[target] += bucket.count
        }
        return counts
    }
}

/// The explicit bounds of histograms with custom buckets.
package enum CustomBounds {
    /// The bounds that both have, in order.
    package static func intersection(_ left: [Double], _ right: [Double]) -> [Double] {
        var result: [Double] = []
        var leftIndex = 0
        var rightIndex = 0
        while leftIndex < left.count, rightIndex < right.count {
            if left[leftIndex] == right[rightIndex] {
                result.append(left[leftIndex])
                leftIndex += 1
                rightIndex += 1
            } else if left[leftIndex] < right[rightIndex] {
                leftIndex += 1
            } else {
                rightIndex += 1
            }
        }
        return result
    }
}
