import Glibc
import Logging
import MetricModel
import Storage
import TSDB

/// The store alone with the pages of recorded exporters, as in the measurements it is held against: each target begins at
/// a page of its own.
struct RecordedStore {
    /// The exporters whose pages the measurements took together.
    private static let exporters = ["node", "prometheus", "victoria"]
    private static let rowCount = 119
    private static let start: Int64 = 1_763_900_000_000
    /// What the next target is further on in the recording.
    private static let pagesBetweenTargets = 37

    private let recordings: [RecordedPages]
    private let targetCount: Int
    private let database: TimeSeriesDatabase
    private var writers: [any SourceWriter] = []
    private var seriesCount = 0
    private var sampleCount: Double { Double(seriesCount * Self.rowCount) }

    /// - Parameter corpus: The folder of the recordings.
    init(corpus: String, targetCount: Int, folder: String, logger: Logger) throws {
        recordings = try Self.exporters.map { try RecordedPages(path: "\(corpus)/\($0).rec") }
        self.targetCount = targetCount
        var settings = DatabaseSettings.anyTime
        settings.maintainsByItself = false
        database = try TimeSeriesDatabase.open(path: folder, settings: settings, logger: logger)
        for target in 0..<targetCount {
            let recording = recordings[target % recordings.count]
            let writer = try database.openSource(named: "target-\(target)")
            for labels in recording.labels {
                var builder = LabelSetBuilder(labels)
                builder.set("instance", to: "host-\(target).example.org:9100")
                builder.set("job", to: "replay")
                _ = try writer.slot(for: builder.build())
            }
            seriesCount += recording.labels.count
            writers.append(writer)
        }
        print("\(seriesCount) series of recorded pages, \(targetCount) targets, \(Self.rowCount) rows")
    }

    func run() throws {
        // The first row is paid a series: it has the definitions of all of them.
        let first = try append(rows: 0..<1)
        line("first row and definitions", (first.append + first.journal) / Double(seriesCount) * 1e9, "ns/series")
        let (append, journal) = try append(rows: 1..<Self.rowCount)
        let sealing = seconds()
        try database.seal()
        let sealed = seconds() - sealing
        show("append", append)
        show("journal thread", journal)
        show("sealing", sealed)
        show("all three", append + journal + sealed)
        line("partition", Double(database.state.partitionBytes) / sampleCount, "bytes a sample", digits: 1000)
        database.close()
    }

    /// CPU time of the appends and of the journal's thread.
    private func append(rows range: Range<Int>) throws -> (append: Double, journal: Double) {
        let process = seconds(CLOCK_PROCESS_CPUTIME_ID)
        let started = seconds()
        for row in range {
            for (target, writer) in writers.enumerated() {
                let rows = recordings[target % recordings.count].rows
                try writer.append(
                    timestamp: Timestamp(milliseconds: Self.start + Int64(row) * 15_000 + Int64(target)),
                    values: rows[(target * Self.pagesBetweenTargets + row) % rows.count], histograms: [])
            }
        }
        let append = seconds() - started
        try database.flush()
        return (append, seconds(CLOCK_PROCESS_CPUTIME_ID) - process - append)
    }

    private func show(_ what: String, _ time: Double) {
        line(what, time / sampleCount * 1e9, "ns/sample", digits: 100)
    }
}
