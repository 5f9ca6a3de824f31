package import MetricModel

/// The notation of series in test scripts and rule tests: `name{label="value"} 1 2+3x4 _ stale {{count:3 buckets:[3]}}`.
package enum SeriesNotation {
    /// The most points that one line may stand for.
    package static let pointLimit = 1_000_000

    package struct Series: Sendable {
        package var labels: LabelSet
        package var values: [SequenceValue]
    }

    package struct StartTimestamps: Sendable {
        package var labels: LabelSet
        /// Distance from the sample's time in milliseconds, nil where it is unknown.
        package var distances: [Int64?]
    }

    /// What a line describes: a series and its points.
    package static func parse(_ line: String) throws(SyntaxError) -> Series {
        var reader = try SeriesReader(line)
        let labels = try reader.readMetric()
        var values: [SequenceValue] = []
        while try reader.moveToItem() {
            try reader.readItem(into: &values)
            try reader.checkCount(values.count)
        }
        return Series(labels: labels, values: values)
    }

    /// The start timestamps of the series on the next line, where a line is `name@st items`; nil for other lines.
    package static func parseStartTimestamps(_ line: String) throws(SyntaxError) -> StartTimestamps? {
        var reader = try SeriesReader(line)
        let labels = try reader.readMetric()
        guard reader.accept("@st") else { return nil }
        var distances: [Int64?] = []
        while try reader.moveToItem() {
            try reader.readStartTimestamp(into: &distances)
            try reader.checkCount(distances.count)
        }
        return StartTimestamps(labels: labels, distances: distances)
    }

    /// The labels alone of `name{label="value"}`.
    package static func parseMetric(_ text: String) throws(SyntaxError) -> LabelSet {
        var reader = try SeriesReader(text)
        let labels = try reader.readMetric()
        guard try !reader.moveToItem() else { throw reader.unexpected("end of input") }
        return labels
    }
}
