/// How a database file is opened and tuned.
package struct SQLiteOpenOptions: Sendable {
    package enum Mode: Sendable {
        case readOnly
        /// Read only, and the promise that nobody changes the file: no locks, no look at journals.
        case immutable
        case readWrite
        /// Read and write; the file is made when it is not there.
        case create
        /// No file at all.
        case inMemory
    }

    /// The rollback or write-ahead journal (sqlite.org/pragma.html#pragma_journal_mode).
    package enum JournalMode: String, Sendable { case wal, delete, truncate, off }

    /// When SQLite waits for the disk (sqlite.org/pragma.html#pragma_synchronous).
    package enum Synchronous: String, Sendable { case off, normal, full, extra }

    package var mode: Mode
    /// Nil leaves the file as it is.
    package var journalMode: JournalMode?
    package var synchronous: Synchronous?
    /// Takes effect only on a new file: a power of two from 512 to 65536.
    package var pageSizeBytes: Int?
    /// How much of the file may be read through a memory map, 0 for none.
    ///
    /// A disk error inside a mapped file ends the process by a signal instead of an error.
    package var memoryMapBytes = 0
    /// The page cache of this connection.
    package var cacheBytes = 2 << 20
    /// After how many WAL pages a commit checkpoints by itself; 0 leaves checkpoints to the caller.
    package var automaticCheckpointPages: Int?
    /// How long a statement waits for another connection's lock.
    package var busyTimeoutMilliseconds = 5000
    /// Holds the file lock between transactions; a second process gets "busy".
    ///
    /// Saves the lock calls.
    package var locksExclusively = false

    /// A file with a higher `user_version` is refused, before anything in it is changed.
    package var newestVersion: Int?

    /// Compares each page with the checksum that `PageChecksums.append` gave it; only for `immutable`.
    ///
    /// A file without checksums is read as it is.
    package var checksPages = false

    package init(mode: Mode) { self.mode = mode }

    /// A file that one connection writes and others may read: WAL, one fsync per checkpoint.
    package static func writeAheadLog(pageSizeBytes: Int = 4096) -> SQLiteOpenOptions {
        var options = SQLiteOpenOptions(mode: .create)
        options.journalMode = .wal
        options.synchronous = .normal
        options.pageSizeBytes = pageSizeBytes
        return options
    }

    /// A new file that is thrown away when writing it does not end well: no journal and no waiting for the disk; the
    /// caller syncs the finished file before it gives it its name.
    package static func bulkLoad(pageSizeBytes: Int) -> SQLiteOpenOptions {
        var options = SQLiteOpenOptions(mode: .create)
        options.journalMode = .off
        options.synchronous = .off
        options.pageSizeBytes = pageSizeBytes
        options.locksExclusively = true
        return options
    }
}
