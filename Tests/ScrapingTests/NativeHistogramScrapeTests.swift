import Bytes
import Exposition
import MetricModel
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Scraping

@Suite("Native histograms from targets")
struct NativeHistogramScrapeTests {
    /// A page with one native histogram of `count` observations, or none.
    private static func page(_ count: UInt64?) -> [UInt8] {
        var bytes: [UInt8] = []
        func family(_ name: String, _ type: UInt64, _ metric: (inout WireWriter) -> Void) {
            var writer = WireWriter()
            writer.string(1, name)
            writer.varint(3, type)
            writer.message(4, metric)
            VarInt.append(UInt64(writer.bytes.count), to: &bytes)
            bytes += writer.bytes
        }
        family("up_since", 1) { metric in metric.message(2) { $0.double(1, 7) } }
        guard let count else { return bytes }
        family("seconds", 4) { metric in
            metric.message(7) { histogram in
                histogram.varint(1, count)
                histogram.zigzag(5, 0)
                histogram.message(12) { $0.varint(2, 1) }
                histogram.packed(13, varints: [VarInt.zigzag(Int64(count))])
            }
        }
        return bytes
    }

    @Test("they reach the store beside the row, and end with a marker")
    func stored() throws {
        var job = ScrapeJobSettings(jobName: "j")
        job.nativeHistograms.scrapesNative = true
        let store = MemoryStore()
        let scratch = ScrapeScratch()
        var series = TargetSeries(
            target: .sample(), context: JobContext(job), environment: .sample(store: store),
            metadata: TargetMetadataTable())
        for (time, count) in [(1000, UInt64?.some(3)), (2000, 5), (3000, nil)] {
            var report = ScrapeReport(timestamp: Timestamp(milliseconds: Int64(time)), durationSeconds: 0.5)
            try series.append(page: Self.page(count), format: .protobuf, scratch: scratch, report: &report)
            #expect(report.samplesScraped == (count == nil ? 1 : 2))
        }
        let name = LabelMatcher(equal: "__name__", "seconds")
        let selected = try store.querier().select(SelectRequest(matchers: [name], range: .all))
        var reader = selected.makeReader(over: 0..<selected.count)
        var columns = SampleColumns()
        #expect(try reader.next(into: &columns))
        #expect(columns.histograms.map(\.histogram.count) == [3, 5])
        #expect(columns.values.map { SpecialValue.isStale($0) } == [true])
        #expect(columns.timestamp(at: 0) == 3000)
    }

    private static let text = """
        # TYPE seconds histogram
        seconds_bucket{le="1"} 2
        seconds_bucket{le="2"} 5
        seconds_bucket{le="+Inf"} 6
        seconds_count 6
        seconds_sum 12.5
        seconds_created 1000
        # TYPE requests counter
        requests_total 7
        requests_created 2000.5
        # EOF

        """

    private static func labels(_ name: String) -> LabelSet {
        LabelSet(["__name__": name, "instance": "i", "job": "j"])
    }

    @Test("classic histograms of text pages are stored with custom buckets, and end with a marker")
    func converted() throws {
        var job = ScrapeJobSettings(jobName: "j")
        job.nativeHistograms.convertsClassic = true
        var harness = SeriesHarness(job: job)
        for _ in 0..<2 {
            let (failure, report) = harness.scrapeReporting(Array(Self.text.utf8), format: .openMetrics)
            #expect(failure == nil)
            #expect(report.samplesScraped == 4 && report.samplesAfterRelabeling == 4)
            #expect(harness.store.lastRow.histograms[Self.labels("seconds")]?.positiveBuckets == [2, 3, 1])
            #expect(harness.store.lastRow.values[Self.labels("seconds_count")] == nil)
            #expect(harness.store.lastRow.values[Self.labels("requests_created")] == 2000.5)
            #expect(harness.store.lastRow.starts.isEmpty)
        }
        harness.scrape("requests_total 8\n# EOF\n", format: .openMetrics)
        #expect(harness.store.lastRow.values[Self.labels("seconds")].map { SpecialValue.isStale($0) } == true)
    }

    @Test("start timestamps of OpenMetrics pages are stored with their samples where that is wanted")
    func starts() throws {
        var job = ScrapeJobSettings(jobName: "j")
        job.readsStartTimestamps = true
        job.nativeHistograms.convertsClassic = true
        var harness = SeriesHarness(job: job)
        for _ in 0..<2 {
            #expect(harness.scrape(Self.text, format: .openMetrics) == nil)
            #expect(
                harness.store.lastRow.starts == [
                    Self.labels("seconds"): 1_000_000, Self.labels("requests_total"): 2_000_500,
                ])
            #expect(harness.store.lastRow.values[Self.labels("requests_created")] == nil)
        }
        let own = Self.text.replacing("requests_total 7", with: "requests_total 7 3000")
        #expect(harness.scrape(own, format: .openMetrics) == nil)
        let batch = harness.store.state.withLock { $0.batches.last?.series.first }
        #expect(batch?.columns.startTimestamps == [2_000_500])
    }

    @Test(
        "a histogram with too many buckets is made coarser; where that cannot be the scrape fails with the limit's name"
    )
    func bucketLimit() throws {
        var job = ScrapeJobSettings(jobName: "j")
        job.nativeHistograms.convertsClassic = true
        job.limits.nativeHistogramBuckets = 2
        var harness = SeriesHarness(job: job)
        let failure = harness.scrape(Self.text, format: .openMetrics)
        #expect(failure == .bucketLimit(found: 3, limit: 2))
        #expect(failure?.description.contains("native_histogram_bucket_limit") == true)
        #expect(harness.store.lastRow.values[Self.labels("up")] == 0)
        harness.series.update(target: harness.series.target, context: JobContext(ScrapeJobSettings(jobName: "j")))
        #expect(harness.scrape(Self.text, format: .openMetrics) == nil)
    }

    @Test("relabelling may change the switches of a target")
    func relabelledSwitches() throws {
        var job = ScrapeJobSettings(jobName: "j")
        job.targetRelabeling = Relabeler([
            try RelabelRule(targetLabel: "__convert_classic_histograms_to_nhcb__", replacement: "true")
        ])
        let target = try #require(TargetBuilder(job).build(from: [TargetGroup(addresses: ["a:1"])]).active.first)
        #expect(target.nativeHistograms?.convertsClassic == true)
        var harness = SeriesHarness(job: job)
        harness.series.update(target: target, context: JobContext(job))
        #expect(harness.scrape(Self.text, format: .openMetrics) == nil)
        #expect(harness.store.lastRow.histograms.count == 1)
        job.targetRelabeling = Relabeler()
        let plain = try #require(TargetBuilder(job).build(from: [TargetGroup(addresses: ["a:1"])]).active.first)
        #expect(plain.nativeHistograms == nil)
    }

    @Test("protobuf is asked for first where native histograms are wanted")
    func negotiation() throws {
        let accept = ContentNegotiation.accept(ScrapeProtocol.defaultOrder(native: true), escaping: .allowUTF8)
        #expect(accept.hasPrefix("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"))
        let type = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
        #expect(try ContentNegotiation.format(contentType: type, fallback: nil) == .protobuf)
    }
}
