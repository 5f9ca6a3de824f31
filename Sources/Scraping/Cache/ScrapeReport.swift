import MetricModel

/// What one scrape amounted to: the values of the report series.
struct ScrapeReport: Sendable {
    var timestamp: Timestamp
    var durationSeconds: Double
    /// Samples on the page.
    var samplesScraped = 0
    var samplesAfterRelabeling = 0
    var seriesAdded = 0
    /// Uncompressed bytes; -1 when the page was larger than allowed, 0 when there was none.
    var bodyBytes = 0
    /// The second and further samples of one series on one page; the first counts.
    var duplicateSamples = 0
    /// Samples with timestamps of their own that the store refused.
    var outOfOrderSamples = 0
    var outOfBoundsSamples = 0
    /// Samples of new series for which the store has no room.
    var samplesWithoutRoom = 0
    /// Whether all lines were read as new ones, so that `seriesAdded` says nothing about the next page.
    var learnedAllLines = false

    init(timestamp: Timestamp, durationSeconds: Double) {
        self.timestamp = timestamp
        self.durationSeconds = durationSeconds
    }
}
