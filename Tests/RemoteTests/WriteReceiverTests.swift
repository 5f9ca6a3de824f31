import Bytes
import MetricModel
import SelfMetrics
import Storage
import TSDB
import TestSupport
import Testing

@testable import Remote

@Suite("Remote write, received")
struct WriteReceiverTests {
    let store = MemoryStore()
    let receiver: WriteReceiver
    private let metadataTable = MetadataTable(registry: Registry())

    init() { receiver = WriteReceiver(store: store, metadata: metadataTable, registry: Registry()) }

    private func send(_ message: [UInt8], _ type: String? = "application/x-protobuf", zstd: Bool = false) throws
        -> WriteAnswer
    {
        let body = zstd ? try Compression.zstdCompress(message) : Compression.snappyCompress(message)
        return receiver.receive(body: body, contentType: type, contentEncoding: zstd ? "zstd" : "snappy")
    }

    private static let up = [("__name__", "up"), ("job", "node")]
    private static let down = [("__name__", "down"), ("job", "node")]

    @Test("samples of both versions and encodings are stored, zeros and negative times too")
    func stored() throws {
        let first = WriteFixture.one([(Self.up, [(-5, 0), (1000, 1.5)]), (Self.down, [(1000, .infinity)])])
        #expect(try send(first).status == 204)
        let second = WriteFixture.two([(Self.up, [(2000, 2)]), (Self.down, [(0x7fff_ffff_ffff, -0.0)])])
        let answer = try send(second, WriteFixture.versionTwo, zstd: true)
        #expect(answer.status == 204)
        #expect(answer.headers.contains { $0.name == "X-Prometheus-Remote-Write-Samples-Written" && $0.value == "2" })
        let samples = try WriteFixture.samples(in: store)
        #expect(samples[#"up{job="node"}"#]?.map(\.timestamp) == [-5, 1000, 2000])
        #expect(samples[#"up{job="node"}"#]?.map(\.value) == [0, 1.5, 2])
        #expect(samples[#"down{job="node"}"#]?.map(\.value) == [.infinity, -0.0])
    }

    @Test("the staleness marker keeps its bits")
    func staleness() throws {
        #expect(try send(WriteFixture.one([(Self.up, [(1, SpecialValue.stale)])])).status == 204)
        let value = try #require(try WriteFixture.samples(in: store)[#"up{job="node"}"#]?.first?.value)
        #expect(SpecialValue.isStale(value))
    }

    @Test("labels out of order, empty, or between samples mean what they say")
    func spellings() throws {
        var writer = WireWriter()
        writer.message(1) { series in
            WriteFixture.label(("job", "node"), in: &series)
            WriteFixture.add((1, 1), to: &series)
            WriteFixture.label(("empty", ""), in: &series)
            WriteFixture.label(("__name__", "up"), in: &series)
        }
        #expect(try send(writer.bytes).status == 204)
        #expect(try send(WriteFixture.one([(Self.up, [(2, 2)])])).status == 204)
        #expect(try WriteFixture.samples(in: store)[#"up{job="node"}"#]?.map(\.value) == [1, 2])
    }

    @Test(
        "series that are none are refused by name, the others are stored",
        arguments: [
            ([("job", "x")], "no metric name"), ([("__name__", "a"), ("", "x")], "without a name"),
            ([("__name__", "a"), ("b", "1"), ("b", "2")], "label \"b\" twice"),
        ])
    func invalid(labels: [(String, String)], reason: String) throws {
        let answer = try send(WriteFixture.one([(labels, [(1, 1)]), (Self.up, [(1, 1)])]))
        #expect(answer.status == 400)
        #expect(answer.message.contains(reason), "\(answer.message)")
        #expect(try WriteFixture.samples(in: store).keys.sorted() == [#"up{job="node"}"#])
    }

    @Test("text that is not UTF-8 is refused")
    func notText() throws {
        var writer = WireWriter()
        writer.message(1) { series in
            series.message(1) {
                $0.string(1, "__name__")
                $0.content(2, [0xff, 0xfe])
            }
            WriteFixture.add((1, 1), to: &series)
        }
        let answer = try send(writer.bytes)
        #expect(answer.status == 400 && answer.message.contains("UTF-8"))
    }

    @Test("what the store refuses is counted and named, and the rest counts as written")
    func refused() throws {
        #expect(try send(WriteFixture.one([(Self.up, [(10, 1)])])).status == 204)
        #expect(try send(WriteFixture.one([(Self.up, [(10, 1)])])).status == 204, "the same again is silently fine")
        let answer = try send(
            WriteFixture.two([(Self.up, [(10, 2), (20, 3)]), (Self.down, [(10, 1)])]), WriteFixture.versionTwo)
        #expect(answer.status == 400)
        #expect(answer.message.contains(#"up{job="node"}"#), "\(answer.message)")
        #expect(answer.headers.first?.value == "2")
    }

    @Test(
        "types and encodings that are not known get 415",
        arguments: [
            ("application/json", "snappy"), ("application/x-protobuf;proto=other.Message", "snappy"),
            ("application/x-protobuf", "gzip"),
        ])
    func unknownFormats(type: String, encoding: String) {
        let answer = receiver.receive(body: [], contentType: type, contentEncoding: encoding)
        #expect(answer.status == 415 && !answer.message.isEmpty)
    }

    @Test("senders without headers are taken for 1.0 with snappy")
    func noHeaders() throws {
        let body = Compression.snappyCompress(WriteFixture.one([(Self.up, [(1, 1)])]))
        #expect(receiver.receive(body: body, contentType: nil, contentEncoding: nil).status == 204)
    }

    @Test("series without samples and symbols beyond the table are refused as a whole")
    func malformed() throws {
        #expect(try send(WriteFixture.one([(Self.up, [])])).status == 400)
        var writer = WireWriter()
        writer.string(4, "")
        writer.message(5) { series in
            series.packed(1, varints: [0, 9])
            WriteFixture.add((1, 1), to: &series)
        }
        let answer = try send(writer.bytes, WriteFixture.versionTwo)
        #expect(answer.status == 400 && answer.message.contains("symbol 9"), "\(answer.message)")
        #expect(try WriteFixture.samples(in: store).isEmpty)
    }

    @Test("metadata of both versions is remembered")
    func metadata() throws {
        var writer = WireWriter()
        writer.message(3) {
            $0.varint(1, 1)
            $0.string(2, "requests_total")
            $0.string(4, "All requests.")
        }
        #expect(try send(writer.bytes).status == 204)
        let second = WriteFixture.two([(Self.up, [(1, 1)])]) { series in
            series.message(5) { $0.varint(1, 2) }
        }
        #expect(try send(second, WriteFixture.versionTwo).status == 204)
        let known = metadataTable.families(named: "requests_total").first?.metadata
        #expect(known == MetricMetadata(type: .counter, help: "All requests."))
        #expect(metadataTable.families(named: "up").first?.metadata.type == .gauge)
    }

    @Test("a store that cannot take anything asks the sender to come again")
    func unavailable() throws {
        struct Closed: SampleStore {
            func openSource(named: String) throws(AppendError) -> any SourceWriter {
                throw .unavailable(reason: "no")
            }
            func append(_: SampleBatch, onRejection: RejectionPolicy) throws(AppendError) -> AppendOutcome {
                throw .unavailable(reason: "the disk is full")
            }
            func querier() throws(StorageError) -> any Querier { throw .closed }
            func statistics(limit: Int) -> StoreStatistics { StoreStatistics() }
        }
        let receiver = WriteReceiver(store: Closed(), registry: Registry())
        let body = Compression.snappyCompress(WriteFixture.one([(Self.up, [(1, 1)])]))
        let answer = receiver.receive(body: body, contentType: nil, contentEncoding: nil)
        #expect(answer.status == 503 && answer.message.contains("the disk is full"))
        #expect(answer.headers.contains { $0.name == "Retry-After" })
    }
}
