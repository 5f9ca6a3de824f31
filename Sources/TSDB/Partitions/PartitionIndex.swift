import SQLite
import Storage

/// The postings of a partition, read through a borrowed connection.
struct PartitionIndex: PostingsSource {
    let reader: PartitionReader
    let connection: SQLiteConnection

    private var seriesCount: UInt32 { UInt32(reader.metadata.seriesCount) }

    var allSeries: Postings { Postings(0..<seriesCount) }

    func labelNames() throws(StorageError) -> [String] {
        try withStorageErrors { () throws(SQLiteError) in
            // One leap for each name instead of a walk over all values.
            let statement = try connection.cached("SELECT name FROM label WHERE name > ? ORDER BY name LIMIT 1")
            var names: [String] = []
            while true {
                statement.reset()
                if let last = names.last {
                    try statement.bind(last, at: 1)
                } else {
                    // A blob sorts behind every text, a number before it.
                    try statement.bind(Int64.min, at: 1)
                }
                guard try statement.step() else { break }
                names.append(statement.text(at: 0))
            }
            statement.reset()
            return names
        }
    }

    func values(of name: String) throws(StorageError) -> [String] {
        try withStorageErrors { () throws(SQLiteError) in
            let statement = try connection.cached("SELECT value FROM label WHERE name = ? ORDER BY value")
            defer { statement.reset() }
            try statement.bind(name, at: 1)
            var values: [String] = []
            while try statement.step() { values.append(statement.text(at: 0)) }
            return values
        }
    }

    func postings(_ name: String, _ value: String) throws(StorageError) -> Postings {
        let statement = try withStorageErrors { () throws(SQLiteError) in
            let statement = try connection.cached("SELECT postings FROM label WHERE name = ? AND value = ?")
            try statement.bind(name, at: 1)
            try statement.bind(value, at: 2)
            return statement
        }
        defer { statement.reset() }
        guard try withStorageErrors({ () throws(SQLiteError) in try statement.step() }) else { return .empty }
        return try decode(statement, column: 0, name: name)
    }

    func union(
        of name: String, prefix: String, where isIncluded: (UnsafeRawBufferPointer) -> Bool
    ) throws(StorageError) -> Postings {
        let statement = try withStorageErrors { () throws(SQLiteError) in
            let statement = try connection.cached(
                "SELECT value, postings FROM label WHERE name = ? AND value >= ? ORDER BY value")
            try statement.bind(name, at: 1)
            try statement.bind(prefix, at: 2)
            return statement
        }
        defer { statement.reset() }
        var sets: [Postings] = []
        while try withStorageErrors({ () throws(SQLiteError) in try statement.step() }) {
            let (hasPrefix, isWanted) = unsafe statement.withText(at: 0) { value in
                let hasPrefix = unsafe value.starts(with: prefix.utf8)
                return unsafe (hasPrefix, hasPrefix && isIncluded(value))
            }
            // Values come in order, so behind the prefix there is nothing more.
            if !hasPrefix { break }
            if isWanted { sets.append(try decode(statement, column: 1, name: name)) }
        }
        return Postings.union(sets)
    }

    private func decode(_ statement: SQLiteStatement, column: Int, name: String) throws(StorageError) -> Postings {
        do throws(SegmentDamage) {
            return unsafe try statement.withBlob(at: column) { blob throws(SegmentDamage) in
                unsafe try PostingsCodec.decode(blob, seriesCount: seriesCount)
            }
        } catch {
            // Leaving postings out would give wrong answers without a sign, so this is never skipped.
            throw .corrupt(path: reader.path, what: "postings of label \(name): \(error)")
        }
    }
}
