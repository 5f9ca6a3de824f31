package import MetricModel

/// Everything the scraper is told: the global defaults and the jobs in the order of the configuration.
package struct ScrapeSettings: Sendable, Hashable {
    package var defaults: ScrapeDefaults
    package var jobs: [ScrapeJobSettings]
    /// `global.external_labels`: scraping only mixes them into the seed that spreads targets over time.
    package var externalLabels: LabelSet

    package init(
        defaults: ScrapeDefaults = ScrapeDefaults(), jobs: [ScrapeJobSettings] = [], externalLabels: LabelSet = .empty
    ) {
        self.defaults = defaults
        self.jobs = jobs
        self.externalLabels = externalLabels
    }

    /// Checks what concerns several jobs: names are unique.
    package func check() throws(ScrapeSettingsError) {
        var seen: Set<String> = []
        for job in jobs where !seen.insert(job.jobName).inserted { throw .duplicateJobName(job.jobName) }
        for job in jobs { try job.check() }
    }
}

/// The part of the `global` section that scrape jobs inherit.
package struct ScrapeDefaults: Sendable, Hashable {
    package static let intervalMilliseconds: Int64 = 60_000
    package static let timeoutMilliseconds: Int64 = 10_000

    package var intervalMilliseconds = ScrapeDefaults.intervalMilliseconds
    /// `global.scrape_timeout`; nil is ten seconds, or the interval where that is shorter.
    package var timeoutMilliseconds: Int64?
    /// nil is the built-in order.
    package var protocols: [ScrapeProtocol]?
    package var limits = ScrapeLimits()
    package var nameValidation = NameValidationScheme.utf8
    package var nameEscaping: NameEscapingScheme?
    package var nativeHistograms = ScrapeJobSettings.NativeHistograms()
    package var extraScrapeMetrics = false
    package var scrapeFailureLogFile = ""

    package init() {}

    /// The timeout for jobs that say none and use this interval.
    func timeout(forInterval interval: Int64) -> Int64 {
        min(timeoutMilliseconds ?? min(Self.timeoutMilliseconds, intervalMilliseconds), interval)
    }
}

/// Limits on what a target may send; 0 is no limit of the configuration, `ScrapeSafety` holds nevertheless.
package struct ScrapeLimits: Sendable, Hashable {
    /// Uncompressed bytes of a body.
    package var bodySizeBytes = 0
    package var samples = 0
    package var targets = 0
    package var labels = 0
    package var labelNameBytes = 0
    package var labelValueBytes = 0
    /// How many dropped targets are kept for the status page; their count is kept always.
    package var keepDroppedTargets = 0
    /// Of one native histogram.
    package var nativeHistogramBuckets = 0

    package init() {}

    /// These limits, those that are 0 taken from the defaults: a job's 0 inherits.
    package func inheriting(_ defaults: ScrapeLimits) -> ScrapeLimits {
        var result = self
        func inherit(_ path: WritableKeyPath<ScrapeLimits, Int>) {
            if result[keyPath: path] == 0 { result[keyPath: path] = defaults[keyPath: path] }
        }
        inherit(\.bodySizeBytes)
        inherit(\.samples)
        inherit(\.targets)
        inherit(\.labels)
        inherit(\.labelNameBytes)
        inherit(\.labelValueBytes)
        inherit(\.keepDroppedTargets)
        return result
    }
}

/// Limits of the process that hold whatever the configuration says: one bad target harms nobody.
package enum ScrapeSafety {
    /// Uncompressed bytes of a body.
    ///
    /// A target that sends more fails with the limit's name; a job may have another one (`body_size_limit`) up to
    /// `bodySizeMaximumBytes`.
    package static let bodySizeBytes = 64 << 20
    /// The most that `body_size_limit` can allow.
    package static let bodySizeMaximumBytes = 1 << 30
    /// Sample lines of one page, unless a job's `sample_limit` is above it.
    package static let samples = 1_000_000
    package static let labelsPerSeries = 1_024
    /// A longer line fails the scrape, so no label is longer either.
    package static let lineBytes = 1 << 20
    /// Bytes of a response's head.
    package static let headerBytes = 64 << 10
    package static let redirects = 10
    /// Families of one target whose metadata is kept, and the bytes kept of a help text.
    package static let metadataFamilies = 20_000
    package static let metadataHelpBytes = 1_024
    /// Bytes of a file_sd file, and targets of one job.
    package static let discoveryFileBytes = 64 << 20
    package static let targetsPerJob = 200_000
}

/// The formats a target may be asked for; the raw value is the name in the configuration.
package enum ScrapeProtocol: String, Sendable, CaseIterable {
    case prometheusProto = "PrometheusProto"
    case openMetricsText0 = "OpenMetricsText0.0.1"
    case openMetricsText1 = "OpenMetricsText1.0.0"
    case prometheusText0 = "PrometheusText0.0.4"
    case prometheusText1 = "PrometheusText1.0.0"

    /// The order without configuration.
    package static let defaultOrder: [ScrapeProtocol] = [
        .openMetricsText1, .openMetricsText0, .prometheusText1, .prometheusText0,
    ]

    /// The order without configuration: protobuf first where native histograms are wanted, because it alone has them.
    package static func defaultOrder(native: Bool) -> [ScrapeProtocol] {
        native ? [.prometheusProto] + defaultOrder : defaultOrder
    }
}

/// How a target is asked to write names that are not legacy names; the raw value is the name in the configuration.
package enum NameEscapingScheme: String, Sendable, CaseIterable {
    case allowUTF8 = "allow-utf-8"
    case underscores, dots, values
}
