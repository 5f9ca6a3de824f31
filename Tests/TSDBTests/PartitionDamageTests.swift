import Glibc
import MetricModel
import SQLite
import Storage
import Synchronization
import Testing

@testable import TSDB

@Suite("Damaged partitions")
struct PartitionDamageTests {
    private static func make(_ folder: PartitionTestFolder) throws -> String {
        var generator = SegmentColumnGenerator(seed: 21)
        let targets = (0..<6).map { instance in
            PartitionModel.target(
                instance: instance, names: 150, start: 1_763_900_000_000, ticks: 300, generator: &generator)
        }
        return try #require(try PartitionModel.write(targets, to: try folder.writer()))
    }

    @Test("a file of a later format is refused and left as it is")
    func laterFormat() throws {
        let folder = PartitionTestFolder()
        let path = try Self.make(folder)
        try PartitionTestFolder.change(path, "PRAGMA user_version=99; UPDATE meta SET value = 99 WHERE key = 'format'")
        let before = SegmentCorpus.contents(of: path)
        let error = #expect(throws: StorageError.self) { try PartitionReader(path: path) }
        guard case .newerFormat(_, let found, let supported) = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        #expect(found == 99 && supported == PartitionSchema.version)
        #expect(SegmentCorpus.contents(of: path) == before)
    }

    @Test("a file that is no partition, cut short or missing is refused in words")
    func unusable() throws {
        let folder = PartitionTestFolder()
        let path = try Self.make(folder)
        let size = try #require(FileStatus(path)?.byteCount)
        unsafe truncate(path, size / 2)
        #expect(throws: StorageError.self) { try PartitionReader(path: path) }
        unsafe truncate(path, 100)
        #expect(throws: StorageError.self) { try PartitionReader(path: path) }
        #expect(throws: StorageError.self) { try PartitionReader(path: folder.path + "/none.sqlite") }
        let other = folder.path + "/other.sqlite"
        try SQLiteConnection(path: other, options: .bulkLoad(pageSizeBytes: 4096)).execute("CREATE TABLE a (b)")
        #expect(throws: StorageError.self) { try PartitionReader(path: other) }
    }

    @Test("a damaged segment is named; the rest is read")
    func damagedSegment() throws {
        let folder = PartitionTestFolder()
        let path = try Self.make(folder)
        try PartitionTestFolder.change(
            path,
            """
            UPDATE segment SET data = CAST(substr(data, 1, length(data) - 9) AS BLOB) || x'00' || substr(data, -8)
            WHERE id = 2
            """)
        let strict = try PartitionReader(path: path)
        let all = try PartitionSelection(reader: strict, request: SelectRequest(matchers: [], range: .all))
        let columns = try all.makeReader()
        var failures = 0
        var pieces = ColumnPieces()
        for series in all.series {
            do {
                try columns.read(series, clocks: ClockCache(), into: &pieces)
            } catch {
                failures += 1
                #expect("\(error)".contains("segment 2"))
            }
        }
        #expect(failures > 0 && failures < all.series.count)
        #expect(!strict.verify().isEmpty)

        let reported = Mutex<[String]>([])
        let lenient = try PartitionReader(path: path) { error in reported.withLock { $0.append("\(error)") } }
        let reader = try PartitionSeriesReader(reader: lenient, clocks: PartitionClocks(range: .all))
        var samples = 0
        for series in all.series {
            pieces.removeAll()
            try reader.read(series, clocks: ClockCache(), into: &pieces)
            samples += pieces.values.count
        }
        #expect(reported.withLock { $0.count } == 1)
        #expect(samples > lenient.metadata.sampleCount / 2)
        #expect(lenient.damagedParts == ["segment 2"])
    }

    @Test("a page that changed is an error, wherever it is, and not a row less", arguments: UInt64(1)...2)
    func changedPages(seed: UInt64) throws {
        let folder = PartitionTestFolder()
        let path = try Self.make(folder)
        let content = try #require(SegmentCorpus.contents(of: path))
        let pageBytes = PartitionSchema.pageSizeBytes
        let pageCount = (content.count - 16) / (pageBytes + 4)
        #expect(content.count == pageCount * (pageBytes + 4) + 16)
        var generator = SegmentColumnGenerator(seed: seed)
        let target = folder.path + "/damaged.sqlite"
        for _ in 0..<6 {
            let page = generator.below(pageCount)
            var damaged = content
            damaged[page * pageBytes + generator.below(pageBytes)] ^= UInt8(1 << generator.below(8))
            guard let file = unsafe fopen(target, "wb") else { continue }
            unsafe fwrite(damaged, 1, damaged.count, file)
            unsafe fclose(file)
            do throws(StorageError) {
                let findings = try PartitionReader(path: target, onDamage: { _ in }).verify()
                #expect(findings.contains { $0.contains("page \(page + 1) differs from its checksum") }, "\(findings)")
            } catch {
                guard case .corrupt = error else {
                    Issue.record("\(error)")
                    continue
                }
            }
        }
    }

    @Test("a file that lost the checksums of its pages is refused")
    func lostChecksums() throws {
        let folder = PartitionTestFolder()
        let path = try Self.make(folder)
        try PartitionTestFolder.change(path, "PRAGMA user_version", hasChecksums: false)
        let error = #expect(throws: StorageError.self) { try PartitionReader(path: path) }
        #expect("\(String(describing: error))".contains("checksums of its pages are missing"))
        try PartitionTestFolder.change(path, "PRAGMA user_version=2")
        try PartitionTestFolder.change(path, "PRAGMA user_version=2", hasChecksums: false)
        #expect(throws: StorageError.self) { try PartitionReader(path: path) }
    }

    @Test("bits that flip anywhere in the file never trap", arguments: UInt64(1)...6)
    func flippedBits(seed: UInt64) throws {
        let folder = PartitionTestFolder()
        let path = try Self.make(folder)
        let content = try #require(SegmentCorpus.contents(of: path))
        var generator = SegmentColumnGenerator(seed: seed)
        for _ in 0..<8 {
            var damaged = content
            for _ in 0..<(1 + generator.below(30)) {
                damaged[generator.below(damaged.count)] ^= UInt8(1 << generator.below(8))
            }
            let target = folder.path + "/damaged.sqlite"
            guard let file = unsafe fopen(target, "wb") else { continue }
            unsafe fwrite(damaged, 1, damaged.count, file)
            unsafe fclose(file)
            guard let reader = try? PartitionReader(path: target, onDamage: { _ in }) else { continue }
            _ = reader.verify(limit: 5)
        }
    }
}
