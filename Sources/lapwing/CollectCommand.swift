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
        help: ArgumentHelp("Host and port to listen on (default 127.0.0.1:8080).", valueName: "host:port"))
    var listenAddress = ListenAddress(host: "127.0.0.1", port: 8080)

    @Option(
        name: .customLong("collector.interval"),
        help: ArgumentHelp("A page is at most this old; asked later, the files are read again.", valueName: "duration"))
    var interval = "1s"

    @Option(
        name: .customLong("collector.root"),
        help: ArgumentHelp("Where the host's root is mounted, inside a container.", valueName: "folder"))
    var root = ""

    @Flag(
        name: .customLong("collector.machine"), inversion: .prefixedNo,
        help: "Whether /metrics/node shows the machine under node_exporter's names; else where no node exporter runs.")
    var machine: Bool?

    @Option(
        name: .customLong("enable_metrics"),
        help: ArgumentHelp("Only these groups, as with cAdvisor: cpu,memory,...", valueName: "groups"))
    var enabledGroups = ""

    @Option(
        name: .customLong("disable_metrics"),
        help: ArgumentHelp("The default without these groups.", valueName: "groups"))
    var disabledGroups = ""

    @Option(
        name: .customLong("collector.filter"),
        help: ArgumentHelp(
            "Only cgroups with such labels: id=~\"/kubepods.*\",name!=\"\"; may be repeated.", valueName: "matchers"))
    var filters: [String] = []

    @Option(
        name: .customLong("collector.container-labels"),
        help: ArgumentHelp("Container labels to export, by name.", valueName: "names"))
    var containerLabels = ""

    @Option(
        name: .customLong("collector.labels"),
        help: ArgumentHelp("Names on every series, or once on container_info.", valueName: "series|info"))
    var labelPlacement = "series"

    @Option(
        name: .customLong("collector.max-series"),
        help: ArgumentHelp("Series on a page at most; those beyond are counted.", valueName: "number"))
    var maximumSeries: Int?

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
        settings.collectorRoot = root.hasSuffix("/") ? String(root.dropLast()) : root
        settings.collectorIntervalMilliseconds = milliseconds
        settings.decideMachine(machine)
        settings.collectorSection = try collectorSection()
        do {
            try await CollectorServer(settings: settings, logger: logOptions.makeLogger()).run()
        } catch {
            StandardStream.error("lapwing: " + error.description)
            if case .configuration = error { throw ExitStatus.usage }
            throw ExitStatus.failure
        }
    }

    private func collectorSection() throws -> CollectorSection {
        func words(_ text: String) -> [String] { text.split(separator: ",").map(String.init) }
        do {
            var section = try CollectorSection(
                enabled: words(enabledGroups), disabled: words(disabledGroups), filters: filters,
                containerLabels: words(containerLabels))
            try section.setLabelPlacement(labelPlacement)
            if let maximumSeries { try section.setMaximumSeries(maximumSeries) }
            return section
        } catch {
            throw ValidationError(error.description)
        }
    }
}
