import Cgroups
import ConfigurationFile
import Logging
import Notifications
import Rules
import Scraping
import TSDB
import WebAPI

/// What a configuration holds for: applied when the server starts and again at each reload.
struct ConfiguredServices: Sendable {
    let settings: ServerSettings
    let database: TimeSeriesDatabase
    let scraping: ScrapeManager
    let rules: RuleManager
    let notifier: Notifier
    let queryLog: QueryLog
    let keeper: StateKeeper
    /// nil where no collector runs.
    let collector: Collector?
    let logger: Logger

    /// Applies a whole configuration; rules that are refused leave everything else as it was.
    func apply(_ configuration: Configuration) throws(ServerError) {
        var ruleSettings = configuration.rules
        ruleSettings.externalURL = settings.shownURL
        do {
            try rules.apply(ruleSettings)
        } catch {
            throw .rules(error.description)
        }
        notifier.apply(configuration.notifications)
        scraping.apply(settings.scraping(configuration.scraping))
        openQueryLog(configuration.queryLogFile)
        database.apply(
            retention: settings.retention(configuration.storage),
            outOfOrderWindowMilliseconds: configuration.storage.outOfOrderWindowMilliseconds)
        keeper.exemplars.resize(to: configuration.storage.maximumExemplars)
        collector?.apply(configuration.collector.settings)
    }

    /// A log that cannot be written is told and does not keep the server from running.
    private func openQueryLog(_ path: String) {
        if !queryLog.write(to: path.isEmpty ? nil : path) {
            logger.error("the query log cannot be opened", metadata: ["file": "\(path)"])
        }
    }
}
