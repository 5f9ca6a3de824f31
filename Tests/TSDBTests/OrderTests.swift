import MetricModel
import Storage
import TestSupport
import Testing

@testable import TSDB

@Suite("Order of labels")
struct OrderTests {
    /// Texts with common beginnings of all lengths, zeros, and bytes that are no UTF-8.
    private static func texts(_ count: Int, seed: UInt64) -> [[UInt8]] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            let prefix = [UInt8](repeating: 0x61, count: Int.random(in: 0...20, using: &random))
            let choices: [UInt8] = [0, 1, 0x61, 0x62, 0xff]
            let rest: [UInt8] = (0..<Int.random(in: 0...9, using: &random)).map { _ in
                choices.randomElement(using: &random) ?? 0
            }
            return prefix + rest
        }
    }

    @Test("texts are put in the order of their bytes", arguments: [0, 1, 2, 300, 5000])
    func textsInOrder(count: Int) {
        let texts = Self.texts(count, seed: UInt64(count) + 1)
        var packed = ByteTexts()
        for text in texts { packed.append(text) }
        let found = packed.order().map { Array(packed[Int($0)]) }
        #expect(found == texts.sorted { $0.lexicographicallyPrecedes($1) })
    }

    @Test("pairs are put in the order of name and value", arguments: [1, 400, 3000])
    func pairsInOrder(count: Int) {
        var random = SeededGenerator(seed: 5)
        let values = Self.texts(count, seed: 9)
        let names = ["", "a", "aa", "B", "__name__", "zone"]
        let pairs = values.map { (name: names.randomElement(using: &random) ?? "", value: $0) }
        var bytes: [UInt8] = []
        var ranges: [Range<Int>] = []
        for pair in pairs {
            let start = bytes.count
            bytes += [UInt8(pair.name.utf8.count)] + pair.name.utf8 + [UInt8(pair.value.count)] + pair.value
            ranges.append(start..<bytes.count)
        }
        let found = PairOrder(bytes, pairs: ranges).order().map { pairs[Int($0)] }
        let expected = pairs.sorted {
            $0.name == $1.name
                ? $0.value.lexicographicallyPrecedes($1.value) : $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        }
        #expect(found.map(\.name) == expected.map(\.name))
        #expect(found.map(\.value) == expected.map(\.value))
    }

    @Test("series are put in the order of their labels, few and many", arguments: [0, 1, 99, 100, 101, 3000])
    func seriesInOrder(count: Int) {
        var random = SeededGenerator(seed: UInt64(count) + 3)
        var sets = Set<LabelSet>()
        while sets.count < count {
            var labels: [String: String] = [:]
            for name in ["__name__", "a", "aa", "zone"] where Int.random(in: 0..<5, using: &random) > 0 {
                labels[name] = ["", "x", "x\u{0}", "xy", "\u{e9}"].randomElement(using: &random)
            }
            labels["number"] = "\(Int.random(in: 0...count, using: &random))"
            sets.insert(LabelSet(labels.map { ($0.key, $0.value) }))
        }
        var table = SeriesTable()
        var selected = SelectedLabels()
        let numbers = sets.map { table.intern($0).series }
        selected = SelectedLabels(table.pairs.texts)
        for number in numbers { selected.append(table.labelPairs(of: number), of: table.pairs) }
        #expect(selected.order().map { selected.labels(of: Int($0)) } == sets.sorted())
    }

    @Test("values of head and partitions come once each, in order, different bytes apart")
    func valuesFromBoth() throws {
        let folder = TemporaryDirectory("lapwing-values")
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        // The same letter in two spellings: equal as texts of Swift, not as labels.
        let values = ["b", "caf\u{e9}", "cafe\u{301}", "a", "cc"]
        func append(_ values: [String], source: String) throws {
            let writer = try database.openSource(named: source)
            for value in values { _ = try writer.slot(for: DatabaseFixture.labels("m", 1, ["place": value])) }
            try writer.append(
                timestamp: Timestamp(milliseconds: 1_700_000_000_000), values: values.map { _ in 1 }, histograms: [])
        }
        try append(Array(values[0..<3]), source: "one")
        try database.seal()
        try append(Array(values[2...]), source: "two")
        let expected = values.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { Array($0.utf8) }
        func found(_ selectors: [[LabelMatcher]], limit: Int = 0) throws -> [[UInt8]] {
            try database.querier().labelValues(of: "place", matching: selectors, in: .all, limit: limit)
                .map { Array($0.utf8) }
        }
        #expect(try found([]) == expected)
        #expect(try found([[LabelMatcher(equal: "__name__", "m")]]) == expected)
        #expect(try found([], limit: 2) == Array(expected[0..<2]))
        #expect(try found([[LabelMatcher(equal: "__name__", "other")]]).isEmpty)
    }
}
