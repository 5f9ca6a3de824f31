import ConfigurationFile
import LapwingServer
import Rules
import Scraping
import TSDB
import Testing

@Suite("What holds without a configuration file")
struct DefaultConfigurationTests {
    @Test("this process, its collector and the machine are scraped, and the shipped rules are loaded")
    func defaults() throws {
        let configuration = try DefaultConfiguration.make(
            address: "localhost:9090", runsCollector: true, showsMachine: true)
        #expect(configuration.scraping.jobs.map(\.jobName) == ["cadvisor", "node", "lapwing"])
        #expect(!configuration.rules.files.isEmpty)
        for job in configuration.scraping.jobs { try job.check() }
        #expect(configuration.scraping.jobs.map(\.metricsPath) == ["/metrics/cadvisor", "/metrics/node", "/metrics"])
        #expect(configuration.scraping.jobs.map(\.intervalMilliseconds) == [10_000, 10_000, 10_000])
        #expect(configuration.evaluationIntervalMilliseconds == 15_000)
        #expect(configuration.text.contains("metrics_path: /metrics/cadvisor"), "the status page has nothing to show")
    }

    @Test("without the collectors only this process is left")
    func withoutCollector() throws {
        let configuration = try DefaultConfiguration.make(
            address: "localhost:9090", runsCollector: false, showsMachine: false)
        #expect(configuration.scraping.jobs.map(\.jobName) == ["lapwing"])
    }

    @Test("the configuration's retention wins over the flags; without any it is fifteen days")
    func retention() throws {
        var settings = ServerSettings()
        let nothing = try Configuration.read([], path: "x").storage
        #expect(settings.retention(nothing) == RetentionSettings(milliseconds: 15 * 86_400_000, bytes: 0))
        settings.retentionBytes = 1 << 30
        #expect(settings.retention(nothing) == RetentionSettings(milliseconds: 0, bytes: 1 << 30))
        let written = try Configuration.read(Array("storage: {tsdb: {retention: {time: 1d}}}".utf8), path: "x").storage
        #expect(settings.retention(written) == RetentionSettings(milliseconds: 86_400_000, bytes: 0))
    }
}
