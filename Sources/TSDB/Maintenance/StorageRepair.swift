import Glibc
import Logging
package import Storage

/// Puts damaged parts of a folder aside, so that what is sound works without them.
///
/// Nothing is destroyed: a damaged file goes to the folder `quarantine` as it is. What can be read of a partition is
/// written to a new one; damaged records of the journal go to its table `quarantine`.
package struct StorageRepair: Sendable {
    /// What was done, a sentence for each file.
    package private(set) var actions: [String] = []
    private let folder: String
    private let logger = Logger(label: "repair") { _ in SwiftLogNoOpLogHandler() }

    /// Repairs what a check found; throws where a process has the folder.
    package init(folder: String, findings: [StorageCheck.Finding]) throws(StorageError) {
        self.folder = folder
        let lock = try FolderLock(folder: folder)
        defer { lock.release() }
        var paths: [String] = []
        for finding in findings where paths.last != finding.path { paths.append(finding.path) }
        for path in paths {
            if path.hasPrefix(folder + "/partitions/") {
                try repairPartition(path)
            } else if path.hasSuffix("/journal.sqlite") {
                try repairJournal(path)
            } else {
                try putAside([path])
                actions.append("\(path): moved to \(folder)/quarantine")
            }
        }
    }

    private mutating func repairPartition(_ path: String) throws(StorageError) {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let deletions = deletions(of: name)
        do throws(StorageError) {
            let reader = try PartitionReader(path: path, deletions: deletions ?? PartitionDeletions()) { _ in }
            try copyAside(path)
            let partitions = folder + "/partitions"
            let writer = try PartitionWriter(
                temporaryPath: partitions + "/repair.tmp", folder: partitions, replaces: [name])
            let written = try PartitionMerger.merge([reader], into: writer)
            unsafe unlink(path)
            try DurableFile.sync(partitions)
            let rest = try written.map { path throws(StorageError) in
                try PartitionReader(path: path).metadata.sampleCount
            }
            actions.append(
                "\(path): \(rest ?? 0) of \(reader.metadata.sampleCount) samples kept, the file as it was is in "
                    + "\(folder)/quarantine"
                    + (deletions == nil ? "; what was deleted from it cannot be read and is seen again" : ""))
        } catch {
            if case .newerFormat = error { throw error }
            guard FileStatus(path) != nil else { throw error }
            try putAside([path])
            actions.append("\(path): moved to \(folder)/quarantine, nothing of it can be read (\(error))")
        }
    }

    /// What was deleted from a partition, also from one that a server put aside; nil where the journal does not tell.
    private func deletions(of name: String) -> PartitionDeletions? {
        let suffix = PartitionFolder.damagedSuffix
        let original = name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
        guard let file = try? JournalFile(path: folder + "/journal.sqlite") else { return nil }
        defer { file.close() }
        guard let deletions = try? file.deletions(), !deletions.faults.contains(where: { $0.name == original }) else {
            return nil
        }
        return deletions.partitions[original] ?? PartitionDeletions()
    }

    private mutating func repairJournal(_ path: String) throws(StorageError) {
        do throws(StorageError) {
            let file = try JournalFile(path: path)
            defer { file.close() }
            // Reading puts damaged records aside.
            _ = try HeadContents(replaying: file, logger: logger)
            let faults = try file.deletions().faults
            if !faults.isEmpty { try file.setDeletions([], removing: faults.map(\.name)) }
            actions.append("\(path): damaged records moved to its table quarantine")
        } catch {
            if case .newerFormat = error { throw error }
            try putAside([path, path + "-wal", path + "-shm"])
            actions.append("\(path): moved to \(folder)/quarantine, it cannot be read (\(error))")
        }
    }

    /// A second name for a file, in the quarantine.
    private func copyAside(_ path: String) throws(StorageError) {
        try DurableFile.makeFolder(folder + "/quarantine")
        let target = Self.freePath(folder + "/quarantine/" + (path.split(separator: "/").last.map(String.init) ?? ""))
        guard unsafe link(path, target) == 0 else {
            throw .inputOutput(path: target, reason: unsafe String(cString: strerror(errno)))
        }
    }

    private func putAside(_ paths: [String]) throws(StorageError) {
        for path in paths where FileStatus(path) != nil {
            try copyAside(path)
            unsafe unlink(path)
        }
    }

    private static func freePath(_ path: String) -> String {
        var candidate = path
        var number = 2
        while FileStatus(candidate) != nil {
            candidate = "\(path)-\(number)"
            number += 1
        }
        return candidate
    }
}
