import MetricModel
import Storage
import TestSupport
import Testing

@testable import TSDB

@Suite("Late and double samples")
struct LateSampleTests {
    let folder = TemporaryDirectory("lapwing-late")
    private let series = DatabaseFixture.labels("late", 1)
    private static let now: Int64 = 1_700_000_000_000

    private func settings(windowMilliseconds: Int64) -> DatabaseSettings {
        var settings = DatabaseFixture.manual
        settings.oldestAcceptedAgeMilliseconds = 3_600_000
        settings.newestAcceptedAheadMilliseconds = 600_000
        settings.outOfOrderWindowMilliseconds = windowMilliseconds
        return settings
    }

    private func append(
        _ samples: [(Int64, Double)], to database: TimeSeriesDatabase, labels: LabelSet? = nil
    ) throws -> AppendOutcome {
        var outcome = AppendOutcome()
        for (distance, value) in samples {
            let columns = SampleColumns(timestamps: [Self.now + distance], values: [value])
            outcome.add(
                try database.append(
                    SampleBatch([.init(labels: labels ?? series, columns: columns)]), onRejection: .skipRejected))
        }
        return outcome
    }

    private func values(_ database: TimeSeriesDatabase) throws -> [PlainSample] {
        try DatabaseFixture.all(database)[series] ?? []
    }

    /// One sample after 0 = 1: what comes of it, as Prometheus decides.
    @Test(
        "a sample is judged as Prometheus does",
        arguments: [
            (0, 1000, 2.0, "taken"), (0, 0, 1.0, "taken"), (0, 0, 2.0, "duplicate"), (0, -1, 2.0, "out of order"),
            (0, -3_600_001, 2.0, "too old"), (0, 700_000, 2.0, "too far ahead"),
            (60_000, -1, 2.0, "taken"), (60_000, -60_000, 2.0, "taken"), (60_000, -60_001, 2.0, "too old"),
            (60_000, 0, 2.0, "duplicate"), (60_000, -3_600_001, 2.0, "too old"),
            (7_200_000, -7_200_000, 2.0, "taken"), (7_200_000, -7_200_001, 2.0, "too old"),
        ] as [(Int64, Int64, Double, String)])
    func verdicts(window: Int64, distance: Int64, value: Double, expected: String) throws {
        let database = try DatabaseFixture.open(
            folder, settings: settings(windowMilliseconds: window), clock: FixedClock(Self.now))
        defer { database.close() }
        _ = try append([(0, 1)], to: database)
        let outcome = try append([(distance, value)], to: database)
        var wanted = AppendOutcome()
        switch expected {
        case "taken": wanted.appended = 1
        case "duplicate": wanted.duplicate = 1
        case "out of order": wanted.outOfOrder = 1
        case "too old": wanted.tooOld = 1
        default: wanted.tooFarAhead = 1
        }
        #expect(outcome == wanted)
    }

    @Test("late samples stand in order, also after a restart, a seal and a merge")
    func lateSamplesLast() throws {
        var database = try DatabaseFixture.open(
            folder, settings: settings(windowMilliseconds: 600_000), clock: FixedClock(Self.now))
        _ = try append([(0, 10), (-30_000, 7), (1000, 11), (-10_000, 9), (-20_000, 8), (-10_000, 99)], to: database)
        let expected = [(-30_000, 7), (-20_000, 8), (-10_000, 9), (0, 10), (1000, 11)].map {
            PlainSample(Self.now + $0.0, $0.1)
        }
        #expect(try values(database) == expected)
        try database.flush()
        let copy = try DatabaseFixture.killedCopy(of: database)
        let restarted = try DatabaseFixture.open(copy, settings: settings(windowMilliseconds: 600_000))
        #expect(try values(restarted) == expected)
        #expect(try append([(1000, 12)], to: restarted).duplicate == 1)
        restarted.close()
        try database.seal()
        #expect(try values(database) == expected)
        _ = try append([(-15_000, 8.5)], to: database)
        try database.seal()
        database.close()
        database = try DatabaseFixture.open(folder)
        var all = expected
        all.insert(PlainSample(Self.now - 15_000, 8.5), at: 2)
        #expect(try values(database) == all)
        database.close()
    }

    @Test("an import takes any age in any order, twice the same thing once")
    func imports() throws {
        let database = try DatabaseFixture.open(
            folder, settings: settings(windowMilliseconds: 0), clock: FixedClock(Self.now))
        defer { database.close() }
        _ = try append([(0, 1)], to: database)
        let year: Int64 = 365 * 86_400_000
        let columns = SampleColumns(
            timestamps: [Self.now - year, Self.now - 5, Self.now], values: [5, 6, 1])
        for _ in 0..<2 {
            let outcome = try database.importSamples(SampleBatch([.init(labels: series, columns: columns)]))
            #expect(outcome.appended == 3)
            #expect(outcome.refusedCount == 0)
            try database.seal()
        }
        let expected = [PlainSample(Self.now - year, 5), PlainSample(Self.now - 5, 6), PlainSample(Self.now, 1)]
        #expect(try values(database) == expected)
        #expect(try append([(1000, 2)], to: database).appended == 1)
    }

    @Test("an import of years in pieces becomes months, each sample once; times that are none are refused")
    func longImports() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let day: Int64 = 86_400_000
        let times = (0..<800).map { Self.now - Int64($0) * day }
        var expected: [PlainSample] = []
        for round in 0..<3 {
            // The second half of each round was in the round before.
            let part = times[round * 200..<round * 200 + 400].reversed()
            let columns = SampleColumns(timestamps: Array(part), values: part.map { Double($0 / day) })
            let outcome = try database.importSamples(SampleBatch([.init(labels: series, columns: columns)]))
            #expect(outcome.appended == 400)
            try database.seal()
        }
        expected = times.reversed().map { PlainSample($0, Double($0 / day)) }
        #expect(try values(database) == expected)
        let columns = SampleColumns(
            timestamps: [Int64.min, -AcceptedTimes.farthest, 0, .max - 1], values: [1, 2, 3, 4])
        let far = try database.importSamples(SampleBatch([.init(labels: series, columns: columns)]))
        #expect(far.appended == 2 && far.tooOld == 1 && far.tooFarAhead == 1)
        try database.seal()
        database.maintain()
        #expect(try values(database).suffix(800) == expected[...])
        let partitions = database.views.current?.partitions ?? []
        #expect(partitions.count <= 800 / 31 + 6, "\(partitions.count)")
        #expect(partitions.reduce(0) { $0 + $1.metadata.sampleCount } <= 802 + 31, "the newest month is not merged yet")
    }

    @Test("a late row is taken inside the window, whole or not at all", arguments: [0, 60_000] as [Int64])
    func lateRows(window: Int64) throws {
        let database = try DatabaseFixture.open(
            folder, settings: settings(windowMilliseconds: window), clock: FixedClock(Self.now))
        defer { database.close() }
        let source = try database.openSource(named: "rows")
        _ = try source.slot(for: series)
        _ = try source.slot(for: DatabaseFixture.labels("late", 2))
        func append(_ distance: Int64, _ value: Double) throws {
            try source.append(
                timestamp: Timestamp(milliseconds: Self.now + distance), values: [value, SpecialValue.absent],
                histograms: [])
        }
        try append(0, 2)
        #expect(throws: AppendError.self) { try append(0, 3) }
        #expect(throws: AppendError.self) { try append(-60_001, 0) }
        if window == 0 {
            #expect(throws: AppendError.self) { try append(-30_000, 1) }
            #expect(try values(database) == [PlainSample(Self.now, 2)])
        } else {
            try append(-30_000, 1)
            #expect(try values(database) == [PlainSample(Self.now - 30_000, 1), PlainSample(Self.now, 2)])
        }
        try append(1000, 3)
    }

    @Test("the window may change while the database is open")
    func windowChanges() throws {
        let settings = settings(windowMilliseconds: 0)
        let database = try DatabaseFixture.open(folder, settings: settings, clock: FixedClock(Self.now))
        defer { database.close() }
        #expect(try append([(0, 1), (-1000, 2)], to: database).outOfOrder == 1)
        database.apply(retention: settings.retention, outOfOrderWindowMilliseconds: 60_000)
        #expect(try append([(-1000, 2)], to: database).appended == 1)
        database.apply(retention: settings.retention, outOfOrderWindowMilliseconds: 0)
        #expect(try append([(-2000, 2)], to: database).outOfOrder == 1)
    }

    @Test("retention may change while the database is open: by age, by size, by share of the disk")
    func retentionChanges() throws {
        let day: Int64 = 86_400_000
        func fill(_ database: TimeSeriesDatabase) throws {
            for age in [0, 1, 2] as [Int64] {
                let columns = SampleColumns(timestamps: [Self.now - age * day], values: [1])
                _ = try database.importSamples(SampleBatch([.init(labels: series, columns: columns)]))
                try database.seal()
            }
        }
        let limits = [
            RetentionSettings(milliseconds: day + day / 2, bytes: 0), RetentionSettings(milliseconds: 0, bytes: 1),
            RetentionSettings(milliseconds: 0, bytes: 0, percentage: 1e-12),
        ]
        for (limit, kept) in zip(limits, [2, 0, 0]) {
            let own = TemporaryDirectory("lapwing-retention")
            let database = try DatabaseFixture.open(own, clock: FixedClock(Self.now))
            try fill(database)
            database.maintain()
            #expect(try values(database).count == 3)
            database.apply(retention: limit, outOfOrderWindowMilliseconds: 0)
            database.maintain()
            #expect(try values(database).count == kept, "\(limit)")
            database.close()
        }
    }

    @Test("one bad sample refuses a whole batch where it shall be all or nothing")
    func allOrNothing() throws {
        let database = try DatabaseFixture.open(
            folder, settings: settings(windowMilliseconds: 0), clock: FixedClock(Self.now))
        defer { database.close() }
        _ = try append([(0, 1)], to: database)
        let other = DatabaseFixture.labels("late", 2)
        let batch = SampleBatch([
            .init(labels: other, columns: SampleColumns(timestamps: [Self.now], values: [1])),
            .init(labels: series, columns: SampleColumns(timestamps: [Self.now - 1], values: [1])),
        ])
        #expect(throws: AppendError.self) { try database.append(batch, onRejection: .refuseAll) }
        #expect(try DatabaseFixture.all(database)[other] == nil)
    }
}
