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
        /// Ticks inside the range.
        var count: Int

        static let empty = View(clock: .empty, firstTick: 0, tickCount: 0, count: 0)
    }

    /// The views that one reader has asked for: found again without the lock that all readers share.
    struct KnownViews {
        private static let limit = 1 << 16
        private var views: [View?] = []

        mutating func view(
            of number: UInt32, from clocks: PartitionClocks, reader: PartitionReader, connection: SQLiteConnection
        ) throws(StorageError) -> View {
            let index = Int(number)
            if index < views.count, let known = views[index] { return known }
            let view = try clocks.view(of: number, reader: reader, connection: connection)
            guard index < Self.limit else { return view }
            while views.count <= index { views.append(nil) }
            views[index] = view
            return view
        }
    }

    let range: TimeRange
    private let views = Mutex<[UInt32: View]>([:])

    init(range: TimeRange) { self.range = range }

    func view(of number: UInt32, reader: PartitionReader, connection: SQLiteConnection) throws(StorageError) -> View {
        if let known = views.withLock({ $0[number] }) { return known }
        let timestamps = try Self.cachedTimestamps(of: number, reader: reader, connection: connection)
        let ticks = 0..<timestamps.count
        let lower = timestamps.firstIndex(notBelow: range.start.milliseconds, in: ticks)
        let end = range.end.milliseconds
        let upper = end == .max ? ticks.upperBound : timestamps.firstIndex(notBelow: end + 1, in: ticks)
        let isWhole = lower == 0 && upper == timestamps.count
        let cut = isWhole ? timestamps : Array(timestamps[lower..<max(lower, upper)])
        let made = View(
            clock: Clock(cut), firstTick: lower, tickCount: timestamps.count, count: cut.count)
        // Two threads may have made it at the same time: the first one's object is everybody's.
        return views.withLock { views in
            if let known = views[number] { return known }
            views[number] = made
            return made
        }
    }

    /// The timestamps of a clock from the cache of what was read last, or the file.
    private static func cachedTimestamps(
        of number: UInt32, reader: PartitionReader, connection: SQLiteConnection
    ) throws(StorageError) -> [Int64] {
        let key = BlockCache.Key(partition: reader.number, place: Int64(number), kind: .clock)
        let (known, isWanted) = reader.cache?.find(key, as: ClockTicks.self) ?? (nil, false)
        if let known { return known.timestamps }
        let timestamps = try timestamps(of: number, reader: reader, connection: connection)
        if isWanted { reader.cache?.insert(ClockTicks(timestamps), for: key) }
        return timestamps
    }

    /// The timestamps of a clock as the cache keeps them.
    private final class ClockTicks: CachedBlock {
        let timestamps: [Int64]
        var byteCount: Int { timestamps.count * 8 + 64 }
        init(_ timestamps: [Int64]) { self.timestamps = timestamps }
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

/// Reads series of a partition one after the other, each frame of a segment decompressed once and held as long as series
/// of it are asked for.
///
/// Numbers should ascend; any order works. It borrows a connection for its life and belongs to one thread. Queries read
/// many series together with `PartitionFrameReader`, which holds one frame at a time.
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
    private var group = SegmentGroup()
    private var segments: [OpenSegment] = []
    /// The clocks seen, by number.
    private var views = PartitionClocks.KnownViews()
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
            try readRemaining(series, clocks: shared, into: &pieces)
        } else {
            try forEachColumn(of: series) { segment, index throws(StorageError) in
                try append(segment, index, to: &pieces, shared: shared)
            }
        }
        guard hasHistograms else { return }
        pieces.append(histograms: try histograms(of: series))
    }

    /// Adds what was not deleted.
    private func readRemaining(
        _ series: UInt32, clocks shared: ClockCache, into pieces: inout ColumnPieces
    ) throws(StorageError) {
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
            pieces.append(remaining.values, clock: shared.equal(to: remaining.timestamps), isFromHead: false)
        }
    }

    private func append(
        _ segment: OpenSegment, _ index: Int, to pieces: inout ColumnPieces, shared: ClockCache
    ) throws(StorageError) {
        let view = try view(of: segment.frame.columns[index].clock)
        do throws(SegmentDamage) {
            try segment.frame.append(index, on: view, to: &pieces, shared: shared)
        } catch {
            try reader.note(error, in: "segment \(segment.row)")
        }
    }

    /// The clock as the query sees it, from this reader's own list where it was asked for before.
    private func view(of number: UInt32) throws(StorageError) -> PartitionClocks.View {
        try views.view(of: number, from: clocks, reader: reader, connection: connection)
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
        do throws(SegmentDamage) {
            return try segment.frame.values(index)
        } catch {
            try reader.note(error, in: "segment \(segment.row)")
            return [Double](repeating: SpecialValue.absent, count: segment.frame.columns[index].tickCount)
        }
    }

    /// Calls `body` for each column of the series in the group's segments that overlap the range.
    private func forEachColumn(
        of series: UInt32, _ body: (OpenSegment, Int) throws(StorageError) -> Void
    ) throws(StorageError) {
        if !group.series.contains(Int64(series)) {
            segments.removeAll()
            group = try SegmentGroup(of: series, in: range, reader, connection)
            segments = group.rows.map { OpenSegment(row: $0) }
        }
        guard !segments.isEmpty else { return }
        let frameNumber = group.frame(of: series)
        for segment in segments {
            if segment.frameNumber != frameNumber { try load(frameNumber, of: segment) }
            guard segment.isThere else { continue }
            let found = segment.frame.columnRange(of: series, startingAt: segment.nextColumn)
            segment.nextColumn = found.upperBound
            for index in found { try body(segment, index) }
        }
    }

    private func load(_ frameNumber: Int, of segment: OpenSegment) throws(StorageError) {
        segment.frameNumber = frameNumber
        segment.isThere = false
        segment.nextColumn = 0
        guard let blob = try blob(of: segment) else { return }
        do throws(SegmentDamage) {
            segment.isThere = try SegmentBlob.load(
                frame: frameNumber, of: blob, firstSeries: UInt32(group.series.lowerBound), into: &segment.frame,
                workspace: zstd)
        } catch {
            try reader.note(error, in: "segment \(segment.row)")
        }
    }

    /// The bytes of a segment, read once for all of its frames; nil where they are not there.
    private func blob(of segment: OpenSegment) throws(StorageError) -> [UInt8]? {
        if let known = segment.blob { return known }
        let bytes = try SegmentGroup.bytes(row: segment.row, reader, connection)
        segment.blob = bytes
        return bytes
    }

    // MARK: Histograms

    /// The histograms of a series inside the range, in order of time, one for each time.
    ///
    /// Those that came late have chunks of their own behind those of rows, which win. Chunks come in order of their writing, so
    /// that late ones are told from those of rows also where no two overlap.
    func histograms(of series: UInt32) throws(StorageError) -> [HistogramSample] {
        let statement = try withStorageErrors { () throws(SQLiteError) in
            let statement = try connection.cached(
                "SELECT id, data FROM histogram WHERE series = ? AND start <= ? AND end >= ? ORDER BY id")
            try statement.bind(Int64(series), at: 1)
            try statement.bind(range.end.milliseconds, at: 2)
            try statement.bind(range.start.milliseconds, at: 3)
            return statement
        }
        defer { statement.reset() }
        var chunks: [[HistogramSample]] = []
        while try step(statement, of: series) {
            do throws(SegmentDamage) {
                let chunk = unsafe try statement.withBlob(at: 1) { blob throws(SegmentDamage) in
                    unsafe try HistogramChunk.decode(blob)
                }
                let samples = chunk.filter { range.contains(Timestamp(milliseconds: $0.timestamp)) }
                if !samples.isEmpty { chunks.append(samples) }
            } catch {
                try reader.note(error, in: "histograms \(statement.int64(at: 0))")
            }
        }
        let samples = PieceMerge.histograms(chunks, areOfOnePlace: true)
        return reader.deletions.touches(series) ? remaining(samples, of: series) : samples
    }

    /// What was not deleted of a series; the next one behind what was is not known to go on from the one before it.
    private func remaining(_ samples: [HistogramSample], of series: UInt32) -> [HistogramSample] {
        var kept: [HistogramSample] = []
        var isBehindDeleted = false
        for sample in samples {
            if reader.deletions.isDeleted(sample.timestamp, of: series) {
                isBehindDeleted = true
            } else {
                kept.append(sample)
                if isBehindDeleted { kept[kept.count - 1].histogram.forgetResetHint() }
                isBehindDeleted = false
            }
        }
        return kept
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
