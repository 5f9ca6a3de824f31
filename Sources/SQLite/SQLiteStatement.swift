internal import CSQLite

/// A prepared statement: bind, step, read columns, reset.
///
/// It belongs to the thread that uses its connection. Parameters count from 1, columns from 0, as in SQL's own API.
/// Columns that are out of range read as null, text and blobs included.
@safe package final class SQLiteStatement {
    package let sql: String
    /// Keeps the connection open; nil for those that the connection's cache owns, which end before it.
    private let owner: SQLiteConnection?
    private let handle: OpaquePointer
    private let database: OpaquePointer
    private let path: String

    convenience init(connection: SQLiteConnection, sql: String, isPersistent: Bool) throws(SQLiteError) {
        try self.init(connection: connection, owner: connection, sql: sql)
    }

    convenience init(unownedBy connection: SQLiteConnection, sql: String) throws(SQLiteError) {
        try self.init(connection: connection, owner: nil, sql: sql)
    }

    private init(connection: SQLiteConnection, owner: SQLiteConnection?, sql: String) throws(SQLiteError) {
        var prepared: OpaquePointer?
        var text = sql
        let code = text.withUTF8 { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { characters in
                unsafe sqlite3_prepare_v3(
                    connection.handle, characters.baseAddress, Int32(clamping: characters.count),
                    UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
            }
        }
        guard code == SQLITE_OK else { throw connection.error(code: code, sql: sql) }
        guard let prepared = unsafe prepared else {
            throw SQLiteError(
                extendedCode: SQLITE_MISUSE, message: "no statement in the text", sql: sql, path: connection.path)
        }
        self.sql = sql
        self.owner = owner
        path = connection.path
        unsafe database = connection.handle
        unsafe handle = prepared
    }

    deinit { unsafe sqlite3_finalize(handle) }

    // MARK: Running

    /// Moves to the next row; false when there is none left.
    package func step() throws(SQLiteError) -> Bool {
        switch unsafe sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code:
            let message = unsafe String(cString: sqlite3_errmsg(database))
            let error = SQLiteError(extendedCode: code, message: message, sql: sql, path: path)
            reset()
            throw error
        }
    }

    /// Runs to the end, discards rows, and resets, so that it can be bound and run again.
    package func run() throws(SQLiteError) {
        while try step() {}
        reset()
    }

    /// Ends the run; bindings stay.
    package func reset() { unsafe sqlite3_reset(handle) }

    /// Sets all parameters to null.
    package func clearBindings() { unsafe sqlite3_clear_bindings(handle) }

    // MARK: Binding

    /// Binds an integer.
    package func bind(_ value: Int64, at parameter: Int) throws(SQLiteError) {
        try check(unsafe sqlite3_bind_int64(handle, Int32(clamping: parameter), value))
    }

    /// Binds an integer.
    package func bind(_ value: Int, at parameter: Int) throws(SQLiteError) { try bind(Int64(value), at: parameter) }

    /// Binds a floating-point number.
    ///
    /// SQLite stores NaN as null: bits that matter go into an integer or a blob.
    package func bind(_ value: Double, at parameter: Int) throws(SQLiteError) {
        try check(unsafe sqlite3_bind_double(handle, Int32(clamping: parameter), value))
    }

    /// Binds text; the statement copies it.
    package func bind(_ value: String, at parameter: Int) throws(SQLiteError) {
        var text = value
        let code = text.withUTF8 { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { characters in
                unsafe sqlite3_bind_text64(
                    handle, Int32(clamping: parameter), characters.baseAddress ?? emptyText,
                    UInt64(characters.count), transientDestructor, UInt8(SQLITE_UTF8))
            }
        }
        try check(code)
    }

    /// Binds null.
    package func bindNull(at parameter: Int) throws(SQLiteError) {
        try check(unsafe sqlite3_bind_null(handle, Int32(clamping: parameter)))
    }

    /// Binds bytes; the statement copies them.
    package func bind(_ bytes: [UInt8], at parameter: Int) throws(SQLiteError) {
        let code = unsafe bytes.withUnsafeBytes { buffer in
            unsafe sqlite3_bind_blob64(
                handle, Int32(clamping: parameter), buffer.baseAddress ?? emptyBlob, UInt64(buffer.count),
                transientDestructor)
        }
        try check(code)
    }

    /// Binds bytes without copying them and runs the statement to its end, then unbinds them.
    package func run(binding bytes: UnsafeRawBufferPointer, at parameter: Int) throws(SQLiteError) {
        let index = Int32(clamping: parameter)
        let start = unsafe bytes.baseAddress ?? emptyBlob
        // A nil destructor is SQLITE_STATIC: the bytes outlive the run, and the binding does not outlive this call.
        try check(unsafe sqlite3_bind_blob64(handle, index, start, UInt64(bytes.count), nil))
        defer { unsafe sqlite3_bind_null(handle, index) }
        try run()
    }

    /// Binds bytes without copying them and runs the statement to its end, then unbinds them.
    package func run(binding bytes: [UInt8], at parameter: Int) throws(SQLiteError) {
        // withUnsafeBytes erases the error's type, so it travels as a value.
        let outcome: Result<Void, SQLiteError> = unsafe bytes.withUnsafeBytes { buffer in
            do throws(SQLiteError) {
                return .success(try unsafe run(binding: buffer, at: parameter))
            } catch {
                return .failure(error)
            }
        }
        try outcome.get()
    }

    private func check(_ code: Int32) throws(SQLiteError) {
        guard code == SQLITE_OK else {
            let message = unsafe String(cString: sqlite3_errmsg(database))
            throw SQLiteError(extendedCode: code, message: message, sql: sql, path: path)
        }
    }

    // MARK: Columns

    /// The number of columns of a row.
    package var columnCount: Int { unsafe Int(sqlite3_column_count(handle)) }

    /// Whether the column of the row is null.
    package func isNull(at column: Int) -> Bool {
        unsafe sqlite3_column_type(handle, Int32(clamping: column)) == SQLITE_NULL
    }

    /// The column as an integer, 0 for null and for what is no number.
    package func int64(at column: Int) -> Int64 { unsafe sqlite3_column_int64(handle, Int32(clamping: column)) }

    /// The column as an integer.
    package func int(at column: Int) -> Int { Int(int64(at: column)) }

    /// The column as a number, 0 for null and for what is none.
    package func double(at column: Int) -> Double { unsafe sqlite3_column_double(handle, Int32(clamping: column)) }

    /// The column as text, empty for null; bytes that are not UTF-8 are repaired.
    package func text(at column: Int) -> String {
        unsafe withText(at: column) { unsafe String(decoding: $0, as: UTF8.self) }
    }

    /// The column as bytes of its own.
    package func bytes(at column: Int) -> [UInt8] { unsafe withBlob(at: column) { unsafe Array($0) } }

    /// Lends the bytes of a blob column without copying them; they are valid inside `body` only, and `body` must not
    /// step or reset this statement.
    package func withBlob<Value, Failure: Error>(
        at column: Int, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let index = Int32(clamping: column)
        // SQLite asks for the pointer before the size.
        let start = unsafe sqlite3_column_blob(handle, index)
        let count = unsafe Int(sqlite3_column_bytes(handle, index))
        return try unsafe body(UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
    }

    /// Lends the UTF-8 of a text column without copying it, under the conditions of `withBlob`.
    package func withText<Value, Failure: Error>(
        at column: Int, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let index = Int32(clamping: column)
        let start = unsafe sqlite3_column_text(handle, index)
        let count = unsafe Int(sqlite3_column_bytes(handle, index))
        return try unsafe body(UnsafeRawBufferPointer(start: UnsafeRawPointer(start), count: start == nil ? 0 : count))
    }
}

/// SQLITE_TRANSIENT: SQLite copies the bytes before the call returns.
///
/// The C macro casts -1 to a function pointer.
private var transientDestructor: sqlite3_destructor_type? {
    unsafe unsafeBitCast(-1, to: sqlite3_destructor_type?.self)
}

/// A place that an empty text can point to, so that it is bound as empty and not as null.
///
/// Never read.
private var emptyText: UnsafePointer<CChar>? { unsafe UnsafePointer(bitPattern: 1) }
private var emptyBlob: UnsafeRawPointer? { unsafe UnsafeRawPointer(bitPattern: 1) }
