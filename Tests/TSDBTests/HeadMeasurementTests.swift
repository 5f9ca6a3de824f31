import Glibc
import MetricModel
import Storage
import Synchronization
import TestSupport
import Testing

@testable import TSDB

/// Figures for the README, printed and not asserted; set LAPWING_MEASURE to run them.
@Suite("Head measurements")
struct HeadMeasurementTests {
    private static func seconds(_ clock: clockid_t = CLOCK_THREAD_CPUTIME_ID) -> Double {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func residentBytes() -> Int {
        let text = TemporaryDirectory.read("/proc/self/statm").split(separator: " ")
        return (text.count > 1 ? Int(text[1]) ?? 0 : 0) * 4096
    }

    /// A target like an exporter's page: one value in six changes, half of them counters, a quarter decimals.
    private struct Target {
        var values: [Double]
        var random: SeededGenerator

        mutating func step() {
            for slot in values.indices where random.next() % 6 == 0 {
                switch slot % 4 {
                case 0: values[slot] += 1
                case 1: values[slot] += Double(random.next() % 4000)
                case 2: values[slot] = Double(random.next() % 100_000) / 100
                default: values[slot] += Double(random.next() % 1000) / 1000
                }
            }
        }
    }

    @Test("append, journal, memory, replay, sealing, queries", .enabled(if: unsafe getenv("LAPWING_MEASURE") != nil))
    func measure() throws {
        let targets = 300
        let slots = 520
        let rows = 119
        let folder = TemporaryDirectory("lapwing-measure")
        var settings = DatabaseFixture.manual
        settings.commitIntervalMilliseconds = 100
        let database = try DatabaseFixture.open(folder, settings: settings)
        let residentBefore = Self.residentBytes()
        var writers: [any SourceWriter] = []
        var pages: [Target] = []
        for target in 0..<targets {
            let writer = try database.openSource(named: "target-\(target)")
            for slot in 0..<slots {
                _ = try writer.slot(
                    for: LabelSet([
                        "__name__": "metric_family_number_\(slot / 4)", "instance": "host-\(target).example.org:9100",
                        "job": "node", "mode": "mode-\(slot % 4)", "cpu": "\(slot % 8)",
                    ]))
            }
            writers.append(writer)
            let values = (0..<slots).map { Double($0 * 1000) }
            pages.append(Target(values: values, random: SeededGenerator(seed: UInt64(target + 1))))
        }
        let residentSeries = Self.residentBytes()
        let series = targets * slots
        var appendSeconds = 0.0
        let processBefore = Self.seconds(CLOCK_PROCESS_CPUTIME_ID)
        var stepSeconds = 0.0
        for row in 0..<rows {
            for target in 0..<targets {
                let stepStart = Self.seconds()
                pages[target].step()
                let start = Self.seconds()
                stepSeconds += start - stepStart
                try writers[target].append(
                    timestamp: Timestamp(milliseconds: 1_700_000_000_000 + Int64(row) * 15_000 + Int64(target)),
                    values: pages[target].values, histograms: [])
                appendSeconds += Self.seconds() - start
            }
        }
        try database.flush()
        let processSeconds = Self.seconds(CLOCK_PROCESS_CPUTIME_ID) - processBefore
        let samples = Double(series * rows)
        func perSample(_ seconds: Double) -> String { "\((seconds / samples * 1e11).rounded() / 100) ns/sample" }
        print("series \(series), samples \(Int(samples))")
        print(
            "append \(perSample(appendSeconds)), journal thread \(perSample(processSeconds - appendSeconds - stepSeconds))"
        )
        let rowBytes = database.head.counters.rowBytes.load(ordering: .relaxed)
        print("rows \(rowBytes / series) B/series and 17 B of state")
        print("index \(database.head.withIndex { $0.series.byteCount } / series) B/series")
        print(
            "resident \((residentSeries - residentBefore) / series) B/series before samples, \((Self.residentBytes() - residentBefore) / series) after"
        )
        print("journal \(Double(database.head.journal.currentStatus.committedBytes) / samples) B/sample")

        let copy = try DatabaseFixture.killedCopy(of: database)
        let replayStart = Self.seconds()
        let again = try DatabaseFixture.open(copy, settings: settings)
        let replaySeconds = Self.seconds() - replayStart
        print("replay \(perSample(replaySeconds)), \(Int(replaySeconds * 1000)) ms")
        again.close()

        try query("head", database)
        let sealStart = Self.seconds()
        let sealWall = Self.seconds(CLOCK_MONOTONIC)
        try database.seal()
        print(
            "sealing \(perSample(Self.seconds() - sealStart)), wall \(Int((Self.seconds(CLOCK_MONOTONIC) - sealWall) * 1000)) ms, "
                + "cut \(database.maintenance.currentStatus.longestCutNanoseconds / 1000) us")
        print("partitions \(Double(database.state.partitionBytes) / samples) B/sample")
        try query("partition", database)
        database.close()
    }

    private func query(_ name: String, _ database: TimeSeriesDatabase) throws {
        for (what, matchers, newest) in [
            ("one metric", [LabelMatcher(equal: "__name__", "metric_family_number_7")], false),
            ("one target", [LabelMatcher(equal: "instance", "host-7.example.org:9100")], false),
            ("a fifth", [try LabelMatcher("__name__", .regex, "metric_family_number_1[0-9]+")], false),
            ("a fifth, newest", [try LabelMatcher("__name__", .regex, "metric_family_number_1[0-9]+")], true),
        ] {
            let start = Self.seconds()
            let selected = try database.querier().select(
                SelectRequest(matchers: matchers, range: .all, needsOnlyNewest: newest))
            let selectSeconds = Self.seconds() - start
            var reader = selected.makeReader(over: 0..<selected.count)
            var columns = SampleColumns()
            var samples = 0
            while try reader.next(into: &columns) { samples += columns.values.count }
            let total = Self.seconds() - start
            print(
                "\(name), \(what): \(selected.count) series, \(samples) samples, select \(Int(selectSeconds * 1e6)) us, "
                    + "all \(Int(total * 1e6)) us, \(Int((total - selectSeconds) / Double(max(1, samples)) * 1e10) / 10) ns/sample read"
            )
        }
    }

    @Test("batches of one sample a series", .enabled(if: unsafe getenv("LAPWING_MEASURE") != nil))
    func measureBatches() throws {
        let folder = TemporaryDirectory("lapwing-measure")
        let database = try DatabaseFixture.open(folder)
        let series = 20_000
        let labels = (0..<series).map { DatabaseFixture.labels("m", $0, ["instance": "host-\($0 % 100)"]) }
        var page = Target(values: [Double](repeating: 5, count: series), random: SeededGenerator(seed: 9))
        var seconds = 0.0
        for row in 0..<120 {
            page.step()
            let clock = Clock([1_700_000_000_000 + Int64(row) * 15_000])
            let batch = SampleBatch(
                labels.indices.map {
                    .init(labels: labels[$0], columns: SampleColumns(clock: clock, values: [page.values[$0]]))
                })
            let start = Self.seconds()
            _ = try database.append(batch, onRejection: .skipRejected)
            seconds += Self.seconds() - start
        }
        print(
            "batches \(Int(seconds / Double(series * 120) * 1e9)) ns/sample, "
                + "\(database.head.counters.rowBytes.load(ordering: .relaxed) / series) B/series")
        database.close()
    }
}
