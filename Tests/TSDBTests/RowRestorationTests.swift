import MetricModel
import SQLite
import Storage
import TestSupport
import Testing

@testable import TSDB

@Suite("Rows read beside the definitions")
struct RowRestorationTests {
    let folder = TemporaryDirectory("lapwing-rows")

    private var journalPath: String { folder.path + "/data/journal.sqlite" }

    /// Two lanes, the second of two slots, and a stream; ten rows each.
    private func write() throws {
        let database = try DatabaseFixture.open(folder)
        let first = try database.openSource(named: "a")
        let second = try database.openSource(named: "b")
        _ = try first.slot(for: DatabaseFixture.labels("m", 0))
        for series in 1...2 { _ = try second.slot(for: DatabaseFixture.labels("m", series)) }
        for row in 0..<10 {
            let time = Timestamp(milliseconds: Int64(row) * 1000)
            try first.append(timestamp: time, values: [Double(row)], histograms: [])
            try second.append(timestamp: time, values: [1, Double(row) / 10], histograms: [])
            let columns = SampleColumns(timestamps: [time.milliseconds], values: [Double(row)])
            _ = try database.append(
                SampleBatch([.init(labels: DatabaseFixture.labels("loose", 0), columns: columns)]),
                onRejection: .refuseAll)
            try database.flush()
        }
        database.close()
    }

    private func change(_ sql: String) throws {
        let connection = try SQLiteConnection(path: journalPath, options: .writeAheadLog())
        try connection.execute(sql)
    }

    @Test("rows go to their lanes, and what needs its series waits in order")
    func apart() throws {
        try write()
        let file = try JournalFile(path: journalPath)
        let rows = try #require(RowRestoration(file).finish())
        #expect(rows.lanes.values.map(\.slotCount).sorted() == [1, 2])
        #expect(rows.lanes.values.allSatisfy { $0.lastTimestamp == 9000 })
        #expect(rows.rowCount == 20)
        #expect(rows.records.count == 10)
        #expect(rows.records.map(\.bytes.upperBound) == rows.records.map(\.bytes.upperBound).sorted())
        #expect(rows.nextBatch == (try file.highestBatch()) + 1)
    }

    @Test("a damaged batch gives no answer, so that the batches are read in their order")
    func damaged() throws {
        try write()
        try change("UPDATE batch SET data = CAST(x'00' || substr(data, 2) AS BLOB) WHERE id = 3")
        #expect(RowRestoration(try JournalFile(path: journalPath)).finish() == nil)
    }

    @Test("rows of slots without definitions are left out, and all others are there")
    func undefined() throws {
        try write()
        let rows = try #require(RowRestoration(try JournalFile(path: journalPath)).finish())
        let lane = try #require(rows.lanes.first { $0.value.slotCount == 2 }).key
        try change("DELETE FROM definition WHERE lane = \(lane)")
        let database = try DatabaseFixture.open(folder)
        #expect(database.unusableJournalRecords == 10)
        #expect(try DatabaseFixture.all(database).values.map(\.count) == [10, 10])
        database.close()
    }
}
