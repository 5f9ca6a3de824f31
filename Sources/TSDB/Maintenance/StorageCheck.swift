import Bytes
import Glibc
import MetricModel
import SQLite
package import Storage
import Synchronization

/// Reads everything in a database's folder and says what is damaged and where; touches nothing.
///
/// A server may run there meanwhile: partitions never change, and the journal is seen as it stood at one moment.
package struct StorageCheck: Sendable {
    /// Something that is wrong.
    package struct Finding: Sendable, Hashable {
        package var path: String
        package var what: String
    }

    /// More findings of one file are not told.
    static let findingsPerFile = 100

    package private(set) var findings: [Finding] = []
    package private(set) var fileCount = 0
    package private(set) var partitionCount = 0
    package private(set) var seriesCount = 0
    package private(set) var sampleCount = 0
    package private(set) var journalRecordCount = 0
    /// Journal records that were put aside earlier.
    package private(set) var quarantinedRecordCount = 0

    private let folder: String

    /// Checks a folder; throws where there is no database.
    package init(folder: String) throws(StorageError) {
        self.folder = folder
        guard let status = FileStatus(folder), status.isFolder else {
            throw .inputOutput(path: folder, reason: "there is no such folder")
        }
        let partitions = FolderListing.names(in: folder + "/partitions")
        guard FileStatus(folder + "/journal.sqlite") != nil || !partitions.isEmpty else {
            throw .inputOutput(path: folder, reason: "there is no database: neither journal.sqlite nor partitions")
        }
        for name in partitions where name.hasSuffix(PartitionSchema.fileExtension) {
            checkPartition(folder + "/partitions/" + name)
        }
        for name in partitions where name.hasSuffix(PartitionFolder.damagedSuffix) {
            fileCount += 1
            note(["was put aside by a server because it is damaged"], at: folder + "/partitions/" + name)
        }
        checkJournal(folder + "/journal.sqlite")
        checkState(folder + "/state.sqlite")
    }

    private mutating func note(_ what: some Sequence<String>, at path: String) {
        for text in what.prefix(Self.findingsPerFile) { findings.append(Finding(path: path, what: text)) }
    }

    private mutating func checkPartition(_ path: String) {
        fileCount += 1
        partitionCount += 1
        let damages = Mutex<[String]>([])
        do throws(StorageError) {
            let reader = try PartitionReader(path: path) { error in
                guard case .corrupt(_, let what) = error else { return }
                damages.withLock { $0.append(what) }
            }
            seriesCount += reader.metadata.seriesCount
            sampleCount += reader.metadata.sampleCount
            let others = reader.verify(limit: Self.findingsPerFile)
            let parts = Set(reader.damagedParts)
            var told: Set<String> = []
            let all = damages.withLock { $0 } + others.filter { !parts.contains($0) }
            note(all.filter { told.insert($0).inserted }, at: path)
        } catch {
            note([Self.text(error)], at: path)
        }
    }

    /// What is wrong, without the path where the error has it.
    private static func text(_ error: StorageError) -> String {
        switch error {
        case .corrupt(_, let what): what
        case .inputOutput(_, let reason): reason
        default: error.description
        }
    }

    // MARK: SQLite files that change

    private mutating func checkJournal(_ path: String) {
        guard checkStructure(path) else { return }
        var faults: [String] = []
        do throws(SQLiteError) {
            let connection = try SQLiteConnection(path: path, options: SQLiteOpenOptions(mode: .readOnly))
            let version = try connection.userVersion()
            guard version <= JournalFile.formatVersion else {
                return note(
                    ["format version \(version), this program reads up to \(JournalFile.formatVersion)"], at: path)
            }
            for table in ["definition", "batch"] {
                let select = try connection.prepare("SELECT id, data FROM \(table) ORDER BY id")
                while try select.step() {
                    journalRecordCount += 1
                    let id = select.int64(at: 0)
                    if let fault = unsafe select.withBlob(at: 1, { unsafe Self.fault(in: $0) }) {
                        faults.append("table \(table), row \(id): \(fault)")
                    }
                }
            }
            if version >= 2 {
                let select = try connection.prepare("SELECT partition, data FROM deletion")
                while try select.step() {
                    let isSound = unsafe select.withBlob(at: 1) { (try? unsafe PartitionDeletions($0)) != nil }
                    if !isSound { faults.append("what was deleted from \(select.text(at: 0)) cannot be read") }
                }
            }
            quarantinedRecordCount = Int(try connection.integer("SELECT count(*) FROM quarantine") ?? 0)
        } catch {
            faults.append(error.message)
        }
        note(faults, at: path)
    }

    /// The file of what is no sample, with the exemplars in it.
    private mutating func checkState(_ path: String) {
        guard checkStructure(path) else { return }
        var faults: [String] = []
        do throws(SQLiteError) {
            let connection = try SQLiteConnection(path: path, options: SQLiteOpenOptions(mode: .readOnly))
            let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'exemplar_batch'"
            guard try connection.integer(tables) == 1 else { return }
            let select = try connection.prepare("SELECT end, data FROM exemplar_batch ORDER BY end")
            while try select.step() {
                let isSound = unsafe select.withBlob(at: 1) { (try? unsafe ExemplarBlob.open($0)) != nil }
                if !isSound { faults.append("exemplars up to number \(select.int64(at: 0)) cannot be read") }
            }
        } catch {
            faults.append(error.message)
        }
        note(faults, at: path)
    }

    private static func fault(in blob: UnsafeRawBufferPointer) -> String? {
        if let fault = unsafe JournalRecord.fault(in: blob) { return fault }
        return unsafe JournalRecord.forEach(in: blob) { _, _ in } ? nil : "records that cannot be read"
    }

    /// SQLite's own look at a file's pages; false where they are damaged or there is no file.
    @discardableResult
    private mutating func checkStructure(_ path: String) -> Bool {
        guard FileStatus(path) != nil else { return false }
        fileCount += 1
        do throws(SQLiteError) {
            let connection = try SQLiteConnection(path: path, options: SQLiteOpenOptions(mode: .readOnly))
            let answer = try connection.text("PRAGMA quick_check(1)") ?? "no answer"
            guard answer != "ok" else { return true }
            note([answer], at: path)
        } catch {
            note([error.message], at: path)
        }
        return false
    }
}
