internal import CSQLite

extension SQLiteConnection {
    /// When a transaction takes its lock.
    package enum TransactionKind: String, Sendable { case deferred, immediate, exclusive }

    /// Starts a transaction; every start is followed by `commit()` or `rollback()`.
    package func begin(_ kind: TransactionKind = .immediate) throws(SQLiteError) {
        try cached("BEGIN " + kind.rawValue).run()
    }

    /// Makes the transaction's changes last.
    ///
    /// After an error the transaction is still open, unless SQLite ended it.
    package func commit() throws(SQLiteError) { try cached("COMMIT").run() }

    /// Takes the transaction back; does nothing when SQLite already did (as it does after a full disk).
    package func rollback() {
        guard isInTransaction else { return }
        // An error here means that SQLite has rolled back by itself.
        try? cached("ROLLBACK").run()
    }

    package var isInTransaction: Bool { unsafe sqlite3_get_autocommit(handle) == 0 }

    /// Runs `body` in a transaction: committed when it returns, rolled back when it or the commit throws.
    package func transaction<Value>(
        _ kind: TransactionKind = .immediate, _ body: () throws(SQLiteError) -> Value
    ) throws(SQLiteError) -> Value {
        try begin(kind)
        do throws(SQLiteError) {
            let value = try body()
            try commit()
            return value
        } catch {
            rollback()
            throw error
        }
    }

    /// How far a checkpoint goes (sqlite.org/c3ref/wal_checkpoint_v2.html).
    package enum CheckpointMode: Sendable { case passive, full, restart, truncate }

    /// What a checkpoint found: pages in the log and pages of them that are in the database file.
    package struct CheckpointOutcome: Sendable, Hashable {
        package var logPageCount: Int
        package var checkpointedPageCount: Int
    }

    /// Moves the write-ahead log into the database file.
    ///
    /// Only the writer's connection does this: SQLite before 3.51.3 can corrupt a database when two connections
    /// checkpoint at once.
    @discardableResult
    package func checkpoint(_ mode: CheckpointMode = .passive) throws(SQLiteError) -> CheckpointOutcome {
        let rawMode =
            switch mode {
            case .passive: SQLITE_CHECKPOINT_PASSIVE
            case .full: SQLITE_CHECKPOINT_FULL
            case .restart: SQLITE_CHECKPOINT_RESTART
            case .truncate: SQLITE_CHECKPOINT_TRUNCATE
            }
        var logPages: Int32 = 0
        var checkpointedPages: Int32 = 0
        let code = unsafe sqlite3_wal_checkpoint_v2(handle, nil, rawMode, &logPages, &checkpointedPages)
        guard code == SQLITE_OK else { throw error(code: code, sql: "checkpoint") }
        return CheckpointOutcome(logPageCount: Int(logPages), checkpointedPageCount: Int(checkpointedPages))
    }

    /// Waits until the write-ahead log, and with it every commit so far, is on the disk.
    ///
    /// With `synchronous=NORMAL` commits do not wait for it; this is for an owner that lets many of them share one wait.
    package func synchronizeLog() throws(SQLiteError) {
        let code = unsafe lapwing_sqlite3_sync_journal(handle)
        guard code == SQLITE_OK else { throw error(code: code, sql: "sync") }
    }
}
