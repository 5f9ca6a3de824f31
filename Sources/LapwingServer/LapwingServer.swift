import Access
import Cgroups
package import ConfigurationFile
import Glibc
package import Logging
package import MetricModel
import Notifications
import PromQL
import Rules
import SQLite
import Scraping
import SelfMetrics
import ServiceLifecycle
package import Storage
import TSDB
import UnixSignals
import WebAPI

/// `lapwing serve`: builds every service, runs them, and stops them in the order that loses nothing.
///
///     start   database -> collector, engine, notifier, rules, scraper -> web server
///     stop    web server -> scraper -> rules -> notifier -> database
package struct LapwingServer: Sendable {
    private let settings: ServerSettings
    private let logger: Logger
    private let clock: any WallClock

    package init(settings: ServerSettings, logger: Logger, clock: any WallClock = SystemClock()) {
        self.settings = settings
        self.logger = logger
        self.clock = clock
    }

    /// Runs until a signal ends it: SIGTERM and SIGINT stop in order, SIGHUP loads the configuration again.
    package func run() async throws(ServerError) {
        settings.machine.begin()
        let configuration = try readConfiguration()
        for warning in configuration.warnings { logger.warning("\(warning)") }
        settings.code?.release()
        let access = try settings.makeAccess(logger: logger)
        let services = try ServerServices(
            settings: settings, configuration: configuration, clock: clock, logger: logger)
        settings.logMachine(logger)
        settings.code?.release()
        defer {
            services.keeper.flush()
            services.database.close()
        }
        let threads = WorkerThreads(maximum: 4)
        let queryThreads = WorkerThreads(maximum: settings.queryConcurrency)
        // One at a time may wait for the memory of others.
        let patientThreads = WorkerThreads(maximum: 1)
        let server = settings.makeHTTPServer(
            api: services.api, threads: threads, queryThreads: queryThreads, patientThreads: patientThreads,
            access: access, registry: services.registry, logger: logger)
        let scheme = access?.isEncrypted == true ? "https" : "http"
        let web = server.makeService(host: settings.host, port: settings.port) { port in
            services.state.markReady()
            settings.code?.release()
            logger.info(
                "listening",
                metadata: ["address": "\(scheme)://\(settings.host):\(port)", "storage": "\(settings.storagePath)"])
        }
        let group = ServiceGroup(
            configuration: .init(
                services: [
                    NamedService("notifier", services.notifierService), NamedService("rules", services.rulesService),
                    NamedService("scraping", services.scrapingService),
                    NamedService("collector", services.followingService),
                    NamedService("exemplars and metadata", services.keepingService),
                    NamedService("reload", ReloadService(services.state)),
                    NamedService("memory", services.memoryKeeper), NamedService("web", web),
                    // The last in the list is told to stop first: nobody waits for queries that take long.
                    NamedService("queries", QueryEndingService(active: services.active)),
                ].map { .init(service: $0) },
                gracefulShutdownSignals: [.sigterm, .sigint], logger: quietLogger))
        services.state.setStop { Task { await group.triggerGracefulShutdown() } }
        do {
            try await group.run()
        } catch {
            throw ServerError(error, settings: settings)
        }
        services.state.markStopping()
        queryThreads.stop()
        patientThreads.stop()
        threads.stop()
        logger.info("stopped")
    }

    /// Libraries below speak of their own business; people asked about ours.
    private var quietLogger: Logger {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .error)
        return quiet
    }

    private func readConfiguration() throws(ServerError) -> Configuration {
        do {
            return try settings.readConfiguration()
        } catch {
            throw .configuration(error)
        }
    }
}

extension ServerSettings {
    /// The configuration file, or what holds without one.
    package func readConfiguration() throws(ConfigurationError) -> Configuration {
        var configuration: Configuration
        if let configurationFile {
            configuration = try Configuration.read(path: configurationFile)
        } else {
            configuration = try DefaultConfiguration.make(
                address: "localhost:\(port)", runsCollector: runsCollector, showsMachine: machine.isMade)
        }
        // Wrong options were refused when the command line was read.
        try? configuration.collector.take(collectorOptions)
        return configuration
    }
}

/// Why the server did not start or stopped early.
package enum ServerError: Error, Sendable, CustomStringConvertible {
    case configuration(ConfigurationError)
    case storage(StorageError)
    case rules(String)
    case state(String)
    case cannotListen(address: String, reason: String, isInUse: Bool)
    case other(String)

    init(_ error: any Error, settings: ServerSettings) {
        let text = String(describing: error)
        if text.contains("bind(") || text.contains("EADDRINUSE") || text.contains("Address already in use") {
            let number = text.split(separator: "errno: ").last.flatMap { Int32($0.prefix(while: \.isNumber)) }
            let isInUse = number == EADDRINUSE || text.contains("already in use")
            let reason = isInUse ? "the address is in use" : number.map { unsafe String(cString: strerror($0)) } ?? text
            self = .cannotListen(address: "\(settings.host):\(settings.port)", reason: reason, isInUse: isInUse)
        } else if text.contains("UnknownHost") {
            self = .cannotListen(
                address: "\(settings.host):\(settings.port)", reason: "no such host", isInUse: false)
        } else {
            self = .other(text)
        }
    }

    package var description: String {
        switch self {
        case .configuration(let error): error.description
        case .storage(let error): error.description
        case .rules(let reason): reason
        case .state(let reason): reason
        case .cannotListen(let address, let reason, let isInUse):
            "cannot listen on \(address): \(reason). "
                + (isInUse ? "Stop what listens there, or choose" : "Choose") + " another --web.listen-address"
        case .other(let text): text
        }
    }
}

/// Ends the queries that wait and run when the server is told to stop.
private struct QueryEndingService: Service {
    let active: ActiveQueries

    func run() async throws {
        try? await gracefulShutdown()
        active.endAll()
    }
}

/// Turns SIGHUP into a reload.
private struct ReloadService: Service {
    let state: ServerState

    init(_ state: ServerState) { self.state = state }

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sighup)
        for await _ in signals.cancelOnGracefulShutdown() { _ = try? state.reload() }
    }
}
