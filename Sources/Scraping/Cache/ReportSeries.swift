/// The series that every scrape writes about itself.
enum ReportSeries: Int, CaseIterable, Sendable {
    case up, duration, samplesScraped, samplesAfterRelabeling, seriesAdded
    // Only with extra_scrape_metrics.
    case timeout, sampleLimit, bodySize

    /// How many there are without the extra ones.
    static let ordinaryCount = 5

    var name: String {
        switch self {
        case .up: "up"
        case .duration: "scrape_duration_seconds"
        case .samplesScraped: "scrape_samples_scraped"
        case .samplesAfterRelabeling: "scrape_samples_post_metric_relabeling"
        case .seriesAdded: "scrape_series_added"
        case .timeout: "scrape_timeout_seconds"
        case .sampleLimit: "scrape_sample_limit"
        case .bodySize: "scrape_body_size_bytes"
        }
    }

    func value(in report: ScrapeReport, isUp: Bool, timeoutMilliseconds: Int64, sampleLimit: Int) -> Double {
        switch self {
        case .up: isUp ? 1 : 0
        case .duration: report.durationSeconds
        case .samplesScraped: Double(report.samplesScraped)
        case .samplesAfterRelabeling: Double(report.samplesAfterRelabeling)
        case .seriesAdded: Double(report.seriesAdded)
        case .timeout: Double(timeoutMilliseconds) / 1000
        case .sampleLimit: Double(sampleLimit)
        case .bodySize: Double(report.bodyBytes)
        }
    }
}
