internal import CSQLite

/// What SQLite answered when something did not work.
package struct SQLiteError: Error, Hashable, Sendable {
    /// The extended result code, as in sqlite.org/rescode.html.
    package var extendedCode: Int32
    /// SQLite's own sentence.
    package var message: String
    /// The statement that was prepared or run, empty where there was none.
    package var sql: String
    /// The file of the database.
    package var path: String

    package init(extendedCode: Int32, message: String, sql: String = "", path: String) {
        self.extendedCode = extendedCode
        self.message = message
        self.sql = sql
        self.path = path
    }

    /// The error for a file of a version that this program does not know.
    package static func newer(_ version: Int, path: String) -> SQLiteError {
        SQLiteError(extendedCode: 0, message: newerPrefix + String(version), path: path)
    }

    private static let newerPrefix = "newer "

    /// The version of a file that is too new.
    package var newerVersion: Int? {
        extendedCode == 0 && message.hasPrefix(Self.newerPrefix) ? Int(message.dropFirst(Self.newerPrefix.count)) : nil
    }

    /// The primary result code, the low byte of the extended one.
    package var code: Int32 { extendedCode & 0xff }
    /// Another connection holds a lock longer than the busy timeout.
    package var isBusy: Bool { code == SQLITE_BUSY || code == SQLITE_LOCKED }
    /// The disk or the quota is full.
    package var isFull: Bool { code == SQLITE_FULL }
    /// The file's structure is damaged, a page has changed, or it is no database.
    package var isCorrupt: Bool {
        code == SQLITE_CORRUPT || code == SQLITE_NOTADB || extendedCode == PageChecksums.refusal
    }
    /// The file could not be opened.
    package var isCannotOpen: Bool { code == SQLITE_CANTOPEN }
    /// Reading or writing the file failed.
    package var isInputOutput: Bool { code == SQLITE_IOERR }
    /// The file or the connection does not allow writing.
    package var isReadOnly: Bool { code == SQLITE_READONLY }
    /// A constraint of the schema refused the row.
    package var isConstraint: Bool { code == SQLITE_CONSTRAINT }
    /// `SQLiteConnection.interrupt` ended the statement.
    package var isInterrupted: Bool { code == SQLITE_INTERRUPT }
}

extension SQLiteError: CustomStringConvertible {
    package var description: String {
        let statement = sql.isEmpty ? "" : " in \"\(sql.prefix(200))\""
        return "\(path): \(message) (SQLite code \(extendedCode))\(statement)"
    }
}
