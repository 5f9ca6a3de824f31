package import ConfigurationFile
import Rules

/// What holds without a configuration file: this process, its collector and the machine are scraped, the shipped rules
/// are loaded.
///
/// It is a text like any other, read by the same reader, so that `/api/v1/status/config` and the status page show it and
/// a first file of one's own can begin as a copy.
package enum DefaultConfiguration {
    static let collectorPath = "/metrics/cadvisor"
    static let machinePath = "/metrics/node"

    /// - Parameter address: host and port that the server listens on; the label `instance` of both targets.
    package static func make(
        address: String, runsCollector: Bool, showsMachine: Bool
    ) throws(ConfigurationError) -> Configuration {
        let text = Self.text(address: address, runsCollector: runsCollector, showsMachine: showsMachine)
        var configuration = try Configuration.read(Array(text.utf8), path: "the default configuration")
        configuration.files = []
        configuration.rules.files = try ShippedRules.read()
        return configuration
    }

    /// Ten seconds show a newcomer something soon and cost little: both pages are made in this process.
    private static func text(address: String, runsCollector: Bool, showsMachine: Bool) -> String {
        // The jobs' names are those that dashboards and rules for cAdvisor and node_exporter ask for.
        func job(_ name: String, _ path: String) -> String {
            """
            - job_name: \(name)
              metrics_path: \(path)
              static_configs: [{targets: ['\(address)']}]

            """
        }
        return """
            global: {scrape_interval: 10s, evaluation_interval: 15s}
            scrape_configs:
            \(runsCollector ? job("cadvisor", collectorPath) : "")\(showsMachine ? job("node", machinePath) : "")\
            - job_name: lapwing
              static_configs: [{targets: ['\(address)']}]
            """
    }
}
