import Glibc
import MetricModel
import Storage
import TestSupport
import Testing

@testable import TSDB

/// A writer of its own process that is killed at random moments: 8 times always, as often as LAPWING_KILLS says.
@Suite("Kills", .serialized)
struct KillTests {
    private static let kills: Int = unsafe getenv("LAPWING_KILLS").flatMap { unsafe Int(String(cString: $0)) } ?? 8

    /// What the writer said before it was killed.
    private struct Acknowledged {
        var rows: [(row: Int64, nanoseconds: UInt64)] = []
        var flushed: Int64 = -1

        init(_ text: String) {
            // The last line may be cut short.
            for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
                let words = line.split(separator: " ")
                if words.count == 3, let row = Int64(words[1]), let time = UInt64(words[2]) { rows.append((row, time)) }
                if words.count == 2, let row = Int64(words[1]) { flushed = row }
            }
        }
    }

    private static var writer: String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe buffer.withMemoryRebound(to: CChar.self) { path in
                guard let start = path.baseAddress else { return 0 }
                return unsafe readlink("/proc/self/exe", start, path.count)
            }
        }
        let path = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        return path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/crash-writer"
    }

    @Test("SIGKILL at random moments loses nothing that was answered a second before, and the files are sound")
    func kills() throws {
        let folder = TemporaryDirectory("lapwing-kills")
        let data = folder.path + "/data"
        let acknowledged = folder.path + "/acknowledged"
        var random = SystemRandomNumberGenerator()
        var next: Int64 = 1
        var certain = Set<Int64>()
        for number in 0..<Self.kills {
            let child = ChildProcess([Self.writer, data, acknowledged, "\(next)"], folder: folder, name: "w\(number)")
            let before = TemporaryDirectory.read(acknowledged).utf8.count
            // Half of them soon, while the journal is read or the first rows are written; with 200, some later ones.
            let longest = Self.kills > 50 && number % 4 == 0 ? 2_500 : 250
            Self.wait(
                milliseconds: .random(in: 1...longest, using: &random),
                after: {
                    TemporaryDirectory.read(acknowledged).utf8.count > before || number % 5 == 4
                }, whileRunning: child)
            let killed = Monitor.monotonicNanoseconds
            child.signal(SIGKILL)
            let ending = child.wait()
            #expect(ending == 128 + SIGKILL, "the writer ended by itself: \(child.output)")
            let said = Acknowledged(TemporaryDirectory.read(acknowledged))
            let last = said.rows.last?.row ?? 0
            // What an earlier kill took may be missing for ever, so each writer's word counts for its own rows.
            for entry in said.rows where entry.row >= next {
                if entry.row <= said.flushed || entry.nanoseconds + 1_000_000_000 < killed { certain.insert(entry.row) }
            }
            let problems = try Self.problems(data, certain: certain, isThorough: number % 5 == 0)
            #expect(problems == [], "kill \(number)")
            if !problems.isEmpty || ending != 128 + SIGKILL { return }
            next = last + 1
        }
        #expect(next > 20)
    }

    /// Waits until the child is at work and then for a while.
    private static func wait(milliseconds: Int, after isAtWork: () -> Bool, whileRunning child: ChildProcess) {
        let patience = Monitor.monotonicNanoseconds + 20_000_000_000
        while !isAtWork(), Monitor.monotonicNanoseconds < patience { usleep(2000) }
        usleep(UInt32(milliseconds) * 1000)
    }

    private static func problems(
        _ path: String, certain: Set<Int64>, isThorough: Bool
    ) throws -> [String] {
        var problems: [String] = []
        // Of the folder as the kill left it.
        if isThorough { problems += try StorageCheck(folder: path).findings.map { "\($0.path): \($0.what)" } }
        let database = try TimeSeriesDatabase.open(
            path: path, settings: DatabaseFixture.manual, logger: DatabaseFixture.quiet)
        defer { database.close() }
        var rowsOf: [LabelSet: Set<Int64>] = [:]
        for (labels, samples) in try DatabaseFixture.all(database) {
            let slot = Int64(labels["slot"] ?? "") ?? -1
            for sample in samples {
                let row = sample.timestamp / 1000
                let expected = labels.metricName == "rows" ? Double(row * (slot + 1)) / 4 : Double(row)
                if sample.bits != expected.bitPattern { problems.append("\(labels) answers \(sample)") }
                rowsOf[labels, default: []].insert(row)
            }
        }
        for row in certain.sorted() {
            let missing = rowsOf.filter { $0.key.metricName == "rows" && !$0.value.contains(row) }.count
            let isLooseThere = rowsOf.contains { $0.key.metricName == "loose" && $0.value.contains(row) }
            if missing > 0 || !isLooseThere { problems.append("row \(row) is missing in \(missing) series") }
        }
        if rowsOf.count != 19, certain.count > 5 { problems.append("\(rowsOf.count) of 19 series are there") }
        let state = database.state
        problems += state.damagedParts
        if state.unusableJournalRecords > 0 { problems.append("\(state.unusableJournalRecords) unusable records") }
        if state.lostJournalCommits > 0 { problems.append("\(state.lostJournalCommits) lost commits") }
        if isThorough {
            for reader in database.views.current?.partitions ?? [] { problems += reader.verify(limit: 3) }
        }
        return Array(problems.prefix(5))
    }
}
