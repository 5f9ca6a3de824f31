import MetricModel
import Storage
import TestSupport
import Testing

@testable import TSDB

@Suite("Start timestamps and histogram hints")
struct StartTimestampTests {
    let folder = TemporaryDirectory("lapwing-starts")
    private let series = DatabaseFixture.labels("counter", 1)
    private let histogramSeries = DatabaseFixture.labels("histogram", 1)

    private func read(_ database: TimeSeriesDatabase, _ labels: LabelSet) throws -> SampleColumns {
        let name = LabelMatcher(equal: "__name__", labels.metricName)
        let selected = try database.querier().select(SelectRequest(matchers: [name], range: .all))
        #expect(selected.count == 1)
        var reader = selected.makeReader(over: 0..<selected.count)
        var columns = SampleColumns()
        _ = try reader.next(into: &columns)
        return columns
    }

    private func histogram(_ count: Double) -> NativeHistogram {
        NativeHistogram(
            count: count, sum: count, positiveSpans: [.init(offset: 0, length: 1)], positiveBuckets: [count])
    }

    private func append(_ database: TimeSeriesDatabase, times: [Int64], starts: [Int64]) throws {
        var columns = SampleColumns(timestamps: times, values: times.map(Double.init))
        columns.startTimestamps = starts
        let histograms = SampleColumns(
            histograms: zip(times, starts).map {
                HistogramSample(timestamp: $0, histogram: histogram(Double($0)), startTimestamp: $1)
            })
        let outcome = try database.append(
            SampleBatch([
                .init(labels: series, columns: columns), .init(labels: histogramSeries, columns: histograms),
            ]), onRejection: .refuseAll)
        #expect(outcome.appended == 2 * times.count)
    }

    @Test("they are there from the head, after a restart, from partitions and after a merge")
    func allPlaces() throws {
        var database = try DatabaseFixture.open(folder)
        func check(_ database: TimeSeriesDatabase, _ times: [Int64], _ starts: [Int64]) throws {
            let columns = try read(database, series)
            #expect(columns.clock.timestamps == times)
            #expect(columns.startTimestamps == starts)
            let histograms = try read(database, histogramSeries).histograms
            #expect(histograms.map(\.timestamp) == times)
            #expect(histograms.map(\.startTimestamp) == starts)
            let hints = histograms.map(\.histogram.counterResetHint)
            #expect(
                hints == [.unknown] + [NativeHistogram.CounterResetHint](repeating: .notReset, count: times.count - 1))
        }
        try append(database, times: [1000, 2000, 3000, 4000], starts: [0, 500, 500, 3500])
        try append(database, times: [5000], starts: [0])
        try check(database, [1000, 2000, 3000, 4000, 5000], [0, 500, 500, 3500, 0])
        try database.flush()
        let copy = try DatabaseFixture.killedCopy(of: database)
        let restarted = try DatabaseFixture.open(copy)
        try append(restarted, times: [6000], starts: [5500])
        try check(restarted, [1000, 2000, 3000, 4000, 5000, 6000], [0, 500, 500, 3500, 0, 5500])
        restarted.close()
        try database.seal()
        try check(database, [1000, 2000, 3000, 4000, 5000], [0, 500, 500, 3500, 0])
        try append(database, times: [6000], starts: [5500])
        try database.seal()
        try append(database, times: [3 * 86_400_000], starts: [0])
        database.maintain()
        let all: [Int64] = [1000, 2000, 3000, 4000, 5000, 6000, 3 * 86_400_000]
        try check(database, all, [0, 500, 500, 3500, 0, 5500, 0])
        #expect(database.state.partitionCount == 1)
        database.close()
        database = try DatabaseFixture.open(folder)
        try check(database, all, [0, 500, 500, 3500, 0, 5500, 0])
        database.close()
    }

    @Test("a sample without a start timestamp behind one with it has none, however it is written")
    func references() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let writer = try database.openReferences()
        for (time, start) in [(1000, 500), (2000, 0), (3000, 0)] as [(Int64, Int64)] {
            var samples = ReferencedSamples()
            (samples.references, samples.generation) = try writer.references(for: [series])
            samples.sampleEnds = [1]
            samples.timestamps = [time]
            samples.values = [1]
            samples.startTimestamps = start == 0 ? [] : [start]
            #expect(try writer.append(samples).counts.appended == 1)
        }
        #expect(try read(database, series).startTimestamps == [500, 0, 0])
    }

    @Test("behind a reset, a float or a late sample a histogram is not said to go on")
    func hints() throws {
        var settings = DatabaseFixture.manual
        settings.outOfOrderWindowMilliseconds = 60_000
        let database = try DatabaseFixture.open(folder, settings: settings)
        defer { database.close() }
        func add(_ time: Int64, _ count: Double?) throws {
            let columns =
                count.map { SampleColumns(histograms: [HistogramSample(timestamp: time, histogram: histogram($0))]) }
                ?? SampleColumns(timestamps: [time], values: [1])
            _ = try database.append(
                SampleBatch([.init(labels: histogramSeries, columns: columns)]), onRejection: .refuseAll)
        }
        func hints() throws -> [NativeHistogram.CounterResetHint] {
            try read(database, histogramSeries).histograms.map(\.histogram.counterResetHint)
        }
        try add(1000, 5)
        try add(2000, 6)
        try add(3000, 1)
        try add(4000, 2)
        try add(5000, nil)
        try add(6000, 3)
        #expect(try hints() == [.unknown, .notReset, .unknown, .notReset, .unknown])
        try add(1500, 1)
        #expect(try hints().allSatisfy { $0 == .unknown })
    }

    @Test("a row's histograms say whether they go on")
    func rows() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let source = try database.openSource(named: "a")
        let slot = try source.slot(for: histogramSeries)
        for (index, count) in [1.0, 2, 1, nil, 4, 5].enumerated() {
            try source.append(
                timestamp: Timestamp(milliseconds: Int64(index) * 1000),
                values: [count == nil ? 7 : SpecialValue.absent],
                histograms: count.map { [SlotHistogram(slot: slot, histogram: histogram($0))] } ?? [])
        }
        let hints = try read(database, histogramSeries).histograms.map(\.histogram.counterResetHint)
        #expect(hints == [.unknown, .notReset, .unknown, .unknown, .notReset])
    }
}
