import Glibc
import MetricModel
import Storage
import TestSupport
import Testing

@testable import TSDB

/// Bits that flip in any file of a folder: LAPWING_FAULTS=all tries many more places.
@Suite("Flipped bits")
struct FlippedBitsTests {
    /// The files of a database that was killed, and what it had been told.
    private struct Original {
        var files: [(path: String, content: [UInt8])] = []
        var written: [LabelSet: Set<PlainSample>] = [:]
        var byteCount = 0
    }

    private static func make() throws -> Original {
        let disk = FaultyFolder()
        let workload = try CrashWorkload(disk)
        try workload.run(rows: 113)
        var original = Original()
        for entry in workload.written { original.written[entry.labels, default: []].insert(entry.sample) }
        for folder in ["", "/partitions"] {
            for name in FolderListing.names(in: disk.dataPath + folder)
            where name != "lock" && !name.hasSuffix("-shm") {
                guard let content = SegmentCorpus.contents(of: disk.dataPath + folder + "/" + name) else { continue }
                if content.isEmpty { continue }
                original.files.append((path: folder + "/" + name, content: content))
                original.byteCount += content.count
            }
        }
        workload.database.close()
        return original
    }

    @Test("wherever bits flip: no wrong value is answered, what is left out is named, the rest works")
    func everywhere() throws {
        let original = try Self.make()
        #expect(original.files.count >= 4)
        var generator = SegmentColumnGenerator(seed: 11)
        var openCount = 0
        let trials = CrashTests.isThorough ? 6000 : 150
        for trial in 0..<trials {
            // Files in turn, so that small ones are hit as often as large ones.
            let file = trial % original.files.count
            var places: [(offset: Int, bit: Int)] = []
            var offset = generator.below(original.files[file].content.count)
            for _ in 0..<(trial % 3 == 0 ? 1 : 1 + generator.below(12)) {
                places.append((offset, generator.below(8)))
                let step = generator.below(4) == 0 ? generator.below(5000) : generator.below(40)
                offset = (offset + step) % original.files[file].content.count
            }
            let problems = try Self.visit(original, file: file, places: places, openCount: &openCount)
            let name = original.files[file].path
            #expect(problems == [], "trial \(trial): \(name) at \(places)")
            if !problems.isEmpty { return }
        }
        #expect(openCount > trials * 9 / 10)
    }

    private static func visit(
        _ original: Original, file damaged: Int, places: [(offset: Int, bit: Int)], openCount: inout Int
    ) throws -> [String] {
        let folder = TemporaryDirectory("lapwing-flipped")
        folder.write("data/partitions/new.tmp", "")
        for (index, file) in original.files.enumerated() {
            var content = file.content
            if index == damaged { for place in places { content[place.offset] ^= UInt8(1 << place.bit) } }
            guard let stream = unsafe fopen(folder.path + "/data" + file.path, "w") else { continue }
            _ = unsafe content.withUnsafeBytes { unsafe fwrite($0.baseAddress, 1, $0.count, stream) }
            unsafe fclose(stream)
        }
        let database: TimeSeriesDatabase
        do throws(StorageError) {
            database = try TimeSeriesDatabase.open(
                path: folder.path + "/data", settings: DatabaseFixture.manual, logger: DatabaseFixture.quiet)
        } catch {
            // A file that says it is of a later format is left as it is.
            if case .newerFormat = error { return [] }
            return ["it does not open: \(error)"]
        }
        defer { database.close() }
        openCount += 1
        var problems = check(database, original)
        // Maintenance looks at what queries stumbled over; then they go through.
        database.maintain()
        problems += check(database, original, mustAnswer: true)
        let labels = DatabaseFixture.labels("after", 0)
        let writer = try database.openSource(named: "after")
        _ = try writer.slot(for: labels)
        try writer.append(timestamp: Timestamp(milliseconds: CrashWorkload.start * 2), values: [1], histograms: [])
        do {
            try database.seal()
            if try DatabaseFixture.all(database)[labels]?.count != 1 { problems.append("new samples are missing") }
        } catch {
            problems.append("sealing: \(error)")
        }
        return problems
    }

    private static func check(
        _ database: TimeSeriesDatabase, _ original: Original, mustAnswer: Bool = false
    ) -> [String] {
        var problems: [String] = []
        let state = database.state
        do {
            let answer = try DatabaseFixture.all(database)
            var missing = original.written
            for (labels, samples) in answer {
                let wrong = samples.filter { !(original.written[labels]?.contains($0) ?? false) }
                if let first = wrong.first { problems.append("\(labels) answers \(first), one of \(wrong.count)") }
                missing[labels]?.subtract(samples)
            }
            let count = missing.values.reduce(0) { $0 + $1.count }
            let isNamed =
                !database.state.damagedParts.isEmpty
                || state.unusableJournalRecords + state.lostJournalCommits > 0
            if count > 0, !isNamed {
                let example = missing.first { !$0.value.isEmpty }
                problems.append(
                    "\(count) samples are missing and nothing says so, such as \(String(describing: example))")
            }
        } catch {
            if mustAnswer { problems.append("no answer: \(error)") }
        }
        return problems
    }
}
