import Glibc
import Logging
import MetricModel
import Storage
import TSDB

/// A database in a folder of its own that goes away with it; for tests of rules and queries, which start at time 0.
final class ScratchDatabase: SampleStore {
    private let database: TimeSeriesDatabase
    private let folder: String

    init() throws(StorageError) {
        let base = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/lapwing-test-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw .inputOutput(path: base, reason: unsafe String(cString: strerror(errno)))
        }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        var settings = DatabaseSettings.anyTime
        settings.maintainsByItself = false
        database = try TimeSeriesDatabase.open(
            path: folder, settings: settings, logger: Logger(label: "scratch") { _ in SwiftLogNoOpLogHandler() })
    }

    deinit {
        database.close()
        Self.remove(folder)
    }

    func openSource(named name: String) throws(AppendError) -> any SourceWriter { try database.openSource(named: name) }

    func append(_ batch: SampleBatch, onRejection policy: RejectionPolicy) throws(AppendError) -> AppendOutcome {
        try database.append(batch, onRejection: policy)
    }

    func querier() throws(StorageError) -> any Querier { try database.querier() }
    func statistics(limit: Int) -> StoreStatistics { database.statistics(limit: limit) }

    /// Removes a folder of files and one level of folders, as the database makes them.
    private static func remove(_ path: String) {
        guard let stream = unsafe opendir(path) else { return }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        unsafe closedir(stream)
        for name in names where unsafe unlink(path + "/" + name) != 0 { remove(path + "/" + name) }
        unsafe rmdir(path)
    }
}
