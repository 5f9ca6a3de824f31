import Glibc
import Logging
import MetricModel
import SelfMetrics
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Scraping

@Suite("A real exporter")
struct NodeExporterTests {
    static let program = "/usr/bin/prometheus-node-exporter"
    static var isInstalled: Bool { unsafe access(program, X_OK) == 0 }

    /// Wraps a store and tells each row of it.
    final class TellingStore: SampleStore {
        let store = RecordingStore()
        let rows: AsyncStream<RecordingStore.Row>
        private let teller: AsyncStream<RecordingStore.Row>.Continuation

        init() { (rows, teller) = AsyncStream.makeStream() }

        func openSource(named name: String) throws(AppendError) -> any SourceWriter {
            Writer(inner: try store.openSource(named: name), owner: self)
        }

        func append(_ batch: SampleBatch, onRejection: RejectionPolicy) throws(AppendError) -> AppendOutcome {
            try store.append(batch, onRejection: onRejection)
        }

        func querier() throws(StorageError) -> any Querier { try store.querier() }
        func statistics(limit: Int) -> StoreStatistics { store.statistics(limit: limit) }

        final class Writer: SourceWriter {
            let inner: any SourceWriter
            let owner: TellingStore
            init(inner: any SourceWriter, owner: TellingStore) {
                self.inner = inner
                self.owner = owner
            }
            var slotCount: Int { inner.slotCount }
            var generation: UInt32 { inner.generation }
            func slot(for labels: LabelSet) throws(AppendError) -> Int { try inner.slot(for: labels) }
            func append(timestamp: Timestamp, values: [Double], histograms: [SlotHistogram]) throws(AppendError) {
                try inner.append(timestamp: timestamp, values: values, histograms: histograms)
                owner.teller.yield(owner.store.lastRow)
            }
            func close() { inner.close() }
        }
    }

    @Test(
        "Debian's node exporter is scraped over HTTP, with gzip, again and again",
        .enabled(if: NodeExporterTests.isInstalled), .timeLimit(.minutes(1)))
    func scrapes() async throws {
        let folder = TemporaryDirectory()
        let port = freeLoopbackPort()
        let exporter = ChildProcess(
            [Self.program, "--web.listen-address=127.0.0.1:\(port)"], folder: folder, name: "exporter")
        defer {
            exporter.signal(SIGKILL)
            exporter.wait()
        }
        let store = TellingStore()
        let manager = ScrapeManager(
            store: store, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, registry: Registry(),
            fileReader: { _, _ in [] })
        var job = ScrapeJobSettings(jobName: "node", intervalMilliseconds: 250, timeoutMilliseconds: 250)
        job.discoveries = [.fixed([TargetGroup(addresses: ["127.0.0.1:\(port)"])])]
        manager.apply(ScrapeSettings(jobs: [job]))
        var good = 0
        var steady = 0
        for await row in store.rows where row["up"] == 1 {
            good += 1
            #expect((row["scrape_samples_scraped"] ?? 0) > 200)
            #expect(row.values.keys.contains { $0.metricName == "node_cpu_seconds_total" && $0["mode"] == "idle" })
            #expect(row["node_boot_time_seconds"] != nil)
            if good > 1, (row["scrape_series_added"] ?? 99) < 20 { steady += 1 }
            if good == 4 { break }
        }
        #expect(steady >= 2)
        let status = try #require(manager.status().first?.active.first)
        #expect(status.health == .up)
        #expect(status.lastError == "")
        #expect(manager.metadata(metric: "node_cpu_seconds_total").first?.metadata.type == .counter)
        await manager.shutDown()
    }
}
