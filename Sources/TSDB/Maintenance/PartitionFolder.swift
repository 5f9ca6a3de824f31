import Glibc
import Logging
import Storage

/// The folder of partition files: what is there when the database opens.
struct PartitionFolder {
    /// In `PartitionMetadata.replaces`: the partition holds what the journal has in batches before the number.
    private static let journalPrefix = "journal-"

    /// Files that were put aside because they are damaged end with it.
    static let damagedSuffix = ".damaged"

    let path: String
    /// Shared by all partitions.
    let cache: BlockCache
    private(set) var readers: [PartitionReader] = []
    /// Journal batches before this number are in partitions.
    private(set) var sealedBefore: Int64 = 0
    /// Files that could not be opened, by name.
    private(set) var failures: [String: StorageError] = [:]

    static func journalMarker(_ batch: Int64) -> String { journalPrefix + "\(batch)" }

    var temporaryPath: String { path + "/new.tmp" }

    /// Opens all files, deletes unfinished and replaced ones, and names those that cannot be used in the log.
    init(path: String, cacheBytes: Int, logger: Logger) throws(StorageError) {
        self.path = path
        cache = BlockCache(limitBytes: cacheBytes)
        try DurableFile.makeFolder(path)
        var found: [PartitionReader] = []
        for name in FolderListing.names(in: path) {
            let file = path + "/" + name
            if name.hasSuffix(".tmp") || name.hasSuffix(".tmp-journal") {
                unsafe unlink(file)
                continue
            }
            if name.hasSuffix(Self.damagedSuffix) {
                failures[name] = .corrupt(path: file, what: "put aside because it is damaged")
            }
            guard name.hasSuffix(PartitionSchema.fileExtension) else { continue }
            do throws(StorageError) {
                found.append(try Self.open(file, cache: cache, logger: logger))
            } catch {
                if case .newerFormat = error { throw error }
                logger.error("a partition cannot be read and is left out", metadata: ["error": "\(error)"])
                failures[name] = error
            }
        }
        dropReplaced(&found)
        readers = found
    }

    /// Opens a file of the folder.
    func open(_ path: String, logger: Logger) throws(StorageError) -> PartitionReader {
        try Self.open(path, cache: cache, logger: logger)
    }

    private static func open(_ path: String, cache: BlockCache, logger: Logger) throws(StorageError) -> PartitionReader
    {
        try PartitionReader(path: path, cache: cache) { damage in
            logger.error("part of a partition is damaged and left out", metadata: ["error": "\(damage)"])
        }
    }

    private mutating func dropReplaced(_ found: inout [PartitionReader]) {
        var replaced = Set<String>()
        for reader in found {
            for name in reader.metadata.replaces {
                if name.hasPrefix(Self.journalPrefix) {
                    sealedBefore = max(sealedBefore, Int64(name.dropFirst(Self.journalPrefix.count)) ?? 0)
                } else {
                    replaced.insert(name)
                }
            }
        }
        for name in replaced { failures[name] = nil }
        for name in replaced { unsafe unlink(path + "/" + name) }
        found.removeAll { replaced.contains($0.name) }
        found.sort { ($0.metadata.start, $0.path) < ($1.metadata.start, $1.path) }
    }
}
