import ArgumentParser
import ConfigurationFile
import LapwingServer
import Logging
import MetricModel

/// What `serve` and `collect` share.
struct LogOptions: ParsableArguments {
    @Option(name: .customLong("log.level"), help: ArgumentHelp("debug, info, warn or error.", valueName: "level"))
    var level = "info"

    @Option(name: .customLong("log.format"), help: ArgumentHelp("logfmt or json.", valueName: "format"))
    var format = "logfmt"

    func validate() throws {
        guard Self.levels[level] != nil else {
            throw ValidationError("--log.level is one of debug, info, warn, error.")
        }
        guard LogLines.Format(rawValue: format) != nil else { throw ValidationError("--log.format is logfmt or json.") }
    }

    private static let levels: [String: Logger.Level] = [
        "debug": .debug, "info": .info, "warn": .warning, "warning": .warning, "error": .error,
    ]

    func makeLogger() -> Logger {
        let level = Self.levels[level] ?? .info
        let format = LogLines.Format(rawValue: format) ?? .logfmt
        return Logger(label: "lapwing") { LogLines(label: $0, level: level, format: format) }
    }
}

/// How `serve` and `collect` meet their clients.
struct WebOptions: ParsableArguments {
    @Option(
        name: .customLong("web.config.file"),
        help: ArgumentHelp("TLS, users and headers, in Prometheus' web-config format.", valueName: "file"))
    var configurationFile: String?

    @Option(
        name: .customLong("web.max-connections"),
        help: ArgumentHelp("Connections at once; half of them from one address at most.", valueName: "number"))
    var maximumConnections = 512

    @Option(
        name: .customLong("web.read-timeout"),
        help: ArgumentHelp("A connection without a request is closed after this time.", valueName: "duration"))
    var readTimeout = "5m"

    func apply(to settings: inout ServerSettings) throws {
        guard let milliseconds = DurationText.milliseconds(readTimeout), milliseconds >= 1_000 else {
            throw ValidationError("--web.read-timeout: '\(readTimeout)' is no duration of a second or more. Write 5m.")
        }
        guard maximumConnections > 0 else { throw ValidationError("--web.max-connections is at least 1.") }
        settings.webConfigurationFile = configurationFile
        settings.maximumConnections = maximumConnections
        settings.readTimeoutMilliseconds = milliseconds
    }
}

/// A host and a port, `127.0.0.1:9090` or `:9090`.
struct ListenAddress: ExpressibleByArgument {
    var host: String
    var port: Int

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    init?(argument: String) {
        guard let colon = argument.lastIndex(of: ":"), let port = Int(argument[argument.index(after: colon)...]),
            (0...65_535).contains(port)
        else { return nil }
        var host = String(argument[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        self.host = host.isEmpty ? "0.0.0.0" : host
        self.port = port
    }

    var defaultValueDescription: String { "\(host):\(port)" }
}

/// `lapwing serve`: everything in one process.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the server: collector, scraper, store, rules, alerts, API and web page.",
        discussion: """
            Without a configuration file it scrapes itself and the containers of
            this host every 10 seconds and evaluates the shipped rules; alerts go
            to standard output. With one, prometheus.yml is read as it is.

            Examples:
              lapwing serve
              lapwing serve --config.file=prometheus.yml --storage.path=/data
              kill -HUP PID     loads the configuration again; a wrong one is
                                refused and the old one goes on
            """)

    @Option(
        name: .customLong("config.file"), help: ArgumentHelp("prometheus.yml, or a superset of it.", valueName: "file"))
    var configurationFile: String?

    @Option(
        name: [.customLong("storage.path"), .customLong("storage.tsdb.path")],
        help: ArgumentHelp("Where samples are kept.", valueName: "folder"))
    var storagePath = "data"

    @Option(
        name: [.customLong("storage.retention.time"), .customLong("storage.tsdb.retention.time")],
        help: ArgumentHelp("How long samples are kept (default 15d, 0 keeps everything).", valueName: "duration"))
    var retentionTime: String?

    @Option(
        name: [.customLong("storage.retention.size"), .customLong("storage.tsdb.retention.size")],
        help: ArgumentHelp(
            "How large the folder may grow, such as 10GB; the oldest samples go first.", valueName: "size"))
    var retentionSize: String?

    @Option(
        name: .customLong("web.listen-address"),
        help: ArgumentHelp("Host and port to listen on.", valueName: "host:port"))
    var listenAddress = ListenAddress(host: "127.0.0.1", port: 9090)

    @Option(
        name: .customLong("web.external-url"),
        help: ArgumentHelp("Where people reach this server, for links in alerts.", valueName: "url"))
    var externalURL: String?

    @Option(
        name: .customLong("web.cors.origin"),
        help: ArgumentHelp(
            "Origins whose pages may read the API, as a pattern of the whole origin.", valueName: "pattern"))
    var allowedOrigins = ".*"

    @Flag(name: .customLong("web.enable-lifecycle"), help: "Answer POST /-/reload and /-/quit.")
    var enablesLifecycle = false

    @Flag(
        name: .customLong("web.enable-admin-api"),
        help: "Answer /api/v1/admin/tsdb/*: import, delete series, snapshots.")
    var enablesAdministration = false

    @Flag(
        name: .customLong("web.enable-remote-write-receiver"),
        help: "Take samples that others push to /api/v1/write (remote write 1.0 and 2.0).")
    var receivesRemoteWrite = false

    @Option(
        name: .customLong("query.lookback-delta"),
        help: ArgumentHelp("How far back a sample may lie to count as current.", valueName: "duration"))
    var lookback = "5m"

    @Option(
        name: .customLong("query.timeout"), help: ArgumentHelp("The longest a query may take.", valueName: "duration"))
    var queryTimeout = "2m"

    @Option(
        name: .customLong("query.max-concurrency"), help: ArgumentHelp("Queries at one time.", valueName: "number"))
    var queryConcurrency = 20

    @Option(
        name: .customLong("query.max-queue"),
        help: ArgumentHelp(
            "Queries that may wait for others to end; the last quarter is not for one caller alone. "
                + "With those that run at most three quarters of --web.max-connections.",
            valueName: "number"))
    var queryQueueLength = 500

    @Option(
        name: .customLong("query.max-memory"),
        help: ArgumentHelp(
            "Memory that all queries may hold together, such as 512MB; at most 5/16 of what the process has.",
            valueName: "size"))
    var totalQueryMemory = "1GB"

    @Option(
        name: .customLong("query.max-query-memory"),
        help: ArgumentHelp("Memory that one query may hold (default that of all).", valueName: "size"))
    var queryMemory: String?

    @Option(
        name: .customLong("query.max-samples"),
        help: ArgumentHelp("Samples that one query may hold.", valueName: "number"))
    var maximumSamples = 50_000_000

    @Option(
        name: .customLong("query.max-series"),
        help: ArgumentHelp("Series that one query may select; 0 has no limit.", valueName: "number"))
    var maximumSeries = 0

    @Option(
        name: .customLong("query.result-cache-size"),
        help: ArgumentHelp("Memory for answers of range queries, reused a step later; 0 is off.", valueName: "size"))
    var resultCacheSize = "32MB"

    @Option(
        name: .customLong("memory.limit"),
        help: ArgumentHelp(
            "Memory that the process gives itself, such as 512MB (default nine tenths of what the kernel allows).",
            valueName: "size"))
    var memoryLimit: String?

    @Flag(
        name: .customLong("collector"), inversion: .prefixedNo,
        help: "Collect container metrics of this host at /metrics/cadvisor.")
    var collector = true

    @OptionGroup var collectorOptions: CollectorOptionGroup

    @Option(
        name: .customLong("enable-feature"),
        help: ArgumentHelp("Feature flags of Prometheus; those without a meaning here are accepted.", valueName: "name")
    )
    var features: [String] = []

    @OptionGroup var webOptions: WebOptions
    @OptionGroup var logOptions: LogOptions

    /// Everything is read here, so that what is wrong is said together with how `serve` is used.
    func validate() throws { _ = try makeSettings() }

    func run() async throws {
        AllocatorSettings.apply()
        var settings = try makeSettings()
        settings.code = .ofProcess
        let logger = logOptions.makeLogger()
        for complaint in FeatureFlags(features).complaints { logger.warning("\(complaint)") }
        ResidentCode.ofProcess.release()
        async let _: Void = ResidentCode.ofProcess.keepReleasing(after: ResidentCode.pausesAfterStart)
        do {
            try await LapwingServer(settings: settings, logger: logger).run()
        } catch {
            StandardStream.error("lapwing: " + error.description)
            switch error {
            case .configuration, .rules: throw ExitStatus.usage
            default: throw ExitStatus.failure
            }
        }
    }

    private func makeSettings() throws -> ServerSettings {
        var settings = ServerSettings()
        settings.configurationFile = configurationFile
        settings.storagePath = storagePath
        try webOptions.apply(to: &settings)
        settings.host = listenAddress.host
        settings.port = listenAddress.port
        if let externalURL, !externalURL.hasPrefix("http://"), !externalURL.hasPrefix("https://") {
            throw ValidationError("--web.external-url: '\(externalURL)' is no URL. Write https://host/path.")
        }
        settings.externalURL = externalURL
        do {
            settings.allowedOrigins = allowedOrigins == ".*" ? nil : try RegexPattern(allowedOrigins)
        } catch {
            throw ValidationError("--web.cors.origin: \(error)")
        }
        settings.retentionMilliseconds = try retentionTime.map { try Self.duration($0, "--storage.retention.time") }
        if let retentionSize {
            settings.retentionBytes = try Self.size(retentionSize, "--storage.retention.size")
        }
        settings.memoryLimitBytes = try memoryLimit.map { try Self.size($0, "--memory.limit") }
        settings.lookbackMilliseconds = try Self.duration(lookback, "--query.lookback-delta", isZeroAllowed: false)
        settings.queryTimeoutMilliseconds = try Self.duration(queryTimeout, "--query.timeout", isZeroAllowed: false)
        settings.queryConcurrency = try Self.number(queryConcurrency, in: 1...1000, "--query.max-concurrency")
        settings.queryQueueLength = try Self.number(queryQueueLength, in: 0...1_000_000, "--query.max-queue")
        settings.totalQueryMemoryBytes = try Self.size(totalQueryMemory, "--query.max-memory")
        settings.queryMemoryBytes = try Self.size(queryMemory ?? totalQueryMemory, "--query.max-query-memory")
        settings.maximumSamples = try Self.number(maximumSamples, in: 1...Int.max, "--query.max-samples")
        settings.maximumSeries = try Self.number(maximumSeries, in: 0...Int.max, "--query.max-series")
        settings.resultCacheBytes =
            resultCacheSize == "0" ? 0 : try Self.size(resultCacheSize, "--query.result-cache-size")
        settings.isLifecycleEnabled = enablesLifecycle
        settings.isAdministrationEnabled = enablesAdministration
        settings.receivesRemoteWrite = receivesRemoteWrite
        settings.runsCollector = collector
        try collectorOptions.apply(to: &settings)
        let names = FeatureFlags(features)
        settings.delaysNameRemoval = names.contains("promql-delayed-name-removal")
        settings.usesStartTimestamps = names.contains("use-start-timestamps")
        settings.storesStartTimestamps = names.contains("st-storage")
        settings.usesTypeAndUnitLabels = names.contains("type-and-unit-labels")
        settings.offersStepCounts = names.contains("promql-per-step-stats")
        settings.flags = flags()
        return settings
    }

    private func flags() -> [(name: String, value: String)] {
        [
            ("collector", String(collector)),
            ("collector.machine", collectorOptions.machine.map(String.init) ?? "auto"),
            ("collector.root", collectorOptions.root),
            ("config.file", configurationFile ?? ""), ("enable-feature", features.joined(separator: ",")),
            ("log.format", logOptions.format), ("log.level", logOptions.level),
            ("memory.limit", memoryLimit ?? ""),
            ("query.lookback-delta", lookback), ("query.max-concurrency", String(queryConcurrency)),
            ("query.max-memory", totalQueryMemory), ("query.max-query-memory", queryMemory ?? totalQueryMemory),
            ("query.max-queue", String(queryQueueLength)), ("query.max-samples", String(maximumSamples)),
            ("query.max-series", String(maximumSeries)),
            ("query.result-cache-size", resultCacheSize),
            ("query.timeout", queryTimeout),
            ("storage.path", storagePath), ("storage.retention.size", retentionSize ?? ""),
            ("storage.retention.time", retentionTime ?? ""), ("web.enable-admin-api", String(enablesAdministration)),
            ("web.enable-lifecycle", String(enablesLifecycle)),
            ("web.config.file", webOptions.configurationFile ?? ""),
            ("web.enable-remote-write-receiver", String(receivesRemoteWrite)),
            ("web.cors.origin", allowedOrigins),
            ("web.external-url", externalURL ?? ""),
            ("web.listen-address", "\(listenAddress.host):\(listenAddress.port)"),
            ("web.max-connections", String(webOptions.maximumConnections)),
            ("web.read-timeout", webOptions.readTimeout),
        ]
    }

    private static func size(_ text: String, _ option: String) throws -> Int {
        guard let bytes = SizeText.bytes(text) else {
            throw ValidationError("\(option): '\(text)' is no size. Write 512MB or 10GB.")
        }
        return bytes
    }

    private static func duration(_ text: String, _ option: String, isZeroAllowed: Bool = true) throws -> Int64 {
        guard let milliseconds = DurationText.milliseconds(text) else {
            throw ValidationError("\(option): '\(text)' is no duration. Write 90s, 5m, 1h30m or 15d.")
        }
        guard milliseconds > 0 || isZeroAllowed else { throw ValidationError("\(option) is longer than nothing.") }
        return milliseconds
    }

    private static func number(_ number: Int, in range: ClosedRange<Int>, _ option: String) throws -> Int {
        guard range.contains(number) else {
            let top = range.upperBound == Int.max ? "or more" : "to \(range.upperBound)"
            throw ValidationError("\(option) is \(range.lowerBound) \(top), not \(number).")
        }
        return number
    }
}
