import Dispatch
import MetricModel
import SQLite
import Storage
import Synchronization
import TestSupport
import Testing
import Threads

@testable import TSDB

@Suite("Load and failure")
struct LoadAndFailureTests {
    let folder = TemporaryDirectory("lapwing-load")

    /// What the threads of a test share: how many still write, and what went wrong.
    private final class Progress: Sendable {
        let writers = Atomic<Int>(0)
        let problems = Mutex<[String]>([])

        private let started = Atomic<Int>(0)
        private let ended = DispatchSemaphore(value: 0)

        /// Starts a thread that notes what it throws.
        func start(isWriter: Bool = false, _ work: @escaping @Sendable () throws -> Void) {
            if isWriter { writers.add(1, ordering: .relaxed) }
            started.add(1, ordering: .relaxed)
            let isStarted = OwnThread.start(name: "test") {
                do { try work() } catch { self.problems.withLock { $0.append("\(error)") } }
                if isWriter { self.writers.subtract(1, ordering: .relaxed) }
                self.ended.signal()
            }
            #expect(isStarted)
        }

        /// Waits for all threads.
        func join() {
            for _ in 0..<started.load(ordering: .relaxed) { ended.wait() }
        }
    }

    private static let rowCount = 400
    private static let slotCount = 70

    private static func writeRows(_ number: Int, to database: TimeSeriesDatabase) throws {
        let writer = try database.openSource(named: "source-\(number)")
        for slot in 0..<slotCount { _ = try writer.slot(for: DatabaseFixture.labels("m\(number)", slot)) }
        for row in 0..<rowCount {
            let values = (0..<slotCount).map { Double(row * $0) }
            try writer.append(timestamp: Timestamp(milliseconds: Int64(row) * 1000), values: values, histograms: [])
        }
    }

    private static func writeBatches(to database: TimeSeriesDatabase) throws {
        for row in 0..<rowCount {
            let series = (0..<20).map { index in
                SampleBatch.Series(
                    labels: DatabaseFixture.labels("loose", index),
                    columns: SampleColumns(timestamps: [Int64(row) * 1000], values: [Double(row)]))
            }
            _ = try database.append(SampleBatch(series), onRejection: .refuseAll)
        }
    }

    /// Reads all twice through one view and compares with what the writers write; what is wrong, nil when all is right.
    private static func readAndCompare(_ database: TimeSeriesDatabase) throws -> String? {
        let querier = try database.querier()
        let first = try DatabaseFixture.all(querier)
        if try DatabaseFixture.all(querier) != first { return "a view changed" }
        for (labels, samples) in first {
            let slot = labels.metricName == "loose" ? 1 : Double(labels["series"] ?? "") ?? -1
            let expected = samples.indices.map { PlainSample(Int64($0) * 1000, Double($0) * slot) }
            if samples != expected { return "\(labels) differs" }
        }
        return nil
    }

    @Test("writers, batches, queries and seals at once lose and invent nothing")
    func concurrency() throws {
        let database = try DatabaseFixture.open(folder)
        let progress = Progress()
        for number in 0..<3 { progress.start(isWriter: true) { try Self.writeRows(number, to: database) } }
        progress.start(isWriter: true) { try Self.writeBatches(to: database) }
        progress.start {
            while progress.writers.load(ordering: .relaxed) > 0 {
                try database.seal()
                database.maintain()
            }
        }
        progress.start {
            while progress.writers.load(ordering: .relaxed) > 0 {
                if let problem = try Self.readAndCompare(database) {
                    progress.problems.withLock { $0.append(problem) }
                }
            }
        }
        progress.join()
        #expect(progress.problems.withLock { $0 } == [])
        let all = try DatabaseFixture.all(database)
        #expect(all.count == 3 * Self.slotCount + 20)
        #expect(all.values.allSatisfy { $0.count == Self.rowCount })
        database.close()
        let again = try DatabaseFixture.open(folder)
        #expect(try DatabaseFixture.all(again) == all)
        again.close()
    }

    @Test("a journal that cannot be written keeps appends and queries going up to its limit, and recovers")
    func journalStandsStill() throws {
        var settings = DatabaseFixture.manual
        settings.journalBacklogLimitBytes = 200_000
        let database = try DatabaseFixture.open(folder, settings: settings)
        let writer = try database.openSource(named: "target")
        for index in 0..<500 { _ = try writer.slot(for: DatabaseFixture.labels("m", index)) }
        try writer.append(
            timestamp: Timestamp(milliseconds: 0), values: Array(repeating: 0, count: 500), histograms: [])
        try database.flush()
        let other = try SQLiteConnection(path: database.path + "/journal.sqlite", options: .writeAheadLog())
        try other.begin(.immediate)
        var row = 0
        do throws(AppendError) {
            while row < 100_000 {
                let values = (0..<500).map { Double((row + 1) * $0) + 0.5 }
                try writer.append(timestamp: Timestamp(milliseconds: Int64(row + 1)), values: values, histograms: [])
                row += 1
            }
            Issue.record("no append was refused")
        } catch {
            #expect(error.description.contains("journalBacklogLimitBytes"))
        }
        #expect(row > 50)
        #expect(database.state.journalBacklogBytes > 200_000)
        #expect(try DatabaseFixture.all(database)[DatabaseFixture.labels("m", 1)]?.count == row + 1)
        other.rollback()
        try database.flush()
        try writer.append(
            timestamp: Timestamp(milliseconds: Int64(row + 1)), values: Array(repeating: 1, count: 500), histograms: [])
        database.close()
        let again = try DatabaseFixture.open(folder)
        #expect(try DatabaseFixture.all(again)[DatabaseFixture.labels("m", 1)]?.count == row + 2)
        again.close()
    }

    @Test("batches whose series come and go do not fill the head")
    func looseChurn() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        for round in 0..<10 {
            let series = (0..<2000).map { index in
                SampleBatch.Series(
                    labels: DatabaseFixture.labels("loose", index < 100 ? index : round * 10_000 + index),
                    columns: SampleColumns(timestamps: [Int64(round) * 1000], values: [1]))
            }
            #expect(try database.append(SampleBatch(series), onRejection: .refuseAll).appended == 2000)
            try database.seal()
        }
        #expect(database.head.withIndex { $0.series.count } < 6000)
        #expect(database.head.counters.rowBytes.load(ordering: .relaxed) == 0)
        let read = try DatabaseFixture.all(database)
        #expect(read.count == 100 + 10 * 1900)
        #expect(read[DatabaseFixture.labels("loose", 5)]?.count == 10)
        let again = SampleBatch([
            .init(labels: DatabaseFixture.labels("loose", 5), columns: SampleColumns(timestamps: [9000], values: [2]))
        ])
        #expect(try database.append(again, onRejection: .skipRejected).duplicate == 1)
    }
}
