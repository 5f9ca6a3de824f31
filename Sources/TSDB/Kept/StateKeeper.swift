package import Logging
import MetricModel
package import SQLite
package import SelfMetrics
import Storage
import Synchronization

/// Exemplars and metadata, kept in memory for answers and in `state.sqlite` for the next start.
///
/// What is new goes there in one transaction when `flush` is called, which its owner does each second; so a loss of the
/// process costs no more than a second of them, as of samples.
///
///     exemplar_batch   end (number behind the last exemplar) | data (`ExemplarBlob`)      rows that the ring has left are deleted
///     metric_family    note (grows) | name | type | help | unit
package final class StateKeeper: Sendable {
    /// What makes the tables; a released step is never changed.
    package static let tables = """
        CREATE TABLE exemplar_batch (end INTEGER PRIMARY KEY, data BLOB NOT NULL);
        CREATE TABLE metric_family (
            note INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, type TEXT NOT NULL, help TEXT NOT NULL,
            unit TEXT NOT NULL
        );
        """

    package let exemplars: ExemplarRing
    package let metadata: MetadataTable
    private let database: SharedDatabase
    private let logger: Logger
    private let lastFailure = Mutex<String?>(nil)
    private let failures: Counter

    /// Reads what the file has; damaged rows are left out and named in the log.
    package init(
        database: SharedDatabase, exemplarLimit: Int, logger: Logger, registry: Registry
    ) throws(SQLiteError) {
        self.database = database
        self.logger = logger
        exemplars = ExemplarRing(capacity: exemplarLimit, registry: registry)
        metadata = MetadataTable(registry: registry)
        failures = registry.counter(
            "lapwing_state_write_failures_total", help: "Writes of exemplars and metadata that failed.")
        let logger = logger
        let (batches, families) = try database.read { (connection) throws(SQLiteError) in
            (try Self.readExemplars(connection, logger: logger), try Self.readFamilies(connection))
        }
        for batch in batches { exemplars.restore(batch.exemplars, end: batch.end) }
        metadata.restore(families)
    }

    private static func readExemplars(
        _ connection: SQLiteConnection, logger: Logger
    ) throws(SQLiteError) -> [(exemplars: [SeriesExemplar], end: Int64)] {
        let select = try connection.cached("SELECT end, data FROM exemplar_batch ORDER BY end")
        defer { select.reset() }
        var batches: [(exemplars: [SeriesExemplar], end: Int64)] = []
        while try select.step() {
            let end = select.int64(at: 0)
            do throws(SegmentDamage) {
                let exemplars = unsafe try select.withBlob(at: 1) { bytes throws(SegmentDamage) in
                    unsafe try ExemplarBlob.open(bytes)
                }
                batches.append((exemplars, end))
            } catch {
                logger.error(
                    "exemplars that cannot be read are left out",
                    metadata: ["path": "\(connection.path)", "batch": "\(end)", "reason": "\(error)"])
            }
        }
        return batches
    }

    private static func readFamilies(_ connection: SQLiteConnection) throws(SQLiteError) -> [FamilyMetadata] {
        let select = try connection.cached("SELECT name, type, help, unit FROM metric_family ORDER BY note")
        defer { select.reset() }
        var families: [FamilyMetadata] = []
        while try select.step() {
            let type = MetricMetadata.MetricType(rawValue: select.text(at: 1)) ?? .unknown
            let metadata = MetricMetadata(type: type, help: select.text(at: 2), unit: select.text(at: 3))
            families.append(FamilyMetadata(name: select.text(at: 0), metadata: metadata))
        }
        return families
    }

    /// Writes what is new; what the disk does not take is tried again the next time.
    package func flush() {
        let new = exemplars.unwritten()
        let (changed, removed) = metadata.takeChanges()
        guard !new.exemplars.isEmpty || !changed.isEmpty || !removed.isEmpty else { return }
        do {
            let blob = new.exemplars.isEmpty ? [] : try ExemplarBlob.seal(new.exemplars)
            try database.write { (connection) throws(SQLiteError) in
                if !blob.isEmpty { try Self.write(blob, end: new.end, oldest: new.oldest, connection) }
                try Self.write(changed, removed, connection)
            }
            exemplars.noteWritten(to: new.end)
            lastFailure.withLock { $0 = nil }
        } catch {
            metadata.putBack(changed: changed, removed: removed)
            failures.add(1)
            let text = "\(error)"
            let isNew = lastFailure.withLock { last in
                defer { last = text }
                return last != text
            }
            if isNew { logger.error("exemplars and metadata were not written", metadata: ["reason": "\(text)"]) }
        }
    }

    private static func write(
        _ blob: [UInt8], end: Int64, oldest: Int64, _ connection: SQLiteConnection
    ) throws(SQLiteError) {
        let insert = try connection.cached("INSERT OR REPLACE INTO exemplar_batch (end, data) VALUES (?1, ?2)")
        try insert.bind(end, at: 1)
        try insert.run(binding: blob, at: 2)
        let delete = try connection.cached("DELETE FROM exemplar_batch WHERE end <= ?1")
        try delete.bind(oldest, at: 1)
        try delete.run()
    }

    private static func write(
        _ changed: [FamilyMetadata], _ removed: [String], _ connection: SQLiteConnection
    ) throws(SQLiteError) {
        let delete = try connection.cached("DELETE FROM metric_family WHERE name = ?1")
        for name in removed {
            try delete.bind(name, at: 1)
            try delete.run()
        }
        let insert = try connection.cached(
            "INSERT OR REPLACE INTO metric_family (name, type, help, unit) VALUES (?1, ?2, ?3, ?4)")
        for entry in changed {
            try insert.bind(entry.name, at: 1)
            try insert.bind(entry.metadata.type.rawValue, at: 2)
            try insert.bind(entry.metadata.help, at: 3)
            try insert.bind(entry.metadata.unit, at: 4)
            try insert.run()
        }
    }
}
