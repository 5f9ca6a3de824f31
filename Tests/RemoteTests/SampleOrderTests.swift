import Bytes
import Logging
import MetricModel
import SelfMetrics
import Storage
import Synchronization
import TSDB
import TestSupport
import Testing

@testable import Remote

/// A database with Prometheus' limits, and what it says of samples that come late, twice or from afar.
@Suite("Remote write: out of order, late, double and conflicting samples")
struct SampleOrderTests {
    private final class FixedClock: WallClock {
        var now: Timestamp { Timestamp(milliseconds: SampleOrderTests.now) }
        var monotonicNanoseconds: UInt64 { 0 }
        func sleep(milliseconds: Int64) async throws {}
    }

    private static let now: Int64 = 1_700_000_000_000
    private static let up = [("__name__", "up")]
    private let folder = TemporaryDirectory("lapwing-order")

    private func open(windowMilliseconds: Int64) throws -> TimeSeriesDatabase {
        var settings = DatabaseSettings()
        settings.outOfOrderWindowMilliseconds = windowMilliseconds
        settings.maintainsByItself = false
        return try TimeSeriesDatabase.open(
            path: folder.path + "/data", settings: settings, clock: FixedClock(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Distance of a sample from now in seconds, its value; the series has 1 at now.
    struct Case: Sendable, CustomTestStringConvertible {
        var windowSeconds: Int64 = 0
        var samples: [(seconds: Int64, value: Double)]
        var status: Int
        var written: Int
        var text = ""
        var testDescription: String { "\(windowSeconds) \(samples) -> \(status)" }
    }

    static let cases: [Case] = [
        Case(samples: [(1, 2)], status: 204, written: 1),
        Case(samples: [(0, 1)], status: 204, written: 1),
        Case(samples: [(0, 2)], status: 400, written: 0, text: "duplicate sample for timestamp"),
        Case(samples: [(-1, 2)], status: 400, written: 0, text: "out of order"),
        Case(samples: [(-3_700, 2)], status: 400, written: 0, text: "too old"),
        Case(samples: [(599, 2)], status: 204, written: 1),
        Case(samples: [(601, 2)], status: 400, written: 0, text: "future"),
        Case(samples: [(-1, 2), (1, 3)], status: 400, written: 1, text: "out of order"),
        Case(samples: [(1, 2), (1, 2), (2, 3)], status: 204, written: 3),
        Case(samples: [(1, 2), (1, 3), (2, 3)], status: 400, written: 2, text: "duplicate sample for timestamp"),
        Case(windowSeconds: 60, samples: [(-1, 2)], status: 204, written: 1),
        Case(windowSeconds: 60, samples: [(-60, 2), (0, 1)], status: 204, written: 2),
        Case(windowSeconds: 60, samples: [(-61, 2)], status: 400, written: 0, text: "too old"),
        Case(windowSeconds: 60, samples: [(0, 2)], status: 400, written: 0, text: "duplicate sample for timestamp"),
    ]

    @Test("each is answered as Prometheus does, in both versions", arguments: cases, [1, 2])
    func answers(_ one: Case, version: Int) throws {
        let database = try open(windowMilliseconds: one.windowSeconds * 1000)
        defer { database.close() }
        let receiver = WriteReceiver(store: database, registry: Registry())
        func send(_ samples: [WriteFixture.Sample]) throws -> WriteAnswer {
            let body = version == 1 ? WriteFixture.one([(Self.up, samples)]) : WriteFixture.two([(Self.up, samples)])
            return receiver.receive(
                body: Compression.snappyCompress(body),
                contentType: version == 1 ? "application/x-protobuf" : WriteFixture.versionTwo,
                contentEncoding: "snappy")
        }
        #expect(try send([(Self.now, 1)]).status == 204)
        let answer = try send(one.samples.map { (Self.now + $0.seconds * 1000, $0.value) })
        #expect(answer.status == one.status, "\(answer.message)")
        #expect(answer.message.contains(one.text), "\(answer.message)")
        let written = answer.headers.first { $0.name == "X-Prometheus-Remote-Write-Samples-Written" }?.value
        #expect(written == (version == 1 ? nil : String(one.written)))
        #expect(answer.headers.count == (version == 1 ? 0 : 3))
    }
}
