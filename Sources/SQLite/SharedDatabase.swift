import Glibc
import Synchronization

/// One connection to one file, lent to those who keep tables in it, a thread at a time.
///
/// A second connection to the file would be a second writer that waits, and a second one that checkpoints, which can damage
/// the file before SQLite 3.51.3 (`SQLiteConnection.checkpoint`).
package final class SharedDatabase: Sendable {
    private let connection: Mutex<SQLiteConnection>

    private init(_ connection: sending SQLiteConnection) { self.connection = Mutex(connection) }

    /// Opens or makes the file and brings its schema up to date.
    package static func open(path: String, schema: SQLiteSchema) throws(SQLiteError) -> SharedDatabase {
        try open(SQLiteConnection(path: path, options: .writeAheadLog()), schema)
    }

    /// As the one above; a file that SQLite finds damaged is kept beside as `NAME.damaged-N`, told to `report`, and a new one
    /// made.
    package static func open(
        path: String, schema: SQLiteSchema, report: (_ aside: String, _ reason: String) -> Void
    ) throws(SQLiteError) -> SharedDatabase {
        let fault: SQLiteError
        do throws(SQLiteError) {
            let connection = try SQLiteConnection(path: path, options: .writeAheadLog())
            let answer = try connection.text("PRAGMA quick_check(1)") ?? "no answer"
            guard answer != "ok" else { return try open(connection, schema) }
            fault = SQLiteError(extendedCode: 0, message: answer, path: path)
        } catch {
            guard error.isCorrupt else { throw error }
            fault = error
        }
        report(try putAside(path), fault.message)
        return try open(path: path, schema: schema)
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
    package static func inMemory(schema: SQLiteSchema) throws(SQLiteError) -> SharedDatabase {
        try open(SQLiteConnection(path: "", options: SQLiteOpenOptions(mode: .inMemory)), schema)
    }

    private static func open(
        _ connection: sending SQLiteConnection, _ schema: SQLiteSchema
    ) throws(SQLiteError) -> SharedDatabase {
        switch try connection.migrate(to: schema) {
        case .created, .upToDate, .migrated: return SharedDatabase(connection)
        case .newer(let found):
            throw SQLiteError(
                extendedCode: 0,
                message: "written by a newer version (format \(found), this program reads up to \(schema.version))",
                path: connection.path)
        case .foreign:
            throw SQLiteError(extendedCode: 0, message: "a database of something else", path: connection.path)
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
