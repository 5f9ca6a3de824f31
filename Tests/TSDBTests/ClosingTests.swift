import MetricModel
import Storage
import TestSupport
import Testing

@testable import TSDB

@Suite("Closing")
struct ClosingTests {
    let folder = TemporaryDirectory("lapwing-closing")
    private static let seriesCount = 400
    private static let start: Int64 = 1_700_000_000_000

    private static var settings: DatabaseSettings {
        var settings = DatabaseFixture.manual
        settings.sealsOnClose = true
        return settings
    }

    /// Appends rows of one source, every value new.
    private static func fill(_ database: TimeSeriesDatabase, rows: Int) throws {
        let writer = try database.openSource(named: "source")
        for index in 0..<seriesCount { _ = try writer.slot(for: DatabaseFixture.labels("row", index)) }
        for row in 0..<rows {
            let values = (0..<seriesCount).map { 1 / Double(row * seriesCount + $0 + 3) }
            try writer.append(
                timestamp: Timestamp(milliseconds: start + Int64(row) * 15_000), values: values, histograms: [])
        }
        try database.flush()
    }

    @Test("what was appended stands in a partition after an orderly stop, and the journal is empty")
    func sealsOnClose() throws {
        let database = try DatabaseFixture.open(folder, settings: Self.settings)
        try Self.fill(database, rows: 400)
        let before = try DatabaseFixture.all(database)
        #expect(database.state.journalFileBytes > 1 << 20)
        database.close()
        let journal = try #require(FileStatus(folder.path + "/data/journal.sqlite")).byteCount
        #expect(journal < 64 << 10)
        #expect(FileStatus(folder.path + "/data/journal.sqlite-wal") == nil)

        let again = try DatabaseFixture.open(folder, settings: Self.settings)
        defer { again.close() }
        #expect(again.state.partitionBytes > 0)
        #expect(again.head.lanes.count == 1, "only the lane for batches")
        #expect(try DatabaseFixture.all(again) == before)
    }

    @Test("a few rows stay in the journal, so that a process in a loop makes no partitions")
    func keepsFewRows() throws {
        for round in 1...3 {
            let database = try DatabaseFixture.open(folder, settings: Self.settings)
            if round == 1 { try Self.fill(database, rows: 5) }
            #expect(database.state.partitionBytes == 0)
            #expect(try DatabaseFixture.all(database).count == Self.seriesCount)
            database.close()
        }
    }

    @Test("numbers of batches do not come again after the journal was emptied")
    func numbersGoOn() throws {
        let first = try DatabaseFixture.open(folder, settings: Self.settings)
        try Self.fill(first, rows: 400)
        first.close()
        let second = try DatabaseFixture.open(folder, settings: Self.settings)
        let writer = try second.openSource(named: "later")
        _ = try writer.slot(for: DatabaseFixture.labels("later", 0))
        try writer.append(timestamp: Timestamp(milliseconds: Self.start * 2), values: [7], histograms: [])
        second.close()
        let third = try DatabaseFixture.open(folder, settings: Self.settings)
        defer { third.close() }
        // A batch with a number that a partition replaces would be deleted unread.
        #expect(try DatabaseFixture.all(third).count == Self.seriesCount + 1)
    }
}
