import ArgumentParser
import ConfigurationFile
import LapwingServer

/// What the collector reads and shows, for `serve` and `collect` alike, under cAdvisor's names where it has them.
struct CollectorOptionGroup: ParsableArguments {
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
    var enabledGroups: String?

    @Option(
        name: .customLong("disable_metrics"),
        help: ArgumentHelp(
            "All but these groups and cpuLoad, as with cAdvisor: the list replaces that of what is off by default.",
            valueName: "groups"))
    var disabledGroups: String?

    @Option(
        name: .customLong("collector.filter"),
        help: ArgumentHelp(
            "Only cgroups with such labels: id=~\"/kubepods.*\",name!=\"\"; may be repeated.", valueName: "matchers"))
    var filters: [String] = []

    @Option(
        name: .customLong("collector.container-labels"),
        help: ArgumentHelp("Container labels to export, by name.", valueName: "names"))
    var containerLabels: String?

    @Option(
        name: .customLong("collector.labels"),
        help: ArgumentHelp("Names on every series (default), or once on container_info.", valueName: "series|info"))
    var labelPlacement: String?

    @Option(
        name: .customLong("collector.max-series"),
        help: ArgumentHelp("Series on a page at most; those beyond are counted.", valueName: "number"))
    var maximumSeries: Int?

    @Flag(
        name: .customLong("collector.runtimes"), inversion: .prefixedNo,
        help: "Whether runtimes are asked over their sockets about containers that no file names (default yes).")
    var asksRuntimes: Bool?

    @Option(
        name: .customLong("collector.runtime-socket"),
        help: ArgumentHelp(
            "A socket beside the usual ones: docker=/run/other.sock (docker, podman, containerd, crio); may be repeated.",
            valueName: "kind=path"))
    var runtimeSockets: [String] = []

    func apply(to settings: inout ServerSettings) throws {
        func words(_ text: String) -> [String] { text.split(separator: ",").map(String.init) }
        var options = CollectorOptions()
        options.enabledGroups = enabledGroups.map(words)
        options.disabledGroups = disabledGroups.map(words)
        options.filters = filters
        options.containerLabels = containerLabels.map(words)
        options.labelPlacement = labelPlacement
        options.maximumSeries = maximumSeries
        options.asksRuntimes = asksRuntimes
        options.runtimeSockets = runtimeSockets
        do {
            var section = CollectorSection()
            try section.take(options)
        } catch {
            throw ValidationError(error.description)
        }
        settings.collectorOptions = options
        settings.collectorRoot = root.hasSuffix("/") ? String(root.dropLast()) : root
        settings.machine = MachineOffer(wish: machine, rootPath: settings.collectorRoot)
    }
}
