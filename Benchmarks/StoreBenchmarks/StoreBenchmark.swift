import CountedAllocations
import Glibc
import Logging
import MetricModel
import Storage
import TSDB

/// The store alone: targets of 520 series that append rows, then questions, sealing and a start.
struct StoreBenchmark {
    private static let linesPerTarget = 520
    private static let rowCount = 119
    private static let start: Int64 = 1_763_900_000_000

    private let folder: String
    private let logger: Logger
    let targetCount: Int
    private var database: TimeSeriesDatabase
    private var writers: [any SourceWriter] = []
    private(set) var steadyAllocations = 0

    private var seriesCount: Int { targetCount * Self.linesPerTarget }
    private var sampleCount: Double { Double(seriesCount * Self.rowCount) }

    private static var settings: DatabaseSettings {
        var settings = DatabaseSettings.anyTime
        settings.maintainsByItself = false
        return settings
    }

    init(seriesCount: Int, folder: String, logger: Logger) throws {
        self.folder = folder
        self.logger = logger
        targetCount = max(1, (seriesCount + Self.linesPerTarget / 2) / Self.linesPerTarget)
        let before = residentBytes()
        database = try TimeSeriesDatabase.open(path: folder, settings: Self.settings, logger: logger)
        let started = seconds()
        for target in 0..<targetCount {
            let writer = try database.openSource(named: "target-\(target)")
            for index in 0..<Self.linesPerTarget {
                _ = try writer.slot(for: SyntheticPages.labels(line: index, target: target))
            }
            writers.append(writer)
        }
        print("\(self.seriesCount) series, \(targetCount) targets")
        line("new series, labels made", (seconds() - started) / Double(self.seriesCount) * 1e9, "ns/series")
        line("index", Double(residentBytes() - before) / Double(self.seriesCount), "bytes a series")
    }

    mutating func append() throws {
        var pages = SyntheticPages(lineCount: Self.linesPerTarget, seed: 7)
        let before = residentBytes()
        let process = seconds(CLOCK_PROCESS_CPUTIME_ID)
        var thread = 0.0
        for row in 0..<Self.rowCount {
            pages.advance()
            let values = pages.row
            let allocations = lapwing_allocation_count()
            let started = seconds()
            for (target, writer) in writers.enumerated() {
                let time = Timestamp(milliseconds: Self.start + Int64(row) * 15_000 + Int64(target))
                try writer.append(timestamp: time, values: values, histograms: [])
            }
            thread += seconds() - started
            // The second row of a slice makes the block for the next fifteen, lists of rows double at powers of two, and the
            // journal's buffers grow to the size of a commit: the calmest of a few rows.
            let count = Int(lapwing_allocation_count() - allocations)
            if (5...12).contains(row) { steadyAllocations = row == 5 ? count : min(steadyAllocations, count) }
        }
        try database.flush()
        let all = seconds(CLOCK_PROCESS_CPUTIME_ID) - process
        line("append", thread / sampleCount * 1e9, "ns/sample")
        line("append", Double(steadyAllocations) / Double(targetCount), "allocations a steady row")
        line("journal thread", (all - thread) / sampleCount * 1e9, "ns/sample")
        line("rows and states", Double(residentBytes() - before) / Double(seriesCount), "bytes a series")
        line("journal", Double(database.state.journalFileBytes) / sampleCount, "bytes a sample", digits: 1000)
    }

    func seal() throws {
        let wall = seconds(CLOCK_MONOTONIC)
        let started = seconds()
        try database.seal()
        line("sealing", (seconds() - started) / sampleCount * 1e9, "ns/sample")
        line("sealing", (seconds(CLOCK_MONOTONIC) - wall) * 1000, "ms")
        line("partition", Double(database.state.partitionBytes) / sampleCount, "bytes a sample", digits: 1000)
    }

    /// Starts again with a journal of the same size.
    mutating func restart() throws {
        writers = []
        database.close()
        removeFolder(folder)
        database = try TimeSeriesDatabase.open(path: folder, settings: Self.settings, logger: logger)
        var pages = SyntheticPages(lineCount: Self.linesPerTarget, seed: 7)
        for target in 0..<targetCount {
            let writer = try database.openSource(named: "target-\(target)")
            for index in 0..<Self.linesPerTarget {
                _ = try writer.slot(for: SyntheticPages.labels(line: index, target: target))
            }
            writers.append(writer)
        }
        for row in 0..<20 {
            pages.advance()
            let values = pages.row
            for writer in writers {
                let time = Timestamp(milliseconds: Self.start + Int64(row) * 15_000)
                try writer.append(timestamp: time, values: values, histograms: [])
            }
        }
        try database.flush()
        writers = []
        database.close()
        let wall = seconds(CLOCK_MONOTONIC)
        let started = seconds(CLOCK_PROCESS_CPUTIME_ID)
        let again = try TimeSeriesDatabase.open(path: folder, settings: Self.settings, logger: logger)
        line("start from a journal of 20 rows, CPU", (seconds(CLOCK_PROCESS_CPUTIME_ID) - started) * 1000, "ms")
        line("start from a journal of 20 rows, wall", (seconds(CLOCK_MONOTONIC) - wall) * 1000, "ms")
        again.close()
    }

    // MARK: Questions

    func ask(_ place: String) throws {
        let name = LabelMatcher(equal: "__name__", SyntheticPages.name(3))
        let questions: [(String, [LabelMatcher])] = [
            ("one metric", [name]),
            ("one series", [name, LabelMatcher(equal: "pod", "pod-5-2"), LabelMatcher(equal: "device", "disk-1")]),
            ("regex, prefix", [name, try LabelMatcher("instance", .regex, "host-1.*")]),
            ("regex, contains", [try LabelMatcher("pod", .regex, ".*-7-3.*")]),
            ("regex, alternatives", [try LabelMatcher("pod", .regex, "pod-1-1|pod-2-2|pod-3-3")]),
            ("regex, RE2", [try LabelMatcher("pod", .regex, "pod-[0-9]+-1")]),
            ("regex, negated", [name, try LabelMatcher("pod", .notRegex, "pod-.*-1")]),
            ("everything", [try LabelMatcher("__name__", .notEqual, "")]),
        ]
        let end = Timestamp(milliseconds: Self.start + Int64(Self.rowCount) * 15_000)
        let range = TimeRange(start: Timestamp(milliseconds: end.milliseconds - 300_000), end: end)
        for (what, matchers) in questions {
            var best = Double.infinity
            var found = 0
            for _ in 0..<3 {
                let started = seconds()
                let selected = try database.querier().select(
                    SelectRequest(matchers: matchers, range: range, needsOnlyNewest: true))
                var reader = selected.makeReader(over: 0..<selected.count)
                var columns = SampleColumns()
                found = 0
                while try reader.next(into: &columns) { found += columns.values.isEmpty ? 0 : 1 }
                best = min(best, seconds() - started)
            }
            line("\(place), instant, \(what), \(found) series", best * 1000, "ms", digits: 1000)
        }
        let started = seconds()
        let values = try database.querier().labelValues(of: "pod", matching: [], in: range, limit: 0)
        line("\(place), label values, \(values.count)", (seconds() - started) * 1000, "ms", digits: 100)
    }
}
