import Glibc
import Logging
import Storage
import Synchronization

/// Files that the disk does not give or that are damaged: in and out of the view.
extension Maintenance {
    /// Puts partitions back that the disk gives again, in place of those that they replaced.
    func takeReadableAgain() {
        turn.withLock { _ in
            let opened = unreadable.openAgain(in: folder, logger: logger)
            let deletions = opened.isEmpty ? [:] : (try? head.journal.file.deletions().partitions) ?? [:]
            let readers = opened.map { $0.with(deletions[$0.name]) }
            guard !readers.isEmpty else { return }
            let replaced = Set(readers.flatMap(\.metadata.replaces))
            let present = views.current?.partitions ?? []
            let kept = (present + readers).filter { !replaced.contains($0.name) }
                .sorted { ($0.metadata.start, $0.path) < ($1.metadata.start, $1.path) }
            views.publish(kept, removing: present.filter { replaced.contains($0.name) }.map(\.path))
        }
    }

    /// Takes partitions out of the view with which queries failed, where a look at all of the file says that it is damaged.
    ///
    /// They get a name that no start opens, so that what they say is kept for a look by people.
    func quarantineDamaged() {
        turn.withLock { _ in
            for reader in views.current?.partitions ?? [] {
                guard reader.isSuspect.exchange(false, ordering: .relaxed) else { continue }
                let (findings, isReadable) = reader.inspect(limit: 1)
                // A disk that does not answer says nothing of the file; the next query that fails has it looked at again.
                guard isReadable else { continue }
                guard let finding = findings.first else { continue }
                let name = reader.name + PartitionFolder.damagedSuffix
                guard unsafe rename(reader.path, folder.path + "/" + name) == 0 else { continue }
                logger.error(
                    "a partition is damaged; it is put aside, and queries go on without it",
                    metadata: ["path": "\(folder.path)/\(name)", "reason": "\(finding)"])
                unreadable.add(name, reason: finding, path: reader.path)
                views.publish((views.current?.partitions ?? []).filter { $0 !== reader })
            }
        }
    }

    /// Begins a new journal where the one in use was damaged: it takes nothing more, but the head has all that it had.
    ///
    /// The head goes to partitions first. Until then the old file stays where it is, so that an end of the process in
    /// between finds what can be read of it.
    func replaceDamagedJournal() throws(StorageError) {
        guard head.journal.confirmDamage() else { return }
        logger.error("the journal is damaged; the head goes to a partition, and a new journal begins")
        try turn.withLock { _ throws(StorageError) in
            let cut = try sealNow(isJournalLost: true)
            var deletions: [(name: String, data: [UInt8])] = []
            for reader in views.current?.partitions ?? [] where !reader.deletions.isEmpty {
                deletions.append((reader.name, try reader.deletions.encoded()))
            }
            let outcome = head.gate.withWriteLock {
                Result { () throws(StorageError) in
                    try head.journal.beginAnew(from: cut, definitions: head.allDefinitions(), deletions: deletions)
                }
            }
            let aside = try outcome.get()
            logger.info("a new journal has begun; the damaged one is kept", metadata: ["path": "\(aside)"])
        }
    }
}
