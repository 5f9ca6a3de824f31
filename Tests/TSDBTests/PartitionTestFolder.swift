import Glibc
import MetricModel
import SQLite
import Storage
import Testing

@testable import TSDB

/// A folder for partitions that is removed when the test is over.
final class PartitionTestFolder {
    let path: String
    private var count = 0

    init() {
        path = "/tmp/lapwing-partition-tests-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        unsafe mkdir(path, 0o700)
    }

    /// A writer with a temporary path of its own.
    func writer(replaces: [String] = []) throws -> PartitionWriter {
        count += 1
        return try PartitionWriter(temporaryPath: path + "/writing-\(count).tmp", folder: path, replaces: replaces)
    }

    var fileNames: [String] {
        guard let folder = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Changes a finished file as its writer might have written it, with checksums that fit or, as older ones, with none.
    static func change(_ path: String, _ sql: String, hasChecksums: Bool = true) throws {
        func read(_ question: String) throws -> Int64? {
            let connection = try SQLiteConnection(path: path, options: SQLiteOpenOptions(mode: .readWrite))
            if question.isEmpty { try connection.execute(sql) }
            return question.isEmpty ? nil : try connection.integer(question)
        }
        _ = try read("")
        guard !hasChecksums else { return try PageChecksums.append(to: path) }
        let byteCount = (try read("PRAGMA page_count") ?? 0) * (try read("PRAGMA page_size") ?? 0)
        unsafe truncate(path, Int(byteCount))
    }

    deinit {
        for name in fileNames { unsafe unlink(path + "/" + name) }
        unsafe rmdir(path)
    }
}

/// What a test puts into partitions and expects to find again: every sample of every series, by time.
struct PartitionModel {
    var series: [LabelSet: [Int64: UInt64]] = [:]
    var histograms: [LabelSet: [HistogramSample]] = [:]

    /// A target's part of the model.
    struct Target {
        var timestamps: [Int64]
        var columns: [(labels: LabelSet, values: [Double])]
    }

    static func target(
        instance: Int, names: Int, start: Int64, ticks: Int, generator: inout SegmentColumnGenerator
    ) -> Target {
        var time = start + Int64(instance)
        let timestamps = (0..<ticks).map { _ in
            time += 15_000 + Int64(generator.below(3)) - 1
            return time
        }
        var columns: [(labels: LabelSet, values: [Double])] = []
        for name in 0..<names {
            var pairs = [
                (name: "__name__", value: "metric_\(name)_total"), (name: "instance", value: "host-\(instance):9100"),
                (name: "job", value: instance % 2 == 0 ? "node" : "database"),
            ]
            if name % 3 == 0 { pairs.append((name: "mode", value: ["idle", "user", "größe"][name / 3 % 3])) }
            var values = generator.values(ticks)
            // A value with the absent bits says that there is no sample: series begin late and end early too.
            if generator.below(5) == 0 { for tick in 0..<(ticks / 3) { values[tick] = SpecialValue.absent } }
            columns.append((LabelSet(pairs), values))
        }
        return Target(timestamps: timestamps, columns: columns)
    }

    mutating func note(_ target: Target) {
        for column in target.columns {
            for (tick, value) in column.values.enumerated() where !SpecialValue.isAbsent(value) {
                series[column.labels, default: [:]][target.timestamps[tick]] = value.bitPattern
            }
        }
    }

    /// A column of a target, ready to be written.
    struct Column {
        var labels: LabelSet
        var target: Int
        var values: [Double]
    }

    /// All columns of the targets in label order.
    static func columns(of targets: [Target]) -> [Column] {
        var all: [Column] = []
        for (index, target) in targets.enumerated() {
            for column in target.columns {
                all.append(Column(labels: column.labels, target: index, values: column.values))
            }
        }
        return all.sorted { $0.labels < $1.labels }
    }

    /// Writes the targets to a partition of their own.
    static func write(_ targets: [Target], to writer: PartitionWriter) throws -> String? {
        try write(columns(of: targets), of: targets, to: writer)
    }

    static func write(_ columns: [Column], of targets: [Target], to writer: PartitionWriter) throws -> String? {
        let clocks = targets.map { writer.addClock($0.timestamps) }
        for column in columns {
            try writer.add(labels: column.labels, clock: clocks[column.target], values: column.values)
        }
        return try writer.finish()
    }

    /// The samples of a series that a reader delivers in a range.
    static func samples(_ pieces: ColumnPieces) -> [Int64: UInt64] {
        var found: [Int64: UInt64] = [:]
        for piece in pieces.pieces {
            for (index, value) in pieces.values[piece.start..<piece.end].enumerated() {
                found[piece.clock.timestamps[piece.offset + index]] = value.bitPattern
            }
        }
        return found
    }

    /// Whether a partition holds exactly the model's samples in the range.
    func matches(_ reader: PartitionReader, in range: TimeRange) throws -> Bool {
        let selection = try PartitionSelection(reader: reader, request: SelectRequest(matchers: [], range: range))
        var batch = [ColumnPieces](repeating: ColumnPieces(), count: selection.series.count)
        let all = selection.series.enumerated().map { PartitionFrameReader.Wanted(series: $1, place: $0) }
        try selection.makeReader().read(all, clocks: ClockCache(), into: &batch)
        var seen = 0
        for (pieces, labels) in zip(batch, try selection.labels()) {
            let expected = (series[labels] ?? [:]).filter { range.contains(Timestamp(milliseconds: $0.key)) }
            guard Self.samples(pieces) == expected else { return false }
            if !expected.isEmpty { seen += 1 }
            if pieces.values.contains(where: { SpecialValue.isAbsent($0) }) { return false }
        }
        let wanted = series.values.filter { samples in
            samples.keys.contains { range.contains(Timestamp(milliseconds: $0)) }
        }
        return seen == wanted.count
    }
}

extension PartitionFrameReader {
    /// One series alone.
    func read(_ series: UInt32, clocks: ClockCache, into pieces: inout ColumnPieces) throws {
        var batch = [ColumnPieces()]
        swap(&batch[0], &pieces)
        defer { swap(&batch[0], &pieces) }
        try read([Wanted(series: series, place: 0)], clocks: clocks, into: &batch)
    }
}

extension PartitionSelection {
    /// The labels of all its series.
    func labels() throws -> [LabelSet] {
        var sets: [LabelSet] = []
        var numbers = SelectedLabelNumbers(PairTexts())
        var held = HeldMemory(nil)
        try forEachRun(in: &numbers, &held) { (numbers, _, run, number) throws(StorageError) in
            for place in run.indices { sets.append(numbers.labels.labels(of: number + place - run.lowerBound)) }
        }
        return sets
    }
}
