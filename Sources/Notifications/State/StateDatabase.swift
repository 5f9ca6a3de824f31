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
