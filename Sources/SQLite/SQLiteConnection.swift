internal import CPageChecksums
internal import CSQLite
import Glibc

/// A connection to one database file.
///
/// It is opened with `SQLITE_OPEN_NOMUTEX`, so "the application is responsible for serializing access to the database
/// connection" (sqlite.org/threadsafe.html): one thread at a time, which its owner guarantees. It may move between
/// threads. Only `interrupt()` may be called while another thread is inside.
@safe package final class SQLiteConnection: @unchecked Sendable {  // protected by its owner, see above
    /// Statements kept prepared by `cached(_:)`; beyond that they are prepared anew each time.
    package static let cachedStatementLimit = 64

    package let path: String
    let handle: OpaquePointer
    private var statements: [String: SQLiteStatement] = [:]

    /// Opens the file, hardens the connection against what may stand in it, and applies the options.
    package init(path: String, options: SQLiteOpenOptions) throws(SQLiteError) {
        self.path = path
        var database: OpaquePointer?
        let (name, flags) = Self.openArguments(path: path, options)
        _ = Self.configureLibrary
        if options.checksPages { page_checksums_register() }
        let code = unsafe sqlite3_open_v2(name, &database, flags, nil)
        guard let opened = unsafe database else {
            throw SQLiteError(extendedCode: code, message: "out of memory", path: path)
        }
        guard code == SQLITE_OK else {
            let extendedCode = unsafe sqlite3_extended_errcode(opened)
            let systemCode = unsafe sqlite3_system_errno(opened)
            var message = unsafe String(cString: sqlite3_errmsg(opened))
            if systemCode != 0 { message += unsafe ": " + String(cString: strerror(systemCode)) }
            unsafe sqlite3_close_v2(opened)
            throw SQLiteError(extendedCode: extendedCode, message: message, path: path)
        }
        unsafe handle = opened
        unsafe sqlite3_extended_result_codes(opened, 1)
        // Where a file cannot be opened for writing, SQLite opens it for reading and says nothing.
        if options.mode == .readWrite || options.mode == .create, unsafe sqlite3_db_readonly(opened, "main") != 0 {
            throw SQLiteError(extendedCode: SQLITE_READONLY, message: "it cannot be opened for writing", path: path)
        }
        unsafe sqlite3_busy_timeout(opened, Int32(clamping: options.busyTimeoutMilliseconds))
        try harden()
        if let newest = options.newestVersion { try refuse(newerThan: newest) }
        try apply(options)
    }

    deinit {
        statements.removeAll()
        unsafe sqlite3_close_v2(handle)
    }

    /// Once, before the first connection.
    private static let configureLibrary: Void = lapwing_sqlite3_allocate_pages_singly()

    private static func openArguments(path: String, _ options: SQLiteOpenOptions) -> (String, Int32) {
        let common = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE
        switch options.mode {
        case .readOnly: return (path, common | SQLITE_OPEN_READONLY)
        case .readWrite: return (path, common | SQLITE_OPEN_READWRITE)
        case .create: return (path, common | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)
        case .inMemory: return (":memory:", common | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)
        case .immutable:
            let system = options.checksPages ? "&vfs=" + PAGE_CHECKSUMS_VFS : ""
            return (
                "file:" + percentEncoded(path) + "?immutable=1" + system,
                common | SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
            )
        }
    }

    /// The path with everything escaped that means something in a URI (sqlite.org/uri.html).
    private static func percentEncoded(_ path: String) -> String {
        var result = ""
        let digits = Array("0123456789ABCDEF")
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "_"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                result.append("%")
                result.append(digits[Int(byte >> 4)])
                result.append(digits[Int(byte & 15)])
            }
        }
        return result
    }

    /// Ends with an error where the file is of a newer version, and leaves its log as it is.
    private func refuse(newerThan newest: Int) throws(SQLiteError) {
        let keepsLog = SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE
        unsafe lapwing_sqlite3_db_config_switch(handle, keepsLog, 1)
        let found = try userVersion()
        if found > newest { throw .newer(found, path: path) }
        unsafe lapwing_sqlite3_db_config_switch(handle, keepsLog, 0)
    }

    /// Settings for files that may have been tampered with (sqlite.org/security.html, "untrusted SQLite database files").
    private func harden() throws(SQLiteError) {
        for (option, value) in [(SQLITE_DBCONFIG_DEFENSIVE, Int32(1)), (SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)] {
            let code = unsafe lapwing_sqlite3_db_config_switch(handle, option, value)
            guard code == SQLITE_OK else { throw error(code: code) }
        }
        try execute("PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA secure_delete=OFF")
    }

    private func apply(_ options: SQLiteOpenOptions) throws(SQLiteError) {
        // The page size must come before the first write, which entering WAL mode is.
        if let bytes = options.pageSizeBytes { try execute("PRAGMA page_size=\(bytes)") }
        if options.locksExclusively { try execute("PRAGMA locking_mode=EXCLUSIVE") }
        try execute(
            "PRAGMA mmap_size=\(options.memoryMapBytes); PRAGMA cache_size=-\(max(1, options.cacheBytes >> 10))")
        if let mode = options.journalMode { try execute("PRAGMA journal_mode=\(mode.rawValue)") }
        if let level = options.synchronous { try execute("PRAGMA synchronous=\(level.rawValue)") }
        if let pages = options.automaticCheckpointPages { try execute("PRAGMA wal_autocheckpoint=\(pages)") }
    }

    // MARK: Statements

    /// Runs statements that give no rows anyone wants: schema, pragmas.
    package func execute(_ sql: String) throws(SQLiteError) {
        let code = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw error(code: code, sql: sql) }
    }

    /// Prepares one statement for the caller to keep.
    package func prepare(_ sql: String) throws(SQLiteError) -> SQLiteStatement {
        try SQLiteStatement(connection: self, sql: sql, isPersistent: true)
    }

    /// A prepared statement from the connection's cache, reset and without bindings.
    ///
    /// It is the cache's: use it to the end before asking for the same SQL again, and reset it when its rows are read.
    package func cached(_ sql: String) throws(SQLiteError) -> SQLiteStatement {
        if let statement = statements[sql] {
            statement.reset()
            statement.clearBindings()
            return statement
        }
        let statement = try SQLiteStatement(unownedBy: self, sql: sql)
        if statements.count < Self.cachedStatementLimit { statements[sql] = statement }
        return statement
    }

    /// The first column of the first row as an integer, nil where there is no row or the value is null.
    package func integer(_ sql: String) throws(SQLiteError) -> Int64? {
        let statement = try cached(sql)
        defer { statement.reset() }
        guard try statement.step(), !statement.isNull(at: 0) else { return nil }
        return statement.int64(at: 0)
    }

    /// The first column of the first row as text, nil where there is no row or the value is null.
    package func text(_ sql: String) throws(SQLiteError) -> String? {
        let statement = try cached(sql)
        defer { statement.reset() }
        guard try statement.step(), !statement.isNull(at: 0) else { return nil }
        return statement.text(at: 0)
    }

    /// The row id of the newest row that this connection inserted.
    package var lastInsertedRow: Int64 { unsafe sqlite3_last_insert_rowid(handle) }

    /// How many rows the last statement changed.
    package var changedRowCount: Int { unsafe Int(sqlite3_changes64(handle)) }

    /// Makes the statement that another thread is running on this connection end with an error.
    ///
    /// Safe on any thread while the connection exists.
    package func interrupt() { unsafe sqlite3_interrupt(handle) }

    /// The error that SQLite reports for a result code.
    func error(code: Int32, sql: String = "") -> SQLiteError {
        var message = unsafe String(cString: sqlite3_errmsg(handle))
        if unsafe sqlite3_errcode(handle) == SQLITE_OK { message = unsafe String(cString: sqlite3_errstr(code)) }
        if code == PageChecksums.refusal { message = "page \(refusedPage) differs from its checksum" }
        return SQLiteError(extendedCode: code, message: message, sql: sql, path: path)
    }
}
