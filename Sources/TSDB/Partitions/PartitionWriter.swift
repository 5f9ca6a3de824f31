import Glibc
import MetricModel
import SQLite
import Storage

/// A clock that was told to a `PartitionWriter`.
struct ClockIdentifier: Hashable, Sendable {
    fileprivate(set) var index: Int
}

/// Writes a partition: tell it clocks, add series in label order, finish.
///
/// It writes to a temporary path; only `finish()` gives the file its name, in one step, when all of it is on the disk.
/// A writer that goes away unfinished takes its file with it. Memory: the labels' symbols and postings, the clocks, and
/// the columns of one group of series (`bufferedValueLimit`). It belongs to one thread.
final class PartitionWriter {
    /// Values that wait for the end of their group; a group is closed early when it has more.
    static let bufferedValueLimit = 2 << 20

    /// A clock while it can still be used.
    private struct WrittenClock {
        var timestamps: [Int64]
        /// Its number in the file, given at first use so that neighbouring series have neighbouring clocks.
        var number: UInt32?
        var columnCount = 0
        var isRetired = false
    }

    private struct BufferedColumn {
        var series: UInt32
        var clock: Int
        var offset: Int
        var values: Range<Int>
        /// Where its start timestamps begin, nil where it has none.
        var starts: Int?
    }

    let temporaryPath: String
    private let folder: String
    private var connection: SQLiteConnection?
    private var metadata = PartitionMetadata()
    private var labels = PartitionLabelWriter()
    private var encoder: SegmentEncoder

    private var clocks: [WrittenClock] = []
    private var nextClockNumber: UInt32 = 0
    private var retiring: [Int] = []

    private var lastLabels: LabelSet?
    private var groupStart: UInt32 = 0
    private var columns: [BufferedColumn] = []
    private var values: [Double] = []
    private var starts: [Int64] = []

    /// Starts a file at `temporaryPath` (what stands there is overwritten) that `finish()` will move to `folder`.
    init(
        temporaryPath: String, folder: String, replaces: [String] = [],
        compressionLevel: Int = SegmentFormat.compressionLevel
    ) throws(StorageError) {
        encoder = SegmentEncoder(compressionLevel: compressionLevel)
        self.temporaryPath = temporaryPath
        self.folder = folder
        metadata.replaces = replaces
        unsafe unlink(temporaryPath)
        connection = try withStorageErrors { () throws(SQLiteError) in
            let connection = try SQLiteConnection(
                path: temporaryPath, options: .bulkLoad(pageSizeBytes: PartitionSchema.pageSizeBytes))
            try connection.execute(PartitionSchema.tables)
            try connection.begin(.exclusive)
            return connection
        }
    }

    deinit { abandon() }

    /// Gives the file up.
    func abandon() {
        guard connection != nil else { return }
        connection = nil
        unsafe unlink(temporaryPath)
    }

    // MARK: Clocks

    /// Tells a clock: milliseconds, strictly ascending.
    func addClock(_ timestamps: [Int64]) -> ClockIdentifier {
        clocks.append(WrittenClock(timestamps: timestamps))
        return ClockIdentifier(index: clocks.count - 1)
    }

    /// Adds later ticks to a clock; what was added with it stays as it is.
    func extendClock(_ clock: ClockIdentifier, by timestamps: some Sequence<Int64>) {
        clocks[clock.index].timestamps.append(contentsOf: timestamps)
    }

    func timestamps(of clock: ClockIdentifier) -> [Int64] { clocks[clock.index].timestamps }
    func lastTimestamp(of clock: ClockIdentifier) -> Int64? { clocks[clock.index].timestamps.last }
    func tickCount(of clock: ClockIdentifier) -> Int { clocks[clock.index].timestamps.count }
    func isRetired(_ clock: ClockIdentifier) -> Bool { clocks[clock.index].isRetired }

    /// Counts a column of a clock; the clock's number in the file, the times of the column's first and last tick.
    func use(
        _ clock: ClockIdentifier, firstTick: Int, tickCount: Int
    ) -> (number: UInt32, first: Int64, last: Int64) {
        let number = number(ofClock: clock.index)
        clocks[clock.index].columnCount += 1
        return (
            number, clocks[clock.index].timestamps[firstTick],
            clocks[clock.index].timestamps[firstTick + tickCount - 1]
        )
    }

    private func number(ofClock index: Int) -> UInt32 {
        if let number = clocks[index].number { return number }
        let number = nextClockNumber
        clocks[index].number = number
        nextClockNumber += 1
        return number
    }

    /// Says that no further column will use a clock, so that its memory can go with the group.
    func retireClock(_ clock: ClockIdentifier) {
        guard !clocks[clock.index].isRetired else { return }
        clocks[clock.index].isRetired = true
        retiring.append(clock.index)
    }

    // MARK: Series

    /// Adds a column of a series.
    ///
    /// Series come in label order; a series with several clocks comes several times in a row. `values[i]` was taken at
    /// tick `clockOffset + i` of the clock, the absent value says that there is none; start timestamps are as many as
    /// values, or none. Histograms ascend in time and need no clock.
    func add(
        labels: LabelSet, clock: ClockIdentifier? = nil, clockOffset: Int = 0, values newValues: [Double] = [],
        histograms: [HistogramSample] = [], startTimestamps: [Int64] = []
    ) throws(StorageError) {
        if lastLabels != labels {
            if let lastLabels { precondition(lastLabels < labels, "series must come in label order") }
            try beginSeries(labels)
        }
        let series = UInt32(metadata.seriesCount - 1)
        if let clock, !newValues.isEmpty {
            let start = values.count
            values.append(contentsOf: newValues)
            var startPosition: Int?
            if startTimestamps.count == newValues.count {
                startPosition = starts.count
                starts.append(contentsOf: startTimestamps)
            }
            columns.append(
                BufferedColumn(
                    series: series, clock: clock.index, offset: clockOffset, values: start..<values.count,
                    starts: startPosition))
        }
        if !histograms.isEmpty { try add(histograms, series: series) }
    }

    /// Begins the next series, whose columns come by `insertSegment`; the pairs have their numbers from `addPair`.
    func beginSeries(pairs: some Sequence<UInt32>) throws(StorageError) -> UInt32 {
        let series = UInt32(metadata.seriesCount)
        metadata.seriesCount += 1
        if let block = try labels.add(numbers: pairs, series: series) { try insert(block) }
        return series
    }

    /// Gives a label pair (as it stands in a `LabelSet`) a number; each is given once.
    func addPair(_ bytes: ArraySlice<UInt8>) -> UInt32 { labels.addPair(bytes) }

    private func beginSeries(_ labels: LabelSet) throws(StorageError) {
        let series = UInt32(metadata.seriesCount)
        let isFull = Int(series - groupStart) >= SegmentFormat.seriesPerSegment
        if isFull || values.count >= Self.bufferedValueLimit {
            try flushGroup()
            groupStart = series
        }
        lastLabels = labels
        metadata.seriesCount += 1
        if let block = try self.labels.add(labels, series: series) { try insert(block) }
    }

    private func open() throws(StorageError) -> SQLiteConnection {
        guard let connection else { throw .closed }
        return connection
    }

    private func insert(_ block: PartitionLabelWriter.Block) throws(StorageError) {
        let connection = try open()
        try withStorageErrors { () throws(SQLiteError) in
            let statement = try connection.cached("INSERT INTO series (id, labels) VALUES (?,?)")
            try statement.bind(Int64(block.firstSeries), at: 1)
            try statement.run(binding: block.data, at: 2)
        }
    }

    func add(_ histograms: [HistogramSample], series: UInt32) throws(StorageError) {
        let connection = try open()
        for start in stride(from: 0, to: histograms.count, by: HistogramChunk.preferredSampleCount) {
            let part = histograms[start..<min(histograms.count, start + HistogramChunk.preferredSampleCount)]
            guard let first = part.first, let last = part.last else { continue }
            let data = try HistogramChunk.encode(part)
            noteTimes(from: first.timestamp, to: last.timestamp)
            metadata.sampleCount += part.count
            metadata.histogramCount += part.count
            try withStorageErrors { () throws(SQLiteError) in
                let statement = try connection.cached(
                    "INSERT INTO histogram (series, start, end, samples, data) VALUES (?,?,?,?,?)")
                try statement.bind(Int64(series), at: 1)
                try statement.bind(first.timestamp, at: 2)
                try statement.bind(last.timestamp, at: 3)
                try statement.bind(part.count, at: 4)
                try statement.run(binding: data, at: 5)
            }
        }
    }

    private func noteTimes(from start: Int64, to end: Int64) {
        metadata.start = min(metadata.start, start)
        metadata.end = max(metadata.end, end)
    }

    // MARK: Groups

    /// Cuts the buffered columns into slices of time and writes each as a segment.
    private func flushGroup() throws(StorageError) {
        var window = SliceWindow()
        for column in columns {
            let timestamps = clocks[column.clock].timestamps
            precondition(
                column.offset >= 0 && column.offset + column.values.count <= timestamps.count,
                "the column reaches beyond its clock")
            window.note(
                series: column.series, ticks: column.values.count, from: timestamps[column.offset],
                to: timestamps[column.offset + column.values.count - 1])
            _ = number(ofClock: column.clock)
        }
        let bounds = window.bounds()
        for slice in 0..<max(0, bounds.count - 1) { try writeSegment(from: bounds[slice], until: bounds[slice + 1]) }
        columns.removeAll(keepingCapacity: true)
        values.removeAll(keepingCapacity: true)
        starts.removeAll(keepingCapacity: true)
        for clock in retiring { try write(clock: clock) }
        retiring.removeAll()
    }

    private func writeSegment(from start: Int64, until end: Int64) throws(StorageError) {
        encoder.begin(firstSeries: groupStart)
        var first = Int64.max
        var last = Int64.min
        var samples = 0
        for column in columns {
            let timestamps = clocks[column.clock].timestamps
            let ticks = column.offset..<column.offset + column.values.count
            let lower = timestamps.firstIndex(notBelow: start, in: ticks)
            let upper = end == .max ? ticks.upperBound : timestamps.firstIndex(notBelow: end, in: ticks)
            for piece in stride(from: lower, to: upper, by: SegmentFormat.maximumTickCount) {
                let wanted = piece..<min(upper, piece + SegmentFormat.maximumTickCount)
                guard let written = try encode(column, ticks: wanted) else { continue }
                samples += written.samples
                first = min(first, timestamps[written.ticks.lowerBound])
                last = max(last, timestamps[written.ticks.upperBound - 1])
            }
        }
        let blob = try encoder.finish()
        guard !blob.isEmpty else { return }
        try insertSegment(
            blob, firstSeries: groupStart, seriesCount: metadata.seriesCount - Int(groupStart), from: first, to: last,
            sampleCount: samples)
    }

    /// Writes a segment whose columns' clocks were told by `use`.
    func insertSegment(
        _ blob: [UInt8], firstSeries: UInt32, seriesCount: Int, from first: Int64, to last: Int64, sampleCount: Int
    ) throws(StorageError) {
        noteTimes(from: first, to: last)
        metadata.sampleCount += sampleCount
        let connection = try open()
        try withStorageErrors { () throws(SQLiteError) in
            let statement = try connection.cached(
                "INSERT INTO segment (first_series, series_count, start, end, samples, data) VALUES (?,?,?,?,?,?)")
            try statement.bind(Int64(firstSeries), at: 1)
            try statement.bind(seriesCount, at: 2)
            try statement.bind(first, at: 3)
            try statement.bind(last, at: 4)
            try statement.bind(sampleCount, at: 5)
            try statement.run(binding: blob, at: 6)
        }
    }

    /// Adds a stretch of a column to the segment, without absent values at its ends; nil where nothing is left.
    private func encode(
        _ column: BufferedColumn, ticks: Range<Int>
    ) throws(StorageError) -> (ticks: Range<Int>, samples: Int)? {
        guard let number = clocks[column.clock].number else { return nil }
        let shift = column.values.lowerBound - column.offset
        let present = unsafe values.withUnsafeBufferPointer { all in
            unsafe TickState.stretch(of: all, in: (ticks.lowerBound + shift)..<(ticks.upperBound + shift))
        }
        guard !present.isEmpty else { return nil }
        let lower = present.lowerBound - shift
        let upper = present.upperBound - shift
        clocks[column.clock].columnCount += 1
        let startsRange = column.starts.map { ($0 + lower - column.offset)..<($0 + upper - column.offset) } ?? 0..<0
        let outcome: Result<Int, StorageError> = unsafe values.withUnsafeBufferPointer { all in
            unsafe starts.withUnsafeBufferPointer { allStarts in
                let piece = unsafe UnsafeBufferPointer(rebasing: all[(lower + shift)..<(upper + shift)])
                var absent = 0
                for index in 0..<piece.count where unsafe SpecialValue.isAbsent(piece[index]) { absent += 1 }
                do throws(StorageError) {
                    unsafe try encoder.add(
                        series: column.series, clock: number, clockOffset: lower, values: piece,
                        startTimestamps: UnsafeBufferPointer(rebasing: allStarts[startsRange]))
                    return .success(piece.count - absent)
                } catch {
                    return .failure(error)
                }
            }
        }
        return (lower..<upper, try outcome.get())
    }

    private func write(clock index: Int) throws(StorageError) {
        let clock = clocks[index]
        defer {
            // What is written need not be kept.
            clocks[index].timestamps = []
        }
        guard let number = clock.number, clock.columnCount > 0 else { return }
        let data = try ClockCodec.encode(clock.timestamps)
        let connection = try open()
        try withStorageErrors { () throws(SQLiteError) in
            let statement = try connection.cached("INSERT INTO clock (id, ticks, columns, data) VALUES (?,?,?,?)")
            try statement.bind(Int64(number), at: 1)
            try statement.bind(clock.timestamps.count, at: 2)
            try statement.bind(clock.columnCount, at: 3)
            try statement.run(binding: data, at: 4)
        }
    }

    // MARK: Finishing

    /// Writes the rest, syncs the file, gives it its name in the folder and syncs the folder; the file's new path.
    ///
    /// Nil where nothing was added: an empty partition is no file.
    func finish() throws(StorageError) -> String? {
        try flushGroup()
        guard metadata.sampleCount > 0 else {
            abandon()
            return nil
        }
        for index in clocks.indices where !clocks[index].isRetired { try write(clock: index) }
        if let block = try labels.finishBlock() { try insert(block) }
        let connection = try open()
        try labels.writeTables(to: connection)
        try withStorageErrors { () throws(SQLiteError) in
            try metadata.write(to: connection)
            try connection.execute(PartitionSchema.indexes)
            try connection.setUserVersion(PartitionSchema.version)
            try connection.execute("PRAGMA application_id=\(PartitionSchema.applicationIdentifier)")
            try connection.commit()
        }
        // Closes the file: the statements end with their connection.
        self.connection = nil
        do throws(StorageError) {
            try withStorageErrors { () throws(SQLiteError) in try PageChecksums.append(to: temporaryPath) }
            let name = PartitionName.make(start: metadata.start, end: metadata.end)
            let path = folder + "/" + name + PartitionSchema.fileExtension
            try DurableFile.publish(temporaryPath, as: path, in: folder)
            return path
        } catch {
            unsafe unlink(temporaryPath)
            throw error
        }
    }

    /// The metadata as it stands now.
    var currentMetadata: PartitionMetadata { metadata }
}
