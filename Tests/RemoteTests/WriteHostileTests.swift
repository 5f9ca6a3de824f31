import Bytes
import MetricModel
import SelfMetrics
import Storage
import TestSupport
import Testing

@testable import Remote

@Suite("Hostile remote write")
struct WriteHostileTests {
    private let receiver = WriteReceiver(store: MemoryStore(), registry: Registry())

    @Test("bodies that claim more than they may hold are refused before memory is asked for")
    func bombs() throws {
        // A snappy block that says it holds 4 GiB, and a zstd frame of zeros.
        let snappy: [UInt8] = [0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0]
        #expect(receiver.receive(body: snappy, contentType: nil, contentEncoding: nil).status == 413)
        let zeros = try Compression.zstdCompress([UInt8](repeating: 0, count: 33 << 20))
        #expect(receiver.receive(body: zeros, contentType: nil, contentEncoding: "zstd").status == 413)
        let small = try Compression.zstdCompress([UInt8](repeating: 0, count: 8 << 20))
        #expect(receiver.receive(body: small, contentType: nil, contentEncoding: "zstd").status == 413, "the ratio")
    }

    @Test("more samples or series than the limit are refused by its name")
    func counts() {
        var settings = WriteSettings()
        settings.samplesPerRequestLimit = 3
        settings.seriesPerRequestLimit = 2
        let receiver = WriteReceiver(store: MemoryStore(), settings: settings, registry: Registry())
        func send(_ series: [(labels: [(String, String)], samples: [WriteFixture.Sample])]) -> WriteAnswer {
            receiver.receive(
                body: Compression.snappyCompress(WriteFixture.one(series)), contentType: nil, contentEncoding: nil)
        }
        let four = send([([("__name__", "a")], [(1, 1), (2, 1), (3, 1), (4, 1)])])
        #expect(four.status == 413 && four.message.contains("samplesPerRequestLimit"))
        let three = send((0..<3).map { ([("__name__", "a\($0)")], [(1, 1)]) })
        #expect(three.status == 413 && three.message.contains("seriesPerRequestLimit"))
    }

    @Test("damaged requests of either version are answered, never trapped on")
    func fuzz() throws {
        let series: [(labels: [(String, String)], samples: [WriteFixture.Sample])] = (0..<5).map {
            ([("__name__", "metric"), ("series", "\($0)"), ("job", "x")], [(Int64($0), 1), (Int64($0) + 10, 2)])
        }
        let one = WriteFixture.one(series)
        let two = WriteFixture.two(series) { series in
            series.message(3) { histogram in
                histogram.varint(1, 1)
                histogram.message(11) { $0.varint(2, 1) }
                histogram.packed(12, varints: [2])
                histogram.signed(15, 100)
            }
            series.message(4) { exemplar in
                exemplar.packed(1, varints: [1, 2])
                exemplar.double(2, 1)
            }
            series.message(5) { $0.varint(3, 1) }
        }
        var random = SystemRandomNumberGenerator()
        for round in 0..<3000 {
            var message = round % 2 == 0 ? one : two
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                message[Int.random(in: message.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if round % 5 == 0 { message.removeLast(Int.random(in: 0..<message.count, using: &random)) }
            var body = Compression.snappyCompress(message)
            if round % 11 == 0 { body[Int.random(in: body.indices, using: &random)] ^= 0x41 }
            let answer = receiver.receive(
                body: body, contentType: round % 2 == 0 ? nil : WriteFixture.versionTwo, contentEncoding: nil)
            #expect([204, 400, 413].contains(answer.status))
        }
    }
}
