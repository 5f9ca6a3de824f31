import MetricModel
import SQLite
import Storage

/// The segments of a group of neighbouring series that overlap a range of time.
struct SegmentGroup {
    /// The numbers of the series; one alone where it has no segment.
    var series: Range<Int64> = 0..<0
    /// Row ids, in order of time.
    var rows: [Int64] = []

    init() {}

    /// Finds the group that a series belongs to.
    init(
        of series: UInt32, in range: TimeRange, _ reader: PartitionReader, _ connection: SQLiteConnection
    ) throws(StorageError) {
        self.series = Int64(series)..<Int64(series) + 1
        guard let cache = reader.cache, let first = try reader.groupStart(of: series, connection) else {
            try take(GroupDirectory(of: series, connection), of: series, range)
            return
        }
        let key = BlockCache.Key(partition: reader.number, place: first, kind: .group)
        let (known, isWanted) = cache.find(key, as: GroupDirectory.self)
        let directory = if let known { known } else { try GroupDirectory(of: series, connection) }
        take(directory, of: series, range)
        if isWanted, directory.series.lowerBound == first { cache.insert(directory, for: key) }
    }

    private mutating func take(_ directory: GroupDirectory, of series: UInt32, _ range: TimeRange) {
        guard directory.series.contains(Int64(series)) else { return }
        self.series = directory.series
        let (start, end) = (range.start.milliseconds, range.end.milliseconds)
        for segment in directory.segments where segment.start <= end && segment.end >= start {
            rows.append(segment.row)
        }
    }

    /// The number of the frame that a series of the group stands in.
    func frame(of series: UInt32) -> Int { Int(Int64(series) - self.series.lowerBound) / SegmentFormat.seriesPerFrame }

    /// Lends the bytes of a segment, which are gone afterwards; nil where they are not there, which is noted.
    static func withBytes<Value>(
        row: Int64, _ reader: PartitionReader, _ connection: SQLiteConnection,
        _ body: (UnsafeRawBufferPointer) throws(StorageError) -> Value
    ) throws(StorageError) -> Value? {
        let statement = try withStorageErrors { () throws(SQLiteError) in
            let statement = try connection.cached("SELECT data FROM segment WHERE id = ?")
            try statement.bind(row, at: 1)
            return statement
        }
        defer { statement.reset() }
        do throws(SQLiteError) {
            guard try statement.step() else { return nil }
        } catch {
            // A page that cannot be read is damage of this segment; the others may be sound.
            guard error.isCorrupt else { throw StorageError(error) }
            try reader.note(.structure("page"), in: "segment \(row)")
            return nil
        }
        return unsafe try statement.withBlob(at: 0, body)
    }

    /// A copy of the bytes of a segment; nil where they are not there, which is noted.
    static func bytes(
        row: Int64, _ reader: PartitionReader, _ connection: SQLiteConnection
    ) throws(StorageError) -> [UInt8]? {
        unsafe try withBytes(row: row, reader, connection) { unsafe [UInt8]($0) }
    }
}

/// All segments of a group.
final class GroupDirectory: CachedBlock {
    struct Segment {
        var row: Int64
        var start: Int64
        var end: Int64
    }

    /// The numbers of the series; empty where the series asked for has no segment.
    let series: Range<Int64>
    /// In order of time.
    let segments: [Segment]

    var byteCount: Int { segments.count * MemoryLayout<Segment>.stride + 64 }

    init(of wanted: UInt32, _ connection: SQLiteConnection) throws(StorageError) {
        (series, segments) = try withStorageErrors { () throws(SQLiteError) in
            let place = try connection.cached(
                "SELECT first_series, series_count FROM segment WHERE first_series <= ? ORDER BY first_series DESC LIMIT 1"
            )
            defer { place.reset() }
            try place.bind(Int64(wanted), at: 1)
            guard try place.step() else { return (0..<0, []) }
            let first = place.int64(at: 0)
            // A damaged count must not make the group endless.
            let count = max(0, min(place.int64(at: 1), Int64(SegmentFormat.seriesPerSegment)))
            guard first >= 0, (first..<first + count).contains(Int64(wanted)) else { return (0..<0, []) }
            let found = try connection.cached(
                "SELECT id, start, end FROM segment WHERE first_series = ? ORDER BY start, id")
            defer { found.reset() }
            try found.bind(first, at: 1)
            var segments: [Segment] = []
            while try found.step() {
                segments.append(
                    Segment(row: found.int64(at: 0), start: found.int64(at: 1), end: found.int64(at: 2)))
            }
            return (first..<first + count, segments)
        }
    }
}
