import Glibc
import Logging
import SQLite
import Storage

/// Takes a journal that SQLite cannot read any more out of the way, and what can be read of it into a new one.
enum JournalSalvage {
    /// Opens the journal and reads what it holds; a damaged one is kept beside the new one as `journal.sqlite.damaged-N`.
    ///
    /// Batches before `sealedBefore` are in partitions.
    static func open(
        path: String, sealedBefore: Int64, logger: Logger
    ) throws(StorageError) -> (file: JournalFile, contents: HeadContents, wasDamaged: Bool) {
        do throws(StorageError) {
            let (file, contents) = try read(path, sealedBefore: sealedBefore, logger: logger)
            return (file, contents, false)
        } catch {
            guard case .corrupt(_, let reason) = error else { throw error }
            logger.error(
                "the journal is damaged; it is put aside, and what can be read goes into a new one",
                metadata: ["path": "\(path)", "reason": "\(reason)"])
        }
        let aside = try putAside(path)
        let counts = try copy(from: aside, to: try JournalFile(path: path))
        logger.error(
            "the damaged journal was read as far as possible",
            metadata: ["path": "\(aside)", "definitions": "\(counts.definitions)", "batches": "\(counts.batches)"])
        let (file, contents) = try read(path, sealedBefore: sealedBefore, logger: logger)
        return (file, contents, true)
    }

    private static func read(
        _ path: String, sealedBefore: Int64, logger: Logger
    ) throws(StorageError) -> (JournalFile, HeadContents) {
        let file = try JournalFile(path: path)
        // Sealed before the process ended, but not yet taken out of the journal.
        if sealedBefore > 0 { try file.truncate(before: sealedBefore, endedLanes: []) }
        // Read here too, so that damage of this table is met where it can be helped.
        _ = try file.deletions()
        return (file, try HeadContents(replaying: file, logger: logger))
    }

    /// Gives the file, and its log, another name; the new name.
    static func putAside(_ path: String) throws(StorageError) -> String {
        var number = 1
        while FileStatus(path + ".damaged-\(number)") != nil { number += 1 }
        let aside = path + ".damaged-\(number)"
        for suffix in ["-wal", ""] where FileStatus(path + suffix) != nil {
            guard unsafe rename(path + suffix, aside + suffix) == 0 else {
                throw .inputOutput(path: path, reason: unsafe String(cString: strerror(errno)))
            }
        }
        unsafe unlink(path + "-shm")
        return aside
    }

    /// Copies rows from both ends of each table, up to where SQLite gives up.
    private static func copy(
        from path: String, to file: JournalFile
    ) throws(StorageError) -> (definitions: Int, batches: Int) {
        guard let source = try? SQLiteConnection(path: path, options: SQLiteOpenOptions(mode: .readWrite)) else {
            return (0, 0)
        }
        var counts = (definitions: 0, batches: 0)
        var copied = Set<Int64>()
        for direction in ["ASC", "DESC"] {
            try rows(source, "SELECT id, data, lane FROM definition ORDER BY id \(direction)") {
                (id, data, lane) throws(StorageError) in
                guard copied.insert(id).inserted else { return }
                try file.restore(definition: id, lane: lane, data: data)
                counts.definitions += 1
            }
        }
        copied.removeAll()
        for direction in ["ASC", "DESC"] {
            try rows(source, "SELECT id, data, 0 FROM batch ORDER BY id \(direction)") {
                (id, data, _) throws(StorageError) in
                guard copied.insert(id).inserted else { return }
                try file.restore(batch: id, data: data)
                counts.batches += 1
            }
        }
        var deletions: [(name: String, data: [UInt8])] = []
        if let statement = try? source.prepare("SELECT partition, data FROM deletion") {
            while (try? statement.step()) == true { deletions.append((statement.text(at: 0), statement.bytes(at: 1))) }
        }
        try file.setDeletions(deletions)
        return counts
    }

    /// Calls `body` with rows until there are none or SQLite cannot go on.
    private static func rows(
        _ source: SQLiteConnection, _ sql: String, _ body: (Int64, [UInt8], Int64) throws(StorageError) -> Void
    ) throws(StorageError) {
        guard let statement = try? source.prepare(sql) else { return }
        while (try? statement.step()) == true {
            try body(statement.int64(at: 0), statement.bytes(at: 1), statement.int64(at: 2))
        }
    }
}
