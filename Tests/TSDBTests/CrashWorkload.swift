import Glibc
import MetricModel
import Storage
import TestSupport
import Testing

@testable import TSDB

/// A database under all that happens to one: rows, batches, new series, commits, seals, merges, retention, a restart;
/// with the knowledge of what it promised when.
final class CrashWorkload {
    static let start: Int64 = 1_700_000_000_000 / 7_200_000 * 7_200_000
    static let stepMilliseconds: Int64 = 60_000
    static let retentionMilliseconds: Int64 = 4 * 3_600_000

    /// What is certain from a place of the record on.
    private struct Promise {
        var entryCount: Int
        /// How many of `written` survive a kill, and a loss of power.
        var committed: Int
        var synced: Int
        /// What is older may be deleted.
        var oldest: Int64
    }

    let disk: FaultyFolder
    let clock = FixedClock(start)
    private(set) var database: TimeSeriesDatabase
    private(set) var written: [(labels: LabelSet, sample: PlainSample)] = []
    private var promises: [Promise] = []
    private var committed = 0
    private var synced = 0
    private var row = 0
    private var writers: [any SourceWriter] = []
    private var slots: [[LabelSet]] = []

    init(_ disk: FaultyFolder) throws {
        self.disk = disk
        database = try Self.open(disk.dataPath, clock: clock)
        try openSources()
    }

    static func open(_ path: String, clock: FixedClock) throws -> TimeSeriesDatabase {
        var settings = DatabaseFixture.manual
        settings.retentionMilliseconds = retentionMilliseconds
        // What this test promises is said by `flush` and `synchronize`.
        settings.syncIntervalMilliseconds = 3_600_000
        settings.retryIntervalMilliseconds = 1
        return try TimeSeriesDatabase.open(path: path, settings: settings, clock: clock, logger: DatabaseFixture.quiet)
    }

    private func openSources() throws {
        writers = try (0..<2).map { try database.openSource(named: "source-\($0)") }
        slots = [[], []]
    }

    private var now: Int64 { Self.start + Int64(row) * Self.stepMilliseconds }

    func run(rows: Int) throws {
        for _ in 0..<rows {
            row += 1
            clock.set(now)
            try append()
            try database.flush()
            committed = written.count
            if row % 7 == 0 { try synchronize() }
            if row % 30 == 0 { try seal() }
            if row % 45 == 0 { database.maintain() }
            if row % 130 == 0 { try restart() }
            note()
        }
    }

    func append() throws {
        for (source, writer) in writers.enumerated() {
            if row % (20 * (source + 1)) == 1 {
                let labels = DatabaseFixture.labels("m\(source)", row)
                _ = try writer.slot(for: labels)
                slots[source].append(labels)
            }
            let values = slots[source].indices.map { slot in
                (row + slot) % 9 == 0 ? SpecialValue.absent : Double(row * (slot + 1)) / 10
            }
            try writer.append(timestamp: Timestamp(milliseconds: now), values: values, histograms: [])
            for (labels, value) in zip(slots[source], values) where !SpecialValue.isAbsent(value) {
                written.append((labels, PlainSample(now, value)))
            }
        }
        let series = [row % 3, 3 + row % 5].map { DatabaseFixture.labels("loose", $0) }
        let batch = SampleBatch(
            series.map { .init(labels: $0, columns: SampleColumns(timestamps: [now], values: [Double(row)])) })
        _ = try database.append(batch, onRejection: .refuseAll)
        written += series.map { ($0, PlainSample(now, Double(row))) }
    }

    private func synchronize() throws {
        try database.synchronize()
        synced = written.count
    }

    private func seal() throws {
        try database.seal()
        // A partition is named only when it is on the disk.
        synced = written.count
    }

    private func restart() throws {
        database.close()
        synced = written.count
        database = try Self.open(disk.dataPath, clock: clock)
        try openSources()
    }

    private func note() {
        promises.append(
            Promise(
                entryCount: disk.mark(), committed: committed, synced: synced,
                oldest: now - Self.retentionMilliseconds))
    }

    /// Compares what a folder answers with what was promised at a place of the record; what is wrong.
    func problems(of database: TimeSeriesDatabase, at entryCount: Int, ending: CrashReplay.Ending) throws -> [String] {
        let promise = promises.last { $0.entryCount <= entryCount }
        let next = promises.first { $0.entryCount > entryCount }
        let oldest = next?.oldest ?? promise?.oldest ?? .min
        let certain = promise.map { ending == .killed ? $0.committed : $0.synced } ?? 0
        var all: [LabelSet: [PlainSample]] = [:]
        var certainCounts: [LabelSet: Int] = [:]
        for (index, entry) in written.enumerated() where entry.sample.timestamp >= oldest {
            all[entry.labels, default: []].append(entry.sample)
            if index < certain { certainCounts[entry.labels, default: 0] += 1 }
        }
        var problems: [String] = []
        let answered = try DatabaseFixture.all(database).mapValues { $0.filter { $0.timestamp >= oldest } }
        for (labels, samples) in answered where !samples.isEmpty {
            if samples != Array((all[labels] ?? []).prefix(samples.count)) {
                problems.append("\(labels) answers what was not written, or has holes: \(samples.count)")
            }
        }
        for (labels, count) in certainCounts where (answered[labels]?.count ?? 0) < count {
            problems.append("\(labels): \(answered[labels]?.count ?? 0) of \(count) certain samples are there")
        }
        let unusable = database.unusableJournalRecords
        if unusable > 0 { problems.append("\(unusable) unusable records") }
        for reader in database.views.current?.partitions ?? [] {
            problems += reader.verify().map { "\(reader.name): \($0)" }
        }
        return problems
    }
}
