/// Making native histograms coarser: neighbouring buckets become one.
extension NativeHistogram {
    /// The coarsest and the finest exponential schema that are stored.
    package static let schemas: ClosedRange<Int32> = -4...8
    /// Finer ones that a sender may use; they are made coarser on the way in.
    package static let finerSchemas: ClosedRange<Int32> = 9...52

    /// The buckets of both sides.
    package var bucketCount: Int { positiveBuckets.count + negativeBuckets.count }

    /// Merges buckets down to a coarser exponential schema; nothing where the histogram is as coarse or has custom buckets.
    package mutating func reduceResolution(to target: Int32) {
        guard !usesCustomBuckets, target < schema else { return }
        let shift = min(schema &- target, 31)
        (positiveSpans, positiveBuckets) = Self.layout(Self.merged(positiveCells, by: shift))
        (negativeSpans, negativeBuckets) = Self.layout(Self.merged(negativeCells, by: shift))
        schema = target
    }

    /// Makes the histogram coarser until it has no more buckets than that; false where it cannot be made so.
    package mutating func reduceResolution(toBucketCount limit: Int) -> Bool {
        while bucketCount > limit {
            guard !usesCustomBuckets, schema > Self.schemas.lowerBound else { return false }
            reduceResolution(to: schema - 1)
        }
        return true
    }

    /// The finest schema whose buckets grow by no less than a factor from one to the next.
    package static func schema(growingBy factor: Double) -> Int32 {
        guard factor > 1 else { return schemas.upperBound }
        var schema = schemas.upperBound
        while schema > schemas.lowerBound, BucketBounds.exponential(1, schema: schema) < factor { schema -= 1 }
        return schema
    }

    private static func merged(
        _ cells: [(index: Int32, count: Double)], by shift: Int32
    ) -> [(index: Int32, count: Double)] {
        var result: [(index: Int32, count: Double)] = []
        for cell in cells {
            let index = BucketBounds.merged(cell.index, by: shift)
            if let last = result.indices.last, result[last].index == index {
                result[last].count += cell.count
            } else {
                result.append((index, cell.count))
            }
        }
        return result
    }
}
