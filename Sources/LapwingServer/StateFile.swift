package import Logging
import Notifications
package import SQLite
import SelfMetrics
package import TSDB

/// `state.sqlite`, the file of everything that is no sample: alert state and history, notification log, attempts,
/// exemplars, metadata.
///
/// All who keep tables in it share one connection; the order of their schemas stands here.
package enum StateFile {
    /// A released step is never changed; new ones come behind it.
    static let schema = SQLiteSchema(
        applicationIdentifier: 0x4c57_7374,  // "LWst", at byte 68 of the file
        steps: [AlertTables.step, StateKeeper.tables])

    /// Opens the file of a folder or makes it.
    package static func open(folder: String) throws(SQLiteError) -> SharedDatabase {
        try .open(path: folder + "/state.sqlite", schema: schema)
    }

    /// As the one above; a damaged file is kept beside and told to `report`, and a new one made.
    ///
    /// Without alert state rules begin anew: pending alerts wait again, and what fires is told again. That is better than
    /// no monitoring.
    static func open(
        folder: String, report: (_ aside: String, _ reason: String) -> Void
    ) throws(SQLiteError) -> SharedDatabase {
        try .open(path: folder + "/state.sqlite", schema: schema, report: report)
    }

    /// Exemplars and metadata of a folder that no server uses; it makes no room for others, which is the server's to do.
    package static func openKeeper(folder: String, logger: Logger) throws(SQLiteError) -> StateKeeper {
        try StateKeeper(
            database: open(folder: folder), exemplarLimit: 1_000_000, logger: logger, registry: Registry())
    }
}
