import MetricModel
import Storage
import TestSupport
import Testing

@testable import TSDB

@Suite("Head and journal")
struct HeadDatabaseTests {
    let folder = TemporaryDirectory("lapwing-tsdb")

    /// Values that exercise every form of the codec.
    static let values: [Double] = [
        0, -0.0, 1, 2, 3, 1000, 999, 0.1, 0.25, 198.59300000000002, 198.593, 1e300, -1e-300, .infinity, -.infinity,
        .nan, Double(bitPattern: 0x7ff8_0000_0000_0001), Double(bitPattern: 0x7ff8_dead_beef_0001),
        SpecialValue.stale, .pi, 9_007_199_254_740_994, 123_456_789.123, Double(bitPattern: 1), 0.30000000000000004,
    ]

    @Test("rows come back bit for bit, before and after a restart")
    func rowsComeBack() throws {
        var model: [LabelSet: [PlainSample]] = [:]
        var random = SystemRandomNumberGenerator()
        let database = try DatabaseFixture.open(folder)
        let writer = try database.openSource(named: "target")
        for index in 0..<150 { _ = try writer.slot(for: DatabaseFixture.labels("m", index)) }
        for row in 0..<300 {
            if row == 130 { for index in 150..<200 { _ = try writer.slot(for: DatabaseFixture.labels("m", index)) } }
            var values = [Double](repeating: SpecialValue.absent, count: writer.slotCount)
            for slot in values.indices {
                switch slot % 4 {
                case 0: values[slot] = Self.values.randomElement(using: &random) ?? 0
                case 1: values[slot] = Double(row * slot)
                case 2: values[slot] = Bool.random(using: &random) ? SpecialValue.absent : Double.random(in: 0..<1)
                default: values[slot] = Double(row) * 0.1
                }
            }
            let timestamp = Int64(row) * 15_000
            try writer.append(timestamp: Timestamp(milliseconds: timestamp), values: values, histograms: [])
            for (slot, value) in values.enumerated() where !SpecialValue.isAbsent(value) {
                model[DatabaseFixture.labels("m", slot), default: []].append(PlainSample(timestamp, value))
            }
        }
        #expect(try DatabaseFixture.all(database) == model)
        try database.flush()
        let copy = try DatabaseFixture.killedCopy(of: database)
        database.close()
        let again = try DatabaseFixture.open(folder)
        #expect(try DatabaseFixture.all(again) == model)
        again.close()
        let afterKill = try DatabaseFixture.open(copy)
        #expect(try DatabaseFixture.all(afterKill) == model)
        afterKill.close()
    }

    @Test("a single series and a range give the same samples as reading everything")
    func singleSeries() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let writer = try database.openSource(named: "target")
        for index in 0..<200 { _ = try writer.slot(for: DatabaseFixture.labels("m", index)) }
        for row in 0..<250 {
            let values = (0..<200).map { slot in
                slot % 7 == 0 && row % 3 == 0 ? SpecialValue.absent : Double((row * slot) % 23) / 10
            }
            try writer.append(timestamp: Timestamp(milliseconds: Int64(row) * 1000), values: values, histograms: [])
        }
        let range = TimeRange(start: Timestamp(milliseconds: 50_500), end: Timestamp(milliseconds: 201_000))
        let everything = try DatabaseFixture.all(database, range: range)
        for index in [0, 7, 63, 64, 199] {
            let one = try DatabaseFixture.all(
                database, [LabelMatcher(equal: "series", "\(index)")], range: range)
            let labels = DatabaseFixture.labels("m", index)
            #expect(one[labels] == everything[labels])
            #expect(one[labels]?.first?.timestamp ?? 0 >= 50_500)
            #expect(one[labels]?.last?.timestamp ?? 0 <= 201_000)
        }
    }

    @Test("series of one target share their clock object")
    func sharedClock() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let writer = try database.openSource(named: "target")
        for index in 0..<20 { _ = try writer.slot(for: DatabaseFixture.labels("m", index)) }
        for row in 0..<10 {
            let values = (0..<20).map { slot in slot < 5 && row == 4 ? SpecialValue.absent : Double(slot) }
            try writer.append(timestamp: Timestamp(milliseconds: Int64(row) * 1000), values: values, histograms: [])
        }
        let selected = try database.querier().select(SelectRequest(matchers: [], range: .all))
        var reader = selected.makeReader(over: 0..<selected.count)
        var clocks = Set<ObjectIdentifier>()
        var columns = SampleColumns()
        var held: [Clock] = []
        while try reader.next(into: &columns) {
            clocks.insert(ObjectIdentifier(columns.clock))
            held.append(columns.clock)
        }
        #expect(held.count == 20)
        #expect(clocks.count == 2)
    }

    @Test("a view sees the appends before it and none after it")
    func snapshot() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let writer = try database.openSource(named: "target")
        let labels = DatabaseFixture.labels("m", 0)
        let loose = DatabaseFixture.labels("loose", 0)
        _ = try writer.slot(for: labels)
        try writer.append(timestamp: Timestamp(milliseconds: 1000), values: [1], histograms: [])
        let batch = SampleBatch([.init(labels: loose, columns: SampleColumns(timestamps: [1000], values: [1]))])
        _ = try database.append(batch, onRejection: .refuseAll)
        let view = try database.querier()
        try writer.append(timestamp: Timestamp(milliseconds: 2000), values: [2], histograms: [])
        let later = SampleBatch([.init(labels: loose, columns: SampleColumns(timestamps: [2000], values: [2]))])
        _ = try database.append(later, onRejection: .refuseAll)
        let expected = [labels: [PlainSample(1000, 1)], loose: [PlainSample(1000, 1)]]
        #expect(try DatabaseFixture.all(view) == expected)
        #expect(try DatabaseFixture.all(view, needsOnlyNewest: true) == expected)
        #expect(try DatabaseFixture.all(database, needsOnlyNewest: true)[labels]?.last == PlainSample(2000, 2))
    }

    @Test("batches obey the rules of order and age")
    func batchRules() throws {
        var settings = DatabaseFixture.manual
        settings.oldestAcceptedAgeMilliseconds = 3_600_000
        settings.newestAcceptedAheadMilliseconds = 600_000
        let clock = FixedClock(10_000_000)
        let database = try DatabaseFixture.open(folder, settings: settings, clock: clock)
        defer { database.close() }
        let labels = DatabaseFixture.labels("rule", 0)
        func append(_ timestamps: [Int64], _ values: [Double], _ policy: RejectionPolicy = .skipRejected) throws
            -> AppendOutcome
        {
            let columns = SampleColumns(timestamps: timestamps, values: values)
            return try database.append(SampleBatch([.init(labels: labels, columns: columns)]), onRejection: policy)
        }
        #expect(try append([9_000_000, 10_000_000], [1, SpecialValue.absent]).appended == 2)
        #expect(try append([10_000_000], [SpecialValue.notANumber]).appended == 1)
        #expect(try append([10_000_000], [3]).duplicate == 1)
        #expect(try append([9_500_000], [3]).outOfOrder == 1)
        #expect(try append([10_600_001], [3]).tooFarAhead == 1)
        let other = SampleBatch([
            .init(labels: DatabaseFixture.labels("other", 0), columns: SampleColumns(timestamps: [1000], values: [1]))
        ])
        #expect(try database.append(other, onRejection: .skipRejected).tooOld == 1)
        #expect(throws: AppendError.self) { try append([10_100_000, 10_050_000], [1, 2], .refuseAll) }
        let expected = [PlainSample(9_000_000, 1), PlainSample(10_000_000, SpecialValue.notANumber)]
        #expect(try DatabaseFixture.all(database) == [labels: expected])
        try database.flush()
        let copy = try DatabaseFixture.killedCopy(of: database)
        let again = try DatabaseFixture.open(copy, settings: settings, clock: clock)
        defer { again.close() }
        #expect(try DatabaseFixture.all(again) == [labels: expected])
        #expect(
            try again.append(
                SampleBatch([.init(labels: labels, columns: SampleColumns(timestamps: [9_999_999], values: [1]))]),
                onRejection: .skipRejected
            ).outOfOrder == 1)
    }

    @Test("rows of a source ascend; the same row again is accepted silently")
    func rowOrder() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let writer = try database.openSource(named: "target")
        _ = try writer.slot(for: DatabaseFixture.labels("m", 0))
        try writer.append(timestamp: Timestamp(milliseconds: 1000), values: [1], histograms: [])
        try writer.append(timestamp: Timestamp(milliseconds: 1000), values: [1], histograms: [])
        #expect(throws: AppendError.self) {
            try writer.append(timestamp: Timestamp(milliseconds: 1000), values: [2], histograms: [])
        }
        #expect(throws: AppendError.self) {
            try writer.append(timestamp: Timestamp(milliseconds: 999), values: [1], histograms: [])
        }
        #expect(try DatabaseFixture.all(database).values.first == [PlainSample(1000, 1)])
    }

    @Test("two writers of one series are merged by time, the first wins at equal times")
    func twoWriters() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let labels = DatabaseFixture.labels("m", 0)
        let first = try database.openSource(named: "a")
        let second = try database.openSource(named: "b")
        _ = try first.slot(for: labels)
        _ = try second.slot(for: labels)
        for time in [1000, 3000, 5000] as [Int64] {
            try first.append(timestamp: Timestamp(milliseconds: time), values: [1], histograms: [])
        }
        for time in [2000, 3000, 6000] as [Int64] {
            try second.append(timestamp: Timestamp(milliseconds: time), values: [2], histograms: [])
        }
        let expected = [(1000, 1.0), (2000, 2), (3000, 1), (5000, 1), (6000, 2)].map { PlainSample(Int64($0.0), $0.1) }
        #expect(try DatabaseFixture.all(database) == [labels: expected])
        #expect(try DatabaseFixture.all(database, needsOnlyNewest: true)[labels]?.last == expected.last)
    }

    @Test("native histograms come back from rows and batches, also after a restart")
    func histograms() throws {
        let database = try DatabaseFixture.open(folder)
        let histogram = NativeHistogram(
            schema: 3, zeroThreshold: 1e-128, zeroCount: 2, count: 12.5, sum: 18.4,
            positiveSpans: [.init(offset: -2, length: 2), .init(offset: 1, length: 2)],
            positiveBuckets: [1, 2.5, 3, 1e18])
        let writer = try database.openSource(named: "target")
        for index in 0..<3 { _ = try writer.slot(for: DatabaseFixture.labels("h", index)) }
        for row in 0..<130 {
            try writer.append(
                timestamp: Timestamp(milliseconds: Int64(row) * 1000), values: [1, SpecialValue.absent, 2],
                histograms: [SlotHistogram(slot: 1, histogram: histogram)])
        }
        let loose = DatabaseFixture.labels("loose", 0)
        var columns = SampleColumns(timestamps: [5000], values: [1])
        columns.histograms = [.init(timestamp: 4000, histogram: histogram), .init(timestamp: 6000, histogram: .stale)]
        #expect(
            try database.append(SampleBatch([.init(labels: loose, columns: columns)]), onRejection: .refuseAll).appended
                == 3)
        func check(_ store: TimeSeriesDatabase) throws {
            let selected = try store.querier().select(
                SelectRequest(matchers: [LabelMatcher(equal: "series", "1")], range: .all))
            var reader = selected.makeReader(over: 0..<selected.count)
            var read = SampleColumns()
            #expect(try reader.next(into: &read))
            #expect(read.values.isEmpty)
            #expect(read.histograms.count == 130)
            var continued = histogram
            continued.counterResetHint = .notReset
            #expect(read.histograms.first == HistogramSample(timestamp: 0, histogram: histogram))
            #expect(read.histograms.last == HistogramSample(timestamp: 129_000, histogram: continued))
            let other = try store.querier().select(
                SelectRequest(matchers: [LabelMatcher(equal: "__name__", "loose")], range: .all))
            reader = other.makeReader(over: 0..<other.count)
            #expect(try reader.next(into: &read))
            #expect(read.values == [1])
            #expect(read.histograms.map(\.timestamp) == [4000, 6000])
            #expect(read.histograms.last?.histogram.isStale == true)
        }
        try check(database)
        database.close()
        let again = try DatabaseFixture.open(folder)
        defer { again.close() }
        try check(again)
    }

    @Test("slots long without samples are given back, and nothing is lost")
    func renumbering() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let writer = try database.openSource(named: "target")
        for index in 0..<200 { _ = try writer.slot(for: DatabaseFixture.labels("m", index)) }
        var model: [LabelSet: [PlainSample]] = [:]
        var slotSeries = Array(0..<200)
        var generation = writer.generation
        for row in 0..<400 {
            var values = [Double](repeating: SpecialValue.absent, count: writer.slotCount)
            for (slot, series) in slotSeries.enumerated() where series < 100 || row < 50 {
                values[slot] = Double(row + series)
                model[DatabaseFixture.labels("m", series), default: []].append(
                    PlainSample(Int64(row) * 1000, values[slot]))
            }
            try writer.append(timestamp: Timestamp(milliseconds: Int64(row) * 1000), values: values, histograms: [])
            if writer.generation != generation {
                generation = writer.generation
                slotSeries = []
                let count = writer.slotCount
                for series in 0..<100 {
                    #expect(try writer.slot(for: DatabaseFixture.labels("m", series)) == series)
                    slotSeries.append(series)
                }
                #expect(writer.slotCount == count)
            }
        }
        #expect(generation == 1)
        #expect(writer.slotCount == 100)
        #expect(try DatabaseFixture.all(database) == model)
    }

    @Test("names that look alike are different names, in the head and in a partition")
    func alikeNames() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let names = ["e\u{301}", "\u{e9}"]
        let batch = SampleBatch(
            names.map { name in
                .init(
                    labels: LabelSet(["__name__": "m", name: "value of \(name.utf8.count) bytes"]),
                    columns: SampleColumns(timestamps: [1000], values: [1]))
            })
        _ = try database.append(batch, onRejection: .refuseAll)
        for isSealed in [false, true] {
            if isSealed { try database.seal() }
            let querier = try database.querier()
            let found = try querier.labelNames(matching: [], in: .all, limit: 0)
            #expect(found.map { Array($0.utf8) } == (["__name__"] + names).map { Array($0.utf8) })
            for name in names {
                let values = ["value of \(name.utf8.count) bytes"]
                #expect(try querier.labelValues(of: name, matching: [], in: .all, limit: 0) == values)
                let matcher = try LabelMatcher(name, .regex, "value.*")
                #expect(try querier.series(matching: [[matcher]], in: .all, limit: 0).count == 1)
            }
        }
    }

    @Test("label names, values and series follow the selectors")
    func labelQueries() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let sets = [
            LabelSet(["__name__": "up", "job": "a"]), LabelSet(["__name__": "up", "job": "b", "zone": "x"]),
            LabelSet(["__name__": "down", "job": "a"]),
        ]
        let batch = SampleBatch(
            sets.map { .init(labels: $0, columns: SampleColumns(timestamps: [1000], values: [1])) })
        _ = try database.append(batch, onRejection: .refuseAll)
        let querier = try database.querier()
        let isUp = [LabelMatcher(equal: "__name__", "up")]
        #expect(try querier.labelNames(matching: [], in: .all, limit: 0) == ["__name__", "job", "zone"])
        #expect(
            try querier.labelNames(matching: [[LabelMatcher(equal: "job", "a")]], in: .all, limit: 0) == [
                "__name__", "job",
            ])
        #expect(try querier.labelValues(of: "job", matching: [], in: .all, limit: 0) == ["a", "b"])
        #expect(try querier.labelValues(of: "job", matching: [isUp], in: .all, limit: 1) == ["a"])
        #expect(try querier.series(matching: [isUp], in: .all, limit: 0) == [sets[0], sets[1]])
        let selected = try querier.select(
            SelectRequest(matchers: [LabelMatcher("zone", .notRegex, "x|y")] + isUp, range: .all))
        #expect((0..<selected.count).map { selected.labels(at: $0) } == [sets[0]])
    }
}
