import Logging
import MetricModel
import SQLite
import SelfMetrics
import Storage
import Testing

@testable import TSDB

@Suite("Exemplars and metadata after a restart")
struct StateKeeperTests {
    private let database: SharedDatabase

    init() throws {
        database = try .inMemory(schema: SQLiteSchema(applicationIdentifier: 0, steps: [StateKeeper.tables]))
    }

    /// What a new start finds.
    private func keeper(limit: Int = 100, registry: Registry = Registry()) throws -> StateKeeper {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return try StateKeeper(database: database, exemplarLimit: limit, logger: logger, registry: registry)
    }

    private static func exemplar(_ series: String, _ timestamp: Int64) -> SeriesExemplar {
        SeriesExemplar(
            labels: LabelSet(["__name__": "requests_total", "series": series]),
            exemplar: Exemplar(
                labels: LabelSet(["trace_id": "t\(timestamp)"]), value: Double(timestamp) / 3,
                timestampMilliseconds: timestamp), timestamp: timestamp)
    }

    private static func found(_ keeper: StateKeeper) -> [String] {
        let matcher = LabelMatcher(equal: "__name__", "requests_total")
        return keeper.exemplars.exemplars(matching: [[matcher]], in: .all).map { entry in
            "\(entry.labels["series"] ?? ""): \(entry.exemplars.map(\.timestamp))"
        }
    }

    private func rows(_ table: String) throws -> Int {
        Int(
            try database.read { (connection) throws(SQLiteError) in
                try connection.integer("SELECT count(*) FROM \(table)")
            } ?? -1)
    }

    @Test("what was flushed is there, in order, bit for bit, and goes on being bounded")
    func restart() throws {
        let first = try keeper()
        _ = first.exemplars.append([Self.exemplar("b", 1), Self.exemplar("a", -5), Self.exemplar("b", 3)])
        first.flush()
        first.flush()
        _ = first.exemplars.append([Self.exemplar("b", 1 << 50)])
        first.flush()
        #expect(try rows("exemplar_batch") == 2)
        let second = try keeper()
        #expect(Self.found(second) == Self.found(first))
        let matcher = LabelMatcher(equal: "series", "b")
        let entry = try #require(second.exemplars.exemplars(matching: [[matcher]], in: .all).first?.exemplars.last)
        #expect(entry.exemplar == Self.exemplar("b", 1 << 50).exemplar)
        // The newest of a series is known, so an older one is refused as before.
        #expect(second.exemplars.append([Self.exemplar("b", 2)]).outOfOrder == 1)
        #expect(second.exemplars.append([Self.exemplar("b", 1 << 50)]) == ExemplarOutcome())
        second.flush()
        #expect(try rows("exemplar_batch") == 2)
    }

    @Test("rows that the ring has left are deleted, and a smaller ring keeps the newest", arguments: [1, 2, 3, 7, 20])
    func bounded(limit: Int) throws {
        var keeper = try keeper(limit: limit)
        for round in 0..<12 {
            _ = keeper.exemplars.append((0..<3).map { Self.exemplar("a", Int64(round * 3 + $0)) })
            keeper.flush()
            if round % 4 == 3 { keeper = try self.keeper(limit: limit) }
        }
        let kept = Array((0..<36).suffix(limit))
        #expect(Self.found(keeper) == ["a: \(kept)"])
        #expect(try rows("exemplar_batch") <= limit / 3 + 2)
        let smaller = try self.keeper(limit: 1)
        #expect(Self.found(smaller) == ["a: [35]"])
        smaller.exemplars.resize(to: 2)
        _ = smaller.exemplars.append([Self.exemplar("a", 36), Self.exemplar("a", 37)])
        smaller.exemplars.resize(to: 1)
        #expect(Self.found(smaller) == ["a: [37]"])
        smaller.exemplars.resize(to: 0)
        #expect(smaller.exemplars.append([Self.exemplar("a", 38)]).appended == 0)
        smaller.flush()
    }

    @Test("imported ones are put in their place whatever their age, each once")
    func imported() throws {
        let keeper = try keeper(limit: 4)
        _ = keeper.exemplars.append([Self.exemplar("a", 10)])
        let old = [Self.exemplar("a", 5), Self.exemplar("a", 7), Self.exemplar("a", 5)]
        #expect(keeper.exemplars.importExemplars(old).appended == 2)
        #expect(Self.found(keeper) == ["a: [5, 7, 10]"])
        // The ring forgets in the order in which they came.
        _ = keeper.exemplars.append([Self.exemplar("a", 11), Self.exemplar("a", 12)])
        #expect(Self.found(keeper) == ["a: [5, 7, 11, 12]"])
    }

    @Test("a damaged row is left out, the others are there; the check of a folder names it")
    func damage() throws {
        let first = try keeper()
        for timestamp in [1, 2, 3] as [Int64] {
            _ = first.exemplars.append([Self.exemplar("a", timestamp)])
            first.flush()
        }
        try database.write { (connection) throws(SQLiteError) in
            let blob = try ExemplarBlobBytes.read(connection, end: 2)
            for index in [0, 1, 5, blob.count - 1] {
                var damaged = blob
                damaged[index] ^= 0x11
                #expect(throws: SegmentDamage.self) {
                    unsafe try damaged.withUnsafeBytes { unsafe try ExemplarBlob.open($0) }
                }
            }
            try connection.execute("UPDATE exemplar_batch SET data = x'0100ff' WHERE end = 2")
        }
        #expect(Self.found(try keeper()) == ["a: [1, 3]"])
    }

    @Test("metadata are there with the newest words; empty ones take nothing away; the oldest make room")
    func metadata() throws {
        let first = try keeper()
        first.metadata.note([
            FamilyMetadata(name: "a", metadata: MetricMetadata(type: .counter, help: "Old.")),
            FamilyMetadata(name: "b", metadata: MetricMetadata(type: .gauge, unit: "bytes")),
        ])
        first.flush()
        first.metadata.note([FamilyMetadata(name: "a", metadata: MetricMetadata(help: "New."))])
        first.flush()
        first.flush()
        let second = try keeper()
        #expect(second.metadata.families(named: "a").map(\.metadata) == [MetricMetadata(type: .counter, help: "New.")])
        #expect(second.metadata.families(named: nil).count == 2)
        #expect(second.metadata.families(named: "c").isEmpty)
        let registry = Registry()
        let small = MetadataTable(limit: 10, registry: registry)
        for number in 0..<30 {
            small.note([FamilyMetadata(name: "m\(number)", metadata: MetricMetadata(type: .gauge))])
            small.note([FamilyMetadata(name: "m0", metadata: MetricMetadata(type: .gauge))])
        }
        let names = Set(small.families(named: nil).map(\.name))
        #expect(names.count <= 10 && names.isSuperset(of: ["m0", "m29"]), "\(names.sorted())")
        let changes = small.takeChanges()
        #expect(Set(changes.changed.map(\.name)) == names && Set(changes.removed).isDisjoint(with: names))
        small.putBack(changed: changes.changed, removed: changes.removed)
        #expect(small.takeChanges().changed.count == names.count)
    }
}

private enum ExemplarBlobBytes {
    static func read(_ connection: SQLiteConnection, end: Int64) throws(SQLiteError) -> [UInt8] {
        let select = try connection.prepare("SELECT data FROM exemplar_batch WHERE end = ?1")
        try select.bind(end, at: 1)
        guard try select.step() else { return [] }
        return select.bytes(at: 0)
    }
}
