import Bytes
import Exposition
import MetricModel
import Storage
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

    @Test("protobuf is asked for first where native histograms are wanted")
    func negotiation() throws {
        let accept = ContentNegotiation.accept(ScrapeProtocol.defaultOrder(native: true), escaping: .allowUTF8)
        #expect(accept.hasPrefix("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"))
        let type = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
        #expect(try ContentNegotiation.format(contentType: type, fallback: nil) == .protobuf)
    }
}
