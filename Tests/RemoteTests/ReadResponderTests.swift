import Bytes
import Exposition
import MetricModel
import Storage
import TestSupport
import Testing

@testable import Remote

@Suite("Remote read")
struct ReadResponderTests {
    private static let histogram = NativeHistogram(
        counterResetHint: .gauge, schema: 1, zeroThreshold: 0.5, zeroCount: 2, count: 9, sum: 3.5,
        positiveSpans: [.init(offset: -1, length: 2)], negativeSpans: [.init(offset: 3, length: 1)],
        positiveBuckets: [1, 4], negativeBuckets: [2])

    private func responder(limit: Int = 1 << 20) throws -> ReadResponder {
        let store = MemoryStore()
        _ = try store.append(
            SampleBatch([
                .init(
                    labels: LabelSet(["__name__": "b", "job": "x"]),
                    columns: SampleColumns(timestamps: [1_000, 2_000, 9_000], values: [1, SpecialValue.stale, 3])),
                .init(
                    labels: LabelSet(["__name__": "a", "job": "x"]),
                    columns: SampleColumns(histograms: [HistogramSample(timestamp: 1_500, histogram: Self.histogram)])),
                .init(
                    labels: LabelSet(["__name__": "a", "job": "y"]),
                    columns: SampleColumns(timestamps: [1_000], values: [7])),
            ]), onRejection: .refuseAll)
        return ReadResponder(
            store: store, externalLabels: { LabelSet(["region": "eu", "job": "other"]) }, responseByteLimit: limit)
    }

    private func request(
        _ matchers: [(kind: UInt64, name: String, value: String)], end: Int64 = 5_000, types: [UInt64] = []
    ) -> [UInt8] {
        var writer = WireWriter()
        writer.message(1) { query in
            query.signed(1, 500)
            query.signed(2, end)
            for matcher in matchers {
                query.message(3) {
                    $0.varint(1, matcher.kind)
                    $0.string(2, matcher.name)
                    $0.string(3, matcher.value)
                }
            }
            query.message(4) { $0.signed(1, 15_000) }
        }
        writer.packed(2, varints: types)
        return Compression.snappyCompress(writer.bytes)
    }

    private struct Series: Equatable {
        var labels = ""
        var samples: [String] = []
        var histograms: [NativeHistogram] = []
    }

    /// The series of the first result.
    private func text(_ value: Double) -> String { SpecialValue.isStale(value) ? "stale" : "\(value)" }

    private func series(_ answer: ReadResponder.Answer) throws -> [Series] {
        let bytes = try Compression.snappyUncompress(answer.body, limitBytes: 1 << 20)
        return try unsafe bytes.withUnsafeBytes { buffer in
            var result: [Series] = []
            var response = unsafe WireReader(buffer)
            while response.next() {
                var query = response.message
                while query.next() {
                    var fields = query.message
                    var series = Series()
                    while fields.next() {
                        var inner = fields.message
                        switch fields.field {
                        case 1:
                            while inner.next() {
                                series.labels += unsafe String(decoding: buffer[inner.content], as: UTF8.self) + ";"
                            }
                        case 2:
                            var sample = ""
                            while inner.next() { sample += inner.field == 1 ? text(inner.double) : "@\(inner.signed)" }
                            series.samples.append(sample)
                        default:
                            let reader = HistogramReader(layout: .remoteWrite, bucketLimit: 100)
                            series.histograms.append(try reader.read(inner).histogram)
                        }
                    }
                    result.append(series)
                }
            }
            return result
        }
    }

    @Test("samples in the range come with their series in order, external labels where there is no own one")
    func samples() throws {
        let answer = try responder().respond(body: request([(2, "__name__", "a|b"), (0, "job", "x")], types: [1, 0]))
        #expect(answer.status == 200, "\(answer.message)")
        #expect(
            try series(answer) == [
                Series(labels: "__name__;a;job;x;region;eu;", histograms: [Self.histogram]),
                Series(labels: "__name__;b;job;x;region;eu;", samples: ["1.0@1000", "stale@2000"]),
            ])
    }

    @Test("a matcher that asks for an external label asks for series without it")
    func externalLabels() throws {
        let matchers: [(kind: UInt64, name: String, value: String)] = [(0, "region", "eu"), (1, "job", "x")]
        let answer = try responder().respond(body: request(matchers))
        #expect(try series(answer).map(\.labels) == ["__name__;a;job;y;region;eu;"])
        let other = try responder().respond(body: request([(0, "region", "us")]))
        #expect(try series(other).isEmpty)
    }

    @Test("what cannot be answered is refused with a reason")
    func refusals() throws {
        let responder = try responder()
        let all: [(kind: UInt64, name: String, value: String)] = [(0, "job", "x")]
        #expect(responder.respond(body: [1, 2, 3]).status == 400)
        #expect(responder.respond(body: request(all, types: [1])).message.contains("response types"))
        #expect(responder.respond(body: request([(2, "job", "(")])).status == 400)
        #expect(responder.respond(body: request([(9, "job", "x")])).message == "invalid matcher type")
        let damaged = Compression.snappyCompress([0x0a, 0x7f, 0x08])
        #expect(responder.respond(body: damaged).status == 400)
        let small = try self.responder(limit: 10).respond(body: request(all))
        #expect(small.status == 400 && small.message.contains("readResponseByteLimit"))
    }
}
