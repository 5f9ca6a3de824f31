import Bytes
import MetricModel
import Storage
import TestSupport
import Testing

@testable import TSDB

@Suite("Definitions of series in the journal")
struct SlotDefinitionTests {
    private let folder = TemporaryDirectory("lapwing-definitions")

    private static let sets: [LabelSet] =
        (0..<300).map { DatabaseFixture.labels("m-\($0 % 7)", $0 / 2, ["pod": "pod-\($0 % 11)", "side": "\($0 % 2)"]) }
        + [LabelSet(encoded: []), DatabaseFixture.labels("long", 0, ["text": String(repeating: "x", count: 300)])]

    private static func table(_ sets: [LabelSet]) -> (table: SeriesTable, numbers: [UInt32]) {
        var table = SeriesTable()
        let numbers = sets.map { table.intern($0).series }
        return (table, numbers)
    }

    private static func body(_ sets: [LabelSet]) -> [UInt8] {
        let (table, numbers) = table(sets)
        return SlotDefinition.body(of: numbers, in: table)
    }

    /// The body as versions before the tags wrote it.
    private static func bodyWithoutTags(_ sets: [LabelSet]) -> [UInt8] {
        let (table, numbers) = table(sets)
        var body: [UInt8] = []
        VarInt.append(UInt64(table.pairs.numberLimit), to: &body)
        for pair in 0..<UInt32(table.pairs.numberLimit) {
            let bytes = table.pairs.bytes(of: pair)
            VarInt.append(UInt64(bytes.count), to: &body)
            body += bytes
        }
        VarInt.append(UInt64(numbers.count), to: &body)
        for number in numbers {
            VarInt.append(UInt64(table.labelCount(of: number)), to: &body)
            for pair in table.labelPairs(of: number) { VarInt.append(UInt64(pair), to: &body) }
        }
        return body
    }

    private static func read(
        _ body: [UInt8], hasTags: Bool = true, into table: inout SeriesTable
    ) -> [UInt32]? {
        var definition = SlotDefinition()
        return unsafe body.withUnsafeBytes { unsafe definition.read($0, hasTags: hasTags, into: &table) }
    }

    /// The label sets of a pair's series.
    private static func series(of pair: UInt32, in table: SeriesTable) -> [LabelSet] {
        table.pairs.postings[Int(pair)].map { table.labels(of: $0) }
    }

    @Test("what is read has the labels, the postings and the places of what was made", arguments: [true, false])
    func roundTrip(hasTags: Bool) throws {
        let (made, _) = Self.table(Self.sets)
        var table = SeriesTable()
        let body = hasTags ? Self.body(Self.sets) : Self.bodyWithoutTags(Self.sets)
        let numbers = try #require(Self.read(body, hasTags: hasTags, into: &table))
        table.finishRestoring(PostingsRestoration(table.postingsInput))
        #expect(numbers.count == Self.sets.count)
        for (number, labels) in zip(numbers, Self.sets) {
            #expect(table.labels(of: number) == labels)
            #expect(table.find(labels) == number)
            let again = table.intern(labels)
            #expect(again == (number, false))
        }
        #expect(table.count == made.count)
        #expect(table.pairs.numberLimit == made.pairs.numberLimit)
        for pair in 0..<UInt32(made.pairs.numberLimit) {
            let other = try #require(table.pairs.find(Array(made.pairs.bytes(of: pair))))
            #expect(Self.series(of: other, in: table) == Self.series(of: pair, in: made))
        }
    }

    @Test("a series that stands in two records has one number")
    func again() throws {
        var table = SeriesTable()
        let first = try #require(Self.read(Self.body(Array(Self.sets[..<200])), into: &table))
        let second = try #require(Self.read(Self.body(Array(Self.sets[100...])), into: &table))
        #expect(first[100...] == second[..<100])
        #expect(table.count == Self.sets.count)
    }

    @Test("a body that ends too early is none, wherever it ends", arguments: [true, false])
    func truncated(hasTags: Bool) {
        let sets = Array(Self.sets[..<20])
        let body = hasTags ? Self.body(sets) : Self.bodyWithoutTags(sets)
        for count in 0..<body.count {
            var table = SeriesTable()
            #expect(Self.read(Array(body[..<count]), hasTags: hasTags, into: &table) == nil)
        }
    }

    @Test("thousands of series come back from the journal once each, also where two lanes have them")
    func manySeries() throws {
        let count = 6_000
        for round in 0..<3 {
            let database = try DatabaseFixture.open(folder)
            defer { database.close() }
            #expect(database.head.withIndex { $0.series.count } == (round == 0 ? 0 : count))
            let writer = try database.openSource(named: "target")
            for index in 0..<count {
                _ = try writer.slot(for: DatabaseFixture.labels("m", index / 2, ["side": "\(index % 2)"]))
            }
            let time = Timestamp(milliseconds: 1_700_000_000_000 + Int64(round) * 1000)
            try writer.append(timestamp: time, values: (0..<count).map(Double.init), histograms: [])
            try database.flush()
            let index = database.head.withIndex { $0 }
            #expect(index.values(of: "series").count == count / 2)
            #expect(index.postings("side", "1").count == count / 2)
            #expect(index.postings("series", "7").count == 2)
        }
    }
}
