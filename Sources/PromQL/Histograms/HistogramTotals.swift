import MetricModel

extension SampleColumns {
    /// Leaves of histograms what functions need that ask for count and sum alone, with what the buckets said of resets.
    ///
    /// As Prometheus' `HistogramStatsIterator`: each histogram of which the store knows nothing is held against the one before,
    /// whatever lies between.
    mutating func reduceHistogramsToTotals() {
        var previous: NativeHistogram?
        for index in histograms.indices {
            var whole = histograms[index].histogram
            if whole.counterResetHint == .unknown, let previous {
                whole.counterResetHint = whole.isReset(after: previous) ? .reset : .notReset
            }
            histograms[index].histogram = NativeHistogram(
                counterResetHint: whole.counterResetHint, schema: whole.schema, count: whole.count, sum: whole.sum)
            previous = whole
        }
    }
}
