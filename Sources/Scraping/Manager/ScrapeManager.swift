import Bytes
import Glibc
package import Logging
package import MetricModel
import NIOCore
import NIOPosix
package import SelfMetrics
package import Storage
import Synchronization

/// The scraper: finds targets, scrapes each at its phase into the store, and says how that goes.
///
///     apply, poll --> pools --> one TargetLoop per target, on one of a few event loops
///                                 timer -> fetch -> unpack -> match and parse -> one row into the store
///
/// Safe on any thread. Nothing is scraped before `apply`; files of targets are watched while `run` runs.
package final class ScrapeManager: Sendable {
    package static let userAgent = "Lapwing"
    /// How often files with targets are looked at.
    package static let discoveryPollMilliseconds: Int64 = 3_000

    /// Pools in job order and the loops whose end is not written yet.
    ///
    /// Only `apply`, `poll` and `shutDown` hold it, for as long as it takes to read files and make targets.
    private struct Control: ~Copyable {
        var pools: [ScrapePool] = []
        var endings: [ScrapeTarget.Identity: TargetLoop] = [:]
        var seed: UInt64 = 0
        var isShutDown = false
        /// What was logged already and still is so.
        var shownProblems: Set<String> = []
    }

    private struct Worker: Sendable {
        let executor: any ScrapeExecutor
        let scratch = ScrapeScratch()
    }

    private let store: any SampleStore
    private let clock: any WallClock
    private let logger: Logger
    private let metrics: ScrapeMetrics
    private let fileReader: TargetFileReader
    private let workers: [Worker]
    private let makeFetcher: TargetLoop.FetcherFactory
    private let eventLoops: MultiThreadedEventLoopGroup?
    private let exemplars: (any ExemplarStore)?
    private let addsTypeLabels: Bool
    private let room: ScrapeRoom?
    private let metadataStore: (any MetadataStore)?
    private let control = Mutex(Control())
    /// What the status pages read: a copy of the pools, replaced after each change.
    private let published = Mutex<[ScrapePool]>([])

    /// A scraper on event loops of its own.
    ///
    /// `inProcess` gives pages that live in this process by their URL without query, such as
    /// `http://localhost:9090/metrics`: targets with that URL are asked directly instead of over the network.
    /// `addsTypeLabels` gives series the labels `__type__` and `__unit__`; `room` is what scrapes may take of the memory.
    package convenience init(
        store: any SampleStore, clock: any WallClock = SystemClock(), logger: Logger, registry: Registry,
        fileReader: @escaping TargetFileReader, inProcess: [String: InProcessPage] = [:], threadCount: Int = 2,
        exemplars: (any ExemplarStore)? = nil, metadata: (any MetadataStore)? = nil, addsTypeLabels: Bool = false,
        room: ScrapeRoom? = nil,
        userAgent: String = ScrapeManager.userAgent
    ) {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, threadCount))
        let executors = group.makeIterator().map { EventLoopExecutor($0) }
        self.init(
            store: store, clock: clock, logger: logger, registry: registry, fileReader: fileReader,
            executors: executors, eventLoops: group, exemplars: exemplars, metadata: metadata,
            addsTypeLabels: addsTypeLabels, room: room
        ) { target, context, executor in
            if let page = inProcess[target.url.withoutQuery] { return InProcessFetcher(page: page, executor: executor) }
            let executor = executor as? EventLoopExecutor ?? EventLoopExecutor(group.next())
            return HTTPScrapeFetcher(
                target: target, job: context.job, tlsContexts: context.tlsContexts, userAgent: userAgent,
                executor: executor)
        }
    }

    /// A scraper with executors and fetchers of the caller's: tests put theirs here.
    init(
        store: any SampleStore, clock: any WallClock, logger: Logger, registry: Registry,
        fileReader: @escaping TargetFileReader, executors: [any ScrapeExecutor],
        eventLoops: MultiThreadedEventLoopGroup? = nil, exemplars: (any ExemplarStore)? = nil,
        metadata: (any MetadataStore)? = nil, addsTypeLabels: Bool = false, room: ScrapeRoom? = nil,
        makeFetcher: @escaping TargetLoop.FetcherFactory
    ) {
        precondition(!executors.isEmpty, "a scraper needs an executor")
        self.store = store
        self.clock = clock
        self.logger = logger
        self.fileReader = fileReader
        self.makeFetcher = makeFetcher
        self.eventLoops = eventLoops
        self.exemplars = exemplars
        self.addsTypeLabels = addsTypeLabels
        self.room = room
        metadataStore = metadata
        metrics = ScrapeMetrics(registry)
        workers = executors.map { Worker(executor: $0) }
    }

    // MARK: Control

    /// Takes new settings.
    ///
    /// Targets that stay keep their phase, connection and series; the others end or start.
    package func apply(_ settings: ScrapeSettings) {
        control.withLock { control in
            guard !control.isShutDown else { return }
            control.seed = Self.seed(settings.externalLabels)
            let alreadyEnding = Set(control.endings.keys)
            var known: [String: ScrapePool] = [:]
            for pool in control.pools { known[pool.job.jobName] = pool }
            control.pools = settings.jobs.map { job in
                guard var pool = known.removeValue(forKey: job.jobName) else { return ScrapePool(job) }
                pool.update(job)
                return pool
            }
            for pool in known.values {
                for member in pool.members { control.endings[member.target.identity] = member.loop }
            }
            synchronize(&control, alreadyEnding: alreadyEnding)
        }
    }

    /// Looks at the files with targets once.
    package func poll() {
        control.withLock { control in
            if !control.isShutDown { synchronize(&control, alreadyEnding: Set(control.endings.keys)) }
        }
    }

    /// Watches files with targets until the task is cancelled, then shuts down.
    package func run() async {
        while !Task.isCancelled {
            do {
                try await clock.sleep(milliseconds: Self.discoveryPollMilliseconds)
                try await NIOThreadPool.singleton.runIfActive { self.poll() }
            } catch {
                break
            }
        }
        await shutDown()
    }

    /// Gives up what is in flight and stops all targets, without staleness markers; returns when all have stopped.
    package func shutDown() async {
        let loops = control.withLock { control -> [TargetLoop] in
            control.isShutDown = true
            let loops = control.pools.flatMap { $0.members.map(\.loop) } + Array(control.endings.values)
            control.pools = []
            control.endings = [:]
            return loops
        }
        published.withLock { $0 = [] }
        for loop in loops {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                loop.shutDown { continuation.resume() }
            }
        }
        try? await eventLoops?.shutdownGracefully()
    }

    private func synchronize(_ control: inout Control, alreadyEnding: Set<ScrapeTarget.Identity>) {
        var endings = control.endings.filter { !$0.value.hasStopped }
        let now = clock.now
        for index in control.pools.indices {
            control.pools[index].synchronize(now: now, reader: fileReader, endings: &endings) {
                target, context, forcedFailure in
                let phase = ScrapeLoopState.phase(
                    intervalMilliseconds: target.intervalMilliseconds, spreadHash: target.spreadHash,
                    seed: control.seed)
                // Targets that are due together wake one thread, not all.
                let worker = workers[Int(phase.number) % workers.count]
                return TargetLoop(
                    target: target, context: context, forcedFailure: forcedFailure,
                    environment: ScrapeEnvironment(
                        store: store, clock: clock, logger: logger, metrics: metrics, exemplars: exemplars,
                        metadata: metadataStore, seed: control.seed, addsTypeLabels: addsTypeLabels, room: room),
                    executor: worker.executor, scratch: worker.scratch, makeFetcher: makeFetcher)
            }
        }
        control.endings = endings
        for (identity, loop) in endings where !alreadyEnding.contains(identity) { loop.end() }
        let pools = control.pools
        published.withLock { $0 = pools }
        metrics.targets.set(pools.reduce(0) { $0 + $1.members.count })
        show(pools, &control)
    }

    /// Logs what is wrong with files of targets and with targets, once each time that it begins.
    private func show(_ pools: [ScrapePool], _ control: inout Control) {
        var shown: Set<String> = []
        for pool in pools {
            for problem in pool.problems {
                let isNew = shown.insert("\(pool.job.jobName): \(problem)").inserted
                guard isNew, !control.shownProblems.contains("\(pool.job.jobName): \(problem)") else { continue }
                logger.warning(
                    "something is wrong with targets",
                    metadata: ["scrape_pool": "\(pool.job.jobName)", "reason": "\(problem)"])
            }
        }
        control.shownProblems = shown
        metrics.targetProblems.set(shown.count)
    }

    private static func seed(_ externalLabels: LabelSet) -> UInt64 {
        var name = [CChar](repeating: 0, count: 256)
        _ = unsafe gethostname(&name, name.count - 1)
        return ByteHash.hash(name.map { UInt8(bitPattern: $0) }, seed: externalLabels.byteHash)
    }

    // MARK: Status

    /// All jobs in the order of the configuration, with their targets as they are now.
    package func status() -> [ScrapePoolStatus] { published.withLock { $0 }.map { $0.status() } }

    /// The names of all jobs, sorted.
    package var poolNames: [String] {
        published.withLock { $0.map(\.job.jobName) }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// How the targets of a job are relabelled; nil where there is no such job.
    package func targetRelabeling(of pool: String) -> Relabeler? {
        published.withLock { $0.first { $0.job.jobName == pool }?.job.targetRelabeling }
    }

    /// What active targets said about their metrics; of one metric only when it is named.
    package func metadata(metric: String? = nil, where isIncluded: (LabelSet) -> Bool = { _ in true })
        -> [TargetMetadata]
    {
        var result: [TargetMetadata] = []
        for pool in published.withLock({ $0 }) {
            for member in pool.members where isIncluded(member.target.labels) {
                for (name, metadata) in member.loop.metadata.entries(named: metric) {
                    result.append(
                        TargetMetadata(targetLabels: member.target.labels, metricName: name, metadata: metadata))
                }
            }
        }
        return result
    }
}
