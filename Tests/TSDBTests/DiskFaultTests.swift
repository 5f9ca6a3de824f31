import Glibc
import MetricModel
import Storage
import Synchronization
import TestSupport
import Testing

@testable import TSDB

/// Calls to the disk that fail: LAPWING_FAULTS=all visits each of them, otherwise some.
@Suite("Disk faults", .serialized)
struct DiskFaultTests {
    /// How a disk fails.
    enum Fault: String, CaseIterable, Sendable {
        case oneInputOutputError, manyInputOutputErrors, oneTimeFull, longFull

        var calls: FaultyFolder.Calls { self == .oneTimeFull || self == .longFull ? .space : .all }
        var error: Int32 { self == .oneTimeFull || self == .longFull ? ENOSPC : EIO }
        var count: Int { self == .oneInputOutputError || self == .oneTimeFull ? 1 : 40 }
    }

    @Test("whichever call fails: nothing traps, nothing taken is lost, and work resumes", arguments: Fault.allCases)
    func everyCall(fault: Fault) throws {
        let healthy = FaultyFolder()
        _ = try Self.run(healthy)
        let callCount = healthy.callCount(fault.calls)
        #expect(callCount > 100)
        let stride = CrashTests.isThorough ? 1 : max(1, callCount / 12)
        var generator = SegmentColumnGenerator(seed: 3)
        var call = generator.below(stride)
        while call < callCount {
            let disk = FaultyFolder()
            disk.fail(fault.calls, after: call, count: fault.count, with: fault.error)
            let problems = try Self.run(disk)
            #expect(problems == [], "call \(call) of \(callCount)")
            #expect(disk.failureCount > 0 || call > callCount / 2)
            if !problems.isEmpty { return }
            call += 1 + generator.below(2 * stride)
        }
    }

    private static func settings() -> DatabaseSettings {
        var settings = DatabaseFixture.manual
        settings.retryIntervalMilliseconds = 1
        settings.syncIntervalMilliseconds = 1
        return settings
    }

    private static func open(_ disk: FaultyFolder) throws -> TimeSeriesDatabase {
        try TimeSeriesDatabase.open(path: disk.dataPath, settings: settings(), logger: DatabaseFixture.quiet)
    }

    /// Opens, also where that fails at first.
    private static func openInTheEnd(_ disk: FaultyFolder) throws -> TimeSeriesDatabase {
        for _ in 0..<100 { if let database = try? open(disk) { return database } }
        disk.heal()
        return try open(disk)
    }

    /// All that a database does, on a disk that may fail; what is wrong in the end, or in an answer on the way.
    private static func run(_ disk: FaultyFolder) throws -> [String] {
        var problems: [String] = []
        var written: [LabelSet: [PlainSample]] = [:]
        var database = try openInTheEnd(disk)
        var row: Int64 = 0
        func step(_ rows: Int) throws {
            let writer = try database.openSource(named: "target")
            for index in 0..<4 { _ = try writer.slot(for: DatabaseFixture.labels("m", index)) }
            for _ in 0..<rows {
                row += 1
                let time = CrashWorkload.start + row * 600_000
                let values = (0..<4).map { Double(row) * Double($0) / 8 }
                try writer.append(timestamp: Timestamp(milliseconds: time), values: values, histograms: [])
                let loose = DatabaseFixture.labels("loose", Int(row % 3))
                _ = try database.append(
                    SampleBatch([
                        .init(labels: loose, columns: SampleColumns(timestamps: [time], values: [Double(row)]))
                    ]), onRejection: .refuseAll)
                for index in 0..<4 {
                    written[DatabaseFixture.labels("m", index), default: []].append(PlainSample(time, values[index]))
                }
                written[loose, default: []].append(PlainSample(time, Double(row)))
                try? database.flush()
            }
            writer.close()
            // A query may fail, but never answer something else; what is left out is named.
            guard let answer = try? DatabaseFixture.all(database), answer != written else { return }
            let isPart = answer.allSatisfy { Set($0.value).isSubset(of: written[$0.key] ?? []) }
            if !isPart || database.state.damagedParts.isEmpty { problems.append("a wrong answer after row \(row)") }
        }
        for round in 0..<3 {
            try step(9)
            try? database.seal()
            try step(6)
            database.maintain()
            guard round < 2 else { break }
            // What the disk did not take is lost when the process ends; so it ends when all is written.
            while (try? database.synchronize()) == nil { continue }
            database.close()
            database = try openInTheEnd(disk)
        }
        disk.heal()
        // Work resumes without a restart.
        try step(3)
        try database.synchronize()
        try database.seal()
        database.maintain()
        if !database.maintenance.unreadable.descriptions.isEmpty { problems.append("parts are still left out") }
        if let failure = database.state.maintenanceFailure { problems.append("maintenance: \(failure)") }
        if let failure = database.state.journalFailure { problems.append("journal: \(failure)") }
        if try DatabaseFixture.all(database) != written { problems.append("after the fault something is missing") }
        database.close()
        let again = try open(disk)
        if try DatabaseFixture.all(again) != written { problems.append("after opening again something is missing") }
        if again.unusableJournalRecords > 0 { problems.append("unusable records") }
        again.maintain()
        if again.state.partitionCount > 4 { problems.append("\(again.state.partitionCount) partitions: no merge") }
        for reader in again.views.current?.partitions ?? [] { problems += reader.verify().map { "\($0)" } }
        again.close()
        return problems
    }

    @Test("samples that came after a seal that failed survive a kill")
    func killAfterFailedSeal() throws {
        let disk = FaultyFolder()
        let database = try Self.open(disk)
        let labels = DatabaseFixture.labels("loose", 0)
        func append(_ value: Int64) throws {
            let columns = SampleColumns(timestamps: [value * 1000], values: [Double(value)])
            _ = try database.append(SampleBatch([.init(labels: labels, columns: columns)]), onRejection: .refuseAll)
        }
        for value in 1...5 { try append(Int64(value)) }
        disk.fail(.name, with: ENOSPC)
        #expect(throws: StorageError.self) { try database.seal() }
        for value in 6...9 { try append(Int64(value)) }
        disk.heal()
        try database.flush()
        let copy = try DatabaseFixture.killedCopy(of: database)
        database.close()
        let killed = try DatabaseFixture.open(copy)
        #expect(try DatabaseFixture.all(killed)[labels]?.count == 9)
        #expect(killed.unusableJournalRecords == 0)
        killed.close()
    }

    @Test("a partition that the disk does not give is not taken for a damaged one")
    func unreadableIsNotDamaged() throws {
        let disk = FaultyFolder()
        let database = try Self.open(disk)
        let labels = DatabaseFixture.labels("loose", 0)
        for value in 1...9 {
            let columns = SampleColumns(timestamps: [Int64(value) * 1000], values: [Double(value)])
            _ = try database.append(SampleBatch([.init(labels: labels, columns: columns)]), onRejection: .refuseAll)
        }
        try database.seal()
        let reader = try #require(database.views.current?.partitions.first)
        reader.isSuspect.store(true, ordering: .relaxed)
        disk.fail(.read, with: EIO)
        database.maintenance.quarantineDamaged()
        #expect(disk.failureCount > 0)
        disk.heal()
        #expect(database.views.current?.partitions.count == 1)
        #expect(try DatabaseFixture.all(database)[labels]?.count == 9)
        database.close()
    }

    @Test("what is appended is synced by itself, one wait for many commits")
    func syncsByItself() throws {
        let disk = FaultyFolder()
        var settings = DatabaseFixture.manual
        settings.syncIntervalMilliseconds = 30
        let database = try TimeSeriesDatabase.open(
            path: disk.dataPath, settings: settings, logger: DatabaseFixture.quiet)
        defer { database.close() }
        let writer = try database.openSource(named: "target")
        _ = try writer.slot(for: DatabaseFixture.labels("m", 0))
        try writer.append(timestamp: Timestamp(milliseconds: 1), values: [1], histograms: [])
        try database.flush()
        let before = disk.callCount(.sync)
        let deadline = Monitor.monotonicNanoseconds + 20_000_000_000
        while disk.callCount(.sync) == before, Monitor.monotonicNanoseconds < deadline { sched_yield() }
        #expect(disk.callCount(.sync) > before)
        for row in 2...50 {
            try writer.append(timestamp: Timestamp(milliseconds: Int64(row)), values: [1], histograms: [])
            try database.flush()
        }
        #expect(disk.callCount(.sync) < before + 40)
    }
}
