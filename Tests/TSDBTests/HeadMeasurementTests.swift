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

    /// A target that replays a window of recorded pages of three exporters: what a fleet's target looks like.
    private struct Target {
        var names: [String]
        /// The pages, one row of values each.
        var pages: [[Double]]
    }

    /// Windows of the recordings that start at different pages; empty where the recordings are not there.
    private static func targets(count: Int, rows: Int) -> [Target] {
        var parts: [[SegmentCorpus]] = []
        let windows = 2
        for name in ["node", "prometheus", "victoria"] {
            var corpora: [SegmentCorpus] = []
            for window in 0..<windows {
                guard let corpus = SegmentCorpus(name, firstPage: window * rows, pageCount: rows),
                    corpus.timestamps.count == rows
                else { return [] }
                corpora.append(corpus)
            }
            parts.append(corpora)
        }
        let distinct = (0..<windows).map { window in
            // The first character says which exporter it is: they have some names in common.
            let columns = parts.enumerated().flatMap { number, windows in
                windows[window].columns.map { (series: "\(number)" + $0.series, values: $0.values) }
            }
            return Target(
                names: columns.map(\.series), pages: (0..<rows).map { row in columns.map { $0.values[row] } })
        }
        return (0..<count).map { distinct[$0 % windows] }
    }

    @Test("append, journal, memory, replay, sealing, queries", .enabled(if: unsafe getenv("LAPWING_MEASURE") != nil))
    func measure() throws {
        let rows = 119
        let targets = Self.targets(count: 300, rows: rows)
        guard !targets.isEmpty else {
            print("skipped: ../shared/bench/corpus is not there")
            return
        }
        let folder = TemporaryDirectory("lapwing-measure")
        var settings = DatabaseFixture.manual
        settings.commitIntervalMilliseconds = 100
        let database = try DatabaseFixture.open(folder, settings: settings)
        let residentBefore = Self.residentBytes()
        var writers: [any SourceWriter] = []
        for (number, target) in targets.enumerated() {
            let writer = try database.openSource(named: "target-\(number)")
            for name in target.names { _ = try writer.slot(for: Self.labels(name, target: number)) }
            writers.append(writer)
        }
        let residentSeries = Self.residentBytes()
        let series = targets.reduce(0) { $0 + $1.names.count }
        let processBefore = Self.seconds(CLOCK_PROCESS_CPUTIME_ID)
        let appendStart = Self.seconds()
        for row in 0..<rows {
            for number in targets.indices {
                try writers[number].append(
                    timestamp: Timestamp(milliseconds: 1_700_000_000_000 + Int64(row) * 15_000 + Int64(number)),
                    values: targets[number].pages[row], histograms: [])
            }
        }
        let appendSeconds = Self.seconds() - appendStart
        try database.flush()
        let processSeconds = Self.seconds(CLOCK_PROCESS_CPUTIME_ID) - processBefore
        let samples = Double(series * rows)
        func perSample(_ seconds: Double) -> String { "\((seconds / samples * 1e11).rounded() / 100) ns/sample" }
        print("series \(series), samples \(Int(samples))")
        print(
            "append \(perSample(appendSeconds)), journal thread \(perSample(processSeconds - appendSeconds))"
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

    /// Labels from a line of an exposition, with those that a scrape adds.
    private static func labels(_ text: String, target: Int) -> LabelSet {
        var builder = LabelSetBuilder()
        builder.set("instance", to: "host-\(target).example.org:910" + String(text.prefix(1)))
        builder.set("job", to: "node")
        let parts = text.dropFirst().split(separator: "{", maxSplits: 1)
        builder.set("__name__", to: String(parts[0]))
        if parts.count > 1 {
            for pair in parts[1].dropLast().split(separator: "\",") {
                let sides = pair.split(separator: "=\"", maxSplits: 1)
                if sides.count == 2 { builder.set(String(sides[0]), to: String(sides[1].filter { $0 != "\"" })) }
            }
        }
        return builder.build()
    }

    private func query(_ name: String, _ database: TimeSeriesDatabase) throws {
        for (what, matchers, newest) in [
            ("one metric", [LabelMatcher(equal: "__name__", "node_cpu_seconds_total")], false),
            ("one target", [LabelMatcher(equal: "instance", "host-7.example.org:9101")], false),
            ("a fifth", [try LabelMatcher("__name__", .regex, "go_.*|vm_.*")], false),
            ("a fifth, newest", [try LabelMatcher("__name__", .regex, "go_.*|vm_.*")], true),
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
        var values = [Double](repeating: 5, count: series)
        var random = SeededGenerator(seed: 9)
        var seconds = 0.0
        for row in 0..<120 {
            for index in values.indices where random.next() % 6 == 0 { values[index] += 1 }
            let clock = Clock([1_700_000_000_000 + Int64(row) * 15_000])
            let batch = SampleBatch(
                labels.indices.map {
                    .init(labels: labels[$0], columns: SampleColumns(clock: clock, values: [values[$0]]))
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
