import Bytes
import SQLite
import Storage
import Synchronization

/// `journal.sqlite` itself: one connection, used by one thread at a time.
final class JournalFile: Sendable {
    /// "LWJR" as SQLite's application id.
    private static let schema = SQLiteSchema(
        applicationIdentifier: 0x4c57_4a52,
        steps: [
            """
            CREATE TABLE definition(id INTEGER PRIMARY KEY, lane INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
            CREATE TABLE batch(id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
            CREATE TABLE quarantine(
                id INTEGER PRIMARY KEY, origin TEXT NOT NULL, origin_id INTEGER NOT NULL, reason TEXT NOT NULL,
                data BLOB NOT NULL
            ) STRICT;
            CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
            """,
            // What was deleted from partitions; and streams may have start timestamps.
            "CREATE TABLE deletion(partition TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT;",
            // Rows may have start timestamps.
            "",
            // Definitions have the tags of their series.
            "",
        ])

    /// The format that this program writes; it reads older ones.
    static var formatVersion: Int { schema.version }

    /// Rows deleted in one transaction, so that the lock is never held for long.
    private static let rowsPerDeletion = 2000

    private struct State {
        /// Nil until the next use where the disk failed under the one before.
        var connection: SQLiteConnection?
        var isClosed = false
    }

    let path: String
    private let state: Mutex<State>

    /// Opens or makes the file.
    ///
    /// A newer or foreign one is refused untouched.
    init(path: String) throws(StorageError) {
        self.path = path
        do throws(SQLiteError) {
            state = Mutex(State(connection: try Self.connectMigrated(path)))
        } catch {
            throw Self.storageError(error, path: path)
        }
    }

    private static func connectMigrated(_ path: String) throws(SQLiteError) -> SQLiteConnection {
        let opened = try connect(path)
        switch try opened.migrate(to: schema) {
        case .created, .upToDate, .migrated: return opened
        case .newer(let found): throw .newer(found, path: path)
        case .foreign:
            throw SQLiteError(extendedCode: 0, message: "is a database of another program", path: path)
        }
    }

    static func storageError(_ error: SQLiteError, path: String) -> StorageError {
        if let found = error.newerVersion { return .newerFormat(path: path, found: found, supported: schema.version) }
        return error.isCorrupt
            ? .corrupt(path: path, what: error.message) : .inputOutput(path: path, reason: error.message)
    }

    private static func connect(_ path: String) throws(SQLiteError) -> SQLiteConnection {
        var options = SQLiteOpenOptions.writeAheadLog(pageSizeBytes: 4096)
        options.newestVersion = schema.version
        return try SQLiteConnection(path: path, options: options)
    }

    /// Gives back the room of what was deleted, and closes.
    func close() {
        state.withLock { state in
            state.isClosed = true
            // What fails here is as it was before: the file is larger than it must be.
            if let connection = state.connection { try? Self.shrink(connection) }
            state.connection = nil
        }
    }

    /// Without a batch nobody needs definitions; pages that are free go where they are most of the file.
    private static func shrink(_ connection: SQLiteConnection) throws(SQLiteError) {
        if try connection.integer("SELECT count(*) FROM batch") == 0 {
            try connection.execute("DELETE FROM definition")
        }
        let pageCount = try connection.integer("PRAGMA page_count") ?? 0
        let freeCount = try connection.integer("PRAGMA freelist_count") ?? 0
        if freeCount > 16, freeCount * 2 > pageCount { try connection.execute("VACUUM") }
    }

    func withConnection<Value>(
        _ body: (SQLiteConnection) throws(SQLiteError) -> sending Value
    ) throws(StorageError) -> sending Value {
        try state.withLock { state throws(StorageError) in
            guard !state.isClosed else { throw StorageError.closed }
            do throws(SQLiteError) {
                if let connection = state.connection { return try body(connection) }
                let connection = try Self.connect(path)
                state.connection = connection
                return try body(connection)
            } catch {
                // SQLite may have opened the log for reading only, or hold what it read wrongly: begin anew.
                if error.isReadOnly || error.isInputOutput || error.isCannotOpen { state.connection = nil }
                throw Self.storageError(error, path: path)
            }
        }
    }

    // MARK: Writing

    func write(_ batch: inout Journal.Batch) throws(StorageError) {
        if !batch.blob.isEmpty { JournalRecord.seal(&batch.blob) }
        let id = batch.id
        let blob = batch.blob
        let definitions = batch.definitions
        try withConnection { connection throws(SQLiteError) in
            try connection.transaction { () throws(SQLiteError) in
                for (lane, record) in Self.joined(definitions) {
                    let insert = try connection.cached("INSERT INTO definition(lane, data) VALUES (?, ?)")
                    try insert.bind(Int64(lane), at: 1)
                    try insert.run(binding: record, at: 2)
                }
                guard !blob.isEmpty else { return }
                let insert = try connection.cached("INSERT INTO batch(id, data) VALUES (?, ?)")
                try insert.bind(id, at: 1)
                try insert.run(binding: blob, at: 2)
            }
        }
    }

    /// Waits until all that was written so far survives a loss of power.
    func synchronize() throws(StorageError) {
        try withConnection { connection throws(SQLiteError) in try connection.synchronizeLog() }
    }

    /// One sealed blob for neighbouring definitions of one lane.
    private static func joined(_ definitions: [(lane: UInt32, record: [UInt8])]) -> [(lane: UInt32, blob: [UInt8])] {
        var result: [(lane: UInt32, blob: [UInt8])] = []
        for (lane, record) in definitions {
            if result.last?.lane != lane { result.append((lane, JournalRecord.emptyHeader)) }
            result[result.count - 1].blob += record
        }
        for index in result.indices { JournalRecord.seal(&result[index].blob) }
        return result
    }

    func truncate(before batch: Int64, endedLanes: [UInt32]) throws(StorageError) {
        // An empty table must not lead to numbers that were used before.
        if batch > 0 { try setNumber("highest_batch", to: max(batch - 1, try highestBatch())) }
        var isMore = batch > 0
        while isMore {
            isMore = try withConnection { connection throws(SQLiteError) in
                let delete = try connection.cached(
                    "DELETE FROM batch WHERE id IN (SELECT id FROM batch WHERE id < ? ORDER BY id LIMIT ?)")
                try delete.bind(batch, at: 1)
                try delete.bind(Self.rowsPerDeletion, at: 2)
                try delete.run()
                return connection.changedRowCount == Self.rowsPerDeletion
            }
        }
        guard !endedLanes.isEmpty else { return }
        try withConnection { connection throws(SQLiteError) in
            try connection.transaction { () throws(SQLiteError) in
                for lane in endedLanes {
                    let delete = try connection.cached("DELETE FROM definition WHERE lane = ?")
                    try delete.bind(Int64(lane), at: 1)
                    try delete.run()
                }
            }
        }
    }

    // MARK: Numbers that last

    func number(_ name: String) throws(StorageError) -> Int64? {
        try withConnection { connection throws(SQLiteError) in
            let select = try connection.cached("SELECT value FROM meta WHERE name = ?")
            try select.bind(name, at: 1)
            defer { select.reset() }
            return try select.step() ? select.int64(at: 0) : nil
        }
    }

    func setNumber(_ name: String, to value: Int64) throws(StorageError) {
        try withConnection { connection throws(SQLiteError) in
            let insert = try connection.cached("INSERT OR REPLACE INTO meta(name, value) VALUES (?, ?)")
            try insert.bind(name, at: 1)
            try insert.bind(value, at: 2)
            try insert.run()
        }
    }

    // MARK: Salvage

    /// SQLite's own look at all pages, with a new connection; only damage is no, not a disk that does not answer.
    func isSound() -> Bool {
        state.withLock { state in
            state.connection = nil
            do throws(SQLiteError) {
                let connection = try Self.connect(path)
                return try connection.text("PRAGMA quick_check(1)") == "ok"
            } catch {
                return !error.isCorrupt
            }
        }
    }

    /// Puts the file aside and makes a new one without batches; the damaged one's new name.
    func beginAnew(
        highestBatch: Int64, deletions: [(name: String, data: [UInt8])]
    ) throws(StorageError) -> String {
        let aside = try state.withLock { state throws(StorageError) in
            state.connection = nil
            let aside = try JournalSalvage.putAside(path)
            do throws(SQLiteError) {
                state.connection = try Self.connectMigrated(path)
            } catch {
                throw Self.storageError(error, path: path)
            }
            return aside
        }
        try setNumber("highest_batch", to: highestBatch)
        try setDeletions(deletions)
        return aside
    }

    /// Puts a definition of another file in under its number.
    func restore(definition id: Int64, lane: Int64, data: [UInt8]) throws(StorageError) {
        try withConnection { connection throws(SQLiteError) in
            let insert = try connection.cached("INSERT OR IGNORE INTO definition(id, lane, data) VALUES (?, ?, ?)")
            try insert.bind(id, at: 1)
            try insert.bind(lane, at: 2)
            try insert.run(binding: data, at: 3)
        }
    }

    /// Puts a batch of another file in under its number.
    func restore(batch id: Int64, data: [UInt8]) throws(StorageError) {
        try withConnection { connection throws(SQLiteError) in
            let insert = try connection.cached("INSERT OR IGNORE INTO batch(id, data) VALUES (?, ?)")
            try insert.bind(id, at: 1)
            try insert.run(binding: data, at: 2)
        }
    }

    // MARK: Reading

    enum Table: String { case definition, batch }

    /// Calls `body` with each row in order, from a number on; what it names as a fault is quarantined and reported.
    func forEach(
        in table: Table, from first: Int64 = .min, _ body: (Int64, UnsafeRawBufferPointer) -> String?
    ) throws(StorageError) -> [(id: Int64, reason: String)] {
        var faults: [(id: Int64, reason: String)] = []
        try withConnection { connection throws(SQLiteError) in
            let select = try connection.prepare("SELECT id, data FROM \(table.rawValue) WHERE id >= ? ORDER BY id")
            try select.bind(first, at: 1)
            while try select.step() {
                let id = select.int64(at: 0)
                if let reason = unsafe select.withBlob(at: 1, { unsafe body(id, $0) }) { faults.append((id, reason)) }
            }
        }
        for fault in faults { try quarantine(fault.id, in: table, reason: fault.reason) }
        return faults
    }

    /// Calls `body` with each batch in order until it answers false, on a connection that only reads: for a thread beside the
    /// one that uses this file.
    func forEachBatchApart(_ body: (Int64, UnsafeRawBufferPointer) -> Bool) throws(StorageError) {
        do throws(SQLiteError) {
            let connection = try SQLiteConnection(path: path, options: SQLiteOpenOptions(mode: .readOnly))
            let select = try connection.prepare("SELECT id, data FROM batch ORDER BY id")
            while try select.step() {
                let id = select.int64(at: 0)
                guard unsafe select.withBlob(at: 1, { unsafe body(id, $0) }) else { return }
            }
        } catch {
            throw Self.storageError(error, path: path)
        }
    }

    /// The bytes of all rows of a table, without reading them.
    func byteCount(of table: Table) throws(StorageError) -> Int {
        try withConnection { connection throws(SQLiteError) in
            Int(try connection.integer("SELECT sum(length(data)) FROM \(table.rawValue)") ?? 0)
        }
    }

    private func quarantine(_ id: Int64, in table: Table, reason: String) throws(StorageError) {
        try withConnection { connection throws(SQLiteError) in
            try connection.transaction { () throws(SQLiteError) in
                let copy = try connection.cached(
                    "INSERT INTO quarantine(origin, origin_id, reason, data) SELECT ?, id, ?, data FROM "
                        + "\(table.rawValue) WHERE id = ?")
                try copy.bind(table.rawValue, at: 1)
                try copy.bind(reason, at: 2)
                try copy.bind(id, at: 3)
                try copy.run()
                let delete = try connection.cached("DELETE FROM \(table.rawValue) WHERE id = ?")
                try delete.bind(id, at: 1)
                try delete.run()
            }
        }
    }

    /// The highest batch number ever used, so that numbers never repeat.
    func highestBatch() throws(StorageError) -> Int64 {
        let stored = try number("highest_batch") ?? 0
        let present = try withConnection { connection throws(SQLiteError) in
            try connection.integer("SELECT max(id) FROM batch") ?? 0
        }
        return max(stored, present)
    }
}
