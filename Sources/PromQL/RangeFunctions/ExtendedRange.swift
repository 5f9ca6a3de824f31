import MetricModel
import PromQLSyntax

/// A window whose edges carry values of their own: `anchored` takes the newest sample before the left edge,
/// `smoothed` interpolates at both edges.
struct ExtendedRange {
    let boundary: RangeBoundary
    let start: Int64
    let end: Int64
    let lookbackMilliseconds: Int64

    struct Point {
        var timestamp: Int64
        var value: Double
    }

    /// Whether a histogram lies where samples are looked for.
    func hasHistograms(_ columns: SampleColumns) -> Bool {
        let last = boundary == .smoothed ? end + lookbackMilliseconds : end
        return columns.histograms.contains { $0.timestamp > start - lookbackMilliseconds && $0.timestamp <= last }
    }

    /// The samples inside with a point on the left edge and one on the right; nothing where there is no result.
    ///
    /// At an edge where a counter went down the earlier value counts as zero.
    func points(of columns: SampleColumns, isCounter: Bool) -> [Point] {
        let samples = candidates(columns)
        guard let last = samples.last, let first = samples.first else { return [] }
        switch boundary {
        case .plain: return samples
        case .anchored:
            guard last.timestamp > start else { return [] }
            let firstInside = samples.firstIndex { $0.timestamp > start } ?? samples.count
            let base = firstInside > 0 ? samples[firstInside - 1].value : first.value
            var points = [Point(timestamp: start, value: base)]
            points.append(contentsOf: samples[firstInside...])
            if let newest = points.last, newest.timestamp < end {
                points.append(Point(timestamp: end, value: newest.value))
            }
            return points
        case .smoothed:
            guard last.timestamp > start else { return [] }
            var points = [Point(timestamp: start, value: value(at: start, samples, isCounter))]
            points.append(contentsOf: samples.filter { $0.timestamp > start && $0.timestamp < end })
            points.append(Point(timestamp: end, value: value(at: end, samples, isCounter)))
            return points
        }
    }

    private func candidates(_ columns: SampleColumns) -> [Point] {
        let newest = boundary == .smoothed ? end + lookbackMilliseconds : end
        var result: [Point] = []
        for index in columns.values.indices {
            let timestamp = columns.timestamp(at: index)
            guard timestamp > start - lookbackMilliseconds, timestamp <= newest else { continue }
            result.append(Point(timestamp: timestamp, value: columns.values[index]))
        }
        return result
    }

    /// The value on an edge: interpolated between its neighbours, or that of the only one.
    private func value(at time: Int64, _ samples: [Point], _ isCounter: Bool) -> Double {
        let next = samples.firstIndex { $0.timestamp >= time } ?? samples.count
        if next == samples.count { return samples[samples.count - 1].value }
        if next == 0 || samples[next].timestamp == time { return samples[next].value }
        let left = samples[next - 1]
        let right = samples[next]
        let leftValue = isCounter && right.value < left.value ? 0 : left.value
        return leftValue
            + (right.value - leftValue) * Double(time - left.timestamp) / Double(right.timestamp - left.timestamp)
    }
}
