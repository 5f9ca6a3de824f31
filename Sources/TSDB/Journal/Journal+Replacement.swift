import Storage

/// A new file in place of one that was damaged while the database ran.
extension Journal {
    /// Notes that somebody else met damage in the file.
    func noteDamage() { updateStatus { $0.isDamaged = true } }

    /// Looks at a file that is said to be damaged; true where it is.
    func confirmDamage() -> Bool {
        guard currentStatus.isDamaged else { return false }
        if file.isSound() { updateStatus { $0.isDamaged = false } }
        return currentStatus.isDamaged
    }

    /// Begins a new file: `definitions` of all lanes come first, then the batches from `batch` on that wait.
    ///
    /// What stood in earlier batches is in partitions, and nothing is appended meanwhile. The damaged file is kept under
    /// the name returned.
    func beginAnew(
        from batch: Int64, definitions: [(lane: UInt32, record: [UInt8])], deletions: [(name: String, data: [UInt8])]
    ) throws(StorageError) -> String {
        pause()
        defer { resume() }
        let aside = try file.beginAnew(highestBatch: batch - 1, deletions: deletions)
        keepWaiting(from: batch, behind: definitions)
        return aside
    }
}
