package import SQLite

/// The tables of `state.sqlite` that have to do with alerts: their state and history, the notification log, attempts.
package enum AlertTables {
    /// What makes them; a released step is never changed.
    package static let step = """
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

    /// A database with these tables alone that ends with the process.
    package static func inMemory() throws(SQLiteError) -> SharedDatabase {
        try .inMemory(schema: SQLiteSchema(applicationIdentifier: 0, steps: [step]))
    }
}
