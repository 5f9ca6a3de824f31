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
                guard let finding = reader.verify(limit: 1).first else { continue }
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
}
