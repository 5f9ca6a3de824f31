import Bytes
import Exposition
import Logging
import MetricModel
import SelfMetrics
import Storage
import Synchronization

/// What all targets of one job share; never changed, a reload makes a new one.
final class JobContext: Sendable {
    let job: ScrapeJobSettings
    let tlsContexts: TLSContexts

    init(_ job: ScrapeJobSettings) {
        self.job = job
        tlsContexts = TLSContexts(job.client.tls)
    }

    /// Whether what fetches pages for the one may go on fetching for the other.
    func fetchesAlike(_ other: JobContext) -> Bool {
        job.client == other.job.client && job.protocols == other.job.protocols
            && job.nameEscaping == other.job.nameEscaping && job.acceptsCompression == other.job.acceptsCompression
    }

    /// The limit for a body and the name under which people find it.
    var bodyLimit: (bytes: Int, name: String) {
        let configured = job.limits.bodySizeBytes
        return configured > 0
            ? (configured, "body_size_limit") : (ScrapeSafety.bodySizeBytes, "built-in body size limit")
    }
}

/// What all targets of the process share.
struct ScrapeEnvironment: Sendable {
    var store: any SampleStore
    var clock: any WallClock
    var logger: Logger
    var metrics: ScrapeMetrics
    /// Keeps exemplars; nil lets them go.
    var exemplars: (any ExemplarStore)?
    var metadata: (any MetadataStore)?
    /// Mixed into the phases so that two servers do not scrape at the same moment.
    var seed: UInt64
    /// Series get `__type__` and `__unit__`.
    var addsTypeLabels = false
    /// What scrapes may take of the process' memory; nil where nobody limits it.
    var room: ScrapeRoom?
}

/// Memory that the targets of one executor use one after the other.
final class ScrapeScratch: @unchecked Sendable {  // Confined to the executor of its targets.
    /// What is kept between scrapes; larger buffers are given back.
    private static let keptBytes = 4 << 20

    let decompressor = GzipDecompressor()
    var page: [UInt8] = []
    var columns = ScrapePage()
    var row: [Double] = []
    /// Native histograms beside the row.
    var histograms: [SlotHistogram] = []
    /// When the samples of the row began to count, by slot; empty where no page says.
    var starts: [Int64] = []

    /// As many as the row has values, or none.
    var startsOfRow: [Int64] {
        guard !starts.isEmpty else { return [] }
        while starts.count < row.count { starts.append(0) }
        return starts.count == row.count ? starts : Array(starts.prefix(row.count))
    }

    func note(start: Int64, slot: Int) {
        while starts.count <= slot { starts.append(0) }
        starts[slot] = start
    }

    /// An absent value for each of `count` slots.
    func prepareRow(count: Int) {
        histograms.removeAll(keepingCapacity: true)
        starts.removeAll(keepingCapacity: true)
        row.removeAll(keepingCapacity: true)
        row.append(contentsOf: repeatElement(SpecialValue.absent, count: count))
    }

    func trim() {
        if page.capacity > Self.keptBytes { page = [] }
        if row.capacity * MemoryLayout<Double>.stride > Self.keptBytes { row = [] }
        if columns.values.capacity * MemoryLayout<Double>.stride > Self.keptBytes { columns = ScrapePage() }
    }
}

/// One target at work: performs what `ScrapeLoopState` decides.
///
/// Everything but `status` and `metadata` belongs to the executor.
final class TargetLoop: @unchecked Sendable {  // Confined to `executor`, which runs one thing after the other.
    /// What the status pages read, from any thread.
    struct Status: Sendable {
        var health = TargetHealth.unknown
        var lastFailure: ScrapeFailure?
        var lastScrape: Timestamp?
        var lastDurationSeconds = 0.0
        var sampleCount = 0
        var hasStopped = false
    }

    let status = Mutex(Status())
    let metadata: TargetMetadataTable

    private let executor: any ScrapeExecutor
    private let environment: ScrapeEnvironment
    private let scratch: ScrapeScratch
    private let makeFetcher: FetcherFactory
    private var target: ScrapeTarget
    private var context: JobContext
    /// Set when the whole job has more targets than it may: nothing is fetched, every scrape fails with it.
    private var forcedFailure: ScrapeFailure?
    private var fetcher: any ScrapeFetcher
    private var series: TargetSeries
    private var state: ScrapeLoopState
    /// Rings when `state` wants to hear that time has passed.
    private var alarm: (any ScrapeAlarm)?
    private var scrapeNumber = 0
    /// When the scrape under way began: the time of its samples, and nanoseconds of the monotonic clock.
    private var scrapeStart = (timestamp: Timestamp(milliseconds: 0), nanoseconds: UInt64(0))
    private var lastDroppedTicks = 0
    private var knownFormat: (contentType: String, format: PageFormat)?
    private var onStop: (@Sendable () -> Void)?
    private var share: ScrapeShare

    /// Makes what fetches a target's page; called again when the job's settings changed.
    typealias FetcherFactory = @Sendable (ScrapeTarget, JobContext, any ScrapeExecutor) -> any ScrapeFetcher

    init(
        target: ScrapeTarget, context: JobContext, forcedFailure: ScrapeFailure?, environment: ScrapeEnvironment,
        executor: any ScrapeExecutor, scratch: ScrapeScratch, makeFetcher: @escaping FetcherFactory
    ) {
        self.target = target
        self.context = context
        self.forcedFailure = forcedFailure
        self.environment = environment
        self.executor = executor
        self.scratch = scratch
        self.makeFetcher = makeFetcher
        metadata = TargetMetadataTable(store: environment.metadata)
        fetcher = makeFetcher(target, context, executor)
        series = TargetSeries(target: target, context: context, environment: environment, metadata: metadata)
        state = Self.makeState(target, environment)
        share = ScrapeShare(environment.room)
    }

    private static func makeState(_ target: ScrapeTarget, _ environment: ScrapeEnvironment) -> ScrapeLoopState {
        ScrapeLoopState(
            intervalMilliseconds: target.intervalMilliseconds, spreadHash: target.spreadHash, seed: environment.seed)
    }

    // MARK: Called by the pool, from any thread

    func start() { executor.execute { [self] in handle(.started) } }

    /// The target is gone; its end will be written in a while, then `hasStopped` is true.
    func end() { executor.execute { [self] in handle(.targetEnded) } }

    /// Whether nothing more will happen unless `update` is called.
    ///
    /// Any thread may ask.
    var hasStopped: Bool { status.withLock { $0.hasStopped } }

    /// The target is there (again), perhaps with other settings.
    func update(_ target: ScrapeTarget, _ context: JobContext, forcedFailure: ScrapeFailure?) {
        executor.execute { [self] in
            self.forcedFailure = forcedFailure
            // Its end may have been written just before the target came back.
            if state.isStopped { return restart(target, context) }
            apply(target, context)
            handle(.targetRevived)
        }
    }

    /// Gives up what is in flight and stops; no staleness markers.
    func shutDown(whenStopped: @escaping @Sendable () -> Void) {
        executor.execute { [self] in
            onStop = whenStopped
            let wasStopped = state.isStopped
            handle(.shutDown)
            if wasStopped { stopped() }
        }
    }

    // MARK: On the executor

    private func apply(_ target: ScrapeTarget, _ context: JobContext) {
        let hasOtherTimes = target.intervalMilliseconds != self.target.intervalMilliseconds
        let needsOtherFetcher = !context.fetchesAlike(self.context)
        self.target = target
        self.context = context
        series.update(target: target, context: context)
        knownFormat = nil
        if needsOtherFetcher {
            abandonFetch()
            fetcher = makeFetcher(target, context, executor)
        }
        if hasOtherTimes || (needsOtherFetcher && state.isScraping) {
            abandonFetch()
            alarm?.cancel()
            state = Self.makeState(target, environment)
            handle(.started)
        }
    }

    private func restart(_ target: ScrapeTarget, _ context: JobContext) {
        self.target = target
        self.context = context
        fetcher = makeFetcher(target, context, executor)
        series = TargetSeries(target: target, context: context, environment: environment, metadata: metadata)
        state = Self.makeState(target, environment)
        lastDroppedTicks = 0
        status.withLock { $0.hasStopped = false }
        handle(.started)
    }

    private func abandonFetch() {
        scrapeNumber &+= 1
        fetcher.cancel()
        share.leave()
    }

    private func handle(_ event: ScrapeLoopState.Event) {
        let action = state.handle(event, now: environment.clock.now)
        if state.droppedTicks != lastDroppedTicks {
            environment.metrics.droppedTicks.add(state.droppedTicks &- lastDroppedTicks)
            lastDroppedTicks = state.droppedTicks
        }
        perform(action)
    }

    private func perform(_ action: ScrapeLoopState.Action) {
        switch action {
        case .nothing: break
        case .wait(let until): wait(until: until)
        case .cancelAndWait(let until):
            abandonFetch()
            wait(until: until)
        case .scrape(let timestamp): scrape(timestamp)
        case .writeEnd(let timestamp):
            series.appendEnd(timestamp: timestamp, scratch: scratch)
            stopped()
        case .stop:
            abandonFetch()
            alarm?.cancel()
            stopped()
        }
    }

    private func wait(until: Timestamp) {
        let alarm = alarm ?? executor.makeAlarm { [weak self] in self?.handle(.timerFired) }
        self.alarm = alarm
        alarm.set(afterMilliseconds: until.milliseconds &- environment.clock.now.milliseconds)
    }

    private func stopped() {
        fetcher.cancel()
        share.close()
        series.close()
        status.withLock { $0.hasStopped = true }
        let callback = onStop
        onStop = nil
        callback?()
    }

    private func scrape(_ timestamp: Timestamp) {
        scrapeNumber &+= 1
        let number = scrapeNumber
        scrapeStart = (timestamp, environment.clock.monotonicNanoseconds)
        if let forcedFailure { return finish(.failure(forcedFailure), number: number) }
        let limit = share.bodyLimit(context.bodyLimit, nanoseconds: scrapeStart.nanoseconds)
        var request = FetchRequest(
            number: number, timeoutMilliseconds: target.timeoutMilliseconds, bodyLimitBytes: limit.bytes,
            bodyLimitName: limit.name)
        if share.needsAdmission {
            request.admission = AnswerAdmission(
                isOpen: { [self] in admits(number: number) }, failure: share.failure)
        }
        fetcher.fetch(request) { [self] number, result in finish(result, number: number) }
    }

    /// Whether there is room for the page that is coming.
    private func admits(number: Int) -> Bool {
        guard number == scrapeNumber, state.isScraping else { return true }
        return share.enter(
            nanoseconds: environment.clock.monotonicNanoseconds, timeoutMilliseconds: target.timeoutMilliseconds)
    }

    private func finish(_ result: Result<ScrapeBody, ScrapeFailure>, number: Int) {
        guard number == scrapeNumber, state.isScraping else { return }
        defer { share.leave() }
        let end = environment.clock.monotonicNanoseconds
        var report = ScrapeReport(
            timestamp: scrapeStart.timestamp, durationSeconds: Double(end &- scrapeStart.nanoseconds) / 1e9)
        var failure: ScrapeFailure?
        do throws(ScrapeFailure) {
            try ingest(try result.get(), at: end, into: &report)
        } catch {
            failure = error
            series.appendFailure(error, scratch: scratch, report: &report)
        }
        record(report, failure)
        handle(.scrapeFinished)
    }

    private func ingest(
        _ body: ScrapeBody, at nanoseconds: UInt64, into report: inout ScrapeReport
    ) throws(ScrapeFailure) {
        let format = try format(of: body)
        defer { scratch.trim() }
        guard body.isGzip else { return try append(body.bytes, format, &report) }
        scratch.page.removeAll(keepingCapacity: true)
        let limit = share.bodyLimit(context.bodyLimit, nanoseconds: nanoseconds)
        try PageDecompression.gunzip(body.bytes, with: scratch.decompressor, limit: limit, into: &scratch.page)
        let page = scratch.page
        try append(page, format, &report)
    }

    private func append(
        _ page: [UInt8], _ format: PageFormat, _ report: inout ScrapeReport
    ) throws(ScrapeFailure) {
        if series.findsRoom(at: report.timestamp), share.enterNew(byteCount: page.count) {
            series.learnAnew(at: report.timestamp)
        }
        try share.ingesting(byteCount: page.count, &report) { report throws(ScrapeFailure) in
            try series.append(page: page, format: format, scratch: scratch, report: &report)
        }
    }

    /// The format of a body; a target says the same each time.
    private func format(of body: ScrapeBody) throws(ScrapeFailure) -> PageFormat {
        if let known = knownFormat, known.contentType == body.contentType { return known.format }
        let format = try ContentNegotiation.format(
            contentType: body.contentType, fallback: context.job.fallbackProtocol)
        knownFormat = (body.contentType, format)
        return format
    }

    private func record(_ report: ScrapeReport, _ failure: ScrapeFailure?) {
        environment.metrics.record(report, failure)
        let previous = status.withLock { status in
            let previous = status.lastFailure
            status.health = failure == nil ? .up : .down
            status.lastFailure = failure
            status.lastScrape = report.timestamp
            status.lastDurationSeconds = report.durationSeconds
            status.sampleCount = report.samplesAfterRelabeling
            return previous
        }
        warn(of: report)
        guard let failure, failure != previous else { return }
        environment.logger.debug(
            "scrape failed",
            metadata: [
                "scrape_pool": "\(target.jobName)", "target": "\(target.url.description)", "reason": "\(failure)",
            ])
    }

    /// Says once a scrape for each reason how many samples were left out.
    private func warn(of report: ScrapeReport) {
        for (count, reason) in [
            (report.duplicateSamples, "their series has another sample at their time"),
            (report.outOfOrderSamples, "they are out of order"),
            (report.outOfBoundsSamples, "they are too old or too far in the future"),
            (report.samplesWithoutRoom, "the store has no room for their series"),
        ] where count > 0 {
            environment.logger.warning(
                "samples of a scrape were left out",
                metadata: [
                    "scrape_pool": "\(target.jobName)", "target": "\(target.url.description)", "samples": "\(count)",
                    "reason": "\(reason)",
                ])
        }
    }
}
