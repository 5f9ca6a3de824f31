import MetricModel
import SQLite
import Storage
import Synchronization

/// An open partition file.
///
/// Safe on many threads: each use borrows a connection of its own.
///
/// Nothing is kept in memory but the metadata, a few idle connections and the symbol blocks used last. The file may be
/// deleted while it is open; readers keep reading what they opened.
final class PartitionReader: Sendable {
    /// Connections kept open between uses.
    static let idleConnectionLimit = 2
    /// What the symbol blocks (256 label pairs each) may take that are kept between uses.
    static let symbolBlockBytes = 2 << 20
    /// Damaged parts that are remembered by name.
    static let rememberedDamageLimit = 1000

    let path: String
    /// The same file has one number while the process runs, and no other file has it.
    let number: Int
    private static let lastNumber = Atomic<Int>(0)
    /// What was read from partitions last.
    let cache: BlockCache?
    let metadata: PartitionMetadata
    let byteCount: Int
    /// What is left out because it was deleted.
    let deletions: PartitionDeletions
    /// Called once for each damaged part found while reading, which is then left out.
    ///
    /// Without it damage is thrown.
    private let onDamage: (@Sendable (StorageError) -> Void)?

    private let idle: Mutex<[SQLiteConnection]>
    private let symbolBlocks = Mutex<(blocks: [Int: SymbolBlock], byteCount: Int)>(([:], 0))
    /// The first series of each group, once somebody asked: a number for some hundreds of series.
    private let groupStarts = Mutex<[Int64]?>(nil)
    private let damages = Mutex<[String]>([])
    let isSuspect = Atomic<Bool>(false)

    /// Opens and checks a file, and touches nothing in it.
    ///
    /// Throws `newerFormat` for a file of a later version and `corrupt` for one that is none, is cut short or lacks its
    /// metadata.
    init(
        path: String, deletions: PartitionDeletions = PartitionDeletions(), cache: BlockCache? = nil,
        onDamage: (@Sendable (StorageError) -> Void)? = nil
    ) throws(StorageError) {
        self.path = path
        self.cache = cache
        number = Self.lastNumber.add(1, ordering: .relaxed).newValue
        self.deletions = deletions
        self.onDamage = onDamage
        let connection = try Self.connect(path)
        let (version, owner) = try withStorageErrors { () throws(SQLiteError) in
            (try connection.userVersion(), try connection.applicationIdentifier())
        }
        guard owner == PartitionSchema.applicationIdentifier else {
            throw .corrupt(path: path, what: "it is not a finished partition")
        }
        guard version <= PartitionSchema.version else {
            // The version stands in two places; where they differ one of them is damaged.
            let written = try? connection.integer("SELECT value FROM meta WHERE key = 'format'")
            guard written == nil || written == Int64(version) else {
                throw .corrupt(path: path, what: "it says that its format is \(version) and \(written ?? 0)")
            }
            throw .newerFormat(path: path, found: version, supported: PartitionSchema.version)
        }
        let (metadata, expectedBytes) = try withStorageErrors { () throws(SQLiteError) in
            let pages = try connection.integer("PRAGMA page_count") ?? 0
            let size = try connection.integer("PRAGMA page_size") ?? 0
            return (
                try PartitionMetadata.read(from: connection), pages.multipliedReportingOverflow(by: size).partialValue
            )
        }
        byteCount = FileStatus(path)?.byteCount ?? 0
        guard Int64(byteCount) >= expectedBytes else {
            throw .corrupt(path: path, what: "it has \(byteCount) bytes and should have \(expectedBytes)")
        }
        guard let metadata else { throw .corrupt(path: path, what: "its metadata is incomplete") }
        // Both places must say that the file is older than checksums: one of them may be damaged.
        let isOlder = max(version, metadata.formatVersion) < PartitionSchema.firstVersionWithPageChecksums
        guard isOlder || connection.checkedPageCount > 0 else {
            throw .corrupt(path: path, what: "the checksums of its pages are missing")
        }
        self.metadata = metadata
        idle = Mutex([connection])
    }

    /// The same file with other deletions.
    init(_ other: PartitionReader, deletions: PartitionDeletions) {
        path = other.path
        number = other.number
        cache = other.cache
        metadata = other.metadata
        byteCount = other.byteCount
        onDamage = other.onDamage
        self.deletions = deletions
        idle = Mutex([])
        damages.withLock { $0 = other.damagedParts }
    }

    /// The same file with deletions where there are any.
    func with(_ deletions: PartitionDeletions?) -> PartitionReader {
        guard let deletions, !deletions.isEmpty else { return self }
        return PartitionReader(self, deletions: deletions)
    }

    private static func connect(_ path: String) throws(StorageError) -> SQLiteConnection {
        try withStorageErrors { () throws(SQLiteError) in
            var options = SQLiteOpenOptions(mode: .immutable)
            options.cacheBytes = 128 << 10
            options.checksPages = true
            return try SQLiteConnection(path: path, options: options)
        }
    }

    /// The file's name without its folder.
    var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    // MARK: Connections

    /// Borrows a connection; whoever has it gives it back.
    func borrowConnection() throws(StorageError) -> SQLiteConnection {
        if let connection = idle.withLock({ $0.popLast() }) { return connection }
        return try Self.connect(path)
    }

    /// Gives a borrowed connection back, all its statements reset.
    func returnConnection(_ connection: SQLiteConnection) {
        idle.withLock { connections in
            if connections.count < Self.idleConnectionLimit { connections.append(connection) }
        }
    }

    /// Lets go of what is kept between uses: idle connections and symbols.
    func trim() {
        idle.withLock { $0.removeAll() }
        symbolBlocks.withLock { $0 = ([:], 0) }
    }

    func withConnection<Value>(
        _ body: (SQLiteConnection) throws(StorageError) -> Value
    ) throws(StorageError) -> Value {
        do throws(StorageError) {
            let connection = try borrowConnection()
            defer { returnConnection(connection) }
            return try body(connection)
        } catch {
            suspect(error)
            throw error
        }
    }

    // MARK: Damage

    /// Reports damage: thrown where nobody listens, else told once for each part.
    func note(_ damage: SegmentDamage, in part: String) throws(StorageError) {
        let error = StorageError.corrupt(path: path, what: "\(part): \(damage)")
        guard let onDamage else { throw error }
        let isNew = damages.withLock { known in
            guard !known.contains(part), known.count < Self.rememberedDamageLimit else { return false }
            known.append(part)
            return true
        }
        if isNew { onDamage(error) }
    }

    /// Says that a query met damage that cannot be left out, so that maintenance looks at the whole file.
    func suspect(_ error: StorageError) {
        if case .corrupt = error { isSuspect.store(true, ordering: .relaxed) }
    }

    /// The parts that were found damaged.
    var damagedParts: [String] { damages.withLock { $0 } }

    // MARK: Index

    /// The series that match all matchers.
    ///
    /// - Parameter text: The matchers as the cache knows them.
    func select(_ matchers: [LabelMatcher], _ text: MatcherText) throws(StorageError) -> Postings {
        deletions.remaining(of: try found(by: matchers, text))
    }

    /// The same with those that were deleted.
    private func found(by matchers: [LabelMatcher], _ text: MatcherText) throws(StorageError) -> Postings {
        func search() throws(StorageError) -> Postings {
            try withConnection { connection throws(StorageError) in
                try MatcherResolution.resolve(matchers, in: PartitionIndex(reader: self, connection: connection))
            }
        }
        guard let cache else { return try search() }
        let key = text.key(in: number)
        let (known, isWanted) = cache.find(key, as: KeptSelection.self)
        if let known, known.matchers == text { return known.series }
        let series = try search()
        if isWanted { cache.insert(KeptSelection(text, series), for: key) }
        return series
    }

    /// The series that match any of the selectors; all where there is none.
    func selectAny(_ selectors: [[LabelMatcher]]) throws(StorageError) -> Postings {
        try withConnection { connection throws(StorageError) in
            deletions.remaining(
                of: try MatcherResolution.resolveAny(
                    selectors, in: PartitionIndex(reader: self, connection: connection)))
        }
    }

    /// The labels of series, given in ascending order.
    func labels(of series: Postings) throws(StorageError) -> [LabelSet] {
        try withConnection { connection throws(StorageError) in
            let labels = PartitionLabelReader(reader: self, connection: connection)
            var result: [LabelSet] = []
            result.reserveCapacity(series.count)
            try series.forEach { number throws(StorageError) in result.append(try labels.labels(of: number)) }
            return result
        }
    }

    /// Label names of series that match any of the selectors (of all where there is none), sorted as bytes.
    func labelNames(matching selectors: [[LabelMatcher]]) throws(StorageError) -> [String] {
        if selectors.isEmpty, deletions.whole.isEmpty {
            return try withConnection { connection throws(StorageError) in
                try PartitionIndex(reader: self, connection: connection).labelNames()
            }
        }
        let found = try selectAny(selectors)
        return try withConnection { connection throws(StorageError) in
            let labels = PartitionLabelReader(reader: self, connection: connection)
            return try labels.pairs(of: found).map(\.name).uniqueSorted()
        }
    }

    /// Values of one label, sorted as bytes; the selectors as for `labelNames`.
    func labelValues(of name: String, matching selectors: [[LabelMatcher]]) throws(StorageError) -> [String] {
        if selectors.isEmpty, deletions.whole.isEmpty {
            return try withConnection { connection throws(StorageError) in
                try PartitionIndex(reader: self, connection: connection).values(of: name)
            }
        }
        let found = try selectAny(selectors)
        return try withConnection { connection throws(StorageError) in
            let labels = PartitionLabelReader(reader: self, connection: connection)
            return try labels.pairs(of: found, named: name).map(\.value).uniqueSorted()
        }
    }

    // MARK: Groups

    /// The first series behind the one given that does not stand in the same frame of a segment.
    func frameEnd(of series: UInt32) throws(StorageError) -> Int {
        let starts = try knownGroupStarts()
        let low = Self.groupCount(upTo: series, starts)
        let first = low > 0 ? Int(starts[low - 1]) : 0
        let perFrame = SegmentFormat.seriesPerFrame
        let frameEnd = first + ((Int(series) - first) / perFrame + 1) * perFrame
        return low < starts.count ? min(frameEnd, Int(starts[low])) : frameEnd
    }

    /// The first series of the group that a series would belong to.
    func groupStart(of series: UInt32, _ connection: SQLiteConnection) throws(StorageError) -> Int64? {
        let known = groupStarts.withLock { $0 }
        let starts = if let known { known } else { try findGroupStarts(connection) }
        let count = Self.groupCount(upTo: series, starts)
        return count > 0 ? starts[count - 1] : nil
    }

    private static func groupCount(upTo series: UInt32, _ starts: [Int64]) -> Int {
        var low = 0
        var high = starts.count
        while low < high {
            let middle = (low + high) / 2
            if starts[middle] <= Int64(series) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func knownGroupStarts() throws(StorageError) -> [Int64] {
        if let known = groupStarts.withLock({ $0 }) { return known }
        return try withConnection { connection throws(StorageError) in try findGroupStarts(connection) }
    }

    private func findGroupStarts(_ connection: SQLiteConnection) throws(StorageError) -> [Int64] {
        let found = try withStorageErrors { () throws(SQLiteError) in
            let rows = try connection.cached("SELECT DISTINCT first_series FROM segment ORDER BY first_series")
            defer { rows.reset() }
            var starts: [Int64] = []
            while try rows.step() { starts.append(rows.int64(at: 0)) }
            return starts
        }
        groupStarts.withLock { $0 = found }
        return found
    }

    // MARK: Symbols

    /// The block of symbols that starts at `first`, from the cache or the file.
    func symbolBlock(_ first: Int, connection: SQLiteConnection) throws(StorageError) -> SymbolBlock {
        if let known = symbolBlocks.withLock({ $0.blocks[first] }) { return known }
        let block = try SymbolBlock(first: first, reader: self, connection: connection)
        symbolBlocks.withLock { known in
            // Forgetting all is simple and rare.
            if known.byteCount + block.byteCount > Self.symbolBlockBytes { known = ([:], 0) }
            if known.blocks.updateValue(block, forKey: first) == nil { known.byteCount += block.byteCount }
        }
        return block
    }
}

extension Sequence<String> {
    /// Each string once, in order of the bytes; texts that differ in bytes are different.
    func uniqueSorted() -> [String] {
        var texts = ByteTexts()
        for text in self { texts.append(Array(text.utf8)) }
        var result: [String] = []
        var last: ArraySlice<UInt8>?
        for number in texts.order() where last != texts[Int(number)] {
            last = texts[Int(number)]
            result.append(texts.text(number))
        }
        return result
    }
}
