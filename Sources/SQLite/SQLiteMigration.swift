/// The steps that lead to a database's current schema.
///
/// Step `i` is SQL that takes a file from version `i` to version `i + 1`; the version stands in `PRAGMA user_version`. A
/// step that was released is never changed, new ones are added behind it.
package struct SQLiteSchema: Sendable {
    package var steps: [String]
    /// A number that marks the file as one of this program (sqlite.org/pragma.html#pragma_application_id).
    package var applicationIdentifier: Int32

    package init(applicationIdentifier: Int32, steps: [String]) {
        self.applicationIdentifier = applicationIdentifier
        self.steps = steps
    }

    package var version: Int { steps.count }
}

/// What a migration did.
package enum SQLiteMigrationOutcome: Sendable, Hashable {
    case created
    case upToDate
    case migrated(fromVersion: Int)
    /// A newer program wrote the file; nothing was changed.
    case newer(foundVersion: Int)
    /// The file is a database of something else; nothing was changed.
    case foreign(applicationIdentifier: Int32)
}

extension SQLiteConnection {
    /// The version of the file's schema, 0 in a new file.
    package func userVersion() throws(SQLiteError) -> Int { Int(try integer("PRAGMA user_version") ?? 0) }

    /// Sets the version of the file's schema.
    package func setUserVersion(_ version: Int) throws(SQLiteError) { try execute("PRAGMA user_version=\(version)") }

    /// The number in the file that says whose it is, 0 in a new file.
    package func applicationIdentifier() throws(SQLiteError) -> Int32 {
        Int32(truncatingIfNeeded: try integer("PRAGMA application_id") ?? 0)
    }

    /// Brings the file to the schema's version in one transaction.
    package func migrate(to schema: SQLiteSchema) throws(SQLiteError) -> SQLiteMigrationOutcome {
        let found = try userVersion()
        let owner = try applicationIdentifier()
        if owner != schema.applicationIdentifier, owner != 0 || found != 0 {
            return .foreign(applicationIdentifier: owner)
        }
        if found > schema.version { return .newer(foundVersion: found) }
        if found == schema.version, owner == schema.applicationIdentifier { return .upToDate }
        try transaction(.exclusive) { () throws(SQLiteError) in
            for step in schema.steps[max(0, found)...] { try execute(step) }
            try setUserVersion(schema.version)
            try execute("PRAGMA application_id=\(schema.applicationIdentifier)")
        }
        return found == 0 ? .created : .migrated(fromVersion: found)
    }
}
