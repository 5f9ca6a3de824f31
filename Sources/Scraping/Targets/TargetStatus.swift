package import MetricModel

/// Whether the newest scrape of a target went well.
package enum TargetHealth: String, Sendable { case unknown, up, down }

/// One active target as the status pages show it.
package struct TargetStatus: Sendable {
    package var scrapePool: String
    /// The labels before relabelling, internal ones included.
    package var discoveredLabels: LabelSet
    /// The labels that its series carry.
    package var labels: LabelSet
    /// Without user information, ready to be shown.
    package var scrapeURL: String
    package var health: TargetHealth
    /// The reason of the newest failure, empty when the newest scrape went well.
    package var lastError: String
    /// The start of the newest scrape, nil before the first.
    package var lastScrape: Timestamp?
    package var lastScrapeDurationSeconds: Double
    package var intervalMilliseconds: Int64
    package var timeoutMilliseconds: Int64
    /// Samples that the newest scrape brought, after relabelling.
    package var sampleCount: Int
}

/// A target that relabelling dropped.
package struct DroppedTargetStatus: Sendable {
    package var scrapePool: String
    package var discoveredLabels: LabelSet
}

/// One job as the status pages show it.
package struct ScrapePoolStatus: Sendable {
    package var jobName: String
    /// In the order of discovery.
    package var active: [TargetStatus]
    /// At most `keep_dropped_targets` of them when that is set.
    package var dropped: [DroppedTargetStatus]
    package var droppedCount: Int
    /// What went wrong while targets were found or made: unreadable files, bad labels, mechanisms not there yet.
    package var problems: [String]
}

/// What a target said about one of its metric families.
package struct TargetMetadata: Sendable {
    package var targetLabels: LabelSet
    package var metricName: String
    package var metadata: MetricMetadata
}
