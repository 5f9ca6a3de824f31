import Access
import Cgroups
import ConfigurationFile
package import Logging
import MetricModel
import NIOPosix
import SelfMetrics
import ServiceLifecycle
import UnixSignals
import WebAPI

/// `lapwing collect`: the container collector alone, for other servers to scrape.
package struct CollectorServer: Sendable {
    private let settings: ServerSettings
    private let logger: Logger

    package init(settings: ServerSettings, logger: Logger) {
        self.settings = settings
        self.logger = logger
    }

    /// Runs until SIGTERM or SIGINT.
    package func run() async throws(ServerError) {
        settings.machine.begin()
        let access = try settings.makeAccess(logger: logger)
        var section = CollectorSection()
        try? section.take(settings.collectorOptions)
        var collectorSettings = section.settings
        collectorSettings.rootPath = settings.collectorRoot
        collectorSettings.notice = { [logger] notice in logger.warning("\(notice)") }
        // The thread below sweeps at the interval; a page makes a sweep of its own only when that thread is late.
        let interval = settings.collectorIntervalMilliseconds
        collectorSettings.freshnessMilliseconds = interval + interval / 2
        let collector = Collector(settings: collectorSettings, onChange: CollectorThread.logger(logger))
        let following = CollectorThread.start(collector, sweepIntervalMilliseconds: interval)
        let registry = Registry()
        ProcessStatistics.register(in: registry)
        let threads = WorkerThreads(maximum: 2)
        let api = CollectorAPI(
            page: { output in
                collector.render(into: &output)
                registry.render(into: &output)
            }, machinePage: settings.makeMachinePage(clock: SystemClock()))
        settings.logMachine(logger)
        let server = settings.makeHTTPServer(
            api: api, threads: threads, access: access, registry: registry, logger: logger)
        let scheme = access?.isEncrypted == true ? "https" : "http"
        let web = server.makeService(
            host: settings.host, port: settings.port
        ) { [logger, settings] port in
            logger.info("listening", metadata: ["address": "\(scheme)://\(settings.host):\(port)/metrics"])
        }
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .error)
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: NamedService("web", web))], gracefulShutdownSignals: [.sigterm, .sigint],
                logger: quiet))
        do {
            try await group.run()
        } catch {
            throw ServerError(error, settings: settings)
        }
        collector.stop()
        try? await following.shutdownGracefully()
        threads.stop()
    }
}

/// The thread on which a collector follows what happens between pages.
enum CollectorThread {
    static func start(_ collector: Collector, sweepIntervalMilliseconds: Int64?) -> NIOThreadPool {
        let thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
        thread.submit { _ in collector.run(sweepIntervalMilliseconds: sweepIntervalMilliseconds) }
        return thread
    }

    /// Says in the log what a collector begins to lack and when it has it again.
    static func logger(_ logger: Logger) -> @Sendable (CollectorCondition) -> Void {
        { condition in
            logger.log(
                level: condition.isSound ? .notice : .warning, "collector", metadata: ["condition": "\(condition)"])
        }
    }
}

extension ServerSettings {
    /// Writes the machine's page; nil where it is switched off.
    func makeMachinePage(clock: any WallClock) -> (@Sendable (inout [UInt8]) -> Void)? {
        guard machine.isMade else { return nil }
        var settings = MachineSettings()
        settings.rootPath = collectorRoot
        let machine = MachineCollector(settings: settings, clock: clock)
        return { output in machine.render(into: &output) }
    }
}

/// The few paths of a collector.
private struct CollectorAPI: RequestAnswering {
    let page: @Sendable (inout [UInt8]) -> Void
    let machinePage: (@Sendable (inout [UInt8]) -> Void)?

    func respond(to request: APIRequest) -> APIResponse {
        guard request.method == .get || request.method == .head else {
            return .text("Method Not Allowed\n", status: 405)
        }
        switch request.path {
        case "/metrics", "/metrics/cadvisor": return WebAPI.collectorResponse(page)
        case "/metrics/node": return WebAPI.collectorResponse(machinePage)
        case "/-/healthy", "/-/ready", "/healthz": return .text("ok\n")
        case "/": return .text("lapwing collect: containers at /metrics, the machine at /metrics/node\n")
        default: return .text("404 page not found\n", status: 404)
        }
    }
}
