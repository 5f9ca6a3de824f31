import MetricModel
import Storage
import TestSupport
import Testing

@testable import TSDB

@Suite("Native histograms that come late")
struct LateHistogramTests {
    let folder = TemporaryDirectory("lapwing-tsdb")

    private func open() throws -> TimeSeriesDatabase {
        var settings = DatabaseFixture.manual
        settings.outOfOrderWindowMilliseconds = 1_000_000
        return try DatabaseFixture.open(folder, settings: settings)
    }

    private func histogram(_ count: Double, sum: Double) -> NativeHistogram {
        NativeHistogram(
            count: count, sum: sum, positiveSpans: [.init(offset: 0, length: 1)], positiveBuckets: [count])
    }

    /// A target with series 1 alone.
    private func target(of database: TimeSeriesDatabase) throws -> any SourceWriter {
        let writer = try database.openSource(named: "target")
        _ = try writer.slot(for: DatabaseFixture.labels("h", 1))
        return writer
    }

    /// Writes a row at each of these seconds with a histogram.
    private func writeRows(
        _ seconds: some Sequence<Int>, to writer: any SourceWriter, _ histogram: (Int) -> NativeHistogram
    ) throws {
        for second in seconds {
            try writer.append(
                timestamp: Timestamp(milliseconds: Int64(second) * 1000), values: [SpecialValue.absent],
                histograms: [SlotHistogram(slot: 0, histogram: histogram(second))])
        }
    }

    private func write(
        _ times: [Int64], _ histogram: NativeHistogram, of series: Int = 1, to database: TimeSeriesDatabase,
        onRejection: RejectionPolicy = .refuseAll
    ) throws {
        var columns = SampleColumns()
        columns.histograms = times.map { HistogramSample(timestamp: $0, histogram: histogram) }
        _ = try database.append(
            SampleBatch([.init(labels: DatabaseFixture.labels("h", series), columns: columns)]),
            onRejection: onRejection)
    }

    private func read(_ series: Int = 1, of database: TimeSeriesDatabase) throws -> [HistogramSample] {
        let selected = try database.querier().select(
            SelectRequest(matchers: [LabelMatcher(equal: "series", "\(series)")], range: .all))
        var reader = selected.makeReader(over: 0..<selected.count)
        var found = SampleColumns()
        #expect(try reader.next(into: &found))
        return found.histograms
    }

    @Test("among those of rows they stand in order of time, each time once, before a seal and after")
    func amongRows() throws {
        let database = try open()
        defer { database.close() }
        try writeRows(0..<200, to: target(of: database)) { _ in histogram(1, sum: 1) }
        try write([100, 50_000, 50_500, 60_000, 199_500], histogram(1, sum: 2), to: database)
        // Twice late, and no rows beside.
        try write([3000, 5000], histogram(1, sum: 1), of: 2, to: database, onRejection: .skipRejected)
        try write([2000, 3000, 4000], histogram(1, sum: 2), of: 2, to: database, onRejection: .skipRejected)
        let times = ((0..<200).map { Int64($0) * 1000 } + [100, 50_500, 199_500]).sorted()
        #expect(try read(2, of: database).map(\.timestamp) == [2000, 3000, 4000, 5000])
        let before = try read(of: database)
        #expect(before.map(\.timestamp) == times)
        try database.seal()
        #expect(try read(2, of: database).map(\.timestamp) == [2000, 3000, 4000, 5000])
        let after = try read(of: database)
        #expect(after.map(\.timestamp) == times)
        #expect(after.map(\.histogram.sum) == before.map(\.histogram.sum))
    }

    @Test("between two chunks of rows they leave the next row no hint of resets")
    func betweenChunks() throws {
        let database = try open()
        defer { database.close() }
        let chunk = HistogramChunk.preferredSampleCount
        try writeRows(0..<2 * chunk, to: target(of: database)) { histogram(Double($0), sum: Double($0)) }
        // Behind the last row of the first chunk, before the first of the second, and larger than both.
        try write([Int64(chunk) * 1000 - 500], histogram(1000, sum: 1000), to: database)
        let before = try read(of: database)
        #expect(before.count == 2 * chunk + 1)
        try database.seal()
        let after = try read(of: database)
        #expect(after.map(\.timestamp) == before.map(\.timestamp))
        #expect(after[chunk + 1].histogram.counterResetHint != .notReset)
    }

    @Test(
        "in a partition of their own they leave the next row no hint of resets, before a merge and after",
        arguments: [500, 50_000] as [Int64])
    func partitionOfTheirOwn(late: Int64) throws {
        let database = try open()
        defer { database.close() }
        let writer = try target(of: database)
        for seconds in [0...1, 100...101] {
            try writeRows(seconds, to: writer) { histogram(Double($0 + 1), sum: 1) }
            try database.seal()
        }
        #expect(try read(of: database).last?.histogram.counterResetHint == .notReset)
        // Larger than the one behind it.
        try write([late], histogram(1000, sum: 1000), to: database)
        try database.seal()
        func check(_ database: TimeSeriesDatabase) throws {
            let found = try read(of: database)
            #expect(found.map(\.timestamp).prefix(5) == [0, 1000, 100_000, 101_000, late].sorted().prefix(5))
            let next = try #require(found.first { $0.timestamp > late })
            #expect(next.histogram.counterResetHint == .unknown)
        }
        try check(database)
        // The files of a new process stand in order of time.
        database.close()
        let reopened = try open()
        defer { reopened.close() }
        try check(reopened)
        try write([3 * 86_400_000], histogram(2000, sum: 1), to: reopened)
        reopened.maintain()
        #expect(reopened.state.partitionCount == 1)
        try check(reopened)
    }
}
