import Glibc
import SQLite
import TestSupport
import Testing

@testable import Notifications

@Suite("The file of alert state")
struct StateDatabaseTests {
    private let folder = TemporaryDirectory("lapwing-state")
    private static let schema = SQLiteSchema(applicationIdentifier: 0x4c57_7374, steps: [AlertTables.step])
    private var path: String { folder.path + "/state.sqlite" }

    /// A file of several pages, all of them in the main file.
    private func fill() throws {
        let database = try SharedDatabase.open(path: path, schema: Self.schema)
        try database.write { connection throws(SQLiteError) in
            for number in 0..<500 {
                let insert = try connection.cached("INSERT INTO rule_evaluation (rule, at) VALUES (?, ?)")
                try insert.bind("rule \(number) " + String(repeating: "x", count: 60), at: 1)
                try insert.bind(Int64(number), at: 2)
                try insert.run()
            }
        }
    }

    private func overwrite(at offset: Int, count: Int) {
        let descriptor = unsafe open(path, O_WRONLY)
        let noise = [UInt8](repeating: 0xa5, count: count)
        _ = unsafe noise.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, offset) }
        close(descriptor)
    }

    private static func count(_ database: SharedDatabase) throws -> Int64? {
        try database.read { connection throws(SQLiteError) in
            try connection.integer("SELECT count(*) FROM rule_evaluation")
        }
    }

    @Test("a sound file is opened as it is")
    func sound() throws {
        try fill()
        let database = try SharedDatabase.open(path: path, schema: Self.schema) { aside, reason in
            Issue.record("\(aside): \(reason)")
        }
        #expect(try Self.count(database) == 500)
    }

    @Test("a damaged file is kept beside, told, and replaced by a new one", arguments: [0, 4096, 8192 + 8])
    func damaged(offset: Int) throws {
        for round in 1...2 {
            try fill()
            overwrite(at: offset, count: 64)
            var told: [String] = []
            let database = try SharedDatabase.open(path: path, schema: Self.schema) { aside, _ in told.append(aside) }
            #expect(told == ["\(path).damaged-\(round)"])
            #expect(try Self.count(database) == 0)
            unsafe unlink(path)
            unsafe unlink(path + "-wal")
            unsafe unlink(path + "-shm")
        }
    }

    @Test("the file of another program is refused untouched")
    func foreign() throws {
        let other = try SQLiteConnection(path: path, options: .writeAheadLog())
        try other.execute("PRAGMA application_id=77; CREATE TABLE theirs (value)")
        #expect(throws: SQLiteError.self) {
            try SharedDatabase.open(path: path, schema: Self.schema) { aside, _ in Issue.record("\(aside)") }
        }
        #expect(try other.integer("SELECT count(*) FROM theirs") == 0)
    }
}
