import Glibc
import MetricModel
import Storage
import TestSupport
import Testing

@testable import TSDB

/// Ends at every write and sync: LAPWING_FAULTS=all visits each of them, otherwise some.
@Suite("Crashes", .serialized)
struct CrashTests {
    static let isThorough = unsafe getenv("LAPWING_FAULTS").map { unsafe String(cString: $0) } == "all"

    @Test(
        "wherever the process or the power ends, what was promised is there and the files are sound",
        arguments: [CrashReplay.Ending.killed, .powerLost, .torn])
    func everyBoundary(ending: CrashReplay.Ending) throws {
        let disk = FaultyFolder(records: true)
        let workload = try CrashWorkload(disk)
        try workload.run(rows: Self.isThorough ? 400 : 270)
        workload.database.close()
        let entryCount = disk.entryCount
        let stride = Self.isThorough ? 1 : entryCount / 40
        var generator = SegmentColumnGenerator(seed: 7)
        var replay = CrashReplay()
        var visited = 0
        var next = generator.below(max(1, stride))
        for index in 0..<entryCount {
            if index == next {
                next += 1 + generator.below(2 * stride - 1 + (stride == 1 ? 0 : 1))
                visited += 1
                let problems = try Self.visit(
                    replay, workload, at: index, ending: ending, continues: visited % 10 == 0, generator: &generator)
                #expect(problems == [], "ended before entry \(index) of \(entryCount)")
                if !problems.isEmpty { return }
            }
            replay.take(disk.entry(at: index))
        }
        #expect(visited > 30)
    }

    /// Opens what an end leaves, and compares; `continues` also goes on writing, sealing and opening again.
    private static func visit(
        _ replay: CrashReplay, _ workload: CrashWorkload, at index: Int, ending: CrashReplay.Ending, continues: Bool,
        generator: inout SegmentColumnGenerator
    ) throws -> [String] {
        let folder = TemporaryDirectory("lapwing-crash")
        replay.write(to: folder, ending: ending, generator: &generator)
        let path = folder.path + "/data"
        let database = try CrashWorkload.open(path, clock: workload.clock)
        var problems = try workload.problems(of: database, at: index, ending: ending)
        defer { database.close() }
        guard continues, problems.isEmpty else { return problems }
        let before = try DatabaseFixture.all(database)
        let time = workload.clock.now
        let writer = try database.openSource(named: "after")
        let labels = DatabaseFixture.labels("after", 0)
        _ = try writer.slot(for: labels)
        try writer.append(timestamp: time, values: [1], histograms: [])
        try database.seal()
        try writer.append(timestamp: Timestamp(milliseconds: time.milliseconds + 1000), values: [2], histograms: [])
        database.close()
        let again = try CrashWorkload.open(path, clock: workload.clock)
        var after = try DatabaseFixture.all(again)
        if after.removeValue(forKey: labels)?.count != 2 { problems.append("what came after the end is missing") }
        if after != before { problems.append("going on changed what was there") }
        again.close()
        return problems
    }
}
