import Glibc
package import SQLite
import Synchronization

/// The connection to `state.sqlite`, the file of everything that is neither sample nor label: alert state and history,
/// notification log, attempts.
///
/// Those who keep tables in it share this one connection, a thread at a time; the schema of all of them stands here.
package final class StateDatabase: Sendable {
    /// "LWst", at byte 68 of the file.
    private static let applicationIdentifier: Int32 = 0x4c57_7374

    /// A released step is never changed; new ones come behind it.
    private static let schema = SQLiteSchema(
        applicationIdentifier: applicationIdentifier,
        steps: [
            """
            CREATE TABLE alert (
                rule TEXT NOT NULL, labels BLOB NOT NULL, annotations BLOB NOT NULL, value REAL, phase INTEGER NOT NULL,
                active_at INTEGER NOT NULL, fired_at INTEGER, resolved_at INTEGER, keep_firing_since INTEGER,
                PRIMARY KEY (rule, labels)
            ) WITHOUT ROWID;
            CREATE TABLE rule_evaluation (rule TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
            CREATE TABLE alert_transition (
                id INTEGER PRIMARY KEY, at INTEGER NOT NULL, rule TEXT NOT NULL, labels TEXT NOT NULL,
                source TEXT NOT NULL, target TEXT NOT NULL, value REAL
            );
            CREATE TABLE notification_log (
                key TEXT PRIMARY KEY, at INTEGER NOT NULL, firing BLOB NOT NULL, resolved BLOB NOT NULL,
                expires_at INTEGER NOT NULL
            ) WITHOUT ROWID;
            CREATE TABLE notification_attempt (
                id INTEGER PRIMARY KEY, at INTEGER NOT NULL, receiver TEXT NOT NULL, integration TEXT NOT NULL,
                group_key TEXT NOT NULL, reason TEXT NOT NULL, firing INTEGER NOT NULL, resolved INTEGER NOT NULL,
                attempt INTEGER NOT NULL, outcome TEXT NOT NULL, status INTEGER, message TEXT NOT NULL,
                milliseconds INTEGER NOT NULL
            );
            """
        ])

    private let connection: Mutex<SQLiteConnection>

    private init(_ connection: sending SQLiteConnection) { self.connection = Mutex(connection) }

    /// Opens or makes the file and brings its schema up to date.
    package static func open(path: String) throws(SQLiteError) -> StateDatabase {
        try open(SQLiteConnection(path: path, options: .writeAheadLog()))
    }

    /// Opens or makes the file; one that SQLite finds damaged is kept beside as `NAME.damaged-N`, told to `report`, and a
    /// new one made.
    ///
    /// Without alert state rules begin anew: pending alerts wait again, and what fires is told again. That is better than
    /// no monitoring.
    package static func open(
        path: String, report: (_ aside: String, _ reason: String) -> Void
    ) throws(SQLiteError) -> StateDatabase {
        let fault: SQLiteError
        do throws(SQLiteError) {
            let connection = try SQLiteConnection(path: path, options: .writeAheadLog())
            let answer = try connection.text("PRAGMA quick_check(1)") ?? "no answer"
            guard answer != "ok" else { return try open(connection) }
            fault = SQLiteError(extendedCode: 0, message: answer, path: path)
        } catch {
            guard error.isCorrupt else { throw error }
            fault = error
        }
        report(try putAside(path), fault.message)
        return try open(path: path)
    }

    private static func putAside(_ path: String) throws(SQLiteError) -> String {
        var number = 1
        while unsafe access(path + ".damaged-\(number)", F_OK) == 0 { number += 1 }
        let aside = path + ".damaged-\(number)"
        for suffix in ["-wal", ""] where unsafe access(path + suffix, F_OK) == 0 {
            guard unsafe rename(path + suffix, aside + suffix) == 0 else {
                throw SQLiteError(extendedCode: 0, message: unsafe String(cString: strerror(errno)), path: path)
            }
        }
        unsafe unlink(path + "-shm")
        return aside
    }

    /// A database that ends with the process, for tests and for running without a folder.
    package static func inMemory() throws(SQLiteError) -> StateDatabase {
        try open(SQLiteConnection(path: "", options: SQLiteOpenOptions(mode: .inMemory)))
    }

    private static func open(_ connection: sending SQLiteConnection) throws(SQLiteError) -> StateDatabase {
        switch try connection.migrate(to: schema) {
        case .created, .upToDate, .migrated: return StateDatabase(connection)
        case .newer(let found):
            throw SQLiteError(
                extendedCode: 0,
                message: "written by a newer version (format \(found), this program reads up to \(schema.version))",
                path: connection.path)
        case .foreign:
            throw SQLiteError(extendedCode: 0, message: "not a state file of lapwing", path: connection.path)
        }
    }

    /// Lends the connection, for reading.
    package func read<Value: Sendable>(
        _ body: (SQLiteConnection) throws(SQLiteError) -> Value
    ) throws(SQLiteError) -> Value {
        try connection.withLock { connection throws(SQLiteError) in try body(connection) }
    }

    /// Runs `body` in one transaction.
    package func write<Value: Sendable>(
        _ body: (SQLiteConnection) throws(SQLiteError) -> Value
    ) throws(SQLiteError) -> Value {
        try connection.withLock { connection throws(SQLiteError) in
            try connection.transaction { () throws(SQLiteError) in try body(connection) }
        }
    }
}
