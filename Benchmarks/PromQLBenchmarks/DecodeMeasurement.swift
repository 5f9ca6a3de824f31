import MetricModel
import Storage

/// What reading all series of a metric out of the store takes, without an engine and on one thread: rows of partitions,
/// decompression, columns of doubles and their timestamps.
struct DecodeMeasurement {
    /// The least of the runs, in milliseconds.
    let wallMilliseconds: Double
    let cpuMilliseconds: Double
    let seriesCount: Int
    let sampleCount: Int

    /// - Parameter metric: What comes behind `read SPAN`.
    init(_ metric: String, _ database: any SampleStore, end: Int64, spanSeconds: Int64, repeats: Int) throws {
        let range = TimeRange(
            start: Timestamp(milliseconds: end - spanSeconds * 1000 + 1), end: Timestamp(milliseconds: end))
        let request = SelectRequest(
            matchers: [LabelMatcher(equal: LabelName.metricName, metric)], range: range, isOrdered: true)
        var best = (wall: Double.infinity, cpu: Double.infinity)
        var counts = (series: 0, samples: 0)
        for _ in 0..<repeats + 2 {
            // A selection knows the clocks that were read with it: each run has one of its own, found before.
            let selected = try database.querier().select(request)
            var reader = selected.makeReader(over: 0..<selected.count)
            var columns = SampleColumns()
            counts = (selected.count, 0)
            let started = (Measurement.wallSeconds, Measurement.cpuSeconds)
            while try reader.next(into: &columns) { counts.samples += columns.values.count }
            best.cpu = min(best.cpu, Measurement.cpuSeconds - started.1)
            best.wall = min(best.wall, Measurement.wallSeconds - started.0)
        }
        wallMilliseconds = best.wall * 1000
        cpuMilliseconds = best.cpu * 1000
        seriesCount = counts.series
        sampleCount = counts.samples
    }

    /// Millions of samples a second of CPU.
    var megasamplesPerSecond: Double { cpuMilliseconds > 0 ? Double(sampleCount) / cpuMilliseconds / 1000 : 0 }
}
