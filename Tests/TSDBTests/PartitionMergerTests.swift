import MetricModel
import SQLite
import Storage
import Testing

@testable import TSDB

@Suite("Partition merger")
struct PartitionMergerTests {
    private static let start: Int64 = 1_763_900_000_000

    @Test("merging keeps every sample and joins the clocks of a target", arguments: UInt64(1)...3)
    func merge(seed: UInt64) throws {
        let folder = PartitionTestFolder()
        var generator = SegmentColumnGenerator(seed: seed)
        var model = PartitionModel()
        var readers: [PartitionReader] = []
        for part in 0..<4 {
            // Some targets come late, go early or miss a part.
            let targets = (0..<6).filter { _ in generator.below(5) != 0 }.map { instance in
                PartitionModel.target(
                    instance: instance, names: 30 + generator.below(10), start: Self.start + Int64(part) * 1_810_000,
                    ticks: 120, generator: &generator)
            }
            for target in targets { model.note(target) }
            if let path = try PartitionModel.write(targets, to: try folder.writer()) {
                readers.append(try PartitionReader(path: path))
            }
        }
        let writer = try folder.writer(replaces: readers.map(\.name))
        let merged = try PartitionReader(path: try #require(try PartitionMerger.merge(readers, into: writer)))
        #expect(try model.matches(merged, in: .all))
        #expect(merged.metadata.replaces == readers.map(\.name))
        #expect(merged.verify() == [])
        let sources = readers.reduce(0) { $0 + $1.byteCount }
        #expect(merged.byteCount < sources)
        let clocks = try merged.withConnection { connection throws(StorageError) in
            try withStorageErrors { () throws(SQLiteError) in try connection.integer("SELECT count(*) FROM clock") }
        }
        #expect(try #require(clocks) < 20)
    }

    @Test("start timestamps and histograms survive, samples of overlapping partitions too")
    func overlapping() throws {
        let folder = PartitionTestFolder()
        let labels = LabelSet(["__name__": "a"])
        var readers: [PartitionReader] = []
        for part in 0..<2 {
            let writer = try folder.writer()
            let clock = writer.addClock((0..<4).map { Self.start + $0 * 10 + Int64(part) * 5 })
            let histogram = HistogramSample(
                timestamp: Self.start + Int64(part) + 1, histogram: NativeHistogram(count: 3))
            try writer.add(
                labels: labels, clock: clock, values: [1, 2, 3, 4].map { $0 + Double(part) / 2 },
                histograms: [histogram],
                startTimestamps: [7, 7, 7, 8])
            readers.append(try PartitionReader(path: try #require(try writer.finish())))
        }
        let path = try #require(try PartitionMerger.merge(readers.reversed(), into: try folder.writer()))
        let merged = try PartitionReader(path: path)
        let columns = try PartitionSeriesReader(reader: merged, clocks: PartitionClocks(range: .all))
        var pieces = ColumnPieces()
        try columns.read(0, clocks: ClockCache(), into: &pieces)
        var result = SampleColumns()
        var joins = JoinedClocks(ClockCache())
        pieces.take(into: &result, joins: &joins)
        #expect(result.values == [1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5])
        #expect(result.histograms.map(\.timestamp) == [Self.start + 1, Self.start + 2])
        #expect(try columns.columns(of: 0).map(\.startTimestamps) == [[7, 7, 7, 8], [7, 7, 7, 8]])
        #expect(merged.verify() == [])
    }

    @Test("a cancelled merge leaves no file")
    func cancelled() throws {
        let folder = PartitionTestFolder()
        let writer = try folder.writer()
        try writer.add(labels: LabelSet(["a": "b"]), clock: writer.addClock([1]), values: [1])
        let reader = try PartitionReader(path: try #require(try writer.finish()))
        let before = folder.fileNames
        #expect(throws: StorageError.self) {
            _ = try PartitionMerger.merge([reader], into: try folder.writer()) { true }
        }
        #expect(folder.fileNames == before)
    }
}
