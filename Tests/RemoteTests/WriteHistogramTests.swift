import Bytes
import Exposition
import MetricModel
import SelfMetrics
import Storage
import TestSupport
import Testing

@testable import Remote

@Suite("Histograms over remote write")
struct WriteHistogramTests {
    private static func read(_ body: (inout WireWriter) -> Void) throws(HistogramFault) -> HistogramSample {
        var writer = WireWriter()
        body(&writer)
        return unsafe try writer.bytes.withRaw { bytes throws(HistogramFault) in
            unsafe try HistogramReader(layout: .remoteWrite, bucketLimit: 100).read(WireReader(bytes))
        }
    }

    private static func span(_ field: Int, _ offset: Int64, _ length: UInt64, in writer: inout WireWriter) {
        writer.message(field) {
            $0.zigzag(1, offset)
            $0.varint(2, length)
        }
    }

    @Test("an integer histogram comes with absolute counts")
    func integers() throws {
        let sample = try Self.read { writer in
            writer.varint(1, 12)
            writer.double(3, 18.5)
            writer.zigzag(4, 3)
            writer.double(5, 0.001)
            writer.varint(6, 2)
            Self.span(11, -1, 2, in: &writer)
            Self.span(11, 3, 1, in: &writer)
            writer.packed(12, varints: [1, 2, -3].map(VarInt.zigzag))
            Self.span(8, 0, 1, in: &writer)
            writer.packed(9, varints: [VarInt.zigzag(6)])
            writer.varint(14, 3)
            writer.signed(15, 1_700_000_000_123)
            writer.signed(17, 1_600_000_000_000)
        }
        #expect(sample.timestamp == 1_700_000_000_123 && sample.startTimestamp == 1_600_000_000_000)
        let expected = NativeHistogram(
            counterResetHint: .gauge, schema: 3, zeroThreshold: 0.001, zeroCount: 2, count: 12, sum: 18.5,
            positiveSpans: [.init(offset: -1, length: 2), .init(offset: 3, length: 1)],
            negativeSpans: [.init(offset: 0, length: 1)], positiveBuckets: [1, 3, 0], negativeBuckets: [6])
        #expect(sample.histogram == expected)
    }

    @Test("a float histogram and one with custom buckets")
    func others() throws {
        let float = try Self.read { writer in
            writer.double(2, 2.5)
            writer.double(7, 0.5)
            Self.span(11, 0, 2, in: &writer)
            writer.packed(13, doubles: [0.5, 1.5])
        }
        #expect(float.histogram.positiveBuckets == [0.5, 1.5] && float.histogram.count == 2.5)
        let custom = try Self.read { writer in
            writer.varint(1, 3)
            writer.zigzag(4, -53)
            Self.span(11, 0, 3, in: &writer)
            writer.packed(12, varints: [1, 0, 0].map(VarInt.zigzag))
            writer.packed(16, doubles: [0.1, 1])
        }
        #expect(custom.histogram.usesCustomBuckets && custom.histogram.customValues == [0.1, 1])
    }

    @Test("what cannot be a histogram is refused with a reason")
    func faults() {
        func fault(_ body: (inout WireWriter) -> Void) -> String {
            do throws(HistogramFault) {
                _ = try Self.read(body)
                return "none"
            } catch { return error.description }
        }
        #expect(fault { $0.zigzag(4, 99) }.contains("schema 99"))
        #expect(fault { Self.span(11, 0, 4_000_000_000, in: &$0) }.contains("spans for 4000000000"))
        #expect(fault { $0.packed(12, varints: [UInt64](repeating: 0, count: 200)) }.contains("histogramBucketLimit"))
        #expect(
            fault {
                Self.span(11, 0, 1, in: &$0)
                $0.packed(12, varints: [VarInt.zigzag(-1)])
            }.contains("negative"))
        #expect(
            fault {
                $0.zigzag(4, -53)
                $0.packed(16, doubles: [2, 1])
            }.contains("ascend"))
    }

    @Test(
        "finer schemas come in as schema 8, integer and float; the reserved ones below -4 are refused",
        arguments: [9, 20, 52])
    func finerSchemas(schema: Int64) throws {
        for isFloat in [false, true] {
            let sample = try Self.read { writer in
                if isFloat { writer.double(2, 6) } else { writer.varint(1, 6) }
                writer.zigzag(4, schema)
                Self.span(11, 1, 3, in: &writer)
                if isFloat {
                    writer.packed(13, doubles: [1, 2, 3])
                } else {
                    writer.packed(12, varints: [1, 1, 1].map(VarInt.zigzag))
                }
            }
            #expect(sample.histogram.schema == 8)
            #expect(sample.histogram.positiveBuckets.reduce(0, +) == 6)
            #expect(sample.histogram.positiveBuckets.count == (schema == 9 ? 2 : 1))
        }
        for schema in [-5, -9, 53, -52] as [Int64] {
            #expect(throws: HistogramFault.schema(schema)) { _ = try Self.read { $0.zigzag(4, schema) } }
        }
    }

    @Test("histograms of a request stand in the store")
    func stored() throws {
        let store = MemoryStore()
        let receiver = WriteReceiver(store: store, registry: Registry())
        var writer = WireWriter()
        writer.message(1) { series in
            WriteFixture.label(("__name__", "latency"), in: &series)
            series.message(4) { histogram in
                histogram.varint(1, 3)
                Self.span(11, 0, 1, in: &histogram)
                histogram.packed(12, varints: [VarInt.zigzag(3)])
                histogram.signed(15, 1000)
            }
        }
        let answer = receiver.receive(
            body: Compression.snappyCompress(writer.bytes), contentType: nil, contentEncoding: nil)
        #expect(answer.status == 204, "\(answer.message)")
        #expect(try WriteFixture.histograms(in: store)["latency"]?.first?.histogram.count == 3)
    }
}
