import Dispatch
import Glibc
import Logging
import MetricModel
import Storage
import TSDB

/// How long appends, new series and queries wait at most while the store seals, merges and deletes beside them.
///
/// Wall times: on a machine with other work they say more about that.
struct StoreWaits {
    private static let linesPerTarget = 520
    private static let start: Int64 = 1_763_900_000_000 / 7_200_000 * 7_200_000
    private static let hour: Int64 = 3_600_000

    private let database: TimeSeriesDatabase
    private var writers: [any SourceWriter] = []
    private var pages = SyntheticPages(lineCount: linesPerTarget, seed: 7)
    private var newSeries = 0

    /// The longest of some waits, in seconds.
    private struct Longest {
        var append = 0.0
        var newSeries = 0.0
        var query = 0.0
        var rounds = 0
    }

    init(seriesCount: Int, folder: String, logger: Logger) throws {
        var settings = DatabaseSettings.anyTime
        settings.maintainsByItself = false
        settings.retentionMilliseconds = 30 * 24 * Self.hour
        // Sealing is due at each `maintain()`.
        settings.sliceMilliseconds = 1
        database = try TimeSeriesDatabase.open(path: folder, settings: settings, logger: logger)
        for target in 0..<max(1, seriesCount / Self.linesPerTarget) {
            let writer = try database.openSource(named: "target-\(target)")
            for index in 0..<Self.linesPerTarget {
                _ = try writer.slot(for: SyntheticPages.labels(line: index, target: target))
            }
            writers.append(writer)
        }
    }

    mutating func run() throws {
        print("the longest waits at \(writers.count * Self.linesPerTarget) series, ms of wall time")
        var time = Self.start
        for _ in 0..<60 { try appendRow(at: &time) }
        // What the benchmark's own thread and the scheduler do to it without anything beside.
        report("nothing beside", try measure(from: &time, rounds: 3) {})
        report("sealing", try measure(from: &time) { [database] in database.maintain() })
        for _ in 0..<60 { try appendRow(at: &time) }
        database.maintain()
        time = Self.start + 6 * Self.hour
        try appendRow(at: &time)
        report("merging", try measure(from: &time) { [database] in database.maintain() })
        time += 60 * 24 * Self.hour
        try appendRow(at: &time)
        report("retention", try measure(from: &time) { [database] in database.maintain() })
        database.close()
    }

    private mutating func appendRow(at time: inout Int64) throws {
        pages.advance()
        let values = pages.row
        for writer in writers {
            let missing = writer.slotCount - values.count
            let row = missing > 0 ? values + [Double](repeating: 1, count: missing) : values
            try writer.append(timestamp: Timestamp(milliseconds: time), values: row, histograms: [])
        }
        time += 15_000
    }

    /// Runs `work` on another thread and, until it is done, appends, defines and asks.
    private mutating func measure(
        from time: inout Int64, rounds: Int = 0, beside work: @escaping @Sendable () -> Void
    ) throws -> Longest {
        var longest = Longest()
        let done = DispatchSemaphore(value: 0)
        var isDone = false
        DispatchQueue.global().async {
            work()
            done.signal()
        }
        repeat {
            pages.advance()
            let values = pages.row
            for (target, writer) in writers.enumerated() {
                let missing = writer.slotCount - values.count
                let row = missing > 0 ? values + [Double](repeating: 1, count: missing) : values
                let before = seconds(CLOCK_MONOTONIC)
                try writer.append(timestamp: Timestamp(milliseconds: time), values: row, histograms: [])
                let appended = seconds(CLOCK_MONOTONIC)
                longest.append = max(longest.append, appended - before)
                // About the pace of targets that are scraped every two seconds.
                usleep(1000)
                guard target % 100 == 7 else { continue }
                let awake = seconds(CLOCK_MONOTONIC)
                var builder = LabelSetBuilder()
                builder.set("__name__", to: "new_series")
                builder.set("number", to: "\(newSeries)")
                newSeries += 1
                _ = try writer.slot(for: builder.build())
                let defined = seconds(CLOCK_MONOTONIC)
                longest.newSeries = max(longest.newSeries, defined - awake)
                try ask(target: target, at: time)
                longest.query = max(longest.query, seconds(CLOCK_MONOTONIC) - defined)
            }
            time += 15_000
            longest.rounds += 1
            if !isDone { isDone = done.wait(timeout: .now()) == .success }
        } while !isDone || longest.rounds < rounds
        return longest
    }

    /// The newest values of eight series.
    private func ask(target: Int, at time: Int64) throws {
        let matchers = [
            LabelMatcher(equal: "__name__", SyntheticPages.name(3)),
            LabelMatcher(equal: "instance", "host-\(target).example.org:9100"),
        ]
        let range = TimeRange(
            start: Timestamp(milliseconds: time - 300_000), end: Timestamp(milliseconds: time))
        let selected = try database.querier().select(
            SelectRequest(matchers: matchers, range: range, needsOnlyNewest: true))
        var reader = selected.makeReader(over: 0..<selected.count)
        var columns = SampleColumns()
        while try reader.next(into: &columns) {}
    }

    private func report(_ what: String, _ longest: Longest) {
        func milliseconds(_ seconds: Double) -> Double { (seconds * 10_000).rounded() / 10 }
        print(
            "  \(what): append \(milliseconds(longest.append)), new series \(milliseconds(longest.newSeries)), "
                + "query \(milliseconds(longest.query)) (\(longest.rounds) rounds)")
    }
}
