import MetricModel

/// A histogram to which others are added or from which they are taken, every cell a compensated sum.
///
/// Layouts that differ are reconciled: the coarser schema, the wider zero bucket, the custom bounds that both have.
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

    init(_ histogram: NativeHistogram) {
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

    /// The sum so far, without empty buckets.
    var result: NativeHistogram {
        func cells(_ side: [Cell]) -> [(index: Int32, count: Double)] {
            side.map { ($0.index, $0.count.value) }.filter { $0.1 != 0 }
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

    /// Adds a histogram times `factor`; nil where exponential and custom buckets meet, and nothing has changed.
    mutating func add(_ histogram: NativeHistogram, factor: Double = 1) -> Outcome? {
        let isCustom = schema == NativeHistogram.customBucketsSchema
        guard isCustom == histogram.usesCustomBuckets else { return nil }
        var outcome = Outcome()
        outcome.hintsCollide = adjustHint(histogram.counterResetHint)
        var other = HistogramAccumulator(histogram)
        if isCustom {
            outcome.reconciledBounds = reconcileBounds(&other)
        } else {
            if other.schema < schema { reduce(to: other.schema) }
            if other.schema > schema { other.reduce(to: schema) }
            while zeroThreshold != other.zeroThreshold {
                if zeroThreshold < other.zeroThreshold { widenZeroBucket(to: other.zeroThreshold) }
                if other.zeroThreshold < zeroThreshold { other.widenZeroBucket(to: zeroThreshold) }
            }
            zeroCount.add(other.zeroCount.value * factor)
        }
        count.add(other.count.value * factor)
        sum.add(other.sum.value * factor)
        positive = Self.merge(positive, other.positive, factor)
        negative = Self.merge(negative, other.negative, factor)
        return outcome
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
        let shift = schema &- target
        positive = Self.reduced(positive, by: shift)
        negative = Self.reduced(negative, by: shift)
        schema = target
    }

    private static func reduced(_ cells: [Cell], by shift: Int32) -> [Cell] {
        var result: [Cell] = []
        for cell in cells {
            let index = BucketBounds.merged(cell.index, by: min(shift, 31))
            if let last = result.indices.last, result[last].index == index {
                result[last].count.add(cell.count.sum)
                result[last].count.compensation += cell.count.compensation
            } else {
                result.append(Cell(index: index, count: cell.count))
            }
        }
        return result
    }

    /// Moves the buckets up to a threshold into the zero bucket; the threshold grows to the end of a populated bucket.
    private mutating func widenZeroBucket(to wanted: Double) {
        var threshold = wanted
        var isSettled = false
        while !isSettled {
            isSettled = true
            for cell in positive + negative {
                let lower = BucketBounds.exponential(cell.index &- 1, schema: schema)
                let upper = BucketBounds.exponential(cell.index, schema: schema)
                if lower < threshold, upper > threshold, cell.count.value != 0 {
                    threshold = upper
                    isSettled = false
                }
            }
        }
        let schema = schema
        func isInside(_ cell: Cell) -> Bool {
            BucketBounds.exponential(cell.index &- 1, schema: schema) < threshold
        }
        for cell in positive + negative where isInside(cell) { zeroCount.add(cell.count.value) }
        positive.removeAll(where: isInside)
        negative.removeAll(where: isInside)
        zeroThreshold = threshold
    }

    /// Maps both to the bounds that they share; false where the bounds already were the same.
    private mutating func reconcileBounds(_ other: inout HistogramAccumulator) -> Bool {
        if customValues == other.customValues { return false }
        let shared = CustomBounds.intersection(customValues, other.customValues)
        mapBuckets(to: shared)
        other.mapBuckets(to: shared)
        return true
    }

    private mutating func mapBuckets(to bounds: [Double]) {
        var result: [Cell] = []
        var target = 0
        for cell in positive {
            let position = Int(cell.index)
            if position >= 0, position < customValues.count {
                while target < bounds.count, bounds[target] < customValues[position] { target += 1 }
            } else {
                target = bounds.count
            }
            if let last = result.indices.last, Int(result[last].index) == target {
                result[last].count.add(cell.count.sum)
                result[last].count.compensation += cell.count.compensation
            } else {
                result.append(Cell(index: Int32(truncatingIfNeeded: target), count: cell.count))
            }
        }
        positive = result
        customValues = bounds
    }

    private static func merge(_ left: [Cell], _ right: [Cell], _ factor: Double) -> [Cell] {
        if right.isEmpty { return left }
        var result: [Cell] = []
        result.reserveCapacity(left.count + right.count)
        var leftIndex = 0
        var rightIndex = 0
        while leftIndex < left.count || rightIndex < right.count {
            if rightIndex >= right.count
                || (leftIndex < left.count && left[leftIndex].index < right[rightIndex].index)
            {
                result.append(left[leftIndex])
                leftIndex += 1
                continue
            }
            var cell = Cell(index: right[rightIndex].index, count: CompensatedSum())
            if leftIndex < left.count, left[leftIndex].index == cell.index {
                cell = left[leftIndex]
                leftIndex += 1
            }
            cell.count.add(right[rightIndex].count.value * factor)
            result.append(cell)
            rightIndex += 1
        }
        return result
    }
}
