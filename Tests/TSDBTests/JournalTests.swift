import Glibc
import MetricModel
import SQLite
import Storage
import TestSupport
import Testing

@testable import TSDB

@Suite("Journal and folder")
struct JournalTests {
    let folder = TemporaryDirectory("lapwing-journal")

    @Test("a folder in use is refused and its holder named; after closing it opens")
    func folderInUse() throws {
        let database = try DatabaseFixture.open(folder)
        do {
            _ = try DatabaseFixture.open(folder)
            Issue.record("a second open succeeded")
        } catch let error as StorageError {
            #expect(error.description.contains("process \(getpid())"))
        }
        database.close()
        try DatabaseFixture.open(folder).close()
    }

    @Test("a journal of a newer format is refused and not changed")
    func newerFormat() throws {
        try DatabaseFixture.open(folder).close()
        let path = folder.path + "/data/journal.sqlite"
        do {
            let connection = try SQLiteConnection(path: path, options: .writeAheadLog())
            try connection.setUserVersion(99)
        }
        #expect(throws: StorageError.self) { try DatabaseFixture.open(folder) }
        let connection = try SQLiteConnection(path: path, options: .writeAheadLog())
        #expect(try connection.userVersion() == 99)
    }

    @Test("a damaged batch is put aside, the rest is read, and no wrong value appears")
    func damagedBatch() throws {
        let database = try DatabaseFixture.open(folder)
        let first = try database.openSource(named: "a")
        let second = try database.openSource(named: "b")
        _ = try first.slot(for: DatabaseFixture.labels("m", 0))
        _ = try second.slot(for: DatabaseFixture.labels("m", 1))
        var written: [Int: [PlainSample]] = [0: [], 1: []]
        for row in 0..<200 {
            let time = Timestamp(milliseconds: Int64(row) * 1000)
            try first.append(timestamp: time, values: [Double(row)], histograms: [])
            written[0]?.append(PlainSample(time.milliseconds, Double(row)))
            if row % 2 == 0 {
                try second.append(timestamp: time, values: [Double(row) / 10], histograms: [])
                written[1]?.append(PlainSample(time.milliseconds, Double(row) / 10))
            }
            // One batch for each row, so that one can be damaged alone.
            try database.flush()
        }
        database.close()
        do {
            let connection = try SQLiteConnection(
                path: folder.path + "/data/journal.sqlite", options: .writeAheadLog())
            let statement = try connection.prepare("SELECT data FROM batch WHERE id = 50")
            _ = try statement.step()
            var blob = statement.bytes(at: 0)
            statement.reset()
            blob[blob.count - 1] ^= 0xff
            let update = try connection.prepare("UPDATE batch SET data = ? WHERE id = 50")
            try update.run(binding: blob, at: 1)
            #expect(try connection.integer("SELECT count(*) FROM batch") == 200)
        }
        let again = try DatabaseFixture.open(folder)
        let read = try DatabaseFixture.all(again)
        for series in 0..<2 {
            let samples = read[DatabaseFixture.labels("m", series)] ?? []
            #expect(Set(samples).isSubset(of: Set(written[series] ?? [])))
            #expect(samples.first?.timestamp == 0)
            #expect(samples.last?.timestamp ?? 0 >= (series == 0 ? 199_000 : 90_000))
        }
        again.close()
        let connection = try SQLiteConnection(path: folder.path + "/data/journal.sqlite", options: .writeAheadLog())
        #expect(try connection.integer("SELECT count(*) FROM quarantine") == 1)
        #expect(try connection.integer("SELECT origin_id FROM quarantine") == 50)
    }

    @Test(
        "a journal that is damaged while it is in use is replaced, and nothing that was taken is lost",
        arguments: [0, 3])
    func damagedInUse(rowsBetween: Int) throws {
        var settings = DatabaseFixture.manual
        settings.retryIntervalMilliseconds = 1
        let database = try DatabaseFixture.open(folder, settings: settings)
        let writer = try database.openSource(named: "target")
        var row: Int64 = 0
        func append(_ count: Int) throws {
            for _ in 0..<count {
                row += 1
                _ = try writer.slot(for: DatabaseFixture.labels("m", Int(row)))
                try writer.append(
                    timestamp: Timestamp(milliseconds: row * 1000), values: (0..<Int(row)).map { Double($0) },
                    histograms: [])
                let columns = SampleColumns(timestamps: [row * 1000], values: [Double(row)])
                _ = try database.append(
                    SampleBatch([.init(labels: DatabaseFixture.labels("loose", 0), columns: columns)]),
                    onRejection: .refuseAll)
            }
        }
        try append(5)
        try database.flush()
        try database.seal()
        try database.deleteSeries(matching: [[LabelMatcher(equal: "series", "2")]], in: .all)
        try append(5)
        try database.flush()
        for suffix in ["", "-wal"] {
            _ = folder.write("data/journal.sqlite" + suffix, String(repeating: "nonsense", count: 4096))
        }
        // What SQLite has in memory would hide the damage for a while.
        #expect(!database.head.journal.file.isSound())
        try append(2)
        #expect(throws: StorageError.self) { try database.flush() }
        #expect(database.head.journal.currentStatus.isDamaged)
        try append(rowsBetween)
        database.maintain()
        #expect(database.state.journalFailure == nil && database.state.maintenanceFailure == nil)
        #expect(FolderListing.names(in: database.path).contains("journal.sqlite.damaged-1"))
        try append(3)
        try database.flush()
        let all = try DatabaseFixture.all(database)
        #expect(all[DatabaseFixture.labels("loose", 0)]?.count == Int(row))
        #expect(all[DatabaseFixture.labels("m", 1)]?.count == Int(row))
        #expect(all[DatabaseFixture.labels("m", 2)]?.first?.timestamp == 6000, "what was deleted stays so")
        let copy = try DatabaseFixture.killedCopy(of: database)
        let killed = try DatabaseFixture.open(copy)
        #expect(try DatabaseFixture.all(killed) == all)
        #expect(killed.unusableJournalRecords == 0)
        killed.close()
        database.close()
        let again = try DatabaseFixture.open(folder)
        #expect(try DatabaseFixture.all(again) == all)
        again.close()
    }

    @Test("steady appends allocate one block for many rows, and a sample takes few bytes")
    func steadyAllocations() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let lane = database.head.makeLane(sourceName: "target")
        let slotCount = 2000
        for index in 0..<slotCount { _ = try database.head.slot(for: DatabaseFixture.labels("m", index), in: lane) }
        var values = [Double](repeating: 1, count: slotCount)
        for row in 0..<Lane.rowsPerSlice - 1 {
            for slot in stride(from: row % 5, to: slotCount, by: 5) { values[slot] += Double(slot) }
            try database.head.append(timestamp: Int64(row) * 1000, values: values, histograms: [], starts: [], to: lane)
        }
        let slice = lane.withState { $0.current }
        #expect(slice.rowCount == Lane.rowsPerSlice - 1)
        #expect(slice.blockCount <= 1 + (Lane.rowsPerSlice + 13) / 14)
        // 400 changed values of two to three bytes and the bitmaps, in each row of 2000 samples.
        #expect(slice.byteCount / slice.rowCount < 1600)
        #expect(slice.capacity < slice.byteCount + slice.byteCount / 4)
    }
}
