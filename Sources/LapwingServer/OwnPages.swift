import Cgroups
import Scraping
import SelfMetrics

/// The pages of metrics that this process writes itself.
struct OwnPages: Sendable {
    let registry: Registry
    /// The containers' page; nil where no collector runs.
    let collector: InProcessPage?
    /// The machine's page under node_exporter's names; nil where it is switched off.
    let machine: InProcessPage?

    init(registry: Registry, collector: Collector?, machine: InProcessPage?) {
        self.registry = registry
        if let collector {
            self.collector = { output in collector.render(into: &output) }
        } else {
            self.collector = nil
        }
        self.machine = machine
    }

    /// The pages by the addresses that targets name this process with: they are asked without a socket.
    func byAddress(_ settings: ServerSettings) -> [String: InProcessPage] {
        var pages: [String: InProcessPage] = [:]
        for host in Set(["localhost", "127.0.0.1", settings.host]) {
            let address = "http://\(host):\(settings.port)"
            pages[address + "/metrics"] = { [registry] output in registry.render(into: &output) }
            pages[address + DefaultConfiguration.collectorPath] = collector
            pages[address + DefaultConfiguration.machinePath] = machine
        }
        return pages
    }
}
