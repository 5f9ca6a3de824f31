import MetricModel

extension SampleColumns {
    /// Says of each histogram whether the counter was reset before it, where the store does not.
    ///
    /// A histogram that follows another one of its series is compared with it, as Prometheus does when it appends. The
    /// first one, and one behind a float, stay unknown.
    ///
    /// - Parameter marksResets: One behind a reset is marked too. Otherwise it stays unknown, as when Prometheus reads
    ///   a chunk: only the functions that need no buckets look closer.
    mutating func resolveResetHints(marksResets: Bool) {
        guard histograms.count > 1 else { return }
        for index in histograms.indices.dropFirst() where histograms[index].histogram.counterResetHint == .unknown {
            let previous = histograms[index - 1]
            if previous.histogram.counterResetHint == .gauge || hasFloat(between: index - 1, and: index) { continue }
            let isReset = histograms[index].histogram.isReset(after: previous.histogram)
            if isReset {
                if marksResets { histograms[index].histogram.counterResetHint = .reset }
            } else {
                histograms[index].histogram.counterResetHint = .notReset
            }
        }
    }

    private func hasFloat(between before: Int, and after: Int) -> Bool {
        guard !values.isEmpty else { return false }
        var low = 0
        var high = values.count
        while low < high {
            let middle = (low + high) / 2
            if timestamp(at: middle) <= histograms[before].timestamp { low = middle + 1 } else { high = middle }
        }
        return low < values.count && timestamp(at: low) < histograms[after].timestamp
    }
}
