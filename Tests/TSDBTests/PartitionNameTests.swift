import Glibc
import MetricModel
import Storage
import TestSupport
import Testing

@testable import TSDB

@Suite("Names of partitions")
struct PartitionNameTests {
    private let folder = TemporaryDirectory("lapwing-names")
    private static let hours: Int64 = 3_600_000
    private static let start: Int64 = 1_700_000_000_000 / (2 * hours) * (2 * hours)

    private var data: String { folder.path + "/data" }
    private var names: [String] {
        FolderListing.names(in: data + "/partitions").filter { $0.hasSuffix(".sqlite") }.sorted()
    }

    /// A sample at the beginning and one at the end of a stretch, and a partition of it.
    private func seal(_ database: TimeSeriesDatabase, _ name: String, _ stretch: ClosedRange<Int64>) throws {
        let columns = SampleColumns(
            timestamps: [Self.start + stretch.lowerBound, Self.start + stretch.upperBound], values: [1, 2])
        let outcome = try database.importSamples(
            SampleBatch([.init(labels: DatabaseFixture.labels(name, 0), columns: columns)]))
        #expect(outcome.appended == 2)
        try database.seal()
    }

    private func metrics(_ database: TimeSeriesDatabase) throws -> [String] {
        try DatabaseFixture.all(database).map { "\($0.key.metricName): \($0.value.count)" }.sorted()
    }

    /// Gives the only new file of the folder the name that a version without numbers would have given it.
    private func giveOldName(_ known: [String]) throws -> String {
        let new = try #require(names.first { !known.contains($0) })
        let old = String(new.dropLast(".sqlite".count + 17)) + ".sqlite"
        #expect(unsafe rename("\(data)/partitions/\(new)", "\(data)/partitions/\(old)") == 0)
        return old
    }

    @Test("samples of a span that was merged before are not taken for the merged ones at a start")
    func reuse() throws {
        var database = try DatabaseFixture.open(folder)
        try seal(database, "first", 0...60_000)
        let original = try #require(names.first)
        try seal(database, "second", 120_000...180_000)
        try seal(database, "later", 9 * Self.hours...9 * Self.hours + 1000)
        database.maintain()
        #expect(!names.contains(original))
        #expect(names.count == 2)
        // The same first and last second as the partition that was merged away.
        try seal(database, "imported", 100...60_100)
        #expect(names.count == 3)
        #expect(!names.contains(original))
        database.close()
        database = try DatabaseFixture.open(folder)
        defer { database.close() }
        #expect(try metrics(database) == ["first: 2", "imported: 2", "later: 2", "second: 2"])
        database.maintain()
        #expect(try metrics(database) == ["first: 2", "imported: 2", "later: 2", "second: 2"])
    }

    @Test("files with names of older versions are read, merged and replaced")
    func olderNames() throws {
        var database = try DatabaseFixture.open(folder)
        try seal(database, "first", 0...60_000)
        try seal(database, "second", 120_000...180_000)
        try seal(database, "later", 9 * Self.hours...9 * Self.hours + 1000)
        database.close()
        var known: [String] = []
        for _ in 0..<3 { known.append(try giveOldName(known)) }
        database = try DatabaseFixture.open(folder)
        #expect(try metrics(database) == ["first: 2", "later: 2", "second: 2"])
        database.maintain()
        #expect(names.count == 2)
        try seal(database, "imported", 100...60_100)
        database.close()
        database = try DatabaseFixture.open(folder)
        defer { database.close() }
        #expect(try metrics(database) == ["first: 2", "imported: 2", "later: 2", "second: 2"])
    }

    @Test(
        "what was deleted from a partition stays deleted when a repair writes it anew",
        arguments: [false, true], [false, true])
    func deletionsAndRepair(isPutAside: Bool, isWhole: Bool) throws {
        var database = try DatabaseFixture.open(folder)
        let source = try database.openSource(named: "s")
        for index in 0..<600 { _ = try source.slot(for: DatabaseFixture.labels("m", index)) }
        for row in 0..<100 {
            try source.append(
                timestamp: Timestamp(milliseconds: Self.start + Int64(row) * 1000),
                values: (0..<600).map { Double($0 * row).squareRoot() }, histograms: [])
        }
        try database.seal()
        let selector = [[LabelMatcher(equal: "series", "7")], [LabelMatcher(equal: "series", "599")]]
        let end = Self.start + (isWhole ? 1_000_000 : 49_000)
        try database.deleteSeries(
            matching: selector,
            in: TimeRange(start: Timestamp(milliseconds: Self.start), end: Timestamp(milliseconds: end)))
        database.close()
        let path = "\(data)/partitions/\(try #require(names.first))"
        try PartitionTestFolder.change(
            path,
            "UPDATE segment SET data = CAST(zeroblob(length(data)) AS BLOB) WHERE id = (SELECT max(id) FROM segment)")
        if isPutAside {
            #expect(unsafe rename(path, path + PartitionFolder.damagedSuffix) == 0)
            // A server that runs meanwhile forgets nothing.
            database = try DatabaseFixture.open(folder)
            database.maintain()
            database.close()
        }
        let check = try StorageCheck(folder: data)
        #expect(!check.findings.isEmpty)
        #expect(try StorageRepair(folder: data, findings: check.findings).actions.count == 1)
        #expect(try StorageCheck(folder: data).findings.isEmpty)
        for _ in 0..<2 {
            database = try DatabaseFixture.open(folder)
            let all = try DatabaseFixture.all(database)
            #expect(all.count > 400, "what is sound was kept")
            for series in [7, 599] {
                let times = (all[DatabaseFixture.labels("m", series)] ?? []).map { ($0.timestamp - Self.start) / 1000 }
                #expect(isWhole ? times.isEmpty : times.allSatisfy { $0 >= 50 }, "series \(series): \(times)")
            }
            database.maintain()
            database.close()
        }
    }
}
