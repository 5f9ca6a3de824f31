import MetricModel

/// Equality of results: exact where nothing was calculated, within a millionth where floats were.
enum NearEquality {
    /// Differences relative to the sum of magnitudes below this do not count.
    static let tolerance = 1e-6

    static func floats(_ left: Double, _ right: Double) -> Bool {
        let leftIsStale = SpecialValue.isStale(left)
        let rightIsStale = SpecialValue.isStale(right)
        if leftIsStale || rightIsStale { return leftIsStale && rightIsStale }
        if left.isNaN || right.isNaN { return left.isNaN && right.isNaN }
        if left == right { return true }
        let magnitudes = left.magnitude + right.magnitude
        let difference = (left - right).magnitude
        let smallest = Double.leastNormalMagnitude
        if left == 0 || right == 0 || magnitudes < smallest { return difference < tolerance * smallest }
        return difference / min(magnitudes, .greatestFiniteMagnitude) < tolerance
    }

    /// The hint is compared only where it was written.
    static func histograms(_ actual: NativeHistogram, _ expected: NativeHistogram, comparesHint: Bool) -> Bool {
        guard actual.schema == expected.schema, actual.zeroThreshold == expected.zeroThreshold,
            actual.customValues == expected.customValues,
            !comparesHint || actual.counterResetHint == expected.counterResetHint
        else { return false }
        return floats(actual.count, expected.count) && floats(actual.sum, expected.sum)
            && floats(actual.zeroCount, expected.zeroCount)
            && cells(
                cells(actual.positiveSpans, actual.positiveBuckets),
                cells(expected.positiveSpans, expected.positiveBuckets))
            && cells(
                cells(actual.negativeSpans, actual.negativeBuckets),
                cells(expected.negativeSpans, expected.negativeBuckets))
    }

    private typealias Cell = (index: Int64, count: Double)

    /// The populated buckets.
    private static func cells(_ spans: [NativeHistogram.Span], _ buckets: [Double]) -> [Cell] {
        var result: [Cell] = []
        var index: Int64 = 0
        var position = 0
        for span in spans {
            index += Int64(span.offset)
            for _ in 0..<span.length where position < buckets.count {
                if buckets[position] != 0 { result.append((index, buckets[position])) }
                index += 1
                position += 1
            }
        }
        return result
    }

    private static func cells(_ left: [Cell], _ right: [Cell]) -> Bool {
        left.count == right.count
            && zip(left, right).allSatisfy { $0.index == $1.index && floats($0.count, $1.count) }
    }
}
