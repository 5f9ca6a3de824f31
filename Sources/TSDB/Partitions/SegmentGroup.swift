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
    init(of series: UInt32, in range: TimeRange, _ connection: SQLiteConnection) throws(StorageError) {
        self.series = Int64(series)..<Int64(series) + 1
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
            self.series = first..<first + count
            let found = try connection.cached(
                "SELECT id FROM segment WHERE first_series = ? AND start <= ? AND end >= ? ORDER BY start, id")
            defer { found.reset() }
            try found.bind(first, at: 1)
            try found.bind(range.end.milliseconds, at: 2)
            try found.bind(range.start.milliseconds, at: 3)
            while try found.step() { rows.append(found.int64(at: 0)) }
        }
    }

    /// The number of the frame that a series of the group stands in.
    func frame(of series: UInt32) -> Int { Int(Int64(series) - self.series.lowerBound) / SegmentFormat.seriesPerFrame }

    /// The bytes of a segment; nil where they are not there, which is noted.
    static func bytes(
        row: Int64, _ reader: PartitionReader, _ connection: SQLiteConnection
    ) throws(StorageError) -> [UInt8]? {
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
        return unsafe statement.withBlob(at: 0) { unsafe [UInt8]($0) }
    }
}
