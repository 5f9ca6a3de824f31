import Glibc
import SQLite
import TestSupport
import Testing

/// A folder that is removed when the test is over.
final class TemporaryFolder {
    let path: String

    init() {
        let base = "/tmp/lapwing-sqlite-tests-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        unsafe mkdir(base, 0o700)
        path = base
    }

    func file(_ name: String) -> String { path + "/" + name }

    deinit {
        for name in ["a.sqlite", "a.sqlite-wal", "a.sqlite-shm", "b c?.sqlite", "text"] { unsafe unlink(file(name)) }
        unsafe rmdir(path)
    }
}

@Suite("SQLite connection and statements")
struct SQLiteConnectionTests {
    private func memory() throws -> SQLiteConnection {
        try SQLiteConnection(path: ":memory:", options: SQLiteOpenOptions(mode: .inMemory))
    }

    @Test("every kind of value comes back as it was bound")
    func roundTrip() throws {
        let connection = try memory()
        try connection.execute("CREATE TABLE thing (i, d, t, b, n)")
        let insert = try connection.prepare("INSERT INTO thing VALUES (?,?,?,?,?)")
        try insert.bind(Int64.min, at: 1)
        try insert.bind(-0.5, at: 2)
        try insert.bind("käse\u{0}x", at: 3)
        try insert.bind([0, 1, 255], at: 4)
        try insert.bindNull(at: 5)
        try insert.run()
        let query = try connection.cached("SELECT i, d, t, b, n FROM thing")
        #expect(try query.step())
        #expect(query.columnCount == 5)
        #expect(query.int64(at: 0) == .min)
        #expect(query.double(at: 1) == -0.5)
        #expect(query.text(at: 2) == "käse\u{0}x")
        #expect(query.bytes(at: 3) == [0, 1, 255])
        #expect(query.isNull(at: 4))
        #expect(query.text(at: 4).isEmpty && query.bytes(at: 4).isEmpty)
        #expect(try !query.step())
    }

    @Test("empty text and empty blobs are not null")
    func emptyIsNotNull() throws {
        let connection = try memory()
        try connection.execute("CREATE TABLE thing (t, b, c)")
        let insert = try connection.prepare("INSERT INTO thing VALUES (?,?,?)")
        try insert.bind("", at: 1)
        try insert.bind([], at: 2)
        try insert.run(binding: [], at: 3)
        #expect(try connection.text("SELECT typeof(t)||typeof(b)||typeof(c) FROM thing") == "textblobblob")
    }

    @Test("bytes bound without a copy are stored and unbound after the run")
    func borrowedBytes() throws {
        let connection = try memory()
        try connection.execute("CREATE TABLE thing (b)")
        let insert = try connection.prepare("INSERT INTO thing VALUES (?)")
        try insert.run(binding: [7, 8, 9], at: 1)
        try insert.run()
        #expect(try connection.integer("SELECT count(*) FROM thing WHERE b = x'070809'") == 1)
        #expect(try connection.integer("SELECT count(*) FROM thing WHERE b IS NULL") == 1)
    }

    @Test("an error carries the code, the sentence, the SQL and the path")
    func errors() throws {
        let connection = try memory()
        try connection.execute("CREATE TABLE thing (a UNIQUE)")
        try connection.execute("INSERT INTO thing VALUES (1)")
        let error = #expect(throws: SQLiteError.self) { try connection.prepare("INSERT INTO thing VALUES (1)").run() }
        #expect(error?.isConstraint == true)
        #expect(error?.extendedCode == 2067)
        #expect(error?.sql == "INSERT INTO thing VALUES (1)")
        #expect(error?.path == ":memory:")
        let syntax = #expect(throws: SQLiteError.self) { try connection.execute("SELEKT") }
        #expect(syntax?.message.contains("SELEKT") == true)
        #expect(throws: SQLiteError.self) { try connection.prepare("  ") }
    }

    @Test("a transaction is rolled back when its body throws and committed when it returns")
    func transactions() throws {
        let connection = try memory()
        try connection.execute("CREATE TABLE thing (a)")
        let failure = SQLiteError(extendedCode: 1, message: "no", path: "")
        #expect(throws: failure) {
            try connection.transaction { () throws(SQLiteError) in
                try connection.execute("INSERT INTO thing VALUES (1)")
                throw failure
            }
        }
        #expect(!connection.isInTransaction)
        let count = try connection.transaction { () throws(SQLiteError) -> Int64? in
            try connection.execute("INSERT INTO thing VALUES (2)")
            return try connection.integer("SELECT count(*) FROM thing")
        }
        #expect(count == 1)
    }

    @Test("a file with odd characters in its name opens read only and immutable", arguments: [true, false])
    func readOnly(isImmutable: Bool) throws {
        let folder = TemporaryFolder()
        let path = folder.file("b c?.sqlite")
        let writer = try SQLiteConnection(path: path, options: .bulkLoad(pageSizeBytes: 8192))
        try writer.execute("CREATE TABLE thing (a); INSERT INTO thing VALUES (42)")
        #expect(try writer.integer("PRAGMA page_size") == 8192)
        try writer.execute("PRAGMA locking_mode=NORMAL; SELECT * FROM thing")
        let reader = try SQLiteConnection(
            path: path, options: SQLiteOpenOptions(mode: isImmutable ? .immutable : .readOnly))
        #expect(try reader.integer("SELECT a FROM thing") == 42)
        let error = #expect(throws: SQLiteError.self) { try reader.execute("DELETE FROM thing") }
        #expect(error?.isReadOnly == true)
    }

    @Test("WAL mode, its settings and checkpoints")
    func writeAheadLog() throws {
        let folder = TemporaryFolder()
        let connection = try SQLiteConnection(path: folder.file("a.sqlite"), options: .writeAheadLog())
        #expect(try connection.text("PRAGMA journal_mode") == "wal")
        #expect(try connection.integer("PRAGMA secure_delete") == 0)
        #expect(try connection.integer("PRAGMA trusted_schema") == 0)
        #expect(try connection.integer("PRAGMA synchronous") == 1)
        try connection.execute("CREATE TABLE thing (a); INSERT INTO thing VALUES (1)")
        let outcome = try connection.checkpoint(.full)
        #expect(outcome.logPageCount > 0 && outcome.logPageCount == outcome.checkpointedPageCount)
        #expect(try connection.checkpoint(.truncate).logPageCount == 0)
    }

    @Test("a missing file and a file that is no database are told apart")
    func openFailures() throws {
        let folder = TemporaryFolder()
        let missing = #expect(throws: SQLiteError.self) {
            try SQLiteConnection(path: folder.file("none"), options: SQLiteOpenOptions(mode: .readOnly))
        }
        #expect(missing?.isCannotOpen == true)
        #expect(missing?.description.contains("No such file") == true)
        let path = folder.file("text")
        let descriptor = unsafe open(path, O_CREAT | O_WRONLY, 0o600)
        let content = [UInt8](repeating: 0x61, count: 5000)
        let written = unsafe write(descriptor, content, content.count)
        #expect(written == 5000)
        close(descriptor)
        let foreign = #expect(throws: SQLiteError.self) {
            let connection = try SQLiteConnection(path: path, options: SQLiteOpenOptions(mode: .readOnly))
            _ = try connection.userVersion()
        }
        #expect(foreign?.isCorrupt == true)
    }

    @Test("a connection takes memory for the pages that it reads, and none beforehand")
    func pagesOneByOne() async {
        await #expect(processExitsWith: .success) {
            let folder = TemporaryFolder()
            let path = folder.file("a.sqlite")
            let writer = try SQLiteConnection(path: path, options: SQLiteOpenOptions(mode: .create))
            try writer.execute("CREATE TABLE thing (i)")
            let count = 20
            let before = AllocatedMemory.byteCount
            let readers = try (0..<count).map { _ in
                let reader = try SQLiteConnection(path: path, options: SQLiteOpenOptions(mode: .readOnly))
                let rows = try reader.integer("SELECT count(*) FROM thing")
                precondition(rows == 0)
                return reader
            }
            let taken = (AllocatedMemory.byteCount - before) / readers.count
            precondition(taken < 80 << 10, "\(taken) bytes a connection")
        }
    }
}

@Suite("SQLite schema versions")
struct SQLiteMigrationTests {
    @Test("a schema is created, kept, migrated, and a newer or foreign file is left alone")
    func migrations() throws {
        let connection = try SQLiteConnection(path: ":memory:", options: SQLiteOpenOptions(mode: .inMemory))
        let first = SQLiteSchema(applicationIdentifier: 7, steps: ["CREATE TABLE one (a)"])
        let second = SQLiteSchema(applicationIdentifier: 7, steps: first.steps + ["CREATE TABLE two (a)"])
        #expect(try connection.migrate(to: first) == .created)
        #expect(try connection.migrate(to: first) == .upToDate)
        #expect(try connection.migrate(to: second) == .migrated(fromVersion: 1))
        #expect(try connection.userVersion() == 2)
        #expect(try connection.migrate(to: first) == .newer(foundVersion: 2))
        let other = SQLiteSchema(applicationIdentifier: 8, steps: first.steps)
        #expect(try connection.migrate(to: other) == .foreign(applicationIdentifier: 7))
    }

    @Test("a failing step changes nothing")
    func failingStep() throws {
        let connection = try SQLiteConnection(path: ":memory:", options: SQLiteOpenOptions(mode: .inMemory))
        let schema = SQLiteSchema(applicationIdentifier: 7, steps: ["CREATE TABLE one (a)", "CREATE TABLE one (a)"])
        #expect(throws: SQLiteError.self) { try connection.migrate(to: schema) }
        #expect(try connection.userVersion() == 0)
        #expect(try connection.integer("SELECT count(*) FROM sqlite_master") == 0)
    }
}
