import ConfigurationFile
import Logging
import MetricModel
import Rules
import SelfMetrics
import Synchronization
import TSDB
import WebAPI

/// What the server knows of itself: ready or not, the loaded configuration, how the last reload went.
final class ServerState: ServerStatus {
    private struct State {
        var isReady = false
        var isStopping = false
        var configurationText = ""
        var jobTexts: [String: String] = [:]
        var externalLabels = LabelSet.empty
        var retentionText = ""
        var lastReload: (succeeded: Bool, time: Timestamp)
        var lastReloadFailure: Timestamp?
        var configured: ConfiguredServices?
        var stop: (@Sendable () -> Void)?
        var storageProblems: (@Sendable () -> [String])?
    }

    let startTime: Timestamp
    private let settings: ServerSettings
    private let clock: any WallClock
    private let logger: Logger
    private let state: Mutex<State>
    /// What the services were started with.
    private let started: Configuration
    /// Reloads come from a signal and from the API: one at a time.
    private let reloading = Mutex(())

    init(settings: ServerSettings, configuration: Configuration, clock: any WallClock, logger: Logger) {
        self.settings = settings
        self.clock = clock
        self.logger = logger
        started = configuration
        startTime = clock.now
        var initial = State(lastReload: (true, startTime))
        initial.configurationText = configuration.text
        initial.jobTexts = configuration.jobTexts
        initial.externalLabels = configuration.rules.externalLabels
        initial.retentionText = Self.text(settings.retention(configuration.storage))
        state = Mutex(initial)
    }

    var isReady: Bool { state.withLock { $0.isReady } }
    var isStopping: Bool { state.withLock { $0.isStopping } }
    var configurationText: String { state.withLock { $0.configurationText } }
    func scrapePoolText(_ name: String) -> String? { state.withLock { $0.jobTexts[name] } }
    var externalLabels: LabelSet { state.withLock { $0.externalLabels } }
    var retentionText: String { state.withLock { $0.retentionText } }
    var flags: [(name: String, value: String)] { settings.flags }
    var lastReload: (succeeded: Bool, time: Timestamp) { state.withLock { $0.lastReload } }
    var lastReloadFailure: Timestamp? { state.withLock { $0.lastReloadFailure } }
    var isLifecycleEnabled: Bool { settings.isLifecycleEnabled }

    private static func text(_ retention: RetentionSettings) -> String {
        var parts: [String] = []
        if retention.milliseconds > 0 { parts.append(DurationText.text(milliseconds: retention.milliseconds)) }
        if retention.percentage > 0 {
            parts.append("\(retention.percentage)% of the disk")
        } else if retention.bytes > 0 {
            parts.append("\(retention.bytes)B")
        }
        return parts.isEmpty ? "unlimited" : parts.joined(separator: " or ")
    }

    func markReady() { state.withLock { $0.isReady = true } }

    func markStopping() {
        state.withLock {
            $0.isReady = false
            $0.isStopping = true
        }
    }

    /// Tells what a reload applies to.
    func setConfigured(_ configured: ConfiguredServices) { state.withLock { $0.configured = configured } }

    func register(in registry: Registry) {
        registry.gauge(
            "lapwing_config_last_reload_successful",
            help: "Whether the last attempt to load the configuration succeeded."
        ) { [self] in lastReload.succeeded ? 1 : 0 }
    }

    func setStop(_ stop: @escaping @Sendable () -> Void) { state.withLock { $0.stop = stop } }

    var storageProblems: [String] { state.withLock { $0.storageProblems }?() ?? [] }

    func setStorageProblems(_ problems: @escaping @Sendable () -> [String]) {
        state.withLock { $0.storageProblems = problems }
    }

    func quit() { state.withLock { $0.stop }?() }

    /// Reads the configuration again and hands it to every service; with an error the old one stays.
    ///
    /// What only holds after a restart is returned, in the words of the file.
    @discardableResult
    func reload() throws(ReloadError) -> [String] {
        let configured = state.withLock { $0.configured }
        var failure: ReloadError?
        var waiting: [String] = []
        reloading.withLock { _ in
            do throws(ReloadError) {
                let configuration: Configuration
                do throws(ConfigurationError) {
                    configuration = try settings.readConfiguration()
                } catch {
                    throw ReloadError(error.description)
                }
                do throws(ServerError) {
                    try configured?.apply(configuration)
                } catch {
                    throw ReloadError(error.description)
                }
                for warning in configuration.warnings { logger.warning("\(warning)") }
                state.withLock {
                    $0.configurationText = configuration.text
                    $0.jobTexts = configuration.jobTexts
                    $0.externalLabels = configuration.rules.externalLabels
                    $0.retentionText = Self.text(settings.retention(configuration.storage))
                    $0.lastReload = (true, clock.now)
                    $0.lastReloadFailure = nil
                }
                waiting = started.needingRestart(configuration)
                if waiting.isEmpty {
                    logger.info("configuration loaded")
                } else {
                    logger.warning(
                        "configuration loaded; some of it holds after a restart",
                        metadata: ["restart": "\(waiting.joined(separator: ", "))"])
                }
            } catch {
                failure = error
            }
        }
        guard let failure else { return waiting }
        state.withLock {
            $0.lastReload.succeeded = false
            $0.lastReloadFailure = clock.now
        }
        logger.error("the configuration was not taken over, the old one goes on", metadata: ["reason": "\(failure)"])
        throw failure
    }
}

extension Configuration {
    /// The settings in which another configuration differs and which are only taken at a start.
    func needingRestart(_ other: Configuration) -> [String] {
        let pairs: [(name: String, isSame: Bool)] = [
            (
                "global.evaluation_interval (as the step of subqueries)",
                evaluationIntervalMilliseconds == other.evaluationIntervalMilliseconds
            )
        ]
        return pairs.filter { !$0.isSame }.map(\.name)
    }
}
