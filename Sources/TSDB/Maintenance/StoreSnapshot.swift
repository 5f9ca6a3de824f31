import Glibc
import SQLite
import Storage

/// A copy of a database's folder as it is at one moment, which another process can open: partitions as hard links, a journal
/// of its own, `state.sqlite` copied by SQLite.
///
/// It is written under a temporary name and gets its own when it is whole and on the disk.
struct StoreSnapshot {
    let source: String
    let folder: String
    let name: String

    private var temporaryPath: String { folder + "/" + name + ".tmp" }

    /// - Parameter deletions: What was deleted from each of the partitions, as the journal has it.
    func write(
        partitions: [PartitionReader], deletions: [(name: String, data: [UInt8])]
    ) throws(StorageError) {
        try DurableFile.makeFolder(folder)
        do throws(StorageError) {
            try DurableFile.makeFolder(temporaryPath)
            try DurableFile.makeFolder(temporaryPath + "/partitions")
            for reader in partitions {
                let path = temporaryPath + "/partitions/" + reader.name
                guard unsafe link(reader.path, path) == 0 else { throw Self.systemError(path) }
            }
            let journal = try JournalFile(path: temporaryPath + "/journal.sqlite")
            try journal.setDeletions(deletions)
            journal.close()
            try copyState()
            for part in ["/partitions", "/journal.sqlite", ""] { try DurableFile.sync(temporaryPath + part) }
            guard unsafe rename(temporaryPath, folder + "/" + name) == 0 else { throw Self.systemError(temporaryPath) }
            try DurableFile.sync(folder)
        } catch {
            removeTemporary()
            throw error
        }
    }

    /// Alerts, silences and the like: one consistent copy, made beside the writers.
    private func copyState() throws(StorageError) {
        let path = source + "/state.sqlite"
        guard FileStatus(path) != nil else { return }
        let target = temporaryPath + "/state.sqlite"
        try withStorageErrors { () throws(SQLiteError) in
            let connection = try SQLiteConnection(path: path, options: SQLiteOpenOptions(mode: .readWrite))
            let quoted = target.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''")
            try connection.execute("VACUUM INTO '\(quoted)'")
        }
        try DurableFile.sync(target)
    }

    private func removeTemporary() {
        for part in FolderListing.names(in: temporaryPath + "/partitions") {
            unsafe unlink(temporaryPath + "/partitions/" + part)
        }
        unsafe rmdir(temporaryPath + "/partitions")
        for part in FolderListing.names(in: temporaryPath) { unsafe unlink(temporaryPath + "/" + part) }
        unsafe rmdir(temporaryPath)
    }

    private static func systemError(_ path: String) -> StorageError {
        .inputOutput(path: path, reason: unsafe String(cString: strerror(errno)))
    }
}

extension Maintenance {
    /// Writes a snapshot of all samples, or of those that stand in partitions.
    func snapshot(_ snapshot: StoreSnapshot, skippingHead: Bool) throws(StorageError) {
        try withTurn { () throws(StorageError) in
            if !skippingHead { try sealNow() }
            let partitions = views.current?.partitions ?? []
            var deletions: [(name: String, data: [UInt8])] = []
            for reader in partitions where !reader.deletions.isEmpty {
                deletions.append((reader.name, try reader.deletions.encoded()))
            }
            try snapshot.write(partitions: partitions, deletions: deletions)
        }
    }
}
