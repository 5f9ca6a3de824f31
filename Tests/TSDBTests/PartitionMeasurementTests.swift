import Glibc
import MetricModel
import SQLite
import Storage
import Testing

@testable import TSDB

@Suite("Partition measurements", .enabled(if: unsafe getenv("LAPWING_MEASURE") != nil))
struct PartitionMeasurementTests {
    private static func seconds() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Recorded pages as targets: each is a window of its recording, shifted where there are more targets than windows.
    private static func targets(_ count: Int, ticks: Int, part: Int) -> [PartitionModel.Target] {
        var result: [PartitionModel.Target] = []
        for name in ["node", "prometheus", "victoria"] {
            guard let corpus = SegmentCorpus(name, pageCount: 300) else { continue }
            for target in 0..<count {
                let first = (part * ticks + target * 37) % (300 - ticks)
                let start = Int64(1_763_900_000_000) + Int64(part * ticks) * 15_000 + Int64(target * 41)
                result.append(
                    PartitionModel.Target(
                        timestamps: (0..<ticks).map { start + Int64($0) * 15_000 },
                        columns: corpus.columns.map { column in
                            (
                                labels(column.series, instance: "\(name)-\(target):9100", job: name),
                                Array(column.values[first..<first + ticks])
                            )
                        }))
            }
        }
        return result
    }

    private static func labels(_ series: String, instance: String, job: String) -> LabelSet {
        var builder = LabelSetBuilder()
        let parts = series.split(separator: "{", maxSplits: 1)
        builder.set("__name__", to: String(parts[0]))
        if parts.count > 1 {
            for pair in parts[1].dropLast().split(separator: ",") {
                let sides = pair.split(separator: "=", maxSplits: 1)
                if sides.count == 2 { builder.set(String(sides[0]), to: String(sides[1].dropFirst().dropLast())) }
            }
        }
        builder.set("instance", to: instance)
        builder.set("job", to: job)
        return builder.build()
    }

    private static func measured<Value>(_ name: String, per count: Int = 0, _ body: () throws -> Value) rethrows
        -> Value
    {
        let start = seconds()
        let value = try body()
        let passed = seconds() - start
        let each = count > 0 ? ", \(Int(passed / Double(count) * 1e10) / 10) ns each of \(count)" : ""
        print("\(name): \(Int(passed * 1e6) / 1000) ms\(each)")
        return value
    }

    @Test("writing, reading and merging partitions of recorded pages")
    func measure() throws {
        let folder = PartitionTestFolder()
        var readers: [PartitionReader] = []
        for part in 0..<4 {
            let targets = Self.targets(40, ticks: 120, part: part)
            guard !targets.isEmpty else { return print("skipped: ../shared/bench/corpus is not there") }
            let samples = targets.reduce(0) { $0 + $1.columns.count * 120 }
            let columns = PartitionModel.columns(of: targets)
            let path = try Self.measured("write", per: samples) {
                try PartitionModel.write(columns, of: targets, to: try folder.writer())
            }
            readers.append(try PartitionReader(path: try #require(path)))
            print("\(Double(readers[part].byteCount) / Double(samples)) bytes a sample, all of the file")
        }
        let samples = readers.reduce(0) { $0 + $1.metadata.sampleCount }
        let path = try Self.measured("merge of four", per: samples) {
            try PartitionMerger.merge(readers, into: try folder.writer())
        }
        let merged = try Self.measured("open") { try PartitionReader(path: try #require(path)) }
        print(
            "\(merged.metadata.seriesCount) series, \(Double(merged.byteCount) / Double(samples)) bytes a sample merged,",
            "\(Double(merged.byteCount) / Double(merged.metadata.seriesCount)) bytes a series")
        try Self.sizes(merged)
        try Self.read(merged)
    }

    private static func sizes(_ reader: PartitionReader) throws {
        try reader.withConnection { connection throws(StorageError) in
            try withStorageErrors { () throws(SQLiteError) in
                for (table, column) in [
                    ("symbol", "data"), ("label", "postings"), ("series", "labels"), ("clock", "data"),
                    ("segment", "data"),
                ] {
                    let bytes = try connection.integer("SELECT sum(length(\(column))) FROM \(table)") ?? 0
                    let rows = try connection.integer("SELECT count(*) FROM \(table)") ?? 0
                    print("  \(table): \(rows) rows, \(bytes) bytes in blobs")
                }
            }
        }
    }

    private static func read(_ reader: PartitionReader) throws {
        let all = try measured("select all and its labels", per: reader.metadata.seriesCount) {
            try PartitionSelection(reader: reader, request: SelectRequest(matchers: [], range: .all))
        }
        _ = try measured("select one name") {
            try reader.select([LabelMatcher(equal: "__name__", "node_cpu_seconds_total")])
        }
        _ = try measured("select by expression") {
            try reader.select([
                LabelMatcher("instance", .regex, "node-1.*"), LabelMatcher("__name__", .regex, ".*cpu.*"),
            ])
        }
        var pieces = ColumnPieces()
        let clocks = ClockCache()
        let columns = try all.makeReader()
        try measured("read all", per: reader.metadata.sampleCount) {
            var batch = [ColumnPieces](repeating: ColumnPieces(), count: 128)
            for start in stride(from: 0, to: all.series.count, by: 128) {
                let part = all.series[start..<min(start + 128, all.series.count)]
                for place in batch.indices { batch[place].removeAll() }
                let wanted = part.enumerated().map { PartitionFrameReader.Wanted(series: $1, place: $0) }
                try columns.read(wanted, clocks: clocks, into: &batch)
            }
        }
        let instant = TimeRange(
            start: Timestamp(milliseconds: reader.metadata.end - 300_000),
            end: Timestamp(milliseconds: reader.metadata.end))
        let short = try PartitionSelection(reader: reader, request: SelectRequest(matchers: [], range: instant))
        let one = try short.makeReader()
        try measured("one series, five minutes, scattered", per: 200) {
            for index in 0..<200 {
                pieces.removeAll()
                try one.read(short.series[(index * 7919) % short.series.count], clocks: clocks, into: &pieces)
            }
        }
        let whole = try all.makeReader()
        try measured("one series, two hours, scattered", per: 200) {
            for index in 0..<200 {
                pieces.removeAll()
                try whole.read(all.series[(index * 7919) % all.series.count], clocks: clocks, into: &pieces)
            }
        }
    }
}
