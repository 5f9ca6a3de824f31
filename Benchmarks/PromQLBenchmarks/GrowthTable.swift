import Logging
import MetricModel
import PromQL
import Storage
import TSDB

/// How the cost of queries grows with series and time: 1 to 100,000 series over an hour to a week, and a million series at
/// a few times.
struct GrowthTable {
    private static let seriesCounts = [1, 100, 10_000, 100_000]
    private static let spans = [3600, 6 * 3600, 86_400, 7 * 86_400]
    /// Histories have this many samples at most: what is larger is scraped less often.
    private static let sampleLimit = 150_000_000
    private static let scrapeSteps = [15, 30, 60, 120, 300, 600, 1200]
    /// Steps of each range query.
    private static let stepCount = 240

    let end: Int64
    let engine: QueryEngine
    let settings: DatabaseSettings
    let logger: Logger
    /// Rows that have this text alone, where it is given.
    let filter: String?

    func run(_ folder: String) throws {
        print(
            "   series     span  scrape   wall ms    cpu ms       samples  M samples/s  held bytes  process MB  query")
        for seriesCount in Self.seriesCounts {
            for span in Self.spans {
                let scrape = Self.scrapeSteps.first { seriesCount * span / $0 <= Self.sampleLimit } ?? 1200
                let window = max(300, 4 * scrape)
                let range = "\(span)/\(max(15, span / Self.stepCount))"
                try measure(
                    seriesCount, span: span, scrape: scrape, in: folder,
                    [
                        "\(range) rate(go_goroutines{instance=\"127.1.0.1:9100\"}[\(window)s])",
                        "\(range) quantile_over_time(0.9, go_goroutines[\(window)s])",
                        "\(range) sum by (mode) (rate(node_cpu_seconds_total[\(window)s]))",
                        "\(range) sum by (instance) ({job=\"bench\"})",
                        "\(range) count({job=\"bench\"})",
                    ])
            }
        }
        try measure(
            1_000_000, span: 600, scrape: 60, in: folder,
            ["instant sum by (job) ({job=\"bench\"})", "300/60 sum by (job) ({job=\"bench\"})"])
    }

    private func measure(
        _ seriesCount: Int, span: Int, scrape: Int, in folder: String, _ lines: [String]
    ) throws {
        let lines = lines.filter { line in filter.map { "\(seriesCount) \(span) \(line)".contains($0) } ?? true }
        if lines.isEmpty { return }
        let database = try TimeSeriesDatabase.open(path: folder, settings: settings, logger: logger)
        let targets = SyntheticTargets(seriesCount: seriesCount, stepSeconds: scrape)
        let isSealed = seriesCount <= 100_000
        let open = try targets.fill(
            database, end: end, spanSeconds: span, unsealed: isSealed ? 1800 / scrape : span / scrape)
        defer {
            withExtendedLifetime(open) {}
            database.close()
            Arguments.remove(folder)
        }
        for line in lines {
            guard let query = try BenchmarkQuery(line) else { continue }
            let measured = try Measurement(query, engine, database, end: end, repeats: 3)
            let rate = Double(measured.samplesRead) / max(measured.wallMilliseconds, 1e-6) / 1000
            print(
                Text.right("\(seriesCount)", 9), Text.right("\(span / 60) min", 8), Text.right("\(scrape) s", 7),
                Text.fixed(measured.wallMilliseconds, 3, width: 9), Text.fixed(measured.cpuMilliseconds, 3, width: 9),
                Text.right("\(measured.samplesRead)", 13), Text.fixed(rate, 1, width: 12),
                Text.right("\(measured.peakBytes)", 11), Text.right("\(Measurement.peakMemoryBytes >> 20)", 11), "",
                line)
        }
    }
}
