import MetricModel
import SQLite
import Storage

/// Puts several partitions together to one, series by series, in bounded memory.
///
/// Clocks of one target that follow each other become one clock: where a series goes on from one partition's clock to
/// the next one's, all series of these clocks do.
struct PartitionMerger {
    /// A gap of so many ticks inside a clock is not filled up; the series gets two columns.
    private static let gapLimitTicks = 4096

    /// One of the partitions, standing at a series.
    private final class Source {
        let reader: PartitionReader
        let connection: SQLiteConnection
        let labelReader: PartitionLabelReader
        let columnReader: PartitionSeriesReader
        var series: UInt32 = 0
        var labels: LabelSet?
        var clocks: [UInt32: MergedClock] = [:]

        init(_ reader: PartitionReader) throws(StorageError) {
            self.reader = reader
            connection = try reader.borrowConnection()
            labelReader = PartitionLabelReader(reader: reader, connection: connection)
            columnReader = try PartitionSeriesReader(reader: reader, clocks: PartitionClocks(range: .all))
            try loadLabels()
        }

        deinit { reader.returnConnection(connection) }

        func loadLabels() throws(StorageError) {
            labels = Int(series) < reader.metadata.seriesCount ? try labelReader.labels(of: series) : nil
        }

        func advance() throws(StorageError) {
            series += 1
            try loadLabels()
        }
    }

    /// Where a partition's clock went.
    private struct MergedClock {
        var identifier: ClockIdentifier
        /// The tick of the merged clock that is this one's first.
        var base: Int
        /// Columns in the file that still refer to it.
        var remainingColumns: Int
    }

    /// A column on a merged clock that is being put together.
    private struct OpenColumn {
        var clock: ClockIdentifier
        var offset: Int
        var values: [Double]
        /// As many as values while `hasStarts`.
        var starts: [Int64] = []
        var hasStarts = false
    }

    private let writer: PartitionWriter
    private var sources: [Source] = []
    /// Columns that will come on each merged clock, over all its parts.
    private var remaining: [ClockIdentifier: Int] = [:]
    /// Clocks of series whose samples came twice, so that those with the same times share one.
    private var ownClocks: [[Int64]: ClockIdentifier] = [:]

    /// Merges `readers` (in order of time; where two have a sample at one time, that of the earlier is kept) and finishes `writer`; the path of the new file, nil when there was nothing.
    ///
    /// `isCancelled` is asked once per series.
    static func merge(
        _ readers: [PartitionReader], into writer: PartitionWriter, isCancelled: () -> Bool = { false }
    ) throws(StorageError) -> String? {
        var merger = PartitionMerger(writer: writer)
        for reader in readers { merger.sources.append(try Source(reader)) }
        while let labels = merger.sources.compactMap(\.labels).min() {
            if isCancelled() { throw .cancelled }
            try merger.mergeSeries(labels)
        }
        return try writer.finish()
    }

    private init(writer: PartitionWriter) { self.writer = writer }

    private mutating func mergeSeries(_ labels: LabelSet) throws(StorageError) {
        var columns: [OpenColumn] = []
        var histograms: [[HistogramSample]] = []
        for source in sources where source.labels == labels {
            let raw = try source.columnReader.columns(of: source.series)
            for column in raw {
                try place(try Self.remaining(column, of: source), from: source, into: &columns)
            }
            if source.reader.metadata.histogramCount > 0 {
                let found = try source.columnReader.histograms(of: source.series)
                if !found.isEmpty { histograms.append(found) }
            }
            try source.advance()
        }
        let merged = PieceMerge.histograms(histograms)
        if !merged.isEmpty { try writer.add(labels: labels, histograms: merged) }
        for column in withoutDoubles(columns) {
            try writer.add(
                labels: labels, clock: column.clock, clockOffset: column.offset, values: column.values,
                startTimestamps: column.hasStarts ? column.starts : [])
        }
        // The columns are the writer's now, so clocks that nobody else needs can go.
        for column in columns where remaining[column.clock] == 0 {
            writer.retireClock(column.clock)
            remaining[column.clock] = nil
        }
    }

    /// Columns in which no time comes twice: what was imported again is kept once.
    private mutating func withoutDoubles(_ columns: [OpenColumn]) -> [OpenColumn] {
        guard columns.count > 1 else { return columns }
        var samples: [(timestamp: Int64, value: Double, start: Int64)] = []
        var isInOrder = true
        for column in columns {
            let timestamps = writer.timestamps(of: column.clock)
            for (index, value) in column.values.enumerated() where !SpecialValue.isAbsent(value) {
                let timestamp = timestamps[column.offset + index]
                if let last = samples.last, last.timestamp >= timestamp { isInOrder = false }
                samples.append((timestamp, value, column.hasStarts ? column.starts[index] : 0))
            }
        }
        if isInOrder { return columns }
        let order = samples.indices.sorted { (samples[$0].timestamp, $0) < (samples[$1].timestamp, $1) }
        var kept: [Int] = []
        for index in order where kept.last.map({ samples[$0].timestamp != samples[index].timestamp }) ?? true {
            kept.append(index)
        }
        // Two targets may take turns in one series; then the clocks stay as they are.
        guard kept.count < order.count else { return columns }
        let timestamps = kept.map { samples[$0].timestamp }
        let clock = ownClocks[timestamps] ?? writer.addClock(timestamps)
        ownClocks[timestamps] = clock
        let starts = kept.map { samples[$0].start }
        return [
            OpenColumn(
                clock: clock, offset: 0, values: kept.map { samples[$0].value }, starts: starts,
                hasStarts: starts.contains { $0 != 0 })
        ]
    }

    // MARK: Columns

    private mutating func place(
        _ column: SegmentColumn, from source: Source, into columns: inout [OpenColumn]
    ) throws(StorageError) {
        let clock = try mergedClock(of: column.clock, from: source, after: columns.last?.clock)
        remaining[clock.identifier, default: 1] -= 1
        let offset = clock.base + column.clockOffset
        guard offset + column.values.count <= writer.tickCount(of: clock.identifier) else {
            return try source.reader.note(.structure("clock reference"), in: "clock \(column.clock)")
        }
        guard !column.values.allSatisfy(SpecialValue.isAbsent) else { return }
        var starts: [Int64] = []
        if !column.startTimestamps.isEmpty { starts = Self.perTick(column) }
        if let index = columns.lastIndex(where: { $0.clock == clock.identifier }) {
            let end = columns[index].offset + columns[index].values.count
            if offset >= end, offset - end <= Self.gapLimitTicks {
                Self.append(column.values, starts: starts, gap: offset - end, to: &columns[index])
                return
            }
        }
        columns.append(
            OpenColumn(
                clock: clock.identifier, offset: offset, values: column.values, starts: starts,
                hasStarts: !starts.isEmpty))
    }

    /// A column of the series that a source stands at, with absent values for what was deleted.
    private static func remaining(_ column: SegmentColumn, of source: Source) throws(StorageError) -> SegmentColumn {
        let deletions = source.reader.deletions
        guard deletions.touches(source.series) else { return column }
        let timestamps = try PartitionClocks.timestamps(
            of: column.clock, reader: source.reader, connection: source.connection)
        var column = column
        if !column.startTimestamps.isEmpty { column.startTimestamps = perTick(column) }
        for index in column.values.indices {
            let tick = column.clockOffset + index
            guard tick < timestamps.count, deletions.isDeleted(timestamps[tick], of: source.series) else { continue }
            column.values[index] = SpecialValue.absent
        }
        if !column.startTimestamps.isEmpty {
            column.startTimestamps = zip(column.values, column.startTimestamps)
                .filter { !SpecialValue.isAbsent($0.0) }.map(\.1)
        }
        return column
    }

    /// Start timestamps of samples spread over all ticks.
    private static func perTick(_ column: SegmentColumn) -> [Int64] {
        var next = 0
        return column.values.map { value in
            if SpecialValue.isAbsent(value) { return 0 }
            defer { next += 1 }
            return next < column.startTimestamps.count ? column.startTimestamps[next] : 0
        }
    }

    private static func append(_ values: [Double], starts: [Int64], gap: Int, to column: inout OpenColumn) {
        if column.hasStarts || !starts.isEmpty {
            if !column.hasStarts { column.starts = [Int64](repeating: 0, count: column.values.count) }
            column.hasStarts = true
            column.starts += [Int64](repeating: 0, count: gap)
            column.starts += starts.isEmpty ? [Int64](repeating: 0, count: values.count) : starts
        }
        if gap > 0 { column.values += [Double](repeating: SpecialValue.absent, count: gap) }
        column.values += values
    }

    /// The merged clock of a partition's clock: the one that `previous` column of the same series stands on when this
    /// one only goes on where that ends, else a new one.
    private mutating func mergedClock(
        of number: UInt32, from source: Source, after previous: ClockIdentifier?
    ) throws(StorageError) -> MergedClock {
        if let known = source.clocks[number] { return known }
        let timestamps = try PartitionClocks.timestamps(
            of: number, reader: source.reader, connection: source.connection)
        let columnCount = try Self.columnCount(of: number, in: source)
        let merged: MergedClock
        if let previous, !writer.isRetired(previous), let last = writer.lastTimestamp(of: previous),
            let first = timestamps.first, last < first
        {
            merged = MergedClock(
                identifier: previous, base: writer.tickCount(of: previous), remainingColumns: columnCount)
            writer.extendClock(previous, by: timestamps)
        } else {
            merged = MergedClock(identifier: writer.addClock(timestamps), base: 0, remainingColumns: columnCount)
        }
        remaining[merged.identifier, default: 0] += columnCount
        source.clocks[number] = merged
        return merged
    }

    private static func columnCount(of number: UInt32, in source: Source) throws(StorageError) -> Int {
        try withStorageErrors { () throws(SQLiteError) in
            let statement = try source.connection.cached("SELECT columns FROM clock WHERE id = ?")
            defer { statement.reset() }
            try statement.bind(Int64(number), at: 1)
            return try statement.step() ? max(1, statement.int(at: 0)) : 1
        }
    }
}
