import Glibc
package import Logging
package import MetricModel
package import Storage
import Synchronization

/// The database of one folder: head in memory, journal, partitions.
package final class TimeSeriesDatabase: SampleStore {
    package let path: String
    let head: Head
    private let settings: DatabaseSettings
    private let lock: FolderLock
    private let logger: Logger
    private let isClosed = Atomic<Bool>(false)

    /// Opens the folder, makes it when it is not there, and reads what the journal holds.
    ///
    /// A folder in use, one that cannot be written and one of a newer format are refused, and nothing in them is changed.
    package static func open(
        path: String, settings: DatabaseSettings = DatabaseSettings(), clock: any WallClock = SystemClock(),
        logger: Logger = Logger(label: "lapwing.storage")
    ) throws(StorageError) -> TimeSeriesDatabase {
        try makeFolder(path)
        let lock = try FolderLock(folder: path)
        let journalPath = path + "/journal.sqlite"
        try JournalFile.refuseNewerFormat(path: journalPath)
        let file = try JournalFile(path: journalPath)
        let contents = try HeadContents(replaying: file, logger: logger)
        let journal = Journal(file: file, nextBatch: try file.highestBatch() + 1, settings: settings, logger: logger)
        let head = Head(contents: contents, journal: journal, settings: settings, clock: clock)
        return TimeSeriesDatabase(path: path, head: head, settings: settings, lock: lock, logger: logger)
    }

    private init(path: String, head: Head, settings: DatabaseSettings, lock: FolderLock, logger: Logger) {
        self.path = path
        self.head = head
        self.settings = settings
        self.lock = lock
        self.logger = logger
    }

    private static func makeFolder(_ path: String) throws(StorageError) {
        if let status = FileStatus(path) {
            guard status.isFolder else { throw .inputOutput(path: path, reason: "is not a folder") }
        } else {
            guard unsafe mkdir(path, 0o755) == 0 else {
                throw .inputOutput(path: path, reason: unsafe String(cString: strerror(errno)))
            }
        }
        guard unsafe access(path, W_OK | X_OK) == 0 else {
            throw .inputOutput(path: path, reason: unsafe String(cString: strerror(errno)))
        }
    }

    /// Writes what waits, stops the threads and lets go of the folder. Further calls answer that it is closed.
    package func close() {
        guard !isClosed.exchange(true, ordering: .sequentiallyConsistent) else { return }
        head.journal.close()
        lock.release()
    }

    /// Waits until everything appended before is on its way to the disk as the journal promises.
    package func flush() throws(StorageError) {
        guard !isClosed.load(ordering: .relaxed) else { throw .closed }
        try head.journal.flush()
    }

    // MARK: SampleStore

    package func openSource(named name: String) throws(AppendError) -> any SourceWriter {
        try checkOpen()
        return HeadSource(head: head, lane: head.makeLane(sourceName: name))
    }

    package func append(
        _ batch: SampleBatch, onRejection: RejectionPolicy
    ) throws(AppendError) -> AppendOutcome {
        try checkOpen()
        return try head.append(batch, onRejection: onRejection)
    }

    package func querier() throws(StorageError) -> any Querier {
        guard !isClosed.load(ordering: .relaxed) else { throw .closed }
        let position = ViewPosition(
            sequence: head.counters.sequence.load(ordering: .sequentiallyConsistent),
            generation: head.counters.generation.load(ordering: .acquiring), epoch: 0)
        return DatabaseQuerier(head: head, position: position, cacheLimitBytes: settings.queryCacheLimitBytes)
    }

    package func statistics(limit: Int) -> StoreStatistics { StoreStatistics() }

    private func checkOpen() throws(AppendError) {
        guard isClosed.load(ordering: .relaxed) else { return }
        throw AppendError.unavailable(reason: "the database is closed")
    }
}
