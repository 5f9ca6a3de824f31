package import ConfigurationFile
import Rules
import Scraping

/// What holds without a configuration file: this process and its collector are scraped, the shipped rules are loaded.
package enum DefaultConfiguration {
    /// Ten seconds show a newcomer something soon and cost little: both pages are made in this process.
    static let intervalMilliseconds: Int64 = 10_000
    static let collectorPath = "/metrics/cadvisor"

    /// - Parameter address: host and port that the server listens on; the label `instance` of both targets.
    package static func make(address: String, runsCollector: Bool) throws(ConfigurationError) -> Configuration {
        var configuration = Configuration()
        var defaults = ScrapeDefaults()
        defaults.intervalMilliseconds = intervalMilliseconds
        configuration.scraping.defaults = defaults
        var own = ScrapeJobSettings(jobName: "lapwing", inheriting: defaults)
        own.discoveries = [.fixed([TargetGroup(addresses: [address], source: "0")])]
        configuration.scraping.jobs = [own]
        if runsCollector {
            var containers = ScrapeJobSettings(jobName: "cadvisor", inheriting: defaults)
            containers.metricsPath = collectorPath
            containers.discoveries = [.fixed([TargetGroup(addresses: [address], source: "0")])]
            configuration.scraping.jobs.insert(containers, at: 0)
        }
        configuration.rules.evaluationIntervalMilliseconds = 15_000
        configuration.evaluationIntervalMilliseconds = 15_000
        configuration.rules.files = try ShippedRules.read()
        return configuration
    }
}
