import Glibc
import MetricModel
import SQLite
import Storage
import TestSupport
import Testing

@testable import TSDB

@Suite("Checking, repairing, snapshots, formats")
struct StorageCheckTests {
    let folder = TemporaryDirectory("lapwing-check")
    private var data: String { folder.path + "/data" }

    /// Two partitions and a journal with 20 series, and what they hold.
    private func fill() throws -> [LabelSet: [PlainSample]] {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        for part in 0..<3 {
            let source = try database.openSource(named: "part-\(part)")
            for index in 0..<20 { _ = try source.slot(for: DatabaseFixture.labels("m", index)) }
            for row in 0..<50 {
                try source.append(
                    timestamp: Timestamp(milliseconds: Int64(part * 1_000_000 + row * 1000)),
                    values: (0..<20).map { Double($0 * row).squareRoot() }, histograms: [])
            }
            source.close()
            if part < 2 { try database.seal() }
        }
        return try DatabaseFixture.all(database)
    }

    private func partitions() -> [String] {
        FolderListing.names(in: data + "/partitions").map { data + "/partitions/" + $0 }
    }

    private func change(_ path: String, _ sql: String) throws {
        let connection = try SQLiteConnection(path: path, options: SQLiteOpenOptions(mode: .readWrite))
        try connection.execute(sql)
    }

    @Test("a sound folder is found sound, also while it is in use")
    func sound() throws {
        _ = try fill()
        for isOpen in [false, true] {
            let database = isOpen ? try DatabaseFixture.open(folder) : nil
            defer { database?.close() }
            let check = try StorageCheck(folder: data)
            #expect(check.findings.isEmpty, "\(check.findings)")
            #expect(check.partitionCount == 2)
            #expect(check.sampleCount == 2 * 20 * 50)
            #expect(check.journalRecordCount > 0)
        }
        #expect(throws: StorageError.self) { try StorageCheck(folder: folder.path) }
    }

    @Test("a damaged segment is named; repairing keeps the rest and the file as it was")
    func damagedPartition() throws {
        let before = try fill()
        let path = partitions()[0]
        try PartitionTestFolder.change(
            path, "UPDATE segment SET data = CAST(zeroblob(length(data)) AS BLOB) WHERE id = 1")
        let check = try StorageCheck(folder: data)
        #expect(!check.findings.isEmpty)
        #expect(check.findings.allSatisfy { $0.path == path && $0.what.contains("segment 1") }, "\(check.findings)")
        let repair = try StorageRepair(folder: data, findings: check.findings)
        #expect(repair.actions.count == 1)
        #expect(try StorageCheck(folder: data).findings.isEmpty)
        #expect(FolderListing.names(in: data + "/quarantine").count == 1)
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        for (labels, samples) in try DatabaseFixture.all(database) {
            #expect(samples == before[labels]?.filter { $0.timestamp >= 1_000_000 })
        }
    }

    @Test("a file that is no partition is put aside")
    func noPartition() throws {
        _ = try fill()
        let path = partitions()[1]
        _ = folder.write("data/partitions/" + (path.split(separator: "/").last.map(String.init) ?? ""), "nonsense")
        let check = try StorageCheck(folder: data)
        #expect(check.findings.map(\.path) == [path])
        _ = try StorageRepair(folder: data, findings: check.findings)
        #expect(try StorageCheck(folder: data).findings.isEmpty)
        #expect(partitions().count == 1)
    }

    @Test("damaged journal records are named and put aside")
    func damagedJournal() throws {
        _ = try fill()
        let journal = data + "/journal.sqlite"
        try change(journal, "UPDATE batch SET data = zeroblob(20) WHERE id = (SELECT max(id) FROM batch)")
        let check = try StorageCheck(folder: data)
        #expect(check.findings.count == 1)
        #expect(check.findings.first?.what.contains("table batch") == true, "\(check.findings)")
        _ = try StorageRepair(folder: data, findings: check.findings)
        let after = try StorageCheck(folder: data)
        #expect(after.findings.isEmpty)
        #expect(after.quarantinedRecordCount == 1)
    }

    @Test("repairing is refused while a process has the folder")
    func repairInUse() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        #expect(throws: StorageError.self) { try StorageRepair(folder: data, findings: []) }
    }

    @Test("another database opens a snapshot and finds the same, deletions included", arguments: [false, true])
    func snapshot(skippingHead: Bool) throws {
        var expected = try fill()
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        try change(data + "/journal.sqlite", "PRAGMA user_version")
        try StateFixture.make(data + "/state.sqlite")
        let name = try database.snapshot(skippingHead: skippingHead)
        if skippingHead { for labels in expected.keys { expected[labels]?.removeAll { $0.timestamp >= 2_000_000 } } }
        let path = data + "/snapshots/" + name
        #expect(try StorageCheck(folder: path).findings.isEmpty)
        func read(_ path: String) throws -> [LabelSet: [PlainSample]] {
            let copy = try TimeSeriesDatabase.open(
                path: path, settings: DatabaseFixture.manual, logger: DatabaseFixture.quiet)
            defer { copy.close() }
            return try DatabaseFixture.all(copy)
        }
        #expect(try read(path) == expected)
        let state = try SQLiteConnection(path: path + "/state.sqlite", options: SQLiteOpenOptions(mode: .readOnly))
        #expect(try state.integer("SELECT value FROM fact") == 42)
        try database.deleteSeries(matching: [[LabelMatcher(equal: "series", "3")]], in: .all)
        let second = try database.snapshot(skippingHead: false)
        #expect(try read(data + "/snapshots/" + second).count == 19)
        #expect(try read(path) == expected, "a snapshot does not change")
    }

    @Test("files of the first format are read and brought up to date")
    func olderFormat() throws {
        let expected = try fill()
        try change(data + "/journal.sqlite", "DROP TABLE deletion; PRAGMA user_version=1")
        for path in partitions() {
            try PartitionTestFolder.change(
                path, "UPDATE meta SET value = 1 WHERE key = 'format'; PRAGMA user_version=1", hasChecksums: false)
        }
        let database = try DatabaseFixture.open(folder)
        #expect(try DatabaseFixture.all(database) == expected)
        _ = try database.append(
            SampleBatch([
                .init(
                    labels: DatabaseFixture.labels("new", 1),
                    columns: SampleColumns(timestamps: [86_400_000 * 2], values: [1]))
            ]), onRejection: .refuseAll)
        database.maintain()
        #expect(
            try DatabaseFixture.all(database)[DatabaseFixture.labels("m", 1)]
                == expected[DatabaseFixture.labels("m", 1)])
        database.close()
        let journal = try SQLiteConnection(
            path: data + "/journal.sqlite", options: SQLiteOpenOptions(mode: .readOnly))
        #expect(try journal.userVersion() == JournalFile.formatVersion)
        #expect(try PartitionReader(path: partitions()[0]).metadata.formatVersion == PartitionSchema.version)
    }

    @Test("a folder with one file of a newer format is refused, and no byte of it changes")
    func newerFormat() throws {
        _ = try fill()
        try PartitionTestFolder.change(
            partitions()[0], "UPDATE meta SET value = 9 WHERE key = 'format'; PRAGMA user_version=9")
        func sums() -> String {
            ChildProcess.run(
                ["/bin/sh", "-c", "cd \(data) && cksum journal.sqlite partitions/*"], folder: TemporaryDirectory(),
                name: "sums"
            ).output
        }
        let before = sums()
        let error = #expect(throws: StorageError.self) { try DatabaseFixture.open(folder) }
        guard case .newerFormat(_, 9, PartitionSchema.version) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(sums() == before)
    }
}

/// A file as other buildings keep it beside the samples.
private enum StateFixture {
    static func make(_ path: String) throws {
        let connection = try SQLiteConnection(path: path, options: .writeAheadLog())
        try connection.execute("CREATE TABLE fact(value INTEGER); INSERT INTO fact VALUES (42)")
    }
}
