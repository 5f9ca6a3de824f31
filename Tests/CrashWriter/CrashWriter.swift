import Glibc
import Logging
import MetricModel
import Storage
import Synchronization
import TSDB

/// A database under load, to be killed: `crash-writer FOLDER ACKNOWLEDGED FIRST-ROW`.
///
/// Rows of two sources and batches, queries, seals and merges at once, until somebody ends it. What the database took is
/// written to the second file, one line each: `row N nanoseconds` when a query could see the row, `flushed N` when the
/// journal had all up to it. The value of a sample follows from row and slot, so whoever reads it knows it.
@main
enum CrashWriter {
    static let slotCount = 8
    static let stepMilliseconds: Int64 = 1000

    static func main() throws {
        let words = CommandLine.arguments
        guard words.count == 4, let firstRow = Int64(words[3]) else { exit(2) }
        var settings = DatabaseSettings.anyTime
        settings.maintainsByItself = false
        settings.commitIntervalMilliseconds = 20
        let logger = Logger(label: "crash-writer") { _ in SwiftLogNoOpLogHandler() }
        let database = try TimeSeriesDatabase.open(path: words[1], settings: settings, logger: logger)
        let descriptor = unsafe open(words[2], O_WRONLY | O_CREAT | O_APPEND, 0o644)
        guard descriptor >= 0 else { exit(2) }
        try start {
            while true {
                try database.seal()
                database.maintain()
                pause(milliseconds: 20)
            }
        }
        try start {
            while true {
                let selected = try database.querier().select(SelectRequest(matchers: [], range: .all))
                var reader = selected.makeReader(over: 0..<selected.count)
                var columns = SampleColumns()
                while try reader.next(into: &columns) {}
            }
        }
        try write(to: database, from: firstRow) { line in
            let bytes = Array((line + "\n").utf8)
            _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        }
    }

    private static func write(
        to database: TimeSeriesDatabase, from firstRow: Int64, acknowledge: (String) -> Void
    ) throws {
        let writers = try (0..<2).map { try database.openSource(named: "source-\($0)") }
        for (source, writer) in writers.enumerated() {
            for slot in 0..<slotCount { _ = try writer.slot(for: labels("rows", source: source, slot: slot)) }
        }
        var row = firstRow
        while true {
            let time = row * stepMilliseconds
            for writer in writers {
                let values = (0..<slotCount).map { Double(row * Int64($0 + 1)) / 4 }
                try writer.append(timestamp: Timestamp(milliseconds: time), values: values, histograms: [])
            }
            let batch = SampleBatch([
                .init(
                    labels: labels("loose", source: 0, slot: Int(row % 3)),
                    columns: SampleColumns(timestamps: [time], values: [Double(row)]))
            ])
            _ = try database.append(batch, onRejection: .refuseAll)
            acknowledge("row \(row) \(monotonicNanoseconds())")
            if row % 25 == 0 {
                try database.flush()
                acknowledge("flushed \(row)")
            }
            row += 1
            pause(milliseconds: 1)
        }
    }

    static func labels(_ name: String, source: Int, slot: Int) -> LabelSet {
        var builder = LabelSetBuilder()
        builder.set("__name__", to: name)
        builder.set("slot", to: "\(slot)")
        builder.set("source", to: "\(source)")
        return builder.build()
    }

    private static func monotonicNanoseconds() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    private static func pause(milliseconds: Int) {
        var time = timespec(tv_sec: 0, tv_nsec: milliseconds * 1_000_000)
        unsafe nanosleep(&time, nil)
    }

    /// Runs work on a thread of its own; an error ends the process with a code of its own.
    private static func start(_ work: @escaping @Sendable () throws -> Void) throws {
        final class Box: Sendable {
            let work: @Sendable () throws -> Void
            init(_ work: @escaping @Sendable () throws -> Void) { self.work = work }
        }
        var thread = pthread_t()
        let box = unsafe Unmanaged.passRetained(Box(work)).toOpaque()
        unsafe pthread_create(
            &thread, nil,
            { argument in
                if let argument = unsafe argument {
                    do { try unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().work() } catch {
                        print("\(error)")
                        exit(3)
                    }
                }
                return nil
            }, box)
    }
}
