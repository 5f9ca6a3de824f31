import Bytes
import Glibc

/// Where the buckets of native histograms begin and end.
package enum BucketBounds {
    /// The upper bound of a bucket, on the negative side of its mirror image.
    package static func upper(_ index: Int32, schema: Int32, customValues: [Double]) -> Double {
        if schema == NativeHistogram.customBucketsSchema {
            let position = Int(index)
            if position < 0 { return -.infinity }
            return position < customValues.count ? customValues[position] : .infinity
        }
        return exponential(index, schema: schema)
    }

    /// 2^(index · 2^-schema); the last bucket before the one for infinities ends at the largest number.
    package static func exponential(_ index: Int32, schema: Int32) -> Double {
        if schema <= 0 {
            let exponent = Int64(index) << Int64(min(max(0 &- schema, 0), 31))
            if exponent == 1024 { return .greatestFiniteMagnitude }
            return ldexp(1, Int32(clamping: max(-2000, min(2000, exponent))))
        }
        let shift = min(schema, 30)
        let fraction = index & ((1 << shift) - 1)
        let exponent = (index >> shift) + 1
        if fraction == 0, exponent == 1025 { return .greatestFiniteMagnitude }
        let finer = BucketBoundTable.schema - shift
        guard finer >= 0 else {
            return ldexp(Elementary.exp2(Double(fraction) / Double(1 << shift)) * 0.5, exponent)
        }
        return ldexp(BucketBoundTable.fraction(Int(fraction) << Int(finer)), exponent)
    }

    /// The index that a bucket of one schema has in a coarser one.
    package static func merged(_ index: Int32, by shift: Int32) -> Int32 {
        shift <= 0 ? index : ((index &- 1) >> shift) &+ 1
    }
}

/// One bucket with its bounds.
package struct Bucket {
    package var lower: Double
    package var upper: Double
    package var lowerInclusive: Bool
    package var upperInclusive: Bool
    package var count: Double
    /// Zero for the zero bucket.
    package var index: Int32

    package init(
        lower: Double, upper: Double, lowerInclusive: Bool, upperInclusive: Bool, count: Double, index: Int32 = 0
    ) {
        self.lower = lower
        self.upper = upper
        self.lowerInclusive = lowerInclusive
        self.upperInclusive = upperInclusive
        self.count = count
        self.index = index
    }
}

extension NativeHistogram {
    /// The indexes and counts of one side, from zero outwards; spans that promise more buckets than there are count less.
    package static func cells(_ spans: [Span], _ buckets: [Double]) -> [(index: Int32, count: Double)] {
        var result: [(index: Int32, count: Double)] = []
        result.reserveCapacity(buckets.count)
        var index: Int32 = 0
        for span in spans {
            index &+= span.offset
            for _ in 0..<span.length {
                // Spans that promise more buckets than there are come from outside and are cut short.
                guard result.count < buckets.count else { return result }
                result.append((index, buckets[result.count]))
                index &+= 1
            }
        }
        return result
    }

    package var positiveCells: [(index: Int32, count: Double)] { Self.cells(positiveSpans, positiveBuckets) }
    package var negativeCells: [(index: Int32, count: Double)] { Self.cells(negativeSpans, negativeBuckets) }

    /// Spans and buckets of cells in ascending order.
    package static func layout(_ cells: [(index: Int32, count: Double)]) -> (spans: [Span], buckets: [Double]) {
        var spans: [Span] = []
        var buckets: [Double] = []
        buckets.reserveCapacity(cells.count)
        var next: Int32 = 0
        for cell in cells {
            if let last = spans.indices.last, cell.index == next {
                spans[last].length += 1
            } else {
                spans.append(Span(offset: cell.index &- next, length: 1))
            }
            buckets.append(cell.count)
            next = cell.index &+ 1
        }
        return (spans, buckets)
    }

    /// The positive buckets in ascending order.
    package var positiveBucketList: [Bucket] {
        positiveCells.map { cell in
            let lower = BucketBounds.upper(cell.index &- 1, schema: schema, customValues: customValues)
            let upper = BucketBounds.upper(cell.index, schema: schema, customValues: customValues)
            return Bucket(
                lower: lower, upper: upper, lowerInclusive: usesCustomBuckets ? cell.index == 0 : lower < 0,
                upperInclusive: usesCustomBuckets || upper > 0, count: cell.count, index: cell.index)
        }
    }

    /// The negative buckets from zero outwards.
    package var negativeBucketList: [Bucket] {
        negativeCells.map { cell in
            let lower = -BucketBounds.exponential(cell.index, schema: schema)
            let upper = -BucketBounds.exponential(cell.index &- 1, schema: schema)
            return Bucket(
                lower: lower, upper: upper, lowerInclusive: lower < 0, upperInclusive: upper > 0, count: cell.count,
                index: cell.index)
        }
    }

    package var zeroBucket: Bucket {
        Bucket(
            lower: -zeroThreshold, upper: zeroThreshold, lowerInclusive: true, upperInclusive: true, count: zeroCount)
    }

    /// All buckets from the lowest to the highest; those that reach into the zero bucket are cut at its edge.
    package var allBuckets: [Bucket] {
        var result: [Bucket] = negativeBucketList.reversed()
        for index in result.indices where result[index].upper < 0 && result[index].upper > -zeroThreshold {
            result[index].upper = -zeroThreshold
        }
        if zeroCount > 0 { result.append(zeroBucket) }
        for var bucket in positiveBucketList {
            if bucket.lower > 0, bucket.lower < zeroThreshold { bucket.lower = zeroThreshold }
            result.append(bucket)
        }
        return result
    }
}
