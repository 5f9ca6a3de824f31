import Glibc
import MetricModel
import Storage

/// Deleting series: noted at once in the journal, where readers see it; the space comes back when files are written anew.
extension Maintenance {
    /// Deletes the samples that the database has now of the series that match any of the selectors.
    ///
    /// They are gone from every query that begins after this, and stay gone.
    func delete(matching selectors: [[LabelMatcher]], in range: TimeRange) throws(StorageError) {
        guard !selectors.isEmpty, range.start <= range.end else { return }
        try withTurn { () throws(StorageError) in
            // After this all samples stand in partitions.
            try sealNow()
            let partitions = views.current?.partitions ?? []
            var changed: [String: PartitionReader] = [:]
            var rows: [(name: String, data: [UInt8])] = []
            for reader in partitions where reader.metadata.overlaps(range) {
                guard let deletions = try Self.deletions(matching: selectors, in: range, of: reader) else { continue }
                changed[reader.path] = PartitionReader(reader, deletions: deletions)
                rows.append((reader.name, try deletions.encoded()))
            }
            if !rows.isEmpty {
                try head.journal.file.setDeletions(rows)
                views.publish(partitions.map { changed[$0.path] ?? $0 })
            }
            try head.withIndex { index throws(StorageError) in
                let found = try MatcherResolution.resolveAny(selectors, in: index)
                index.hide(found.numbers)
            }
        }
    }

    /// What is gone from a partition when this goes too, nil where that changes nothing.
    private static func deletions(
        matching selectors: [[LabelMatcher]], in range: TimeRange, of reader: PartitionReader
    ) throws(StorageError) -> PartitionDeletions? {
        let found = try reader.selectAny(selectors)
        guard !found.isEmpty else { return nil }
        var deletions = reader.deletions
        let isAll = range.start <= reader.metadata.range.start && reader.metadata.range.end <= range.end
        try found.forEach { series throws(StorageError) in
            if isAll {
                deletions.deleteAll(of: series)
            } else {
                deletions.delete(range.start.milliseconds...range.end.milliseconds, of: series)
            }
        }
        guard !isAll else { return deletions }
        // A series without a sample left is no series.
        let rest = try PartitionSeriesReader(
            reader: PartitionReader(reader, deletions: deletions), clocks: PartitionClocks(range: .all))
        var pieces = ColumnPieces()
        let clocks = ClockCache()
        var emptied: [UInt32] = []
        try found.forEach { series throws(StorageError) in
            pieces.removeAll()
            try rest.read(series, clocks: clocks, into: &pieces)
            if pieces.isEmpty { emptied.append(series) }
        }
        for series in emptied { deletions.deleteAll(of: series) }
        return deletions
    }

    /// Writes partitions anew that have deleted samples, so that their space is free.
    func cleanDeletions() throws(StorageError) {
        while let reader = views.current?.partitions.first(where: { !$0.deletions.isEmpty && isMergeable($0) }) {
            try withTurn { () throws(StorageError) in try merge([reader]) }
            if isClosing { throw .cancelled }
        }
    }

    /// Deletes files that nobody reads any more, and what was noted about them.
    func deleteUnused() throws(StorageError) {
        try withTurn { () throws(StorageError) in
            views.deleteUnused()
            let known = try head.journal.file.deletions().partitions.keys
            // A file that was put aside may be repaired: what was deleted from it must stay deleted.
            let gone = known.filter { name in
                let path = folder.path + "/" + name
                return FileStatus(path) == nil && FileStatus(path + PartitionFolder.damagedSuffix) == nil
            }
            if !gone.isEmpty { try head.journal.file.setDeletions([], removing: Array(gone)) }
        }
    }
}
