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

    /// Rows of a source: slot 0 floats, slot 1 histograms, slot 2 without start timestamps.
    private func appendRows(_ source: any SourceWriter, _ rows: [(time: Int64, start: Int64)]) throws {
        for row in rows {
            try source.append(
                timestamp: Timestamp(milliseconds: row.time),
                values: [Double(row.time), SpecialValue.absent, 7],
                histograms: [SlotHistogram(slot: 1, histogram: histogram(Double(row.time)))],
                starts: [row.start, row.start, 0])
        }
    }

    /// A row each second from 0 on with a histogram of this count, nil is a float.
    private func appendRows(_ database: TimeSeriesDatabase, counts: [Double?]) throws {
        let source = try database.openSource(named: "a")
        let slot = try source.slot(for: histogramSeries)
        for (index, count) in counts.enumerated() {
            try source.append(
                timestamp: Timestamp(milliseconds: Int64(index) * 1000),
                values: [count == nil ? 7 : SpecialValue.absent],
                histograms: count.map { [SlotHistogram(slot: slot, histogram: histogram($0))] } ?? [])
        }
    }

    private func openSource(_ database: TimeSeriesDatabase) throws -> any SourceWriter {
        let source = try database.openSource(named: "rows")
        for labels in [series, histogramSeries, DatabaseFixture.labels("plain", 1)] { _ = try source.slot(for: labels) }
        return source
    }

    @Test("rows of a target have them: in the head, after a kill, sealed, merged; and when they change within a slice")
    func scrapedRows() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let source = try openSource(database)
        // More than one slice, a change in the middle of one, an unknown start after a known one.
        var rows: [(time: Int64, start: Int64)] = []
        for row in 1...300 as ClosedRange<Int64> {
            let start: Int64
            switch row {
            case ..<5: start = 0
            case ..<130: start = 500
            case ..<250: start = 129_500
            default: start = 0
            }
            rows.append((time: row * 1000, start: start))
        }
        func check(_ database: TimeSeriesDatabase, _ rows: [(time: Int64, start: Int64)]) throws {
            let columns = try read(database, series)
            #expect(columns.clock.timestamps == rows.map(\.time))
            #expect(columns.startTimestamps == rows.map(\.start))
            let histograms = try read(database, histogramSeries).histograms
            #expect(histograms.map(\.timestamp) == rows.map(\.time))
            // A histogram's row has no value, so an unknown start is not told apart from one that stayed.
            #expect(histograms.prefix(249).map(\.startTimestamp) == rows.prefix(249).map(\.start))
            #expect(try read(database, DatabaseFixture.labels("plain", 1)).startTimestamps.allSatisfy { $0 == 0 })
        }
        try appendRows(source, Array(rows.prefix(200)))
        try check(database, Array(rows.prefix(200)))
        try appendRows(source, Array(rows.dropFirst(200)))
        try check(database, rows)
        let part = try database.querier().select(
            SelectRequest(
                matchers: [LabelMatcher(equal: "__name__", "counter")],
                range: TimeRange(start: Timestamp(milliseconds: 125_500), end: Timestamp(milliseconds: 131_000))))
        var reader = part.makeReader(over: 0..<1)
        var columns = SampleColumns()
        _ = try reader.next(into: &columns)
        #expect(columns.startTimestamps == [500, 500, 500, 500, 129_500, 129_500])
        let newest = try database.querier().select(
            SelectRequest(
                matchers: [LabelMatcher(equal: "__name__", "counter")],
                range: TimeRange(start: Timestamp(milliseconds: 0), end: Timestamp(milliseconds: 240_000)),
                needsOnlyNewest: true))
        reader = newest.makeReader(over: 0..<1)
        _ = try reader.next(into: &columns)
        #expect(columns.startTimestamps.last == 129_500)
        try database.flush()
        let copy = try DatabaseFixture.killedCopy(of: database)
        let restarted = try DatabaseFixture.open(copy)
        try check(restarted, rows)
        try restarted.seal()
        try check(restarted, rows)
        restarted.close()
        try database.seal()
        try check(database, rows)
        try appendRows(source, [(time: 400_000, start: 350_000)])
        try database.seal()
        try appendRows(source, [(time: 3 * 86_400_000, start: 0)])
        database.maintain()
        try check(database, rows + [(400_000, 350_000), (3 * 86_400_000, 0)])
    }

    @Test("a damaged section of start timestamps is an error and not an answer")
    func damagedRow() throws {
        var known: [Int64] = []
        let values = [1.0, 2, SpecialValue.absent]
        let section = RowStarts.section([10, -20, 30], values: values, isKey: true, known: &known)
        #expect(known == [10, -20, 30])
        #expect(RowStarts.section([10, -20, 30], values: values, isKey: false, known: &known).isEmpty)
        #expect(RowStarts.section([], values: values, isKey: false, known: &known).count > 4)
        #expect(known == [0, 0, 30], "a slot without a sample keeps what is known")
        let scratch = RowScratch()
        var states = SlotStates()
        states.grow(to: 3)
        let count = states.encodeRow(timestamp: 5, values: values, isKey: true, into: scratch)
        var row = unsafe Array(UnsafeRawBufferPointer(start: scratch.memory, count: count)) + section
        let length = UInt32(row.count)
        for index in 0..<4 { row[index] = UInt8(truncatingIfNeeded: length >> UInt32(8 * index)) }
        row[7] |= RowFormat.startFlag
        func starts(_ row: [UInt8]) -> [Int: Int64]? {
            unsafe row.withUnsafeBytes { bytes in
                guard let header = unsafe RowHeader(bytes) else { return nil }
                var found: [Int: Int64] = [:]
                let isSound = unsafe RowStarts.forEach(in: bytes, header: header) { found[$0] = $1 }
                return isSound ? found : nil
            }
        }
        #expect(starts(row) == [0: 10, 1: -20, 2: 30])
        for index in row.count - section.count..<row.count {
            for bit in 0..<8 {
                var damaged = row
                damaged[index] ^= 1 << UInt8(bit)
                _ = starts(damaged)
            }
        }
        row[row.count - 1] = 0xff
        #expect(starts(row) == nil)
    }

    @Test("they are there from the head, after a restart, from partitions and after a merge")
    func allPlaces() throws {
        var database = try DatabaseFixture.open(folder)
        /// - Parameter unknown: The histograms that were not found to go on, or are the first of another partition.
        func check(
            _ database: TimeSeriesDatabase, _ times: [Int64], _ starts: [Int64], unknown: [Int] = [0]
        ) throws {
            let columns = try read(database, series)
            #expect(columns.clock.timestamps == times)
            #expect(columns.startTimestamps == starts)
            let histograms = try read(database, histogramSeries).histograms
            #expect(histograms.map(\.timestamp) == times)
            #expect(histograms.map(\.startTimestamp) == starts)
            for (index, sample) in histograms.enumerated() {
                #expect(sample.histogram.counterResetHint == (unknown.contains(index) ? .unknown : .notReset))
            }
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
        try check(database, all, [0, 500, 500, 3500, 0, 5500, 0], unknown: [0, 5, 6])
        #expect(database.state.partitionCount == 1)
        database.close()
        database = try DatabaseFixture.open(folder)
        try check(database, all, [0, 500, 500, 3500, 0, 5500, 0], unknown: [0, 5, 6])
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
        try appendRows(database, counts: [1, 2, 1, nil, 4, 5])
        let hints = try read(database, histogramSeries).histograms.map(\.histogram.counterResetHint)
        #expect(hints == [.unknown, .notReset, .unknown, .unknown, .notReset])
    }

    @Test("a row's histogram without a start timestamp behind one with it has none")
    func forgottenStarts() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        try appendRows(try openSource(database), [(1000, 500), (2000, 0), (3000, 2500), (4000, 0)])
        for _ in 0..<2 {
            let columns = try read(database, series)
            #expect(columns.startTimestamps == [500, 0, 2500, 0])
            #expect(try read(database, histogramSeries).histograms.map(\.startTimestamp) == [500, 0, 2500, 0])
            try database.seal()
        }
    }

    @Test("behind a deleted one a histogram is not said to go on")
    func deleted() throws {
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        // Without the second the third falls behind the first.
        try appendRows(database, counts: [5, 1, 2, 3])
        let second = TimeRange(start: Timestamp(milliseconds: 1000), end: Timestamp(milliseconds: 1000))
        try database.deleteSeries(matching: [[LabelMatcher(equal: "__name__", "histogram")]], in: second)
        for _ in 0..<2 {
            let hints = try read(database, histogramSeries).histograms.map(\.histogram.counterResetHint)
            #expect(hints == [.unknown, .unknown, .notReset])
            try database.cleanTombstones()
        }
    }
}
