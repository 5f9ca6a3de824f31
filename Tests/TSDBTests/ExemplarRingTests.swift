import MetricModel
import SelfMetrics
import Storage
import Testing

@testable import TSDB

@Suite("Exemplars kept")
struct ExemplarRingTests {
    private static func exemplar(_ series: String, _ timestamp: Int64, trace: String = "t") -> SeriesExemplar {
        SeriesExemplar(
            labels: LabelSet(["__name__": "requests_total", "series": series]),
            exemplar: Exemplar(
                labels: LabelSet(["trace_id": trace]), value: Double(timestamp), timestampMilliseconds: timestamp),
            timestamp: timestamp)
    }

    private static func found(_ ring: ExemplarRing, _ range: TimeRange = .all) -> [String] {
        let matcher = LabelMatcher(equal: "__name__", "requests_total")
        return ring.exemplars(matching: [[matcher]], in: range).map { entry in
            "\(entry.labels["series"] ?? ""): \(entry.exemplars.map(\.timestamp))"
        }
    }

    @Test("they are found by selector and range, in order of labels and time")
    func found() {
        let ring = ExemplarRing(capacity: 10, registry: Registry())
        let outcome = ring.append([Self.exemplar("b", 1), Self.exemplar("a", 2), Self.exemplar("b", 3)])
        #expect(outcome.appended == 3)
        #expect(Self.found(ring) == ["a: [2]", "b: [1, 3]"])
        let range = TimeRange(start: Timestamp(milliseconds: 2), end: Timestamp(milliseconds: 2))
        #expect(Self.found(ring, range) == ["a: [2]"])
        #expect(ring.exemplars(matching: [[LabelMatcher(equal: "series", "c")]], in: .all).isEmpty)
    }

    @Test("the same one again is silently fine, an older one and one with long labels are refused")
    func refused() {
        let ring = ExemplarRing(capacity: 10, registry: Registry())
        _ = ring.append([Self.exemplar("a", 5)])
        #expect(ring.append([Self.exemplar("a", 5)]) == ExemplarOutcome())
        #expect(ring.append([Self.exemplar("a", 4)]).outOfOrder == 1)
        #expect(ring.append([Self.exemplar("a", 6, trace: String(repeating: "x", count: 130))]).tooLong == 1)
        #expect(Self.found(ring) == ["a: [5]"])
    }

    @Test("the oldest makes room, whoever's it was")
    func bounded() {
        let ring = ExemplarRing(capacity: 3, registry: Registry())
        _ = ring.append([Self.exemplar("a", 1), Self.exemplar("b", 2), Self.exemplar("b", 3), Self.exemplar("b", 4)])
        #expect(Self.found(ring) == ["b: [2, 3, 4]"])
        _ = ring.append([Self.exemplar("c", 5)])
        #expect(Self.found(ring) == ["b: [3, 4]", "c: [5]"])
        let none = ExemplarRing(capacity: 0, registry: Registry())
        #expect(none.append([Self.exemplar("a", 1)]).appended == 0)
    }
}
