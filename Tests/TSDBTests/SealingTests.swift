import Glibc
import MetricModel
import Storage
import Synchronization
import TestSupport
import Testing

@testable import TSDB

/// A generator that gives the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}

@Suite("Sealing, merging, retention")
struct SealingTests {
    let folder = TemporaryDirectory("lapwing-sealing")
    private static let start: Int64 = 1_700_000_000_000 / 7_200_000 * 7_200_000

    /// Rows of several sources, batches, new and vanishing series, seals at any time: the database equals a naive model.
    @Test("the database equals a naive model through seals, merges and restarts", arguments: [1, 2, 3, 4] as [UInt64])
    func equalsModel(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var model: [LabelSet: [Int64: UInt64]] = [:]
        var database = try DatabaseFixture.open(folder)
        var writers: [any SourceWriter] = []
        var slotLabels: [[LabelSet]] = []
        func openSources() throws {
            writers = try (0..<3).map { try database.openSource(named: "source-\($0)") }
            slotLabels = [[], [], []]
        }
        try openSources()
        var time = Self.start
        for step in 0..<600 {
            time += Int64.random(in: 1...60_000, using: &random)
            let source = Int.random(in: 0..<3, using: &random)
            // A slot is never given back here: fewer than a quarter of them die.
            if slotLabels[source].count < 40, Int.random(in: 0..<4, using: &random) == 0 {
                // Source 2 shares its series with source 1.
                let labels = DatabaseFixture.labels(
                    "m\(slotLabels[source].count % 3)", slotLabels[source].count + (source == 0 ? 0 : 100))
                #expect(try writers[source].slot(for: labels) == slotLabels[source].count)
                slotLabels[source].append(labels)
            }
            var values: [Double] = []
            for slot in slotLabels[source].indices {
                let value: Double =
                    switch Int.random(in: 0..<6, using: &random) {
                    case 0: SpecialValue.absent
                    case 1: HeadDatabaseTests.values.randomElement(using: &random) ?? 0
                    case 2: Double(slot)
                    case 3: Double(Int.random(in: 0..<100_000, using: &random)) / 1000
                    default: Double(step * slot)
                    }
                values.append(value)
            }
            try writers[source].append(timestamp: Timestamp(milliseconds: time), values: values, histograms: [])
            for (labels, value) in zip(slotLabels[source], values) where !SpecialValue.isAbsent(value) {
                model[labels, default: [:]][time] = value.bitPattern
            }
            if step % 5 == 0 {
                let labels = DatabaseFixture.labels("loose", Int.random(in: 0..<10, using: &random))
                let columns = SampleColumns(timestamps: [time - 1000, time], values: [Double(step), Double(step) / 3])
                let batch = SampleBatch([.init(labels: labels, columns: columns)])
                let newest = model[labels]?.keys.max() ?? .min
                _ = try database.append(batch, onRejection: .skipRejected)
                if time - 1000 > newest { model[labels, default: [:]][time - 1000] = Double(step).bitPattern }
                model[labels, default: [:]][time] = (Double(step) / 3).bitPattern
            }
            switch Int.random(in: 0..<150, using: &random) {
            case 0: try database.seal()
            case 1: try database.maintenance.mergePartitions()
            case 2:
                database.close()
                database = try DatabaseFixture.open(folder)
                try openSources()
            default: break
            }
            if step % 150 == 149 { try check(database, model, using: &random) }
        }
        try check(database, model, using: &random)
        try database.seal()
        try check(database, model, using: &random)
        #expect(database.maintenance.currentStatus.seals > 0)
        database.close()
        let again = try DatabaseFixture.open(folder)
        try check(again, model, using: &random)
        for reader in again.views.current?.partitions ?? [] { #expect(reader.verify() == []) }
        again.close()
    }

    private func check(
        _ database: TimeSeriesDatabase, _ model: [LabelSet: [Int64: UInt64]], using random: inout SeededGenerator
    ) throws {
        let expected = model.mapValues { samples in
            samples.sorted { $0.key < $1.key }.map { PlainSample($0.key, Double(bitPattern: $0.value)) }
        }.filter { !$0.value.isEmpty }
        let read = try DatabaseFixture.all(database)
        #expect(read.count == expected.count)
        for (labels, samples) in expected where read[labels] != samples {
            Issue.record("\(labels): \(Set(samples).symmetricDifference(Set(read[labels] ?? [])))")
            return
        }
        let times = model.values.flatMap(\.keys).sorted()
        guard let from = times.randomElement(using: &random), let to = times.randomElement(using: &random) else {
            return
        }
        let range = TimeRange(
            start: Timestamp(milliseconds: min(from, to)), end: Timestamp(milliseconds: max(from, to)))
        let matchers = [LabelMatcher(equal: "__name__", "m1")]
        let part = try DatabaseFixture.all(database, matchers, range: range)
        let newest = try DatabaseFixture.all(database, matchers, range: range, needsOnlyNewest: true)
        for (labels, samples) in expected where labels.metricName == "m1" {
            let inRange = samples.filter { range.contains(Timestamp(milliseconds: $0.timestamp)) }
            #expect(part[labels] ?? [] == inRange)
            #expect(newest[labels]?.last == inRange.last)
        }
    }

    @Test("sealing empties head and journal, and the folder still answers after a crash")
    func sealingEmptiesHead() throws {
        let database = try DatabaseFixture.open(folder)
        let writer = try database.openSource(named: "target")
        for index in 0..<1000 { _ = try writer.slot(for: DatabaseFixture.labels("m", index)) }
        for row in 0..<130 {
            let values = (0..<1000).map { Double(row * $0) }
            try writer.append(
                timestamp: Timestamp(milliseconds: Self.start + Int64(row) * 15_000), values: values, histograms: [])
        }
        let before = try DatabaseFixture.all(database)
        let view = try database.querier()
        try database.seal()
        // The old view still reads the head's slices.
        #expect(try DatabaseFixture.all(view) == before)
        #expect(try DatabaseFixture.all(database) == before)
        let values = [Double](repeating: 5, count: 1000)
        try writer.append(
            timestamp: Timestamp(milliseconds: Self.start + 130 * 15_000), values: values, histograms: [])
        try database.flush()
        let copy = try DatabaseFixture.killedCopy(of: database)
        let again = try DatabaseFixture.open(copy)
        defer { again.close() }
        let afterCrash = try DatabaseFixture.all(again)
        #expect(afterCrash.count == 1000)
        #expect(afterCrash[DatabaseFixture.labels("m", 7)]?.count == 131)
        #expect(afterCrash == (try DatabaseFixture.all(database)))
        #expect(again.head.counters.rowBytes.load(ordering: .relaxed) < 20_000)
        database.close()
    }

    @Test("a crash between the new partition and the journal's truncation gives no sample twice")
    func crashBeforeTruncation() throws {
        let database = try DatabaseFixture.open(folder)
        let writer = try database.openSource(named: "target")
        let labels = DatabaseFixture.labels("m", 0)
        _ = try writer.slot(for: labels)
        for row in 0..<50 {
            try writer.append(timestamp: Timestamp(milliseconds: Int64(row)), values: [Double(row)], histograms: [])
        }
        try database.flush()
        let unsealed = try DatabaseFixture.killedCopy(of: database)
        try database.seal()
        // The partition of afterwards with the journal of before.
        let result = ChildProcess.run(
            ["/bin/cp", "-a", database.path + "/partitions", unsealed.path + "/data/"], folder: folder, name: "copy")
        #expect(result.code == 0)
        database.close()
        let again = try DatabaseFixture.open(unsealed)
        defer { again.close() }
        #expect(try DatabaseFixture.all(again)[labels]?.count == 50)
        #expect(again.head.counters.rowBytes.load(ordering: .relaxed) == 0)
    }

    @Test("partitions of a past window become one, and old ones are deleted with their files")
    func mergingAndRetention() throws {
        var settings = DatabaseFixture.manual
        settings.retentionMilliseconds = 86_400_000
        let database = try DatabaseFixture.open(folder, settings: settings)
        defer { database.close() }
        let writer = try database.openSource(named: "target")
        for index in 0..<100 { _ = try writer.slot(for: DatabaseFixture.labels("m", index)) }
        func append(from first: Int64) throws {
            for row in 0..<60 {
                let values = (0..<100).map { Double(row + $0) }
                try writer.append(
                    timestamp: Timestamp(milliseconds: first + Int64(row) * 15_000), values: values, histograms: [])
            }
            try database.seal()
        }
        for part in 0..<6 { try append(from: Self.start + Int64(part) * 1_000_000) }
        #expect(database.views.current?.partitions.count == 6)
        try append(from: Self.start + 3 * 7_200_000)
        let before = try DatabaseFixture.all(database)
        try database.maintenance.mergePartitions()
        #expect(database.views.current?.partitions.count == 2)
        #expect(try DatabaseFixture.all(database) == before)
        #expect(before[DatabaseFixture.labels("m", 3)]?.count == 7 * 60)
        try append(from: Self.start + 2 * 86_400_000)
        database.maintain()
        #expect(database.views.current?.partitions.count == 1)
        let files = ChildProcess.run(["/bin/ls", database.path + "/partitions"], folder: folder, name: "ls").output
        #expect(files.split(separator: "\n").count == 1)
        #expect(try DatabaseFixture.all(database)[DatabaseFixture.labels("m", 3)]?.count == 60)
    }

    @Test("the oldest partitions go when all take more than a size or a share of the disk", arguments: [false, true])
    func retentionBySize(isShare: Bool) throws {
        func fill(_ settings: DatabaseSettings) throws -> (kept: Int, bytes: Int) {
            let database = try DatabaseFixture.open(folder, settings: settings)
            defer { database.close() }
            for part in 0..<4 where database.state.partitionCount < 4 {
                let columns = SampleColumns(
                    timestamps: (0..<20_000).map { Self.start + Int64(part) * 86_400_000 + $0 * 1000 },
                    values: (0..<20_000).map { Double($0 * part).squareRoot() })
                let series = SampleBatch.Series(labels: DatabaseFixture.labels("m", part), columns: columns)
                _ = try database.append(SampleBatch([series]), onRejection: .refuseAll)
                try database.seal()
            }
            database.maintain()
            let state = database.state
            return (state.partitionCount, state.partitionBytes)
        }
        let all = try fill(DatabaseFixture.manual)
        #expect(all.kept == 4)
        var settings = DatabaseFixture.manual
        // The journal's file counts too.
        let limit = all.bytes
        if isShare {
            var status = statvfs()
            #expect(unsafe statvfs(folder.path, &status) == 0)
            settings.retentionPercentage = Double(limit) / (Double(status.f_blocks) * Double(status.f_frsize)) * 100
            settings.retentionBytes = 1 << 40
        } else {
            settings.retentionBytes = limit
        }
        let kept = try fill(settings)
        #expect(kept.kept < 4 && kept.kept > 0)
        #expect(kept.bytes <= limit)
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        #expect(try DatabaseFixture.all(database)[DatabaseFixture.labels("m", 3)]?.count == 20_000, "the newest stays")
    }

    @Test("series that left are dropped from the head after sealing")
    func churn() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        for round in 0..<20 {
            let writer = try database.openSource(named: "target-\(round)")
            for index in 0..<50 { _ = try writer.slot(for: DatabaseFixture.labels("m", round * 50 + index)) }
            try writer.append(
                timestamp: Timestamp(milliseconds: Self.start + Int64(round) * 1000),
                values: [Double](repeating: 1, count: 50), histograms: [])
            writer.close()
            try database.seal()
        }
        #expect(database.head.withIndex { $0.series.count } == 0)
        #expect(database.head.withIndex { $0.series.numberLimit } <= 100)
        #expect(try DatabaseFixture.all(database).count == 1000)
    }

    @Test("sealing and removing many series holds the index for a few thousand at a time")
    func turns() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let count = SealedLabels.seriesPerTurn * 2
        var writers: [any SourceWriter] = []
        for target in 0..<3 {
            let writer = try database.openSource(named: "target-\(target)")
            for line in 0..<count / 2 { _ = try writer.slot(for: DatabaseFixture.labels("m-\(target)", line)) }
            try writer.append(
                timestamp: Timestamp(milliseconds: Self.start), values: (0..<count / 2).map(Double.init), histograms: []
            )
            writers.append(writer)
        }
        try database.seal()
        #expect(database.head.counters.longestTurn.load(ordering: .relaxed) == SealedLabels.seriesPerTurn)
        for writer in writers { writer.close() }
        try database.seal()
        let longest = database.head.counters.longestTurn.load(ordering: .relaxed)
        #expect(longest <= Maintenance.seriesRemovedPerTurn)
        #expect(Maintenance.seriesRemovedPerTurn <= 25_000)
    }

    @Test("maintenance takes a lane of more series than a turn removes out of the index in turns, and nothing else")
    func largeLane() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let count = Maintenance.seriesRemovedPerTurn + 3_000
        let large = try database.openSource(named: "large")
        let small = try database.openSource(named: "small")
        for line in 0..<count { _ = try large.slot(for: DatabaseFixture.labels("large", line)) }
        for line in 0..<10 { _ = try small.slot(for: DatabaseFixture.labels("small", line)) }
        let time = Timestamp(milliseconds: Self.start)
        try large.append(timestamp: time, values: (0..<count).map(Double.init), histograms: [])
        try small.append(timestamp: time, values: (0..<10).map(Double.init), histograms: [])
        large.close()
        #expect(database.head.withIndex { $0.series.count } == count + 10)
        try database.seal()
        database.maintain()
        let longest = database.head.counters.longestTurn.load(ordering: .relaxed)
        #expect(longest == Maintenance.seriesRemovedPerTurn)
        #expect(database.head.withIndex { $0.series.count } == 10)
        #expect(database.head.lanes.count == 2, "the small one's and the loose one")
        #expect(try DatabaseFixture.all(database).count == count + 10)
    }

    @Test("a lane of more series than a turn has room for leaves the index in several, itself with the last")
    func laneInTurns() throws {
        var removal = LaneRemoval()
        let rests = [removal.add([1, 2, 3], of: 7, upTo: 5), removal.add([4, 5, 6, 8], of: 9, upTo: 5)]
        #expect(rests.map(Array.init) == [[], [6, 8]])
        #expect(removal.seriesCount == 5)
        #expect(removal.ended == [7])

        var index = HeadIndex()
        let lane = index.addLane { .rows(Lane(number: $0, sourceName: "t")) }
        guard case .rows(let rows) = lane else { return }
        let series = (0..<5).map { index.series.intern(DatabaseFixture.labels("m", $0)).series }
        index.series.attach(series, toSlotsFrom: Attachment(lane: rows.number, slot: 0))
        var left = series[...]
        for count in [3, 1, 0] {
            var turn = LaneRemoval()
            left = turn.add(left, of: rows.number, upTo: 2)
            index.remove(turn)
            #expect(index.series.count == count)
            #expect(index.lanes.isEmpty == (count == 0))
        }
        #expect(index.series.find(DatabaseFixture.labels("m", 0)) == nil)
        #expect(index.values(of: "series").isEmpty)
    }

    @Test("series that ended are sealed before their time and leave the head, however fast they come and go")
    func endedSeries() throws {
        var settings = DatabaseFixture.manual
        settings.endedSeriesBeforeSealing = 1000
        let database = try DatabaseFixture.open(folder, settings: settings)
        defer { database.close() }
        let writer = try database.openSource(named: "target")
        var most = 0
        for round in 0..<40 {
            let first = try (0..<200).map { try writer.slot(for: DatabaseFixture.labels("m", round * 1000 + $0)) }[0]
            for row in 0..<4 {
                // A renumbering has happened where the newest slots are not the last ones any more.
                let values = (0..<writer.slotCount).map { $0 >= min(first, writer.slotCount - 200) ? 1.0 : .nan }
                try writer.append(
                    timestamp: Timestamp(milliseconds: Int64(round * 4 + row) * 1000),
                    values: values.map { $0.isNaN ? SpecialValue.stale : $0 }, histograms: [])
            }
            database.maintain()
            most = max(most, database.head.withIndex { $0.series.count })
        }
        #expect(most < 4000)
        #expect(try DatabaseFixture.all(database).count == 40 * 200)
    }

    @Test("samples over many days are sealed into one partition a day")
    func manyDays() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let labels = DatabaseFixture.labels("imported", 0)
        let timestamps = (0..<100).map { Self.start + Int64($0) * 7_200_000 }
        let columns = SampleColumns(timestamps: timestamps, values: timestamps.map { Double($0 % 1000) })
        let batch = SampleBatch([.init(labels: labels, columns: columns)])
        #expect(try database.append(batch, onRejection: .refuseAll).appended == 100)
        let before = try DatabaseFixture.all(database)
        try database.seal()
        let days = Set(timestamps.map { $0 / 86_400_000 })
        #expect(database.views.current?.partitions.count == days.count)
        #expect(try DatabaseFixture.all(database) == before)
    }
}
