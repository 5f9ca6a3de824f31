import Cgroups
import ConfigurationFile
import Logging
import MetricModel
import NIOPosix
import Notifications
import PromQL
import Remote
import Rules
import SQLite
import Scraping
import SelfMetrics
import ServiceLifecycle
import Storage
import TSDB
import WebAPI

/// The services of `lapwing serve`, built and connected, not yet running.
struct ServerServices: Sendable {
    let database: TimeSeriesDatabase
    let state: ServerState
    let registry: Registry
    let api: WebAPI
    /// The queries that wait and run.
    let active: ActiveQueries
    let memoryKeeper: MemoryKeeper
    let notifierService: TaskService
    let rulesService: TaskService
    let scrapingService: TaskService
    let followingService: TaskService
    let keepingService: TaskService
    /// Exemplars and metadata; what is new of them is written when everything else has stopped.
    let keeper: StateKeeper

    init(
        settings: ServerSettings, configuration: Configuration, clock: any WallClock, logger: Logger
    ) throws(ServerError) {
        let registry = Registry()
        self.registry = registry
        ProcessStatistics.register(in: registry)
        let memory = ProcessMemory(settingBytes: settings.memoryLimitBytes)
        memory.register(
            in: registry, queryBytes: min(settings.queryLimits.memoryBytes, memory.queryBytes), logger: logger)
        database = try Self.openDatabase(
            settings, configuration, memory, clock: clock, logger: logger, registry: registry)
        state = ServerState(settings: settings, configuration: configuration, clock: clock, logger: logger)
        state.setStorageProblems { [database] in database.state.problems }
        let resident = ResidentMemory()
        let residentBytes: @Sendable () -> Int = { resident.read().residentBytes }
        let room = ScrapeRoom(limitBytes: memory.limitBytes, residentBytes: residentBytes)
        active = Self.activeQueries(settings, memory, room, residentBytes, clock: clock)
        memoryKeeper = MemoryKeeper(
            limitBytes: memory.limitBytes, active: active, room: room, registry: registry, logger: logger)
        let stateDatabase: SharedDatabase
        (stateDatabase, keeper) = try Self.openState(settings, configuration, logger: logger, registry: registry)
        let transport = HTTPWebhookTransport()
        let notifier = Notifier(
            settings: configuration.notifications, externalURL: settings.shownURL,
            store: SQLiteNotificationStateStore(stateDatabase), transport: transport, clock: clock, logger: logger)
        notifier.register(in: registry)
        let engine = QueryEngine(settings: Self.engineSettings(settings, configuration, memory), clock: clock)
        let queryLog = QueryLog(clock: clock)
        let querying = EngineRuleQuerying(engine: engine, store: database, budget: active.budget) { queryLog.log($0) }
        let rules = RuleManager(
            services: RuleGroupServices(
                store: database, querying: querying, alerts: notifier, states: SQLiteAlertStateStore(stateDatabase),
                clock: clock),
            logger: logger, registry: registry)
        let collector = Self.makeCollector(settings, configuration, clock: clock, logger: logger)
        let pages = OwnPages(
            registry: registry, collector: collector, machine: settings.makeMachinePage(clock: clock))
        let scraping = ScrapeManager(
            store: database, clock: clock, logger: logger, registry: registry,
            fileReader: { bytes, path in try TargetGroupReader.groups(bytes, path: path) },
            inProcess: pages.byAddress(settings), exemplars: keeper.exemplars, metadata: keeper.metadata,
            addsTypeLabels: settings.usesTypeAndUnitLabels, room: room,
            userAgent: "Lapwing/\(BuildInformation.version)")
        let configured = ConfiguredServices(
            settings: settings, database: database, scraping: scraping, rules: rules, notifier: notifier,
            queryLog: queryLog, keeper: keeper, collector: collector, logger: logger)
        try configured.apply(configuration)
        state.setConfigured(configured)
        state.register(in: registry)
        var offered = WebAPI.Services(
            store: database, engine: engine, scraping: scraping, rules: rules, notifier: notifier, registry: registry,
            active: active, queryLog: queryLog, collectorPage: pages.collector, status: state, clock: clock,
            administration: settings.isAdministrationEnabled ? database : nil)
        offered.machinePage = pages.machine
        offered.externalLabels = { [state] in state.externalLabels }
        offered.add(keeper, settings)
        api = WebAPI(offered, logger: logger)
        notifierService = TaskService {
            await notifier.run()
            await transport.shutDown()
        }
        rulesService = TaskService { await rules.run() }
        scrapingService = TaskService { await scraping.run() }
        keepingService = Self.keepingService(keeper)
        followingService = Self.followingService(collector)
    }

    private static func activeQueries(
        _ settings: ServerSettings, _ memory: ProcessMemory, _ room: ScrapeRoom,
        _ residentBytes: @escaping @Sendable () -> Int, clock: any WallClock
    ) -> ActiveQueries {
        var limits = settings.queryLimits
        limits.memoryBytes = min(limits.memoryBytes, memory.queryBytes)
        // An eighth is left for what comes between two looks, and what large pages of known series will need.
        return ActiveQueries(limits: limits, clock: clock) {
            memory.limitBytes / 8 * 7 - room.keptBytes - residentBytes()
        }
    }

    /// The file of everything that is no sample, and what keeps exemplars and metadata in it.
    private static func openState(
        _ settings: ServerSettings, _ configuration: Configuration, logger: Logger, registry: Registry
    ) throws(ServerError) -> (SharedDatabase, StateKeeper) {
        do {
            let database = try StateFile.open(folder: settings.storagePath) { aside, reason in
                logger.error(
                    "the file of alert state, exemplars and metadata is damaged; it is put aside, and they begin anew",
                    metadata: ["path": "\(aside)", "reason": "\(reason)"])
            }
            let keeper = try StateKeeper(
                database: database, exemplarLimit: configuration.storage.maximumExemplars, logger: logger,
                registry: registry)
            return (database, keeper)
        } catch {
            throw .state("\(settings.storagePath)/state.sqlite: \(error)")
        }
    }

    private static func openDatabase(
        _ settings: ServerSettings, _ configuration: Configuration, _ memory: ProcessMemory, clock: any WallClock,
        logger: Logger, registry: Registry
    ) throws(ServerError) -> TimeSeriesDatabase {
        var database = DatabaseSettings()
        database.sealsOnClose = true
        memory.apply(to: &database)
        database.retention = settings.retention(configuration.storage)
        database.outOfOrderWindowMilliseconds = configuration.storage.outOfOrderWindowMilliseconds
        do {
            return try TimeSeriesDatabase.open(
                path: settings.storagePath, settings: database, clock: clock, logger: logger, registry: registry)
        } catch {
            throw .storage(error)
        }
    }

    private static func engineSettings(
        _ settings: ServerSettings, _ configuration: Configuration, _ memory: ProcessMemory
    ) -> EngineSettings {
        var engine = EngineSettings()
        engine.lookbackDeltaMilliseconds = settings.lookbackMilliseconds
        engine.timeoutMilliseconds = settings.queryTimeoutMilliseconds
        engine.maximumSamples = settings.maximumSamples
        engine.maximumSeries = settings.maximumSeries
        engine.resultCacheBytes = settings.resultCacheBytes
        // How often the shipped rules are evaluated says nothing about the queries of people: without a file Prometheus'
        // own minute holds.
        if settings.configurationFile != nil {
            engine.defaultSubqueryStepMilliseconds = configuration.evaluationIntervalMilliseconds
        }
        engine.delaysNameRemoval = settings.delaysNameRemoval
        engine.usesStartTimestamps = settings.usesStartTimestamps
        engine.usesTypeAndUnitLabels = settings.usesTypeAndUnitLabels
        engine.offersStepCounts = settings.offersStepCounts
        engine.memoryLimitBytes = settings.queryMemoryBytes
        memory.apply(to: &engine)
        return engine
    }

    private static func makeCollector(
        _ settings: ServerSettings, _ configuration: Configuration, clock: any WallClock, logger: Logger
    ) -> Collector? {
        guard settings.runsCollector else { return nil }
        var collectorSettings = configuration.collector.settings
        collectorSettings.rootPath = settings.collectorRoot
        collectorSettings.notice = { notice in logger.warning("\(notice)") }
        return Collector(
            settings: collectorSettings, clock: clock, onChange: CollectorThread.logger(logger))
    }

    /// Writes what is new of exemplars and metadata each second.
    private static func keepingService(_ keeper: StateKeeper) -> TaskService {
        TaskService {
            while !Task.isCancelled {
                try? await Task.sleep(for: .seconds(1))
                try? await NIOThreadPool.singleton.runIfActive { keeper.flush() }
            }
        }
    }

    /// Follows containers that come and go between scrapes; sweeps are made when the page is asked for.
    private static func followingService(_ collector: Collector?) -> TaskService {
        TaskService {
            guard let collector else { return await waitForCancellation() }
            let thread = CollectorThread.start(collector, sweepIntervalMilliseconds: nil)
            await waitForCancellation()
            collector.stop()
            try? await thread.shutdownGracefully()
        }
    }

    private static func waitForCancellation() async {
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3_600)) }
    }
}

/// A service that runs until it is told to stop, by cancelling its task.
struct TaskService: Service {
    private let work: @Sendable () async -> Void

    init(_ work: @escaping @Sendable () async -> Void) { self.work = work }

    func run() async throws {
        await cancelWhenGracefulShutdown { await work() }
    }
}

extension WebAPI.Services {
    /// What the state file keeps, and what settings open.
    mutating func add(_ keeper: StateKeeper, _ settings: ServerSettings) {
        if settings.receivesRemoteWrite {
            writeReceiver = WriteReceiver(
                store: store, exemplars: keeper.exemplars, metadata: keeper.metadata, registry: registry)
        }
        exemplars = keeper.exemplars
        metadata = keeper.metadata
        lookbackMilliseconds = settings.lookbackMilliseconds
        allowedOrigins = settings.allowedOrigins
    }
}
