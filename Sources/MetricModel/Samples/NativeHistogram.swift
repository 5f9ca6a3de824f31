/// One sample of a native histogram, with float counts (integer histograms are converted when they come in).
///
/// Fields as in Prometheus' `model/histogram.FloatHistogram`. Buckets are absolute counts, not deltas. Bucket `i` of
/// exponential schema `n` ends at 2^(i·2^-n), lower bound open, upper closed. Schema -53 has explicit bounds in
/// `customValues`, the last bucket reaching to +Inf.
package struct NativeHistogram: Hashable, Sendable {
    /// What is known about a counter reset between the sample before and this one.
    package enum CounterResetHint: UInt8, Sendable { case unknown, reset, notReset, gauge }

    /// A run of neighbouring buckets: how many indexes to leave out after the run before (or, for the first run, the
    /// index it starts at) and how many buckets follow.
    package struct Span: Hashable, Sendable {
        package var offset: Int32
        package var length: UInt32
        package init(offset: Int32, length: UInt32) {
            self.offset = offset
            self.length = length
        }
    }

    package static let customBucketsSchema: Int32 = -53

    package var counterResetHint: CounterResetHint
    package var schema: Int32
    package var zeroThreshold: Double
    package var zeroCount: Double
    package var count: Double
    package var sum: Double
    package var positiveSpans: [Span]
    package var negativeSpans: [Span]
    package var positiveBuckets: [Double]
    package var negativeBuckets: [Double]
    package var customValues: [Double]

    package init(
        counterResetHint: CounterResetHint = .unknown, schema: Int32 = 0, zeroThreshold: Double = 0,
        zeroCount: Double = 0,
        count: Double = 0, sum: Double = 0, positiveSpans: [Span] = [], negativeSpans: [Span] = [],
        positiveBuckets: [Double] = [], negativeBuckets: [Double] = [], customValues: [Double] = []
    ) {
        self.counterResetHint = counterResetHint
        self.schema = schema
        self.zeroThreshold = zeroThreshold
        self.zeroCount = zeroCount
        self.count = count
        self.sum = sum
        self.positiveSpans = positiveSpans
        self.negativeSpans = negativeSpans
        self.positiveBuckets = positiveBuckets
        self.negativeBuckets = negativeBuckets
        self.customValues = customValues
    }

    /// A histogram sample that says that the series ended: the marker stands in `sum`.
    package static var stale: NativeHistogram { NativeHistogram(sum: SpecialValue.stale) }
    package var isStale: Bool { SpecialValue.isStale(sum) }
    package var usesCustomBuckets: Bool { schema == Self.customBucketsSchema }
}
