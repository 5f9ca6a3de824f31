import MetricModel
import Storage
import TestSupport
import Testing

@testable import TSDB

@Suite("Series of partitions that are kept between queries")
struct KeptSeriesTests {
    /// Series of which each target has others, in a row each second.
    private static func fill(_ database: TimeSeriesDatabase, targets: Range<Int>, rows: Range<Int64>) throws {
        for target in targets {
            let source = try database.openSource(named: "target \(target)")
            for series in 0..<40 {
                _ = try source.slot(
                    for: LabelSet(["__name__": "m", "i": "\(target * 7 + series)", "instance": "host-\(target)"]))
            }
            for row in rows {
                let values = (0..<40).map { Double($0 * target) + Double(row) }
                try source.append(timestamp: Timestamp(milliseconds: row * 1000), values: values, histograms: [])
            }
            source.close()
        }
    }

    /// What a query sees of a selection.
    private struct Answer: Equatable {
        var labels: [LabelSet] = []
        var samples: [[PlainSample]] = []
        /// For each choice the labels of each series, by way of their numbers.
        var chosen: [[LabelSet]] = []
        var numbers: [[Int]] = []
    }

    private static func answer(_ selected: any SelectedSeries) throws -> Answer {
        var answer = Answer()
        var reader = selected.makeReader(over: 0..<selected.count)
        var columns = SampleColumns()
        while try reader.next(into: &columns) {
            answer.labels.append(selected.labels(at: answer.samples.count))
            answer.samples.append(
                columns.values.indices.map { PlainSample(columns.timestamp(at: $0), columns.values[$0]) })
        }
        for names in [[], ["instance"], ["instance", "i"], ["nothing"]] {
            for keepsNamed in [true, false] {
                guard var chosen = selected.choose(LabelChoice(names: names, keepsNamed: keepsNamed)) else { continue }
                let numbers = (0..<selected.count).map { chosen.number(of: $0) }
                if let known = chosen.knownNumbers { #expect(known.map { Int($0) } == numbers) }
                answer.numbers.append(numbers)
                answer.chosen.append(numbers.map { chosen.labels(numbered: $0) })
            }
        }
        return answer
    }

    @Test("a selection asked again gives what it gives without a cache, while series come and go")
    func sameAsWithoutCache() throws {
        let folders = [TemporaryDirectory("lapwing-kept"), TemporaryDirectory("lapwing-unkept")]
        var without = DatabaseFixture.manual
        without.blockCacheBytes = 0
        without.headFindingsBytes = 0
        without.headColumnsBytes = 0
        let databases = [
            try DatabaseFixture.open(folders[0]), try DatabaseFixture.open(folders[1], settings: without),
        ]
        defer { for database in databases { database.close() } }
        let selectors: [[LabelMatcher]] = [
            [LabelMatcher(equal: "__name__", "m")], [try LabelMatcher("i", .regex, "[1-4].")],
            [LabelMatcher(equal: "__name__", "m"), LabelMatcher(equal: "instance", "host-2")],
        ]
        func compare() throws {
            for end: Int64 in [15, 25, 100] {
                let range = TimeRange(start: .init(milliseconds: 0), end: .init(milliseconds: end * 1000))
                for matchers in selectors {
                    for isInstant in [false, true] {
                        let request = SelectRequest(matchers: matchers, range: range, needsOnlyNewest: isInstant)
                        let wanted = try Self.answer(databases[1].querier().select(request))
                        #expect(!wanted.labels.isEmpty && wanted.labels.sorted() == wanted.labels)
                        // The third time it is known; in blocks it is never known as a whole.
                        for limit in [1000, 7, 1000, 7, 1000, 1000] {
                            let blocks = try databases[0].querier().blocks(of: request, seriesLimit: limit)
                            var labels: [LabelSet] = []
                            var answer: Answer?
                            while let next = try blocks.next() {
                                let found = try Self.answer(next)
                                labels += found.labels
                                if limit == 1000 { answer = found }
                            }
                            #expect(labels == wanted.labels)
                            if let answer { #expect(answer == wanted) }
                        }
                    }
                }
            }
        }
        for database in databases {
            try Self.fill(database, targets: 0..<3, rows: 10..<14)
            try database.seal()
        }
        try compare()
        for database in databases {
            try Self.fill(database, targets: 2..<5, rows: 20..<24)
            try database.seal()
        }
        try compare()
        // The head has some of the series, and new ones.
        for database in databases { try Self.fill(database, targets: 4..<6, rows: 30..<34) }
        try compare()
        // More rows of series that are known, then of a new one.
        for database in databases { try Self.fill(database, targets: 4..<6, rows: 34..<36) }
        try compare()
        for database in databases { try Self.fill(database, targets: 6..<7, rows: 36..<38) }
        try compare()
        for database in databases {
            try database.deleteSeries(matching: [[LabelMatcher(equal: "i", "12")]], in: .all)
        }
        try compare()
        // The head's lanes end, and their series leave it.
        for database in databases { try database.seal() }
        try compare()
        for database in databases { try Self.fill(database, targets: 1..<8, rows: 40..<42) }
        try compare()
    }

    @Test("what the head's matchers find is kept until a series comes or goes")
    func headFindings() throws {
        let folder = TemporaryDirectory("lapwing-findings")
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let request = SelectRequest(matchers: [LabelMatcher(equal: "__name__", "m")], range: .all)
        func seriesCount() throws -> Int { try database.querier().select(request).count }
        let findings = database.head.findings
        #expect(try seriesCount() == 0)
        try Self.fill(database, targets: 0..<2, rows: 1..<3)
        #expect(try seriesCount() == 80)
        let bytes = findings.byteCount
        #expect(bytes > 0)
        for _ in 0..<5 { #expect(try seriesCount() == 80) }
        #expect(findings.byteCount == bytes)
        try Self.fill(database, targets: 2..<3, rows: 1..<3)
        #expect(try seriesCount() == 120)
        try database.seal()
        #expect(findings.byteCount == 0)
        #expect(try seriesCount() == 120)
    }

    @Test("a view sees the rows of its time, also where newer ones are kept, and where its rows were sealed since")
    func olderViews() throws {
        let folder = TemporaryDirectory("lapwing-views")
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let source = try database.openSource(named: "target")
        for series in 0..<3 { _ = try source.slot(for: LabelSet(["__name__": "m", "i": "\(series)"])) }
        let request = SelectRequest(
            matchers: [LabelMatcher(equal: "__name__", "m")],
            range: TimeRange(start: .init(milliseconds: 2000), end: .init(milliseconds: 90_000)))
        func append(_ row: Int64) throws {
            try source.append(
                timestamp: Timestamp(milliseconds: row * 1000), values: [Double(row), 1, Double(-row)], histograms: [])
        }
        /// The times of the first series, whose values are these in seconds.
        func times(_ querier: any Querier) throws -> [Int64] {
            let selected = try querier.select(request)
            guard selected.count > 0 else { return [] }
            var reader = selected.makeReader(over: 0..<selected.count)
            var columns = SampleColumns()
            guard try reader.next(into: &columns) else { return [] }
            let times = columns.values.indices.map { columns.timestamp(at: $0) }
            #expect(columns.values == times.map { Double($0 / 1000) })
            return times
        }
        // Rows of several slices, each with a view behind it that is asked at once and again in the end.
        var views: [(querier: any Querier, expected: [Int64])] = []
        for row in Int64(1)...130 {
            try append(row)
            let expected = row < 2 ? [] : (2...min(row, 90)).map { $0 * 1000 }
            views.append((try database.querier(), expected))
            #expect(try times(views[views.count - 1].querier) == expected)
        }
        #expect(database.head.columnsQuota.usedBytes > 0)
        for view in views.reversed() { #expect(try times(view.querier) == view.expected) }
        try database.seal()
        try append(131)
        for view in views.shuffled() { #expect(try times(view.querier) == view.expected) }
        #expect(try times(database.querier()) == views[129].expected)
        views = []
        try append(132)
        database.maintain()
        #expect(try times(database.querier()).count == 89)
    }
}
