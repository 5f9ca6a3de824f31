import Glibc
package import Logging
package import MetricModel
import SQLite
package import SelfMetrics
package import Storage
import Synchronization

/// The database of one folder: head in memory, journal, partitions.
package final class TimeSeriesDatabase: SampleStore, StoreAdministration {
    package let path: String
    let head: Head
    private let settings: DatabaseSettings
    /// Journal records that could not be used at the start.
    let unusableJournalRecords: Int
    /// Commits of the journal that stood behind damage in its log at the start.
    let lostJournalCommits: Int
    private let lock: FolderLock
    let views: ViewRegistry
    let maintenance: Maintenance
    private let thread: MaintenanceThread?
    private let isClosed = Atomic<Bool>(false)

    /// Opens the folder, makes it when it is not there, and reads what the journal holds.
    ///
    /// A folder in use, one that cannot be written and one of a newer format are refused, and nothing in them is changed.
    package static func open(
        path: String, settings: DatabaseSettings = DatabaseSettings(), clock: any WallClock = SystemClock(),
        logger: Logger = Logger(label: "lapwing.storage"), registry: Registry? = nil
    ) throws(StorageError) -> TimeSeriesDatabase {
        try makeFolder(path)
        let lock = try FolderLock(folder: path)
        let journalPath = path + "/journal.sqlite"
        // Before anything opens the file: whoever closes it takes the log away.
        let lostCommits = SQLiteLogInspection(databasePath: journalPath).lostCommitCount
        if lostCommits > 0 {
            logger.error(
                "the journal's log is cut short or damaged; what was committed behind that place is lost",
                metadata: ["path": "\(journalPath)-wal", "commits": "\(lostCommits)"])
        }
        let folder = try PartitionFolder(
            path: path + "/partitions", cacheBytes: settings.blockCacheBytes, logger: logger)
        let (file, contents, wasDamaged) = try JournalSalvage.open(
            path: journalPath, sealedBefore: folder.sealedBefore, logger: logger)
        let nextBatch = max(try file.highestBatch() + 1, folder.sealedBefore)
        let journal = Journal(file: file, nextBatch: nextBatch, settings: settings, logger: logger)
        let head = Head(contents: contents, journal: journal, settings: settings, clock: clock)
        let deletions = try file.deletions()
        for fault in deletions.faults {
            logger.error(
                "what was deleted from a partition cannot be read; it is seen again",
                metadata: ["partition": "\(fault.name)", "reason": "\(fault.reason)"])
        }
        let readers = folder.readers.map { $0.with(deletions.partitions[$0.name]) }
        let database = TimeSeriesDatabase(
            path: path, head: head, folder: folder, readers: readers, settings: settings, lock: lock, clock: clock,
            logger: logger, unusableJournalRecords: contents.unusableRecords + (wasDamaged ? 1 : 0),
            lostJournalCommits: lostCommits)
        if let registry { database.register(in: registry) }
        return database
    }

    private init(
        path: String, head: Head, folder: PartitionFolder, readers: [PartitionReader], settings: DatabaseSettings,
        lock: FolderLock, clock: any WallClock, logger: Logger, unusableJournalRecords: Int, lostJournalCommits: Int
    ) {
        self.unusableJournalRecords = unusableJournalRecords
        self.lostJournalCommits = lostJournalCommits
        self.path = path
        self.head = head
        self.settings = settings
        self.lock = lock
        let views = ViewRegistry(changes: head.changes)
        views.publish(readers)
        self.views = views
        for reader in readers { head.counters.raiseNewestTimestamp(to: reader.metadata.end) }
        let maintenance = Maintenance(
            head: head, folder: folder, views: views, settings: settings, clock: clock, logger: logger)
        // Lanes of which the journal has only the definitions.
        maintenance.dropSealed()
        // What the journal has only definitions of may have been deleted; what was not is in partitions.
        head.hideSeriesWithoutSamples()
        self.maintenance = maintenance
        thread = settings.maintainsByItself ? MaintenanceThread { maintenance.runOnce() } : nil
    }

    private static func makeFolder(_ path: String) throws(StorageError) {
        try DurableFile.makeFolder(path)
        guard unsafe access(path, W_OK | X_OK) == 0 else {
            throw .inputOutput(path: path, reason: unsafe String(cString: strerror(errno)))
        }
    }

    /// Writes what waits, stops the threads and lets go of the folder.
    ///
    /// Further calls answer that it is closed.
    package func close() {
        guard !isClosed.exchange(true, ordering: .sequentiallyConsistent) else { return }
        maintenance.cancel()
        thread?.stop()
        // What waits for a damaged journal would be lost; where a new one cannot begin either, nothing helps.
        try? maintenance.replaceDamagedJournal()
        if settings.sealsOnClose { maintenance.sealBeforeClosing() }
        head.journal.close()
        views.deleteUnused()
        views.close()
        lock.release()
    }

    /// Waits until everything appended before is on its way to the disk as the journal promises.
    package func flush() throws(StorageError) {
        guard !isClosed.load(ordering: .relaxed) else { throw .closed }
        try head.journal.flush()
    }

    /// Waits until everything appended before survives a loss of power.
    package func synchronize() throws(StorageError) {
        guard !isClosed.load(ordering: .relaxed) else { throw .closed }
        try head.journal.flush(synchronizing: true)
    }

    /// Takes over what may change while the database is open: it holds from the next append and maintenance on.
    package func apply(retention: RetentionSettings, outOfOrderWindowMilliseconds window: Int64) {
        maintenance.setRetention(retention)
        head.outOfOrderWindowMilliseconds.store(max(0, window), ordering: .relaxed)
    }

    /// Does what maintenance has to do now: seals when it is due, merges, deletes what is too old.
    package func maintain() { maintenance.runOnce() }

    /// Writes all that the head holds into partitions now, as `maintain()` does when it is due.
    package func seal() throws(StorageError) {
        guard !isClosed.load(ordering: .relaxed) else { throw .closed }
        try maintenance.seal()
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

    package func openReferences() throws(AppendError) -> any ReferenceWriter {
        try checkOpen()
        return HeadReferences(head: head) { [weak self] in self?.isClosed.load(ordering: .relaxed) ?? true }
    }

    package func importSamples(_ batch: SampleBatch) throws(AppendError) -> AppendOutcome {
        try checkOpen()
        let outcome = try head.append(batch, onRejection: .skipRejected, accepted: .any)
        do throws(StorageError) {
            try head.journal.flush()
        } catch {
            throw .unavailable(reason: error.description)
        }
        return outcome
    }

    package func deleteSeries(matching selectors: [[LabelMatcher]], in range: TimeRange) throws(StorageError) {
        guard !isClosed.load(ordering: .relaxed) else { throw .closed }
        try maintenance.delete(matching: selectors, in: range)
    }

    package func snapshot(skippingHead: Bool) throws(StorageError) -> String {
        guard !isClosed.load(ordering: .relaxed) else { throw .closed }
        let date = CivilDate(maintenance.clock.now)
        func padded(_ number: Int, _ width: Int = 2) -> String {
            String(repeating: "0", count: max(0, width - String(number).utf8.count)) + String(number)
        }
        let unique = String(UInt64.random(in: (1 << 60) ... .max), radix: 16)
        let name =
            "\(padded(date.year, 4))\(padded(date.month))\(padded(date.day))T\(padded(date.hour))"
            + "\(padded(date.minute))\(padded(date.second))Z-\(unique)"
        let snapshot = StoreSnapshot(source: path, folder: path + "/snapshots", name: name)
        try maintenance.snapshot(snapshot, skippingHead: skippingHead)
        return name
    }

    package func cleanTombstones() throws(StorageError) {
        guard !isClosed.load(ordering: .relaxed) else { throw .closed }
        try maintenance.cleanDeletions()
        try maintenance.deleteUnused()
    }

    package func querier() throws(StorageError) -> any Querier {
        guard !isClosed.load(ordering: .relaxed) else { throw .closed }
        // First, so that the view sees everything that was changed before it.
        let changePosition = head.changes.position
        guard let view = views.current else { throw .closed }
        let position = ViewPosition(
            sequence: head.counters.sequence.load(ordering: .sequentiallyConsistent),
            generation: head.counters.generation.load(ordering: .acquiring), epoch: view.epoch)
        return DatabaseQuerier(
            head: head, view: view, position: position, changePosition: changePosition,
            cacheLimitBytes: settings.queryCacheLimitBytes)
    }

    package func statistics(limit: Int) -> StoreStatistics {
        var result = head.withIndex { $0.statistics(limit: limit) }
        let extent = head.extent()
        result.chunkCount = extent.sliceCount
        if extent.sliceCount > 0 {
            result.minimumTime = Timestamp(milliseconds: extent.minimum)
            result.maximumTime = Timestamp(milliseconds: extent.maximum)
        }
        return result
    }

    private func checkOpen() throws(AppendError) {
        guard isClosed.load(ordering: .relaxed) else { return }
        throw AppendError.unavailable(reason: "the database is closed")
    }
}
