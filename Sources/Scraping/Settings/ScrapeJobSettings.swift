import Exposition
package import MetricModel

/// One entry of `scrape_configs`, with everything it inherits filled in.
package struct ScrapeJobSettings: Sendable, Hashable {
    package static let defaultMetricsPath = "/metrics"

    /// The switches for native histograms.
    ///
    /// Only the protobuf format carries native ones; classic ones of every format can be converted.
    package struct NativeHistograms: Sendable, Hashable {
        package var scrapesNative = false
        package var convertsClassic = false
        package var alwaysScrapesClassic = false
        package init() {}

        func choices(of job: ScrapeJobSettings) -> PageChoices {
            var choices = PageChoices()
            choices.readsNative = scrapesNative
            choices.convertsClassic = convertsClassic
            choices.alwaysReadsClassic = alwaysScrapesClassic
            choices.bucketLimit = job.limits.nativeHistogramBuckets
            choices.finestSchema = NativeHistogram.schema(growingBy: job.nativeHistogramMinimumBucketFactor)
            choices.readsStarts = job.readsStartTimestamps
            return choices
        }
    }

    package enum Scheme: String, Sendable { case http, https }

    package var jobName: String
    package var intervalMilliseconds: Int64
    package var timeoutMilliseconds: Int64
    package var protocols: [ScrapeProtocol]
    /// What a body without a usable Content-Type is read as; nil makes such a scrape fail.
    package var fallbackProtocol: ScrapeProtocol?
    package var metricsPath = ScrapeJobSettings.defaultMetricsPath
    package var scheme = Scheme.http
    /// In the order of the configuration; the first value of each is also the label `__param_NAME`.
    package var parameters: [QueryParameter] = []
    package var honorsLabels = false
    package var honorsTimestamps = true
    package var tracksTimestampsStaleness = false
    package var acceptsCompression = true
    package var extraScrapeMetrics: Bool
    package var scrapeFailureLogFile: String
    package var limits: ScrapeLimits
    package var nameValidation: NameValidationScheme
    package var nameEscaping: NameEscapingScheme
    package var nativeHistograms: NativeHistograms
    package var nativeHistogramMinimumBucketFactor = 0.0
    /// Created timestamps are stored with samples (`--enable-feature=st-storage`).
    package var readsStartTimestamps = false
    package var client = HTTPClientSettings()
    package var discoveries: [DiscoverySettings] = []
    package var targetRelabeling = Relabeler()
    package var metricRelabeling = Relabeler()

    /// A job with the defaults filled in; an interval or timeout that is nil was not written.
    package init(
        jobName: String, inheriting defaults: ScrapeDefaults = ScrapeDefaults(), intervalMilliseconds: Int64? = nil,
        timeoutMilliseconds: Int64? = nil
    ) {
        self.jobName = jobName
        let interval = intervalMilliseconds ?? defaults.intervalMilliseconds
        self.intervalMilliseconds = interval
        self.timeoutMilliseconds = timeoutMilliseconds ?? defaults.timeout(forInterval: interval)
        protocols = defaults.protocols ?? ScrapeProtocol.defaultOrder(native: defaults.nativeHistograms.scrapesNative)
        extraScrapeMetrics = defaults.extraScrapeMetrics
        scrapeFailureLogFile = defaults.scrapeFailureLogFile
        limits = defaults.limits
        nameValidation = defaults.nameValidation
        nameEscaping = defaults.nameEscaping ?? (defaults.nameValidation == .legacy ? .underscores : .allowUTF8)
        nativeHistograms = defaults.nativeHistograms
    }

    /// Checks what a single value cannot show.
    package func check() throws(ScrapeSettingsError) {
        guard !jobName.isEmpty else { throw .emptyJobName }
        guard intervalMilliseconds > 0 else { throw .zeroInterval(job: jobName) }
        guard timeoutMilliseconds > 0 else { throw .zeroTimeout(job: jobName) }
        guard timeoutMilliseconds <= intervalMilliseconds else {
            throw .timeoutAboveInterval(
                job: jobName, timeoutMilliseconds: timeoutMilliseconds, intervalMilliseconds: intervalMilliseconds)
        }
        guard !protocols.isEmpty else { throw .noProtocols(job: jobName) }
        guard Set(protocols).count == protocols.count else { throw .duplicateProtocol(job: jobName) }
        guard limits.bodySizeBytes <= ScrapeSafety.bodySizeMaximumBytes else {
            throw .bodySizeLimitTooLarge(job: jobName, bytes: limits.bodySizeBytes)
        }
        if nameValidation == .legacy && nameEscaping == .allowUTF8 { throw .escapingNeedsUTF8(job: jobName) }
        try client.check(place: jobName)
        guard targetRelabeling.isEmpty else { return }
        for case .fixed(let groups) in discoveries {
            for group in groups {
                for target in group.targets {
                    let address = target[TargetLabel.address] ?? ""
                    if address.utf8.contains(UInt8(ascii: "/")) {
                        throw .addressWithSlash(job: jobName, address: address)
                    }
                }
            }
        }
    }
}

/// A name and its values in the query of a target's URL.
package struct QueryParameter: Sendable, Hashable {
    package var name: String
    package var values: [String]
    package init(name: String, values: [String]) {
        self.name = name
        self.values = values
    }
}

/// Where the targets of a job come from.
package enum DiscoverySettings: Sendable, Hashable {
    /// `static_configs`.
    case fixed([TargetGroup])
    case files(FileDiscoverySettings)
    /// A mechanism that is known by name and not there yet: it finds nothing, and the pool says so.
    case notImplemented(name: String)
}

/// `file_sd_configs`: files by path, the last path element may hold `*` and `?`.
package struct FileDiscoverySettings: Sendable, Hashable {
    package static let defaultRefreshIntervalMilliseconds: Int64 = 300_000

    /// Absolute, or relative to the process' folder (the configuration reader makes them absolute).
    package var paths: [String]
    package var refreshIntervalMilliseconds: Int64

    package init(
        paths: [String], refreshIntervalMilliseconds: Int64 = FileDiscoverySettings.defaultRefreshIntervalMilliseconds
    ) {
        self.paths = paths
        self.refreshIntervalMilliseconds = refreshIntervalMilliseconds
    }
}

/// Targets that were found together and share labels.
package struct TargetGroup: Sendable, Hashable {
    /// Labels of each target; the address is `__address__`.
    package var targets: [LabelSet]
    package var labels: LabelSet
    /// Where the group came from, for people and for telling groups apart.
    package var source: String

    package init(targets: [LabelSet], labels: LabelSet = .empty, source: String = "") {
        self.targets = targets
        self.labels = labels
        self.source = source
    }

    /// A group of plain addresses, as in `static_configs`.
    package init(addresses: [String], labels: LabelSet = .empty, source: String = "") {
        self.init(
            targets: addresses.map { LabelSet([(name: TargetLabel.address, value: $0)]) }, labels: labels,
            source: source)
    }
}

/// The label names that mean something while targets are made.
package enum TargetLabel {
    package static let address = "__address__"
    package static let scheme = "__scheme__"
    package static let metricsPath = "__metrics_path__"
    package static let scrapeInterval = "__scrape_interval__"
    package static let scrapeTimeout = "__scrape_timeout__"
    package static let parameterPrefix = "__param_"
    package static let metaPrefix = "__meta_"
    package static let reservedPrefix = "__"
    package static let filePath = "__meta_filepath"
    package static let unixSocket = "__unix_socket__"
    package static let scrapesNativeHistograms = "__scrape_native_histograms__"
    package static let convertsClassicHistograms = "__convert_classic_histograms_to_nhcb__"
    package static let alwaysScrapesClassicHistograms = "__always_scrape_classic_histograms__"
}
