package import ConfigurationFile
import Logging
package import MetricModel
import PromQL
import Scraping
package import TSDB

/// What the command line says; the configuration file says the rest.
package struct ServerSettings: Sendable {
    /// nil: the built-in defaults, which scrape this process and its collector and load the shipped rules.
    package var configurationFile: String?
    package var storagePath = "data"
    package var host = "127.0.0.1"
    package var port = 9090
    /// TLS, users and headers, in Prometheus' format; nil lets everybody in over plain HTTP.
    package var webConfigurationFile: String?
    package var maximumConnections = 512
    /// A connection without a request is closed after this time.
    package var readTimeoutMilliseconds: Int64 = 300_000
    package var externalURL: String?
    /// Origins whose pages may read the API; nil lets all.
    package var allowedOrigins: RegexPattern?
    package var retentionMilliseconds: Int64?
    package var retentionBytes: Int?
    package var lookbackMilliseconds: Int64 = 300_000
    package var queryTimeoutMilliseconds: Int64 = 120_000
    package var queryConcurrency = 20
    /// Queries that may wait for others to end.
    package var queryQueueLength = 500
    /// Bytes that one query may hold, and all of them together.
    package var queryMemoryBytes = 1 << 30
    package var totalQueryMemoryBytes = 1 << 30
    package var maximumSamples = 50_000_000
    /// Series that the selectors of one query may find; 0 has no limit.
    package var maximumSeries = 0
    /// Memory for answers of range queries; 0 keeps none.
    package var resultCacheBytes = 32 << 20
    /// Bytes that the process may take; nil takes nine tenths of what the kernel allows it.
    package var memoryLimitBytes: Int?
    package var isLifecycleEnabled = false
    package var isAdministrationEnabled = false
    package var receivesRemoteWrite = false
    package var runsCollector = true
    /// Whether this machine's own page is offered.
    package var machine = MachineOffer(wish: true, rootPath: "")
    /// Where the host's file system is mounted; empty on the host itself.
    package var collectorRoot = ""
    /// What the command line says of the collector; it wins over the configuration file.
    package var collectorOptions = CollectorOptions()
    package var collectorIntervalMilliseconds: Int64 = 10_000
    package var delaysNameRemoval = false
    package var usesStartTimestamps = false
    /// Created timestamps of targets are stored with their samples.
    package var storesStartTimestamps = false
    package var usesTypeAndUnitLabels = false
    package var offersStepCounts = false
    /// Gives back the code that each step of the start needed; nil keeps it.
    package var code: ResidentCode?
    /// Flags as given, for `/api/v1/status/flags`.
    package var flags: [(name: String, value: String)] = []

    package init() {}

    /// Says why there is no page of the machine although nobody asked for that.
    func logMachine(_ logger: Logger) {
        guard machine.isLeftToExporter else { return }
        logger.info("a node exporter runs here: /metrics/node is off, --collector.machine turns it on")
    }

    package static let defaultRetentionMilliseconds: Int64 = 15 * 86_400_000

    /// How many queries may run and wait, and what they may hold together.
    var queryLimits: ActiveQueries.Limits {
        var limits = ActiveQueries.Limits()
        limits.concurrency = queryConcurrency
        // Whoever waits holds a connection: a quarter of those is left to everything else.
        limits.queueLength = min(queryQueueLength, max(0, maximumConnections / 4 * 3 - queryConcurrency))
        limits.memoryBytes = totalQueryMemoryBytes
        return limits
    }

    /// The URL people reach the server at, without a slash at the end.
    package var shownURL: String {
        if var url = externalURL {
            while url.hasSuffix("/") { url.removeLast() }
            return url
        }
        return "http://\(host == "0.0.0.0" ? "localhost" : host):\(port)"
    }

    /// The scrape jobs with what the command line says of them.
    ///
    /// Only the protobuf format has created timestamps of everything, so it is asked for first where nothing was chosen.
    func scraping(_ configured: ScrapeSettings) -> ScrapeSettings {
        guard storesStartTimestamps else { return configured }
        var scraping = configured
        for index in scraping.jobs.indices {
            scraping.jobs[index].readsStartTimestamps = true
            if scraping.jobs[index].protocols == ScrapeProtocol.defaultOrder(native: false) {
                scraping.jobs[index].protocols = ScrapeProtocol.defaultOrder(native: true)
            }
        }
        return scraping
    }

    /// What was effectively configured for how long samples are kept.
    package func retention(_ section: StorageSection) -> RetentionSettings {
        let (milliseconds, bytes) = limits(section)
        return RetentionSettings(
            milliseconds: milliseconds, bytes: bytes, percentage: section.retentionPercentage ?? 0)
    }

    private func limits(_ section: StorageSection) -> (milliseconds: Int64, bytes: Int) {
        let isWritten = section.retentionMilliseconds != nil || section.retentionBytes != nil
        if isWritten { return (section.retentionMilliseconds ?? 0, section.retentionBytes ?? 0) }
        if retentionMilliseconds == nil, let retentionBytes, retentionBytes > 0 { return (0, retentionBytes) }
        return (retentionMilliseconds ?? Self.defaultRetentionMilliseconds, retentionBytes ?? 0)
    }
}
