import Exposition
import Logging
import MetricModel
import SelfMetrics
import Storage
import Synchronization

@testable import Scraping

/// A clock that stands still until it is moved.
final class ManualClock: WallClock {
    private let milliseconds: Mutex<Int64>

    init(_ milliseconds: Int64 = 1_000_000_000) { self.milliseconds = Mutex(milliseconds) }

    var now: Timestamp {
        get { Timestamp(milliseconds: milliseconds.withLock { $0 }) }
        set { milliseconds.withLock { $0 = newValue.milliseconds } }
    }
    var monotonicNanoseconds: UInt64 { UInt64(milliseconds.withLock { $0 }) * 1_000_000 }
    func sleep(milliseconds: Int64) async throws { throw CancellationError() }
}

/// An executor whose time is the clock's: work runs when the test lets it.
final class ManualExecutor: ScrapeExecutor {
    private struct Entry {
        var number: Int
        var due: Int64
        var work: @Sendable () -> Void
    }

    private struct State {
        var ready: [@Sendable () -> Void] = []
        var scheduled: [Entry] = []
        var count = 0
    }

    private final class Alarm: ScrapeAlarm {
        let executor: ManualExecutor
        let number: Int
        let ring: @Sendable () -> Void

        init(_ executor: ManualExecutor, number: Int, ring: @escaping @Sendable () -> Void) {
            self.executor = executor
            self.number = number
            self.ring = ring
        }

        func set(afterMilliseconds delay: Int64) {
            cancel()
            let due = executor.clock.now.milliseconds + max(0, delay)
            executor.state.withLock { $0.scheduled.append(Entry(number: number, due: due, work: ring)) }
        }

        func cancel() { executor.state.withLock { state in state.scheduled.removeAll { $0.number == number } } }
    }

    let clock: ManualClock
    private let state = Mutex(State())

    init(_ clock: ManualClock) { self.clock = clock }

    func execute(_ work: @escaping @Sendable () -> Void) { state.withLock { $0.ready.append(work) } }

    func makeAlarm(_ ring: @escaping @Sendable () -> Void) -> any ScrapeAlarm {
        let number = state.withLock { state in
            state.count += 1
            return state.count
        }
        return Alarm(self, number: number, ring: ring)
    }

    /// Runs what is ready now.
    func drain() {
        while let work = state.withLock({ $0.ready.isEmpty ? nil : $0.ready.removeFirst() }) { work() }
    }

    /// Lets time pass, doing what falls due on the way at its time.
    func advance(milliseconds: Int64) {
        let end = clock.now.milliseconds + milliseconds
        drain()
        while true {
            let next = state.withLock { state -> Entry? in
                let due = state.scheduled.filter { $0.due <= end }
                guard let first = due.min(by: { ($0.due, $0.number) < ($1.due, $1.number) }) else { return nil }
                state.scheduled.removeAll { $0.number == first.number }
                return first
            }
            guard let next else { break }
            clock.now = Timestamp(milliseconds: max(next.due, clock.now.milliseconds))
            next.work()
            drain()
        }
        clock.now = Timestamp(milliseconds: end)
    }
}

/// A fetcher that answers at once with what the test put there.
final class ScriptedFetcher: ScrapeFetcher {
    typealias Answer = @Sendable () -> Result<ScrapeBody, ScrapeFailure>?
    private let answer: Answer
    private let waiting = Mutex<[(number: Int, completion: Completion)]>([])

    /// A nil answer leaves the fetch in flight until it is cancelled.
    init(_ answer: @escaping Answer) { self.answer = answer }

    func fetch(_ request: FetchRequest, completion: @escaping Completion) {
        if let result = answer() { return completion(request.number, result) }
        waiting.withLock { $0.append((request.number, completion)) }
    }

    func cancel() {
        let given = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        for (number, completion) in given { completion(number, .failure(.cancelled)) }
    }
}

/// A store that remembers rows as they came.
final class RecordingStore: SampleStore {
    struct Row: Sendable {
        var timestamp: Int64
        var values: [LabelSet: Double]
        var histograms: [LabelSet: NativeHistogram] = [:]
        /// Those that are known.
        var starts: [LabelSet: Int64] = [:]

        /// By the metric's name alone, for pages of one series a name.
        subscript(_ name: String) -> Double? { values.first { $0.key.metricName == name }?.value }
    }

    struct State: Sendable {
        var rows: [Row] = []
        var batches: [SampleBatch] = []
        var slots: [[LabelSet]] = []
        var generation: UInt32 = 0
        var seriesLimit = Int.max
        var refusal: AppendError?
    }

    let state = Mutex(State())

    var rows: [Row] { state.withLock { $0.rows } }
    var lastRow: Row { rows.last ?? Row(timestamp: -1, values: [:]) }

    func openSource(named name: String) throws(AppendError) -> any SourceWriter {
        let index = state.withLock { state in
            state.slots.append([])
            return state.slots.count - 1
        }
        return RecordingWriter(store: self, index: index)
    }

    func append(_ batch: SampleBatch, onRejection: RejectionPolicy) throws(AppendError) -> AppendOutcome {
        state.withLock { $0.batches.append(batch) }
        var outcome = AppendOutcome()
        outcome.appended = batch.series.count
        return outcome
    }

    func querier() throws(StorageError) -> any Querier { throw .closed }
    func statistics(limit: Int) -> StoreStatistics { StoreStatistics() }

    /// Reverses the slots of all sources, as a database that reclaims slots may do after an append.
    func renumber() {
        state.withLock { state in
            for index in state.slots.indices { state.slots[index].reverse() }
            state.generation += 1
        }
    }
}

private final class RecordingWriter: SourceWriter {
    private let store: RecordingStore
    private let index: Int

    init(store: RecordingStore, index: Int) {
        self.store = store
        self.index = index
    }

    var slotCount: Int { store.state.withLock { $0.slots[index].count } }
    var generation: UInt32 { store.state.withLock { $0.generation } }

    func slot(for labels: LabelSet) throws(AppendError) -> Int {
        let result = store.state.withLock { state -> Int? in
            if let known = state.slots[index].firstIndex(of: labels) { return known }
            if state.slots[index].count >= state.seriesLimit { return nil }
            state.slots[index].append(labels)
            return state.slots[index].count - 1
        }
        guard let result else { throw .seriesLimit(maximum: 0) }
        return result
    }

    func append(timestamp: Timestamp, values: [Double], histograms: [SlotHistogram]) throws(AppendError) {
        try append(timestamp: timestamp, values: values, histograms: histograms, starts: [])
    }

    func append(
        timestamp: Timestamp, values: [Double], histograms: [SlotHistogram], starts: [Int64]
    ) throws(AppendError) {
        precondition(starts.isEmpty || starts.count == values.count, "a row has a start for every slot or none")
        let refusal = store.state.withLock { state -> AppendError? in
            precondition(values.count == state.slots[index].count, "a row has a value for every slot")
            if let refusal = state.refusal { return refusal }
            var row = RecordingStore.Row(timestamp: timestamp.milliseconds, values: [:])
            for (labels, value) in zip(state.slots[index], values) where !SpecialValue.isAbsent(value) {
                row.values[labels] = value
            }
            for entry in histograms { row.histograms[state.slots[index][entry.slot]] = entry.histogram }
            for (labels, start) in zip(state.slots[index], starts) where start != 0 { row.starts[labels] = start }
            state.rows.append(row)
            return nil
        }
        if let refusal { throw refusal }
    }

    func close() {}
}

/// A target's series over a recording store, scraped by hand.
struct SeriesHarness {
    let store = RecordingStore()
    let scratch = ScrapeScratch()
    let table = TargetMetadataTable()
    var series: TargetSeries
    var time: Int64 = 0

    init(
        labels: KeyValuePairs<String, String> = ["instance": "i", "job": "j"],
        job: ScrapeJobSettings = .init(jobName: "j"), addsTypeLabels: Bool = false
    ) {
        var environment = ScrapeEnvironment.sample(store: store)
        environment.addsTypeLabels = addsTypeLabels
        let target = ScrapeTarget.sample(labels: LabelSet(labels))
        series = TargetSeries(
            target: target, context: JobContext(job), environment: environment, metadata: table)
    }

    /// Scrapes a page; the failure, nil where it went well.
    @discardableResult
    mutating func scrape(_ page: String, format: ExpositionFormat = .text) -> ScrapeFailure? {
        scrapeReporting(Array(page.utf8), format: format).failure
    }

    mutating func scrapeReporting(
        _ page: [UInt8], format: ExpositionFormat = .text
    ) -> (failure: ScrapeFailure?, report: ScrapeReport) {
        time += 1000
        var report = ScrapeReport(timestamp: Timestamp(milliseconds: time), durationSeconds: 0.5)
        if series.findsRoom(at: report.timestamp) { series.learnAnew(at: report.timestamp) }
        do throws(ScrapeFailure) {
            try series.append(page: page, format: .text(format), scratch: scratch, report: &report)
            return (nil, report)
        } catch {
            series.appendFailure(error, scratch: scratch, report: &report)
            return (error, report)
        }
    }

    mutating func fail(_ failure: ScrapeFailure) {
        time += 1000
        var report = ScrapeReport(timestamp: Timestamp(milliseconds: time), durationSeconds: 0.5)
        series.appendFailure(failure, scratch: scratch, report: &report)
    }
}

extension ScrapeTarget {
    static func sample(labels: LabelSet = LabelSet(["instance": "i", "job": "j"])) -> ScrapeTarget {
        ScrapeTarget(
            jobName: "j", discoveredLabels: labels, labels: labels,
            url: TargetURL(scheme: "http", address: "127.0.0.1:1", path: "/metrics", query: ""), unixSocketPath: nil,
            intervalMilliseconds: 10_000, timeoutMilliseconds: 5_000)
    }
}

extension ScrapeEnvironment {
    static func sample(store: any SampleStore, clock: any WallClock = ManualClock()) -> ScrapeEnvironment {
        ScrapeEnvironment(
            store: store, clock: clock, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            metrics: ScrapeMetrics(Registry()), seed: 0)
    }
}
