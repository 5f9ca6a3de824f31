import MetricModel
import SelfMetrics
import Storage
import Synchronization
import TestSupport
import Testing

@testable import TSDB

@Suite("Admission of series")
struct SeriesAdmissionTests {
    let folder = TemporaryDirectory("lapwing-admission")

    @Test("beyond the head's bytes new series are refused and counted, and known ones go on")
    func refusal() throws {
        var settings = DatabaseFixture.manual
        settings.headLimitBytes = 100_000
        let registry = Registry()
        let database = try TimeSeriesDatabase.open(
            path: folder.path + "/data", settings: settings, logger: DatabaseFixture.quiet, registry: registry)
        defer { database.close() }
        let writer = try database.openSource(named: "target")
        var known = 0
        var refused = 0
        for index in 0..<1000 {
            do throws(AppendError) {
                _ = try writer.slot(for: DatabaseFixture.labels("m", index))
                known += 1
            } catch {
                guard case .seriesLimit = error else { throw error }
                refused += 1
            }
        }
        #expect(known > 100 && known < 250 && known + refused == 1000)
        let values = [Double](repeating: 1, count: known)
        try writer.append(timestamp: Timestamp(milliseconds: 1), values: values, histograms: [])
        // Another source with the same series goes on too, and a batch loses only its new series.
        let other = try database.openSource(named: "other")
        #expect(try other.slot(for: DatabaseFixture.labels("m", 0)) == 0)
        let batch = SampleBatch(
            [0, 5000].map { index in
                .init(
                    labels: DatabaseFixture.labels("m", index),
                    columns: SampleColumns(timestamps: [2], values: [3]))
            })
        let outcome = try database.append(batch, onRejection: .skipRejected)
        #expect(outcome.appended == 1 && outcome.seriesLimit == 1)
        #expect(database.head.counters.refusedSeries.load(ordering: .relaxed) == UInt64(refused + 1))
        var page: [UInt8] = []
        registry.render(into: &page)
        #expect(String(decoding: page, as: UTF8.self).contains("lapwing_storage_series_refused_total \(refused + 1)"))
    }

    @Test("a long label counts with its bytes")
    func longLabels() throws {
        var settings = DatabaseFixture.manual
        settings.headLimitBytes = 1 << 20
        let database = try DatabaseFixture.open(folder, settings: settings)
        defer { database.close() }
        let writer = try database.openSource(named: "target")
        var known = 0
        for index in 0..<1000 {
            let text = String(repeating: "x", count: 10_000) + "\(index)"
            if (try? writer.slot(for: DatabaseFixture.labels("m", index, ["long": text]))) != nil { known += 1 }
        }
        #expect(known > 50 && known < 120)
    }
}
