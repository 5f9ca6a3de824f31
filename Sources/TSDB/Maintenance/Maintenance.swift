import CMalloc
import Glibc
import Logging
import MetricModel
import Storage
import Synchronization

/// Seals the head into partitions, merges small partitions, and deletes what is too old: one step at a time.
final class Maintenance: Sendable {
    /// What was done since the start, for the status pages and metrics.
    struct Status: Sendable {
        var seals: UInt64 = 0
        var sealedSamples: UInt64 = 0
        var sealingNanoseconds: UInt64 = 0
        var longestCutNanoseconds: UInt64 = 0
        var merges: UInt64 = 0
        var deletedPartitions: UInt64 = 0
        var lastFailure: String?
    }

    /// A plan that spans more than this is written day by day, so that retention can delete it in parts.
    static let longestPartitionMilliseconds: Int64 = 26 * 3_600_000
    static let dayMilliseconds: Int64 = 86_400_000
    /// The longest stretch that partitions are merged to, where retention is so long that it may go as a whole.
    static let monthMilliseconds: Int64 = 31 * dayMilliseconds
    static let hoursPerPartition: Int64 = 2
    /// Series that leave the head while its index is locked.
    static let seriesRemovedPerTurn = 25_000

    let head: Head
    let folder: PartitionFolder
    let unreadable: UnreadablePartitions
    let views: ViewRegistry
    private let settings: DatabaseSettings
    let clock: any WallClock
    let logger: Logger
    /// One thread at a time seals, merges or deletes.
    let turn = Mutex<Void>(())
    private let status = Mutex(Status())
    /// Changes when the configuration is loaded again.
    private let retention: Mutex<RetentionSettings>
    private let lastSeal: Atomic<UInt64>
    private let isCancelled = Atomic<Bool>(false)
    /// Files whose merge found damage: they are left as they are until the next start.
    private let unmergeable = Mutex<Set<String>>([])

    init(
        head: Head, folder: PartitionFolder, views: ViewRegistry, settings: DatabaseSettings, clock: any WallClock,
        logger: Logger
    ) {
        self.clock = clock
        self.head = head
        self.folder = folder
        unreadable = UnreadablePartitions(folder.failures)
        self.views = views
        self.settings = settings
        retention = Mutex(settings.retention)
        self.logger = logger
        lastSeal = Atomic(Monitor.monotonicNanoseconds)
    }

    func setRetention(_ new: RetentionSettings) { retention.withLock { $0 = new } }

    var currentStatus: Status { status.withLock { $0 } }

    /// Makes long work end early, for closing.
    func cancel() { isCancelled.store(true, ordering: .relaxed) }

    var isClosing: Bool { isCancelled.load(ordering: .relaxed) }

    /// Runs what changes files, one at a time.
    func withTurn<Value>(_ body: () throws(StorageError) -> Value) throws(StorageError) -> Value {
        try turn.withLock { _ throws(StorageError) in try body() }
    }

    /// Whether the merge of a partition has not failed for its damage.
    func isMergeable(_ reader: PartitionReader) -> Bool { unmergeable.withLock { !$0.contains(reader.name) } }

    // MARK: What is due

    /// Does what is due now.
    ///
    /// Failures are logged and tried again next time.
    func runOnce() {
        do throws(StorageError) {
            try replaceDamagedJournal()
            let hasSealed = isSealingDue
            if hasSealed { try seal() }
            takeReadableAgain()
            quarantineDamaged()
            try mergePartitions()
            try cleanDeletions()
            deleteOld()
            turn.withLock { _ in dropSealed() }
            try deleteUnused()
            // What sealing gathered in small blocks would stay with the process: 80 MB at 200,000 series.
            if hasSealed { malloc_trim(0) }
            status.withLock { $0.lastFailure = nil }
        } catch {
            if case .cancelled = error { return }
            if case .corrupt(head.journal.file.path, _) = error { head.journal.noteDamage() }
            let isNew = status.withLock { status in
                defer { status.lastFailure = error.description }
                return status.lastFailure != error.description
            }
            if isNew { logger.error("maintenance failed; it is tried again", metadata: ["error": "\(error)"]) }
        }
    }

    private var isSealingDue: Bool {
        let byteCount = head.counters.rowBytes.load(ordering: .relaxed)
        guard byteCount > 0 else { return false }
        let age = Monitor.monotonicNanoseconds &- lastSeal.load(ordering: .relaxed)
        if age >= UInt64(settings.sliceMilliseconds) * 1_000_000 { return true }
        let seriesCount = head.withIndex { $0.series.count }
        if hasManyEndedSeries(of: seriesCount) { return true }
        // Sealing few rows is dear; when memory is scarce it is done all the same.
        if settings.headLimitBytes > 0, byteCount > settings.headLimitBytes / 2 { return true }
        return byteCount > settings.headBytesBeforeSealing && byteCount > seriesCount * 160
    }

    /// Whether most series of the head have ended: pods that came and went would fill the memory until the slice ends.
    private func hasManyEndedSeries(of seriesCount: Int) -> Bool {
        guard seriesCount > settings.endedSeriesBeforeSealing else { return false }
        let live = head.lanes.reduce(0) { $0 + $1.liveSeriesCount }
        return seriesCount - live > max(settings.endedSeriesBeforeSealing, live * 2)
    }

    // MARK: Sealing

    /// Writes all that the head holds now into partitions and lets go of it, in head and journal.
    func seal() throws(StorageError) {
        try turn.withLock { _ throws(StorageError) in _ = try sealNow() }
    }

    /// The number of the first batch of the journal that is not replaced by a partition.
    ///
    /// With `isJournalLost` nothing is asked of the journal.
    @discardableResult
    func sealNow(isJournalLost: Bool = false) throws(StorageError) -> Int64 {
        let started = Monitor.monotonicNanoseconds
        head.renewLooseLane()
        let cutStarted = Monitor.monotonicNanoseconds
        let (lanes, cut) = head.gate.withWriteLock {
            // Every row that is in a batch before the cut is in a slice that ends here, and no other row is. The lanes are
            // those of this moment: one that came before the gate closed may have rows already.
            let lanes = head.lanes.sorted { $0.number < $1.number }
            for lane in lanes { lane.cut() }
            return (lanes, head.journal.cut())
        }
        let cutNanoseconds = Monitor.monotonicNanoseconds - cutStarted
        let plan = SealingPlan(lanes: lanes, head: head)
        lastSeal.store(Monitor.monotonicNanoseconds, ordering: .relaxed)
        guard !plan.isEmpty else { return cut }
        if !isJournalLost { try head.journal.flush() }
        let sealed = try write(plan, cut: cut)
        let epoch = views.nextEpoch
        for source in plan.rows { source.lane.markSealed(sliceCount: source.slices.count, epoch: epoch) }
        for source in plan.loose { source.lane.markSealed(sliceCount: source.slices.count, epoch: epoch) }
        views.publish((views.current?.partitions ?? []) + sealed.readers)
        if !isJournalLost { try head.journal.truncate(before: cut, endedLanes: []) }
        dropSealed()
        status.withLock { status in
            status.seals += 1
            status.sealedSamples += UInt64(sealed.samples)
            status.sealingNanoseconds += Monitor.monotonicNanoseconds - started
            status.longestCutNanoseconds = max(status.longestCutNanoseconds, cutNanoseconds)
        }
        logger.debug(
            "the head was sealed",
            metadata: ["samples": "\(sealed.samples)", "files": "\(sealed.readers.map(\.name))"])
        return cut
    }

    /// Rows of fewer bytes, in all and a series, are left in the journal when the database closes: a partition has the
    /// labels of all series, and a process that is started again and again would make one each time.
    static let bytesWorthSealingOnClose = (all: 1 << 20, perSeries: 24)

    /// Seals what takes less room in a partition than in the journal, the last thing before the journal is closed.
    ///
    /// A failure is logged: the journal still has everything.
    func sealBeforeClosing() {
        let byteCount = head.counters.rowBytes.load(ordering: .relaxed)
        let seriesCount = head.withIndex { $0.series.count }
        let worth = Self.bytesWorthSealingOnClose
        guard byteCount >= worth.all, byteCount >= seriesCount * worth.perSeries else { return }
        do throws(StorageError) {
            try seal()
        } catch {
            logger.warning("the head was not sealed; it stays in the journal", metadata: ["error": "\(error)"])
        }
    }

    private func write(
        _ plan: SealingPlan, cut: Int64
    ) throws(StorageError) -> (readers: [PartitionReader], samples: Int) {
        var readers: [PartitionReader] = []
        var samples = 0
        do throws(StorageError) {
            let windows = plan.windows(longest: Self.longestPartitionMilliseconds, keepsMonths: keepsMonths)
            for (index, window) in windows.enumerated() {
                // Only the last file says that the journal is replaced: before it is there, the journal counts.
                let replaces = index == windows.count - 1 ? [PartitionFolder.journalMarker(cut)] : []
                let writer = try PartitionWriter(
                    temporaryPath: folder.temporaryPath, folder: folder.path, replaces: replaces)
                var sealing = SealingWriter(plan: plan, writer: writer, range: window)
                try sealing.run()
                samples += sealing.sampleCount
                if let path = try writer.finish() { readers.append(try folder.open(path, logger: logger)) }
            }
            return (readers, samples)
        } catch {
            for reader in readers { unsafe unlink(reader.path) }
            throw error
        }
    }

    /// Frees slices that no view needs, lanes that are at their end, and series that stand nowhere any more.
    ///
    /// Called under `turn`: a plan that is being sealed refers to series by their numbers.
    func dropSealed() {
        let oldest = views.oldestEpoch
        var ended: [(number: UInt32, series: [UInt32])] = []
        for lane in head.lanes {
            let (byteCount, series) = lane.dropSealed(oldestEpoch: oldest)
            head.counters.rowBytes.subtract(byteCount, ordering: .relaxed)
            guard let series else { continue }
            ended.append((lane.number, series))
        }
        guard !ended.isEmpty else { return }
        // Each turn walks the postings of what it removes; a turn over everything would hold the index too long.
        var turn = LaneRemoval()
        for lane in ended {
            var rest = lane.series[...]
            repeat {
                rest = turn.add(rest, of: lane.number, upTo: Self.seriesRemovedPerTurn)
                guard turn.seriesCount >= Self.seriesRemovedPerTurn else { continue }
                head.withIndexTurn(of: turn.seriesCount) { [turn] in $0.remove(turn) }
                turn = LaneRemoval()
            } while !rest.isEmpty
        }
        head.withIndexTurn(of: turn.seriesCount) { [turn] in $0.remove(turn) }
        head.findings.removeAll()
        do throws(StorageError) {
            try head.journal.truncate(before: 0, endedLanes: ended.map(\.number))
        } catch {
            logger.warning("definitions could not be deleted from the journal", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Merging

    /// The newest time that the database has seen.
    private var newestTimestamp: Int64 {
        let inHead = head.counters.newestTimestamp.load(ordering: .relaxed)
        return (views.current?.partitions ?? []).reduce(inHead) { max($0, $1.metadata.end) }
    }

    /// Merges partitions of past two-hour windows, then those of past days, one group after the other.
    func mergePartitions() throws(StorageError) {
        let hours = Self.hoursPerPartition * 3_600_000
        for window in [hours, Self.dayMilliseconds] + (keepsMonths ? [Self.monthMilliseconds] : []) {
            while let group = nextGroup(window: window) {
                try turn.withLock { _ throws(StorageError) in try merge(group) }
                if isCancelled.load(ordering: .relaxed) { throw .cancelled }
            }
        }
    }

    /// As in Prometheus a file spans a tenth of the retention at most.
    private var keepsMonths: Bool {
        let milliseconds = retention.withLock { $0.milliseconds }
        return milliseconds <= 0 || milliseconds >= 10 * Self.monthMilliseconds
    }

    /// Partitions that lie in one aligned window which no new samples fall into, where there are several.
    private func nextGroup(window: Int64) -> [PartitionReader]? {
        // Before the first sample the newest time is the least number there is.
        let (settled, isEmpty) = newestTimestamp.subtractingReportingOverflow(settings.sliceMilliseconds)
        if isEmpty { return nil }
        let failed = unmergeable.withLock { $0 }
        var groups: [Int64: [PartitionReader]] = [:]
        for reader in views.current?.partitions ?? [] where !failed.contains(reader.name) {
            let number = Self.floorDivide(reader.metadata.start, window)
            guard (number + 1) * window <= settled, reader.metadata.end - reader.metadata.start < window * 2 else {
                continue
            }
            groups[number, default: []].append(reader)
        }
        return groups.sorted { $0.key < $1.key }.first { $0.value.count > 1 }?.value
    }

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor)
    }

    func merge(_ group: [PartitionReader]) throws(StorageError) {
        let ordered = group.sorted { ($0.metadata.start, $0.path) < ($1.metadata.start, $1.path) }
        do throws(StorageError) {
            let writer = try PartitionWriter(
                temporaryPath: folder.temporaryPath, folder: folder.path, replaces: ordered.map(\.name),
                compressionLevel: SegmentFormat.mergedCompressionLevel)
            // Readers of their own, which leave nothing out: what a merge does not take over is deleted.
            let sources = try ordered.map { reader throws(StorageError) in
                try PartitionReader(path: reader.path, deletions: reader.deletions)
            }
            let path = try PartitionMerger.merge(
                sources, into: writer, isCancelled: { isCancelled.load(ordering: .relaxed) })
            let merged = try path.map { path throws(StorageError) in try folder.open(path, logger: logger) }
            let names = Set(ordered.map(\.path))
            var partitions = (views.current?.partitions ?? []).filter { !names.contains($0.path) }
            if let merged { partitions.append(merged) }
            partitions.sort { ($0.metadata.start, $0.path) < ($1.metadata.start, $1.path) }
            views.publish(partitions, removing: ordered.map(\.path))
            status.withLock { $0.merges += 1 }
        } catch {
            // A disk that is full or does not answer may do so again; damage stays.
            guard case .corrupt = error else { throw error }
            unmergeable.withLock { $0.formUnion(ordered.map(\.name)) }
            throw error
        }
    }

    // MARK: Retention

    /// What all files together may take; 0 is no limit.
    private func limitBytes(_ retention: RetentionSettings) -> Int {
        guard retention.percentage > 0 else { return retention.bytes }
        var status = statvfs()
        // Without an answer nothing is deleted for its size.
        guard unsafe statvfs(folder.path, &status) == 0 else { return 0 }
        let byteCount = Double(status.f_blocks) * Double(status.f_frsize)
        return max(1, Int(byteCount * min(retention.percentage, 100) / 100))
    }

    /// Takes partitions out of the view that are too old, or the oldest where all are too large.
    func deleteOld() {
        turn.withLock { _ in
            let partitions = (views.current?.partitions ?? []).sorted { $0.metadata.end < $1.metadata.end }
            guard !partitions.isEmpty else { return }
            let retention = retention.withLock { $0 }
            var doomed: [PartitionReader] = []
            if retention.milliseconds > 0 {
                // A sample from the future must not delete the past.
                let newest = min(newestTimestamp, clock.now.milliseconds)
                let oldest = newest.subtractingReportingOverflow(retention.milliseconds)
                if !oldest.overflow { doomed = partitions.filter { $0.metadata.end < oldest.partialValue } }
            }
            let limitBytes = limitBytes(retention)
            if limitBytes > 0 {
                var total = partitions.reduce(0) { $0 + $1.byteCount } - doomed.reduce(0) { $0 + $1.byteCount }
                total += head.journal.fileByteCount
                for reader in partitions.dropFirst(doomed.count) where total > limitBytes {
                    doomed.append(reader)
                    total -= reader.byteCount
                }
            }
            guard !doomed.isEmpty else { return }
            let paths = Set(doomed.map(\.path))
            views.publish(
                (views.current?.partitions ?? []).filter { !paths.contains($0.path) }, removing: doomed.map(\.path))
            status.withLock { $0.deletedPartitions += UInt64(doomed.count) }
        }
    }
}

extension HeadLane {
    var number: UInt32 {
        switch self {
        case .rows(let lane): lane.number
        case .loose(let lane): lane.number
        }
    }

    func cut() {
        switch self {
        case .rows(let lane): lane.cut()
        case .loose(let lane): lane.cut()
        }
    }

    func dropSealed(oldestEpoch: UInt64) -> (droppedBytes: Int, seriesIfEnded: [UInt32]?) {
        switch self {
        case .rows(let lane): lane.dropSealed(oldestEpoch: oldestEpoch)
        case .loose(let lane): lane.dropSealed(oldestEpoch: oldestEpoch)
        }
    }
}
