import MetricModel

/// A histogram to which others are added or from which they are taken.
///
/// Layouts that differ are reconciled: the wider zero bucket, the coarser schema, the custom bounds that both have. Order and
/// rounding of the additions are those of Prometheus (`FloatHistogram.Add`, `Sub`, `KahanAdd`), so that results agree to the
/// last bit.
struct HistogramAccumulator {
    /// What happened besides the addition.
    struct Outcome {
        /// One histogram says that it comes after a reset, the other that it does not.
        var hintsCollide = false
        /// Custom bounds differed.
        var reconciledBounds = false
    }

    private struct Cell {
        var index: Int32
        var count: CompensatedSum
    }

    private(set) var counterResetHint: NativeHistogram.CounterResetHint
    private var schema: Int32
    private var zeroThreshold: Double
    private var zeroCount: CompensatedSum
    private var count: CompensatedSum
    private var sum: CompensatedSum
    private var positive: [Cell]
    private var negative: [Cell]
    private var customValues: [Double]
    private let compensates: Bool

    /// - Parameter compensates: Sums of many are compensated; those of two are not.
    init(_ histogram: NativeHistogram, compensates: Bool = false) {
        self.compensates = compensates
        counterResetHint = histogram.counterResetHint
        schema = histogram.schema
        // A threshold that is not a number would never equal another.
        zeroThreshold = histogram.zeroThreshold.isNaN ? 0 : histogram.zeroThreshold
        zeroCount = CompensatedSum(histogram.zeroCount)
        count = CompensatedSum(histogram.count)
        sum = CompensatedSum(histogram.sum)
        positive = histogram.positiveCells.map { Cell(index: $0.index, count: CompensatedSum($0.count)) }
        negative = histogram.negativeCells.map { Cell(index: $0.index, count: CompensatedSum($0.count)) }
        customValues = histogram.customValues
    }

    /// The sum so far, without empty buckets unless they are to stay.
    func result(keepsEmptyBuckets: Bool = false) -> NativeHistogram {
        func cells(_ side: [Cell]) -> [(index: Int32, count: Double)] {
            side.map { ($0.index, $0.count.value) }.filter { keepsEmptyBuckets || $0.1 != 0 }
        }
        let positiveLayout = NativeHistogram.layout(cells(positive))
        let negativeLayout = NativeHistogram.layout(cells(negative))
        return NativeHistogram(
            counterResetHint: counterResetHint, schema: schema, zeroThreshold: zeroThreshold,
            zeroCount: zeroCount.value, count: count.value, sum: sum.value, positiveSpans: positiveLayout.spans,
            negativeSpans: negativeLayout.spans, positiveBuckets: positiveLayout.buckets,
            negativeBuckets: negativeLayout.buckets, customValues: customValues)
    }

    /// Whether a count or the sum went over all bounds.
    var isInfinite: Bool {
        count.sum.isInfinite || sum.sum.isInfinite || zeroCount.sum.isInfinite
            || positive.contains { $0.count.sum.isInfinite } || negative.contains { $0.count.sum.isInfinite }
    }

    /// Adds a histogram times `factor`, 1 or -1; nil where exponential and custom buckets meet, and nothing has changed.
    mutating func add(_ histogram: NativeHistogram, factor: Double = 1) -> Outcome? {
        let isCustom = schema == NativeHistogram.customBucketsSchema
        guard isCustom == histogram.usesCustomBuckets else { return nil }
        var outcome = Outcome()
        outcome.hintsCollide = adjustHint(histogram.counterResetHint)
        increase(&count, by: histogram.count * factor)
        increase(&sum, by: histogram.sum * factor)
        var other = HistogramAccumulator(histogram, compensates: compensates)
        if isCustom, customValues != other.customValues {
            outcome.reconciledBounds = true
            addOnSharedBounds(other, factor)
            return outcome
        }
        if !isCustom {
            // Before the schemas: the threshold may end inside a bucket of the coarser one.
            let zero = reconcileZeroBuckets(with: other)
            increase(&zeroCount, by: CompensatedSum(zero.sum * factor, compensation: zero.compensation * factor))
            if other.schema < schema { reduce(to: other.schema) }
            if other.schema > schema { other.reduce(to: schema) }
            other.removeCells(endingBy: zeroThreshold)
        }
        merge(other.positive, into: &positive, factor)
        merge(other.negative, into: &negative, factor)
        return outcome
    }

    private func increase(_ total: inout CompensatedSum, by increment: Double) {
        if compensates { total.add(increment) } else { total.sum += increment }
    }

    private func increase(_ total: inout CompensatedSum, by increment: CompensatedSum) {
        increase(&total, by: increment.sum)
        if compensates, increment.compensation != 0 { total.add(increment.compensation) }
    }

    /// Multiplies everything.
    mutating func scale(by factor: Double) {
        change { (cell: inout CompensatedSum) in
            cell.sum *= factor
            cell.compensation *= factor
        }
    }

    /// Divides everything.
    mutating func divide(by divisor: Double) {
        change { (cell: inout CompensatedSum) in
            cell.sum /= divisor
            cell.compensation /= divisor
        }
    }

    private mutating func change(_ operation: (inout CompensatedSum) -> Void) {
        operation(&zeroCount)
        operation(&count)
        operation(&sum)
        for index in positive.indices { operation(&positive[index].count) }
        for index in negative.indices { operation(&negative[index].count) }
    }

    private mutating func adjustHint(_ other: NativeHistogram.CounterResetHint) -> Bool {
        if other == counterResetHint || counterResetHint == .gauge { return false }
        if other == .gauge {
            counterResetHint = .gauge
            return false
        }
        let collides = other != .unknown && counterResetHint != .unknown
        counterResetHint = .unknown
        return collides
    }

    /// Lowers the resolution of exponential buckets to that of a schema, where it is higher.
    mutating func coarsen(to target: Int32) { if target < schema { reduce(to: target) } }

    /// Merges buckets down to a coarser schema.
    private mutating func reduce(to target: Int32) {
        let shift = min(schema &- target, 31)
        positive = reduced(positive, by: shift)
        negative = reduced(negative, by: shift)
        schema = target
    }

    private func reduced(_ cells: [Cell], by shift: Int32) -> [Cell] {
        var result: [Cell] = []
        for cell in cells {
            let index = BucketBounds.merged(cell.index, by: shift)
            if let last = result.indices.last, result[last].index == index {
                increase(&result[last].count, by: cell.count)
            } else {
                result.append(Cell(index: index, count: cell.count))
            }
        }
        return result
    }
}

// MARK: - Zero buckets

extension HistogramAccumulator {
    /// Widens the zero bucket until it covers the other's and cuts no populated bucket of either.
    ///
    /// - Returns: What the other has in a zero bucket of that width; its buckets stay as they are.
    private mutating func reconcileZeroBuckets(with other: HistogramAccumulator) -> CompensatedSum {
        var otherCount = other.zeroCount
        var otherThreshold = other.zeroThreshold
        while otherThreshold != zeroThreshold {
            if zeroThreshold > otherThreshold {
                (otherCount, otherThreshold) = other.zeroBucket(reaching: zeroThreshold)
            }
            if otherThreshold > zeroThreshold {
                (zeroCount, zeroThreshold) = zeroBucket(reaching: otherThreshold)
                removeCells(beginningBefore: zeroThreshold)
            }
        }
        return otherCount
    }

    /// The zero bucket with a larger threshold, which grows to the end of a populated bucket that it would cut.
    private func zeroBucket(reaching wanted: Double) -> (count: CompensatedSum, threshold: Double) {
        if wanted == zeroThreshold { return (zeroCount, wanted) }
        var threshold = wanted
        var count = zeroCount
        while true {
            count.sum = zeroCount.sum
            take(positive, into: &count, upTo: &threshold)
            let covered = threshold
            take(negative, into: &count, upTo: &threshold)
            // Where a negative bucket moved the threshold, more positive ones may lie within.
            if threshold == covered { return (count, threshold) }
        }
    }

    private func take(_ cells: [Cell], into count: inout CompensatedSum, upTo threshold: inout Double) {
        for cell in cells {
            if BucketBounds.exponential(cell.index &- 1, schema: schema) >= threshold { return }
            increase(&count, by: cell.count)
            let end = BucketBounds.exponential(cell.index, schema: schema)
            if end > threshold {
                if cell.count.sum != 0 { threshold = end }
                return
            }
        }
    }

    private mutating func removeCells(beginningBefore threshold: Double) {
        let schema = schema
        func isInside(_ cell: Cell) -> Bool {
            BucketBounds.exponential(cell.index &- 1, schema: schema) < threshold
        }
        positive.removeAll(where: isInside)
        negative.removeAll(where: isInside)
    }

    /// A bucket that reaches beyond the threshold stays whole, though a part of it may be counted in the zero bucket, as
    /// in Prometheus.
    private mutating func removeCells(endingBy threshold: Double) {
        let schema = schema
        func isInside(_ cell: Cell) -> Bool { BucketBounds.exponential(cell.index, schema: schema) <= threshold }
        if let first = positive.first, isInside(first) { positive.removeAll(where: isInside) }
        if let first = negative.first, isInside(first) { negative.removeAll(where: isInside) }
    }
}

// MARK: - Buckets

extension HistogramAccumulator {
    /// Maps both to the bounds that they share, bucket by bucket.
    private mutating func addOnSharedBounds(_ other: HistogramAccumulator, _ factor: Double) {
        let shared = CustomBounds.intersection(customValues, other.customValues)
        var totals = [CompensatedSum](repeating: CompensatedSum(), count: shared.count + 1)
        add(positive, of: customValues, to: &totals, on: shared, 1)
        add(other.positive, of: other.customValues, to: &totals, on: shared, factor)
        positive = totals.indices.compactMap { index in
            let total = totals[index]
            guard total.sum != 0 || total.compensation != 0 else { return nil }
            return Cell(index: Int32(truncatingIfNeeded: index), count: total)
        }
        customValues = shared
    }

    private func add(
        _ cells: [Cell], of bounds: [Double], to totals: inout [CompensatedSum], on shared: [Double], _ factor: Double
    ) {
        var target = 0
        for cell in cells {
            let position = Int(cell.index)
            if bounds.indices.contains(position) {
                while target < shared.count, shared[target] < bounds[position] { target += 1 }
            } else {
                target = shared.count
            }
            increase(
                &totals[target],
                by: CompensatedSum(cell.count.sum * factor, compensation: cell.count.compensation * factor))
        }
    }

    private func merge(_ right: [Cell], into left: inout [Cell], _ factor: Double) {
        if right.isEmpty { return }
        var result: [Cell] = []
        result.reserveCapacity(left.count + right.count)
        var leftIndex = 0
        for cell in right {
            while leftIndex < left.count, left[leftIndex].index < cell.index {
                result.append(left[leftIndex])
                leftIndex += 1
            }
            let change = CompensatedSum(cell.count.sum * factor, compensation: cell.count.compensation * factor)
            if leftIndex < left.count, left[leftIndex].index == cell.index {
                result.append(left[leftIndex])
                increase(&result[result.count - 1].count, by: change)
                leftIndex += 1
            } else {
                result.append(Cell(index: cell.index, count: change))
            }
        }
        result.append(contentsOf: left[leftIndex...])
        left = result
    }
}
