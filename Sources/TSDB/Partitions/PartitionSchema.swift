import MetricModel
import SQLite
import Storage

/// The tables of a partition file and the numbers that mark it.
enum PartitionSchema {
    /// 2: histograms may have start timestamps; 3: the file ends with the checksums of its pages.
    ///
    /// Files of older versions are read as they are; merging writes them anew.
    static let version = 3
    static let firstVersionWithPageChecksums = 3
    /// "LwPt", in the file's header at byte 68.
    static let applicationIdentifier: Int32 = 0x4c77_5074
    static let pageSizeBytes = 4096
    static let fileExtension = ".sqlite"

    static let tables = """
        CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
        CREATE TABLE symbol (id INTEGER PRIMARY KEY, data BLOB);
        CREATE TABLE label (name TEXT, value TEXT, postings BLOB, PRIMARY KEY (name, value)) WITHOUT ROWID;
        CREATE TABLE series (id INTEGER PRIMARY KEY, labels BLOB);
        CREATE TABLE clock (id INTEGER PRIMARY KEY, ticks INTEGER, columns INTEGER, data BLOB);
        CREATE TABLE segment (
            id INTEGER PRIMARY KEY, first_series INTEGER, series_count INTEGER, start INTEGER, end INTEGER,
            samples INTEGER, data BLOB);
        CREATE TABLE histogram (
            id INTEGER PRIMARY KEY, series INTEGER, start INTEGER, end INTEGER, samples INTEGER, data BLOB);
        """

    /// Made last, when the rows are there.
    static let indexes = """
        CREATE INDEX segment_place ON segment (first_series, start, end, series_count);
        CREATE INDEX histogram_place ON histogram (series, start, end);
        """
}

/// What a partition says about itself.
struct PartitionMetadata: Hashable, Sendable {
    var formatVersion = PartitionSchema.version
    /// The first and the last sample, milliseconds.
    var start: Int64 = .max
    var end: Int64 = .min
    var seriesCount = 0
    /// Histograms among them.
    var sampleCount = 0
    var histogramCount = 0
    /// The names of the files whose content this one took over: they are deleted, not read, when both are there.
    var replaces: [String] = []

    var range: TimeRange {
        TimeRange(start: Timestamp(milliseconds: start), end: Timestamp(milliseconds: end))
    }

    func overlaps(_ other: TimeRange) -> Bool {
        start <= other.end.milliseconds && other.start.milliseconds <= end
    }
}

extension StorageError {
    /// How an error of SQLite in a file looks from outside.
    init(_ error: SQLiteError) {
        self =
            error.isCorrupt
            ? .corrupt(path: error.path, what: error.message) : .inputOutput(path: error.path, reason: error.message)
    }
}

/// Runs SQLite calls where storage errors are thrown.
func withStorageErrors<Value>(_ body: () throws(SQLiteError) -> Value) throws(StorageError) -> Value {
    do throws(SQLiteError) {
        return try body()
    } catch {
        throw StorageError(error)
    }
}
