import Glibc
import Logging
import MetricModel
import Storage
import Synchronization
import TestSupport

@testable import TSDB

/// A clock that stands where the test puts it.
final class FixedClock: WallClock {
    private let milliseconds: Atomic<Int64>
    init(_ milliseconds: Int64) { self.milliseconds = Atomic(milliseconds) }
    var now: Timestamp { Timestamp(milliseconds: milliseconds.load(ordering: .relaxed)) }
    var monotonicNanoseconds: UInt64 { UInt64(max(0, now.milliseconds)) * 1_000_000 }
    func sleep(milliseconds: Int64) async throws {}
    func set(_ value: Int64) { milliseconds.store(value, ordering: .relaxed) }
}

/// Samples of a series as plain pairs, compared by bits.
struct PlainSample: Hashable, CustomStringConvertible {
    var timestamp: Int64
    var bits: UInt64
    init(_ timestamp: Int64, _ value: Double) {
        self.timestamp = timestamp
        bits = value.bitPattern
    }
    var description: String { "\(timestamp): \(Double(bitPattern: bits))" }
}

/// Databases in folders that go away with the test.
enum DatabaseFixture {
    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    static func open(
        _ folder: TemporaryDirectory, settings: DatabaseSettings = manual, clock: any WallClock = SystemClock()
    ) throws -> TimeSeriesDatabase {
        try TimeSeriesDatabase.open(path: folder.path + "/data", settings: settings, clock: clock, logger: quiet)
    }

    /// Any time is taken, and nothing happens by itself.
    static var manual: DatabaseSettings {
        var settings = DatabaseSettings.anyTime
        settings.maintainsByItself = false
        settings.commitIntervalMilliseconds = 5
        return settings
    }

    /// What a folder would hold after SIGKILL: the files as they stand now, without the lock of the living process.
    static func killedCopy(of database: TimeSeriesDatabase) throws -> TemporaryDirectory {
        let copy = TemporaryDirectory("lapwing-killed")
        let target = copy.path + "/data"
        let result = ChildProcess.run(["/bin/cp", "-a", database.path, target], folder: copy, name: "copy")
        guard result.code == 0 else { throw StorageError.inputOutput(path: target, reason: result.errors) }
        return copy
    }

    static func labels(_ name: String, _ index: Int, _ more: KeyValuePairs<String, String> = [:]) -> LabelSet {
        var builder = LabelSetBuilder()
        builder.set("__name__", to: name)
        builder.set("series", to: "\(index)")
        for pair in more { builder.set(pair.key, to: pair.value) }
        return builder.build()
    }

    static func all(
        _ database: any SampleStore, _ matchers: [LabelMatcher] = [], range: TimeRange = .all,
        needsOnlyNewest: Bool = false
    ) throws -> [LabelSet: [PlainSample]] {
        try all(database.querier(), matchers, range: range, needsOnlyNewest: needsOnlyNewest)
    }

    static func all(
        _ querier: any Querier, _ matchers: [LabelMatcher] = [], range: TimeRange = .all, needsOnlyNewest: Bool = false
    ) throws -> [LabelSet: [PlainSample]] {
        let selected = try querier.select(
            SelectRequest(matchers: matchers, range: range, needsOnlyNewest: needsOnlyNewest))
        var result: [LabelSet: [PlainSample]] = [:]
        var histograms: [LabelSet: [HistogramSample]] = [:]
        var reader = selected.makeReader(over: 0..<selected.count)
        var columns = SampleColumns()
        var index = 0
        while try reader.next(into: &columns) {
            if !columns.histograms.isEmpty { histograms[selected.labels(at: index)] = columns.histograms }
            let samples = columns.values.indices.map { PlainSample(columns.timestamp(at: $0), columns.values[$0]) }
            // What is said about the values holds whatever was read.
            let rising = columns.values.prefix(columns.risingCount).filter { $0.bitPattern != SpecialValue.staleBits }
            if zip(rising, rising.dropFirst()).contains(where: { $1 < $0 }) {
                throw StorageError.corrupt(path: "columns", what: "values that are said to rise fall")
            }
            if !samples.isEmpty { result[selected.labels(at: index)] = samples }
            index += 1
        }
        try checkPresence(querier, matchers, range, needsOnlyNewest: needsOnlyNewest, result, histograms)
        if needsOnlyNewest {
            for needsValues in [true, false] { try checkNewest(querier, matchers, range, needsValues: needsValues) }
        }
        return result
    }

    /// Asked for no values, the same series have samples, and staleness markers, at the same times.
    ///
    /// While others write, more series may be found than before; the view sees nothing of them.
    private static func checkPresence(
        _ querier: any Querier, _ matchers: [LabelMatcher], _ range: TimeRange, needsOnlyNewest: Bool,
        _ expected: [LabelSet: [PlainSample]], _ histograms: [LabelSet: [HistogramSample]]
    ) throws {
        let selected = try querier.select(
            SelectRequest(matchers: matchers, range: range, needsOnlyNewest: needsOnlyNewest, needsValues: false))
        var reader = selected.makeReader(over: 0..<selected.count)
        var columns = SampleColumns()
        var seriesCount = 0
        for index in 0..<selected.count where try reader.next(into: &columns) {
            let labels = selected.labels(at: index)
            guard columns.histograms == histograms[labels] ?? [] else {
                throw StorageError.corrupt(path: "presence", what: "histograms of \(labels)")
            }
            if columns.values.isEmpty { continue }
            seriesCount += 1
            let samples = expected[labels] ?? []
            let isSame = columns.values.indices.allSatisfy { place in
                samples.indices.contains(place) && columns.timestamp(at: place) == samples[place].timestamp
                    && SpecialValue.isStale(columns.values[place]) == (samples[place].bits == SpecialValue.staleBits)
            }
            guard isSame, columns.values.count == samples.count else {
                throw StorageError.corrupt(path: "presence", what: "\(labels)")
            }
        }
        guard seriesCount == expected.count else {
            throw StorageError.corrupt(path: "presence", what: "\(seriesCount) series, not \(expected.count)")
        }
    }

    /// The newest floats are those that stand last in the columns, also where a reader is asked for both in turns.
    private static func checkNewest(
        _ querier: any Querier, _ matchers: [LabelMatcher], _ range: TimeRange, needsValues: Bool
    ) throws {
        let selected = try querier.select(
            SelectRequest(matchers: matchers, range: range, needsOnlyNewest: true, needsValues: needsValues))
        var whole = selected.makeReader(over: 0..<selected.count)
        var reader = selected.makeReader(over: 0..<selected.count)
        var columns = SampleColumns()
        var others = SampleColumns()
        for index in 0..<selected.count {
            guard try whole.next(into: &columns) else { break }
            let wanted = columns.values.last ?? SpecialValue.absent
            let newest = index % 7 == 3 ? nil : try reader.nextNewest()
            let found: Double
            if let newest {
                found = columns.histograms.isEmpty ? newest : SpecialValue.notANumber
            } else {
                found = try reader.next(into: &others) ? others.values.last ?? SpecialValue.absent : 0
            }
            guard found.bitPattern == wanted.bitPattern else {
                throw StorageError.corrupt(
                    path: "newest floats", what: "\(found) of series \(index), which has \(wanted)")
            }
        }
        guard try reader.nextNewest() == nil, try !reader.next(into: &others) else {
            throw StorageError.corrupt(path: "newest floats", what: "there are more of them than series")
        }
    }
}
