import ArgumentParser
import ConfigurationFile
import LapwingServer
import MetricModel

/// `lapwing collect`: the container collector alone.
struct CollectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collect",
        abstract: "Run only the container collector, for another server to scrape.",
        discussion: """
            Serves cAdvisor's metrics of this host's cgroups at /metrics, without any container runtime's socket, and
            node_exporter's metrics of the machine at /metrics/node, for a scrape job of its own.

            Example:
              lapwing collect --web.listen-address=0.0.0.0:8080
            """)

    @Option(
        name: .customLong("web.listen-address"),
        help: ArgumentHelp("Host and port to listen on.", valueName: "host:port"))
    var listenAddress = ListenAddress(host: "127.0.0.1", port: 8080)

    @Option(
        name: .customLong("collector.interval"),
        help: ArgumentHelp("A page is at most this old; asked later, the files are read again.", valueName: "duration"))
    var interval = "1s"

    @OptionGroup var collectorOptions: CollectorOptionGroup
    @OptionGroup var webOptions: WebOptions
    @OptionGroup var logOptions: LogOptions

    func run() async throws {
        guard let milliseconds = DurationText.milliseconds(interval), milliseconds > 0 else {
            throw ValidationError("--collector.interval: '\(interval)' is no duration. Write 1s or 10s.")
        }
        var settings = ServerSettings()
        try webOptions.apply(to: &settings)
        settings.host = listenAddress.host
        settings.port = listenAddress.port
        settings.collectorIntervalMilliseconds = milliseconds
        try collectorOptions.apply(to: &settings)
        AllocatorSettings.apply(mappedBlockBytes: AllocatorSettings.pageBlockBytes)
        ResidentCode.ofProcess.release()
        async let _: Void = ResidentCode.ofProcess.keepReleasing(after: ResidentCode.pausesAfterStart)
        do {
            try await CollectorServer(settings: settings, logger: logOptions.makeLogger()).run()
        } catch {
            StandardStream.error("lapwing: " + error.description)
            if case .configuration = error { throw ExitStatus.usage }
            throw ExitStatus.failure
        }
    }
}
