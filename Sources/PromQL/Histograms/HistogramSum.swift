import MetricModel

/// The sum or mean of histograms, as `sum`, `avg` and their relatives over time take it.
struct HistogramSum {
    let takesMean: Bool
    /// As in Prometheus, which compacts what it aggregates and not what it adds up over time.
    let keepsEmptyBuckets: Bool
    private(set) var notes: KernelNotes = []
    private var accumulator: HistogramAccumulator?
    private var count = 0.0
    private var isIncremental = false
    /// Exponential and custom buckets met: there is no sum.
    private(set) var isIncompatible = false
    private var hasReset = false
    private var hasNoReset = false

    init(takesMean: Bool, keepsEmptyBuckets: Bool = false) {
        self.takesMean = takesMean
        self.keepsEmptyBuckets = keepsEmptyBuckets
    }

    mutating func add(_ histogram: NativeHistogram) {
        if isIncompatible { return }
        if histogram.counterResetHint == .reset { hasReset = true }
        if histogram.counterResetHint == .notReset { hasNoReset = true }
        count += 1
        guard var sum = accumulator else {
            accumulator = HistogramAccumulator(histogram, compensates: true)
            return
        }
        if isIncremental {
            add(toMean: histogram)
            return
        }
        guard let outcome = sum.add(histogram) else {
            isIncompatible = true
            notes.insert(.mixedExponentialAndCustom)
            return
        }
        if outcome.reconciledBounds { notes.insert(.reconciledCustomBucketsInAggregation) }
        if takesMean, sum.isInfinite {
            // The sum overflows: go on with the mean of what came before.
            isIncremental = true
            accumulator?.divide(by: count - 1)
            add(toMean: histogram)
            return
        }
        accumulator = sum
    }

    private mutating func add(toMean histogram: NativeHistogram) {
        guard var mean = accumulator else { return }
        mean.scale(by: (count - 1) / count)
        guard let outcome = mean.add(histogram.divided(by: count)) else {
            isIncompatible = true
            notes.insert(.mixedExponentialAndCustom)
            return
        }
        if outcome.reconciledBounds { notes.insert(.reconciledCustomBucketsInAggregation) }
        accumulator = mean
    }

    /// Nil where histograms of incompatible kinds met; `notes` are complete afterwards.
    var result: NativeHistogram? {
        mutating get {
            guard !isIncompatible, var accumulator else { return nil }
            if hasReset && hasNoReset { notes.insert(.counterResetCollisionInAggregation) }
            if takesMean && !isIncremental { accumulator.divide(by: count) }
            return accumulator.result(keepsEmptyBuckets: keepsEmptyBuckets)
        }
    }
}
