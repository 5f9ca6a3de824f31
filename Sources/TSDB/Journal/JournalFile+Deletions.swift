import SQLite
import Storage

extension JournalFile {
    /// What was deleted from each partition, by the file's name.
    ///
    /// A damaged row is quarantined and reported: what it says to leave out is seen again.
    func deletions() throws(StorageError) -> (
        partitions: [String: PartitionDeletions], faults: [(name: String, reason: String)]
    ) {
        var found: [String: PartitionDeletions] = [:]
        var faults: [(name: String, reason: String)] = []
        try withConnection { connection throws(SQLiteError) in
            let select = try connection.prepare("SELECT partition, data FROM deletion")
            while try select.step() {
                let name = select.text(at: 0)
                do throws(SegmentDamage) {
                    found[name] = unsafe try select.withBlob(at: 1) { blob throws(SegmentDamage) in
                        unsafe try PartitionDeletions(blob)
                    }
                } catch {
                    faults.append((name, "\(error)"))
                }
            }
        }
        return (found, faults)
    }

    /// Writes what was deleted from partitions, all or nothing, and forgets those of `gone`.
    func setDeletions(
        _ partitions: [(name: String, data: [UInt8])], removing gone: [String] = []
    ) throws(StorageError) {
        try withConnection { connection throws(SQLiteError) in
            try connection.transaction { () throws(SQLiteError) in
                for (name, data) in partitions {
                    let insert = try connection.cached("INSERT OR REPLACE INTO deletion(partition, data) VALUES (?, ?)")
                    try insert.bind(name, at: 1)
                    try insert.run(binding: data, at: 2)
                }
                for name in gone {
                    let delete = try connection.cached("DELETE FROM deletion WHERE partition = ?")
                    try delete.bind(name, at: 1)
                    try delete.run()
                }
            }
        }
    }
}
