import MetricModel
import Storage
import TestSupport
import Testing

@testable import TSDB

@Suite("Newest rows")
struct NewestRowTests {
    private let folder = TemporaryDirectory("lapwing-newest")

    /// Rows of 24 slots every second, the value of a slot is 100 times the second and its number; `slots` give a series each.
    private func fill(
        _ database: TimeSeriesDatabase, _ slots: [Int], named name: String, seconds: ClosedRange<Int>
    ) throws -> any SourceWriter {
        let writer = try database.openSource(named: name)
        for slot in slots { _ = try writer.slot(for: DatabaseFixture.labels("m", slot)) }
        for second in seconds {
            // Slot 5 is there every fourth second, slot 7 was there at first only, slot 9 ends two rows before the last.
            let values = slots.map { slot in
                switch slot {
                case 5 where second % 4 != 0: SpecialValue.absent
                case 7 where second > 2: SpecialValue.absent
                case 9 where second == seconds.upperBound - 2: SpecialValue.stale
                case 9 where second > seconds.upperBound - 2: SpecialValue.absent
                default: Double(100 * second + slot)
                }
            }
            try writer.append(timestamp: Timestamp(milliseconds: Int64(second) * 1000), values: values, histograms: [])
        }
        return writer
    }

    /// Another source, whose 24 slots have -1 every second.
    private func openOther(
        _ database: TimeSeriesDatabase, metric: String, seconds: ClosedRange<Int>
    ) throws -> any SourceWriter {
        let writer = try database.openSource(named: "b")
        for slot in 0..<24 { _ = try writer.slot(for: DatabaseFixture.labels(metric, slot)) }
        for second in seconds {
            try writer.append(
                timestamp: Timestamp(milliseconds: Int64(second) * 1000), values: [Double](repeating: -1, count: 24),
                histograms: [])
        }
        return writer
    }

    /// The newest samples up to a second are the last of all up to it, however few series are asked for.
    private func check(_ database: TimeSeriesDatabase, upTo second: Int) throws {
        let range = TimeRange(start: .init(milliseconds: 1000), end: .init(milliseconds: Int64(second) * 1000))
        let selectors: [[LabelMatcher]] = [
            [], [LabelMatcher(equal: "series", "3")], [LabelMatcher(equal: "series", "5")],
            [try LabelMatcher("series", .regex, "1|7|5")], [try LabelMatcher("series", .regex, "9|2|20")],
        ]
        for matchers in selectors {
            let all = try DatabaseFixture.all(database, matchers, range: range)
            let newest = try DatabaseFixture.all(database, matchers, range: range, needsOnlyNewest: true)
            #expect(newest.mapValues(\.last) == all.mapValues(\.last), "\(matchers) up to \(second)")
            // In blocks, whose series share what is read of a lane.
            let request = SelectRequest(matchers: matchers, range: range, needsOnlyNewest: true, isOrdered: true)
            let blocks = try database.querier().blocks(of: request, seriesLimit: 2)
            var found: [LabelSet: PlainSample] = [:]
            while let block = try blocks.next() {
                var reader = block.makeReader(over: 0..<block.count)
                var columns = SampleColumns()
                for index in 0..<block.count where try reader.next(into: &columns) {
                    let last = columns.values.indices.last
                    if let last {
                        found[block.labels(at: index)] = PlainSample(columns.timestamp(at: last), columns.values[last])
                    }
                }
            }
            #expect(found == all.compactMapValues(\.last), "\(matchers) up to \(second)")
        }
    }

    @Test(
        "the newest samples before any time are those of the last row before it, or of rows before that",
        arguments: [1, 61])
    func everyTime(rowsBefore: Int) throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let last = rowsBefore + 12
        let writer = try fill(database, Array(0..<24), named: "target", seconds: 1...last)
        for second in [1, 2, rowsBefore, last - 9, last - 3, last - 1, last, last + 5] {
            try check(database, upTo: second)
        }
        // What is asked for again is kept in columns.
        for second in [last - 3, last - 1, last - 1, last] { try check(database, upTo: second) }
        writer.close()
        for second in [last - 2, last] { try check(database, upTo: second) }
        try database.seal()
        for second in [last - 2, last] { try check(database, upTo: second) }
    }

    @Test("slots of a lane may stand in another order than their series")
    func otherOrder() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let first = try fill(database, Array(0..<24), named: "a", seconds: 1...3)
        first.close()
        let second = try fill(database, (0..<24).reversed(), named: "b", seconds: 4...9)
        defer { second.close() }
        for second in [3, 4, 8, 9] { try check(database, upTo: second) }
    }

    @Test("a histogram or a start timestamp in a slice does not hide the floats beside it", arguments: [false, true])
    func histogramsAndStarts(hasStarts: Bool) throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let writer = try fill(database, Array(0..<24), named: "target", seconds: 1...3)
        defer { writer.close() }
        let histogram = NativeHistogram(schema: 0, zeroCount: 1, count: 1, sum: 1)
        for second in 4...9 {
            var values = (0..<24).map { Double(100 * second + $0) }
            var histograms: [SlotHistogram] = []
            if second == 6, !hasStarts {
                values[2] = SpecialValue.absent
                histograms = [SlotHistogram(slot: 2, histogram: histogram)]
            }
            try writer.append(
                timestamp: Timestamp(milliseconds: Int64(second) * 1000), values: values, histograms: histograms,
                starts: second == 6 && hasStarts ? [Int64](repeating: 500, count: 24) : [])
        }
        let matchers = [try LabelMatcher("series", .regex, "2|3")]
        for second in [5, 7, 9] {
            let range = TimeRange(start: .init(milliseconds: 1000), end: .init(milliseconds: Int64(second) * 1000))
            let newest = try DatabaseFixture.all(database, matchers, range: range, needsOnlyNewest: true)
            #expect(
                newest.compactMapValues(\.last) == [
                    DatabaseFixture.labels("m", 2): PlainSample(Int64(second) * 1000, Double(100 * second + 2)),
                    DatabaseFixture.labels("m", 3): PlainSample(Int64(second) * 1000, Double(100 * second + 3)),
                ])
        }
    }

    @Test("of two sources that have a series at one time the first one's sample is taken")
    func twoSources() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let first = try fill(database, Array(0..<24), named: "a", seconds: 1...9)
        let second = try openOther(database, metric: "m", seconds: 9...10)
        defer {
            first.close()
            second.close()
        }
        for second in [8, 9, 10] { try check(database, upTo: second) }
    }

    @Test("a slot that a lane gets while blocks are read has nothing in them", arguments: [false, true])
    func laterSlots(secondsBack: Bool) throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let first = try fill(database, Array(0..<24), named: "a", seconds: 1...8)
        let second = try openOther(database, metric: "n", seconds: 1...10)
        defer {
            first.close()
            second.close()
        }
        // Few slots of each, whose bits are copied; of a row that others follow where it is decoded.
        let range = TimeRange(
            start: .init(milliseconds: 1000), end: .init(milliseconds: secondsBack ? 9000 : 20_000))
        let matchers = [try LabelMatcher("series", .regex, "2|3|6")]
        let request = SelectRequest(matchers: matchers, range: range, needsOnlyNewest: true, isOrdered: true)
        let blocks = try database.querier().blocks(of: request, seriesLimit: 2)
        var found: [LabelSet: Double] = [:]
        while let block = try blocks.next() {
            for name in ["m", "o"] { _ = try second.slot(for: DatabaseFixture.labels(name, 6)) }
            var reader = block.makeReader(over: 0..<block.count)
            for index in 0..<block.count {
                if let value = try reader.nextNewest() { found[block.labels(at: index)] = value }
            }
        }
        let expected = [2, 3, 6].flatMap { slot in
            [(DatabaseFixture.labels("m", slot), Double(800 + slot)), (DatabaseFixture.labels("n", slot), -1.0)]
        }
        #expect(found == Dictionary(uniqueKeysWithValues: expected))
    }

    @Test("a view sees the newest row that was there when it was made")
    func view() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let writer = try fill(database, Array(0..<24), named: "target", seconds: 1...5)
        defer { writer.close() }
        let matchers = [try LabelMatcher("series", .regex, "2|5")]
        let view = try database.querier()
        try writer.append(
            timestamp: Timestamp(milliseconds: 6000), values: (0..<24).map { Double(600 + $0) }, histograms: [])
        let expected = [
            DatabaseFixture.labels("m", 2): PlainSample(5000, 502),
            DatabaseFixture.labels("m", 5): PlainSample(4000, 405),
        ]
        #expect(try DatabaseFixture.all(view, matchers, needsOnlyNewest: true).compactMapValues(\.last) == expected)
    }
}
