import Bytes
import MetricModel
import PromQLSyntax
import Storage

/// Makes native histograms with custom buckets of the series `_bucket`, `_count` and `_sum` of classic ones.
struct ClassicHistogramConverter {
    /// What the series of one histogram say at one point.
    private struct Point {
        /// Cumulated counts by upper bound.
        var buckets: [Double: Double] = [:]
        var count: Double?
        var sum: Double = 0
    }

    private var points: [LabelSet: [Int: Point]] = [:]
    private var order: [LabelSet] = []

    /// Takes a series into account if it is part of a classic histogram.
    mutating func add(_ entry: LoadBlock.Entry) {
        let name = entry.labels.metricName
        for (suffix, part) in [("_bucket", Part.bucket), ("_count", .count), ("_sum", .sum)]
        where name.hasSuffix(suffix) {
            var labels = LabelSetBuilder(entry.labels)
            labels.set(LabelName.metricName, to: String(name.dropLast(suffix.count)))
            labels.remove(LabelName.bucketBound)
            var bound = 0.0
            if part == .bucket {
                guard let text = entry.labels[LabelName.bucketBound], let number = GoNumberText.parse(text),
                    !number.isNaN
                else { return }
                bound = number
            }
            add(entry.values, part, bound: bound, to: labels.build())
        }
    }

    private enum Part { case bucket, count, sum }

    private mutating func add(_ values: [SequenceValue], _ part: Part, bound: Double, to labels: LabelSet) {
        if points[labels] == nil { order.append(labels) }
        for (index, value) in values.enumerated() {
            guard case .float(let number) = value else { continue }
            switch part {
            case .bucket: points[labels, default: [:]][index, default: Point()].buckets[bound] = number
            case .count: points[labels, default: [:]][index, default: Point()].count = number
            case .sum: points[labels, default: [:]][index, default: Point()].sum = number
            }
        }
    }

    func series(stepMilliseconds: Int64) throws(ScriptError) -> [SampleBatch.Series] {
        var result: [SampleBatch.Series] = []
        for labels in order {
            var columns = SampleColumns()
            for (index, point) in (points[labels] ?? [:]).sorted(by: { $0.key < $1.key }) {
                do {
                    let sample = HistogramSample(
                        timestamp: Int64(index) &* stepMilliseconds, histogram: try Self.histogram(of: point))
                    columns.histograms.append(sample)
                } catch {
                    throw ScriptError("\(labels): \(error)")
                }
            }
            result.append(.init(labels: labels, columns: columns))
        }
        return result
    }

    private static func histogram(of point: Point) throws(ScriptError) -> NativeHistogram {
        var buckets = point.buckets.sorted { $0.key < $1.key }
        let count = point.count ?? buckets.last?.value ?? 0
        if buckets.last?.key != .infinity { buckets.append((.infinity, count)) }
        var histogram = NativeHistogram(schema: NativeHistogram.customBucketsSchema, count: count, sum: point.sum)
        var previous = 0.0
        for (index, bucket) in buckets.enumerated() {
            guard bucket.value >= 0 else { throw ScriptError("a bucket of the classic histogram is below 0") }
            let difference = bucket.value - previous
            guard difference >= 0 else { throw ScriptError("buckets of the classic histogram are not cumulative") }
            previous = bucket.value
            if bucket.key.isFinite { histogram.customValues.append(bucket.key) }
            if difference > 0 { append(difference, at: index, to: &histogram) }
        }
        guard previous == count else {
            throw ScriptError("buckets of the classic histogram end with \(previous), its count is \(count)")
        }
        return histogram
    }

    /// Appends a populated bucket; those before it that are not there are empty.
    private static func append(_ count: Double, at index: Int, to histogram: inout NativeHistogram) {
        let end = histogram.positiveSpans.reduce(0) { $0 + Int($1.offset) + Int($1.length) }
        if index == end, let last = histogram.positiveSpans.indices.last {
            histogram.positiveSpans[last].length += 1
        } else {
            histogram.positiveSpans.append(.init(offset: Int32(clamping: index - end), length: 1))
        }
        histogram.positiveBuckets.append(count)
    }
}
