import Bytes
import MetricModel
import SQLite
import Storage
import Synchronization

/// The clocks of one partition as one query sees them: cut to its range, each one object for all series and threads.
final class PartitionClocks: Sendable {
    /// A clock's ticks inside the range.
    struct View: Sendable {
        var clock: Clock
        /// The number of the first of them in the file's clock.
        var firstTick: Int
        /// Ticks of the file's clock.
        var tickCount: Int
    }

    let range: TimeRange
    private let views = Mutex<[UInt32: View]>([:])

    init(range: TimeRange) { self.range = range }

    func view(of number: UInt32, reader: PartitionReader, connection: SQLiteConnection) throws(StorageError) -> View {
        if let known = views.withLock({ $0[number] }) { return known }
        let timestamps = try Self.timestamps(of: number, reader: reader, connection: connection)
        let ticks = 0..<timestamps.count
        let lower = timestamps.firstIndex(notBelow: range.start.milliseconds, in: ticks)
        let end = range.end.milliseconds
        let upper = end == .max ? ticks.upperBound : timestamps.firstIndex(notBelow: end + 1, in: ticks)
        let isWhole = lower == 0 && upper == timestamps.count
        let cut = isWhole ? timestamps : Array(timestamps[lower..<max(lower, upper)])
        let made = View(clock: Clock(cut), firstTick: lower, tickCount: timestamps.count)
        // Two threads may have made it at the same time: the first one's object is everybody's.
        return views.withLock { views in
            if let known = views[number] { return known }
            views[number] = made
            return made
        }
    }

    /// All timestamps of a clock of the file.
    static func timestamps(
        of number: UInt32, reader: PartitionReader, connection: SQLiteConnection
    ) throws(StorageError) -> [Int64] {
        let statement = try withStorageErrors { () throws(SQLiteError) in
            let statement = try connection.cached("SELECT ticks, data FROM clock WHERE id = ?")
            try statement.bind(Int64(number), at: 1)
            return statement
        }
        defer { statement.reset() }
        guard try withStorageErrors({ () throws(SQLiteError) in try statement.step() }) else {
            throw .corrupt(path: reader.path, what: "clock \(number) is missing")
        }
        let count = statement.int(at: 0)
        do throws(SegmentDamage) {
            return unsafe try statement.withBlob(at: 1) { blob throws(SegmentDamage) in
                unsafe try ClockCodec.decode(blob, count: count)
            }
        } catch {
            throw .corrupt(path: reader.path, what: "clock \(number): \(error)")
        }
    }
}

/// A stretch of a series as it stands in a segment: one value or special marker per tick of its clock.
struct SegmentColumn {
    var clock: UInt32
    var clockOffset: Int
    /// The absent value where there is no sample.
    var values: [Double]
    /// One per sample, or none.
    var startTimestamps: [Int64]
}

/// Reads series of a partition one after the other, each frame of a segment decompressed once.
///
/// Numbers should ascend; any order works. It borrows a connection for its life and belongs to one thread.
final class PartitionSeriesReader {
    /// A segment of the group that is being read, with one of its frames.
    private final class OpenSegment {
        let row: Int64
        var frameNumber = -1
        var isThere = false
        var frame = SegmentFrame()
        /// All frames as they stand in the file, once one of them was asked for.
        var blob: [UInt8]?
        /// Where the columns of the next series are likely to begin.
        var nextColumn = 0
        init(row: Int64) { self.row = row }
    }

    private let reader: PartitionReader
    private let connection: SQLiteConnection
    private let range: TimeRange
    private let clocks: PartitionClocks
    private let zstd = ZstdWorkspace()
    private var group: Range<Int64> = 0..<0
    private var segments: [OpenSegment] = []
    /// The clocks seen, by number.
    private var views: [PartitionClocks.View?] = []
    private static let ownViewLimit = 1 << 16
    private let hasHistograms: Bool

    init(reader: PartitionReader, clocks: PartitionClocks) throws(StorageError) {
        self.reader = reader
        self.clocks = clocks
        range = clocks.range
        connection = try reader.borrowConnection()
        hasHistograms = reader.metadata.histogramCount > 0
    }

    deinit { reader.returnConnection(connection) }

    // MARK: Pieces

    /// Adds the samples of a series inside the range, in order of the segments.
    func read(_ series: UInt32, clocks shared: ClockCache, into pieces: inout ColumnPieces) throws(StorageError) {
        if reader.deletions.touches(series) {
            try readRemaining(series, into: &pieces)
        } else {
            try forEachColumn(of: series) { segment, index throws(StorageError) in
                try append(segment, index, to: &pieces, shared: shared)
            }
        }
        guard hasHistograms else { return }
        pieces.append(histograms: try histograms(of: series))
    }

    /// Adds what was not deleted.
    private func readRemaining(_ series: UInt32, into pieces: inout ColumnPieces) throws(StorageError) {
        for column in try columns(of: series) {
            let view = try view(of: column.clock)
            var remaining = LoosePiece()
            var sample = 0
            for (position, value) in column.values.enumerated() where !SpecialValue.isAbsent(value) {
                let start = sample < column.startTimestamps.count ? column.startTimestamps[sample] : 0
                sample += 1
                let tick = column.clockOffset + position - view.firstTick
                guard view.clock.timestamps.indices.contains(tick) else { continue }
                let timestamp = view.clock.timestamps[tick]
                guard !reader.deletions.isDeleted(timestamp, of: series) else { continue }
                remaining.append(timestamp, value: value, start: start)
            }
            pieces.note(starts: remaining.startTimestamps, of: remaining.timestamps)
            pieces.append(remaining.values, clock: Clock(remaining.timestamps), isFromHead: false)
        }
    }

    private func append(
        _ segment: OpenSegment, _ index: Int, to pieces: inout ColumnPieces, shared: ClockCache
    ) throws(StorageError) {
        let place = segment.frame.place(of: index)
        let view = try view(of: place.clock)
        guard place.clockOffset + place.tickCount <= view.tickCount else {
            return try reader.note(.structure("clock reference"), in: "clock \(place.clock)")
        }
        // Ticks of the file's clock that lie in the column and in the range.
        let lower = max(place.clockOffset, view.firstTick)
        let upper = min(place.clockOffset + place.tickCount, view.firstTick + view.clock.timestamps.count)
        guard lower < upper else { return }
        var damage: SegmentDamage?
        let isSound = unsafe pieces.append(
            tickCount: place.tickCount, wanted: lower - place.clockOffset..<upper - place.clockOffset,
            clock: view.clock, offset: lower - view.firstTick, isPlain: place.isPlain, isFromHead: false,
            shared: shared
        ) { target in
            do throws(SegmentDamage) {
                unsafe try segment.frame.decodeValues(index, into: target)
                return true
            } catch {
                damage = error
                return false
            }
        }
        if !isSound, let damage { try reader.note(damage, in: "segment \(segment.row)") }
        if isSound, !segment.frame.columns[index].starts.isEmpty {
            try noteStarts(segment, index, ticks: lower..<upper, view: view, in: &pieces)
        }
    }

    /// Adds the start timestamps of those samples of a column that lie in `ticks` of the file's clock.
    private func noteStarts(
        _ segment: OpenSegment, _ index: Int, ticks: Range<Int>, view: PartitionClocks.View,
        in pieces: inout ColumnPieces
    ) throws(StorageError) {
        let starts: [Int64]
        do throws(SegmentDamage) {
            starts = try segment.frame.startTimestamps(index)
        } catch {
            return try reader.note(error, in: "segment \(segment.row)")
        }
        let offset = segment.frame.columns[index].clockOffset
        let values = try decode(segment, index)
        var next = 0
        var found: [Int64] = []
        var timestamps: [Int64] = []
        for (position, value) in values.enumerated() where !SpecialValue.isAbsent(value) {
            defer { next += 1 }
            guard ticks.contains(offset + position), next < starts.count else { continue }
            found.append(starts[next])
            timestamps.append(view.clock.timestamps[offset + position - view.firstTick])
        }
        pieces.note(starts: found, of: timestamps)
    }

    /// The clock as the query sees it, from this reader's own list where it was asked for before.
    private func view(of number: UInt32) throws(StorageError) -> PartitionClocks.View {
        let index = Int(number)
        if index < views.count, let known = views[index] { return known }
        let view = try clocks.view(of: number, reader: reader, connection: connection)
        guard index < Self.ownViewLimit else { return view }
        while views.count <= index { views.append(nil) }
        views[index] = view
        return view
    }

    // MARK: Columns

    /// The columns of a series as they stand in the file, for merging.
    func columns(of series: UInt32) throws(StorageError) -> [SegmentColumn] {
        var result: [SegmentColumn] = []
        try forEachColumn(of: series) { segment, index throws(StorageError) in
            let column = segment.frame.columns[index]
            var starts: [Int64] = []
            do throws(SegmentDamage) {
                starts = try segment.frame.startTimestamps(index)
            } catch {
                try reader.note(error, in: "segment \(segment.row)")
            }
            result.append(
                SegmentColumn(
                    clock: column.clock, clockOffset: column.clockOffset, values: try decode(segment, index),
                    startTimestamps: starts))
        }
        return result
    }

    private func decode(_ segment: OpenSegment, _ index: Int) throws(StorageError) -> [Double] {
        let count = segment.frame.columns[index].tickCount
        var damage: SegmentDamage?
        let values = unsafe [Double](unsafeUninitializedCapacity: count) { buffer, initialized in
            guard let start = buffer.baseAddress else { return }
            do throws(SegmentDamage) {
                unsafe try segment.frame.decodeValues(index, into: start)
                initialized = count
            } catch {
                damage = error
            }
        }
        guard let damage else { return values }
        try reader.note(damage, in: "segment \(segment.row)")
        return [Double](repeating: SpecialValue.absent, count: count)
    }

    /// Calls `body` for each column of the series in the group's segments that overlap the range.
    private func forEachColumn(
        of series: UInt32, _ body: (OpenSegment, Int) throws(StorageError) -> Void
    ) throws(StorageError) {
        if !group.contains(Int64(series)) { try openGroup(of: series) }
        guard !segments.isEmpty else { return }
        let frameNumber = Int(Int64(series) - group.lowerBound) / SegmentFormat.seriesPerFrame
        for segment in segments {
            if segment.frameNumber != frameNumber { try load(frameNumber, of: segment) }
            guard segment.isThere else { continue }
            let found = segment.frame.columnRange(of: series, startingAt: segment.nextColumn)
            segment.nextColumn = found.upperBound
            for index in found { try body(segment, index) }
        }
    }

    /// Finds the segments of the group that a series belongs to.
    private func openGroup(of series: UInt32) throws(StorageError) {
        segments.removeAll()
        group = Int64(series)..<Int64(series) + 1
        try withStorageErrors { () throws(SQLiteError) in
            let place = try connection.cached(
                "SELECT first_series, series_count FROM segment WHERE first_series <= ? ORDER BY first_series DESC LIMIT 1"
            )
            defer { place.reset() }
            try place.bind(Int64(series), at: 1)
            guard try place.step() else { return }
            let first = place.int64(at: 0)
            // A damaged count must not make the group endless.
            let count = max(0, min(place.int64(at: 1), Int64(SegmentFormat.seriesPerSegment)))
            guard first >= 0, (first..<first + count).contains(Int64(series)) else { return }
            group = first..<first + count
            let rows = try connection.cached(
                "SELECT id FROM segment WHERE first_series = ? AND start <= ? AND end >= ? ORDER BY start, id")
            defer { rows.reset() }
            try rows.bind(first, at: 1)
            try rows.bind(range.end.milliseconds, at: 2)
            try rows.bind(range.start.milliseconds, at: 3)
            while try rows.step() { segments.append(OpenSegment(row: rows.int64(at: 0))) }
        }
    }

    private func load(_ frameNumber: Int, of segment: OpenSegment) throws(StorageError) {
        segment.frameNumber = frameNumber
        segment.isThere = false
        segment.nextColumn = 0
        guard let blob = try blob(of: segment) else { return }
        do throws(SegmentDamage) {
            segment.isThere = try SegmentBlob.load(
                frame: frameNumber, of: blob, firstSeries: UInt32(group.lowerBound), into: &segment.frame,
                workspace: zstd)
        } catch {
            try reader.note(error, in: "segment \(segment.row)")
        }
    }

    /// The bytes of a segment, read once for all of its frames; nil where they are not there.
    private func blob(of segment: OpenSegment) throws(StorageError) -> [UInt8]? {
        if let known = segment.blob { return known }
        let statement = try withStorageErrors { () throws(SQLiteError) in
            let statement = try connection.cached("SELECT data FROM segment WHERE id = ?")
            try statement.bind(segment.row, at: 1)
            return statement
        }
        defer { statement.reset() }
        do throws(SQLiteError) {
            guard try statement.step() else { return nil }
        } catch {
            // A page that cannot be read is damage of this segment; the others may be sound.
            guard error.isCorrupt else { throw StorageError(error) }
            try reader.note(.structure("page"), in: "segment \(segment.row)")
            return nil
        }
        let bytes = unsafe statement.withBlob(at: 0) { unsafe [UInt8]($0) }
        segment.blob = bytes
        return bytes
    }

    // MARK: Histograms

    /// The histograms of a series inside the range.
    func histograms(of series: UInt32) throws(StorageError) -> [HistogramSample] {
        let statement = try withStorageErrors { () throws(SQLiteError) in
            let statement = try connection.cached(
                "SELECT id, data FROM histogram WHERE series = ? AND start <= ? AND end >= ? ORDER BY start")
            try statement.bind(Int64(series), at: 1)
            try statement.bind(range.end.milliseconds, at: 2)
            try statement.bind(range.start.milliseconds, at: 3)
            return statement
        }
        defer { statement.reset() }
        var samples: [HistogramSample] = []
        while try step(statement, of: series) {
            do throws(SegmentDamage) {
                let chunk = unsafe try statement.withBlob(at: 1) { blob throws(SegmentDamage) in
                    unsafe try HistogramChunk.decode(blob)
                }
                for sample in chunk where range.contains(Timestamp(milliseconds: sample.timestamp)) {
                    samples.append(sample)
                }
            } catch {
                try reader.note(error, in: "histograms \(statement.int64(at: 0))")
            }
        }
        if reader.deletions.touches(series) {
            samples.removeAll { reader.deletions.isDeleted($0.timestamp, of: series) }
        }
        return samples
    }

    /// The next chunk of a series; false at the end, and where its page cannot be read, which is damage of this series.
    private func step(_ statement: SQLiteStatement, of series: UInt32) throws(StorageError) -> Bool {
        do throws(SQLiteError) {
            return try statement.step()
        } catch {
            guard error.isCorrupt else { throw StorageError(error) }
            try reader.note(.structure("page"), in: "histograms of series \(series)")
            return false
        }
    }
}
