import MetricModel

extension SampleColumns {
    /// Takes the staleness markers out.
    ///
    /// Where there are none nothing changes, and the clock stays the shared one. - Complexity: O(samples)
    mutating func dropStaleMarkers() {
        if !histograms.isEmpty { histograms.removeAll { $0.histogram.isStale } }
        guard mayHaveStaleMarkers, values.contains(where: { $0.isStale }) else { return }
        var timestamps: [Int64] = []
        var kept: [Double] = []
        var starts: [Int64] = []
        timestamps.reserveCapacity(values.count)
        kept.reserveCapacity(values.count)
        for index in values.indices where !values[index].isStale {
            timestamps.append(timestamp(at: index))
            kept.append(values[index])
            if !startTimestamps.isEmpty { starts.append(startTimestamps[index]) }
        }
        clock = Clock(timestamps)
        clockOffset = 0
        values = kept
        risingCount = 0
        startTimestamps = starts
    }
}
