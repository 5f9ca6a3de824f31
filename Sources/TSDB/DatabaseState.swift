import SelfMetrics
import Synchronization

/// How the store is doing, for the status pages: whether the disk takes what it is given, and what there is.
package struct DatabaseState: Sendable {
    /// SQLite's sentence while the journal cannot be written, nil while it can.
    ///
    /// Appends go on in memory meanwhile.
    package var journalFailure: String?
    /// What waits for the journal, in bytes, and the limit beyond which appends are refused.
    package var journalBacklogBytes = 0
    package var journalBacklogLimitBytes = 0
    package var journalFileBytes = 0
    /// The last failure of sealing, merging or deleting, nil when the last run went well.
    package var maintenanceFailure: String?
    package var partitionCount = 0
    package var partitionBytes = 0
    /// What was found damaged and is left out: parts of partitions by file and part, whole files with the reason.
    package var damagedParts: [String] = []
    /// Journal records that could not be used at the start.
    package var unusableJournalRecords = 0
    /// Commits of the journal that were lost because its log was damaged or cut short by a loss of power.
    package var lostJournalCommits = 0
}

extension DatabaseState {
    /// What is wrong now, in words; empty when all is well.
    package var problems: [String] {
        var problems: [String] = []
        if let journalFailure {
            problems.append(
                "the disk does not take samples: \(journalFailure); \(journalBacklogBytes) bytes wait in memory, "
                    + "\(journalBacklogLimitBytes) may")
        }
        if let maintenanceFailure { problems.append("maintenance fails: \(maintenanceFailure)") }
        problems += damagedParts.map { "damaged and left out: \($0)" }
        if unusableJournalRecords > 0 {
            problems.append("\(unusableJournalRecords) records of the journal were unusable at the start")
        }
        if lostJournalCommits > 0 {
            problems.append("\(lostJournalCommits) commits of the journal were lost before the start")
        }
        return problems
    }
}

extension TimeSeriesDatabase {
    /// How the store is doing now.
    package var state: DatabaseState {
        let journal = head.journal.currentStatus
        var state = DatabaseState()
        state.journalFailure = journal.lastFailure
        state.journalBacklogBytes = journal.backlogBytes
        state.journalBacklogLimitBytes = head.settings.journalBacklogLimitBytes
        state.journalFileBytes = head.journal.fileByteCount
        state.maintenanceFailure = maintenance.currentStatus.lastFailure
        for reader in views.current?.partitions ?? [] {
            state.partitionCount += 1
            state.partitionBytes += reader.byteCount
            state.damagedParts += reader.damagedParts.map { reader.name + ": " + $0 }
        }
        state.damagedParts += maintenance.unreadable.descriptions
        state.unusableJournalRecords = unusableJournalRecords
        state.lostJournalCommits = lostJournalCommits
        return state
    }

    /// Makes the store's metrics; each is computed when a page asks for it.
    func register(in registry: Registry) {
        let head = head
        let maintenance = maintenance
        let views = views
        let cache = maintenance.folder.cache
        registry.gauge("lapwing_storage_block_cache_bytes", help: "What was read from partitions and is kept.") {
            Double(cache.byteCount)
        }
        for (result, count) in [("hit", \(hits: UInt64, misses: UInt64).hits), ("miss", \.misses)] {
            registry.counter(
                "lapwing_storage_block_cache_requests_total", help: "Blocks of partitions that queries asked for.",
                labels: ["result": result]
            ) { Double(cache.counts[keyPath: count]) }
        }
        registerHead(in: registry)
        registry.counter("lapwing_storage_samples_appended_total", help: "Samples taken, absent ones of rows included.")
        {
            Double(head.counters.appendedSamples.load(ordering: .relaxed))
        }
        registry.counter("lapwing_storage_rows_appended_total", help: "Rows taken: scrapes and the like.") {
            Double(head.counters.appendedRows.load(ordering: .relaxed))
        }
        registry.counter("lapwing_storage_samples_refused_total", help: "Samples of batches that were refused.") {
            Double(head.counters.refusedSamples.load(ordering: .relaxed))
        }
        registry.counter("lapwing_storage_series_refused_total", help: "Times that a new series found no room.") {
            Double(head.counters.refusedSeries.load(ordering: .relaxed))
        }
        registry.gauge("lapwing_storage_series_bytes", help: "About what the series in memory take.") {
            Double(head.withIndex { $0.series.estimatedByteCount })
        }
        registry.gauge("lapwing_storage_series_limit_bytes", help: "What they may take; 0 has no limit.") {
            Double(head.settings.headLimitBytes)
        }
        registerJournal(in: registry)
        registry.gauge("lapwing_storage_partitions", help: "Partition files.") {
            Double(views.current?.partitions.count ?? 0)
        }
        registry.gauge("lapwing_storage_partition_bytes", help: "Bytes of all partition files.") {
            Double((views.current?.partitions ?? []).reduce(0) { $0 + $1.byteCount })
        }
        registry.gauge("lapwing_storage_damaged_parts", help: "Partitions and parts of them that are left out.") {
            let parts = (views.current?.partitions ?? []).reduce(0) { $0 + $1.damagedParts.count }
            return Double(parts + maintenance.unreadable.descriptions.count)
        }
        registry.counter("lapwing_storage_seals_total", help: "Times that the head was written into partitions.") {
            Double(maintenance.currentStatus.seals)
        }
        registry.counter("lapwing_storage_sealed_samples_total", help: "Samples written into partitions.") {
            Double(maintenance.currentStatus.sealedSamples)
        }
        registry.counter("lapwing_storage_sealing_seconds_total", help: "Time spent on sealing.") {
            Double(maintenance.currentStatus.sealingNanoseconds) / 1e9
        }
        registry.gauge("lapwing_storage_longest_cut_seconds", help: "The longest time that a seal held up appends.") {
            Double(maintenance.currentStatus.longestCutNanoseconds) / 1e9
        }
        registry.counter("lapwing_storage_merges_total", help: "Groups of partitions merged into one.") {
            Double(maintenance.currentStatus.merges)
        }
        registry.counter("lapwing_storage_deleted_partitions_total", help: "Partitions deleted by retention.") {
            Double(maintenance.currentStatus.deletedPartitions)
        }
    }

    private func registerHead(in registry: Registry) {
        let head = head
        registry.gauge(
            "lapwing_storage_head_findings_bytes",
            help: "What selectors found in the head and is kept for the next query."
        ) { Double(head.findings.byteCount) }
        registry.gauge(
            "lapwing_storage_head_columns_bytes", help: "Columns of the head that queries ask for again and again."
        ) { Double(head.columnsQuota.usedBytes) }
        registry.gauge("lapwing_storage_head_series", help: "Series in memory.") {
            Double(head.withIndex { $0.series.count })
        }
        registry.gauge("lapwing_storage_head_sample_bytes", help: "Bytes of samples in memory, not yet sealed.") {
            Double(head.counters.rowBytes.load(ordering: .relaxed))
        }
    }

    private func registerJournal(in registry: Registry) {
        let journal = head.journal
        registry.gauge("lapwing_storage_writable", help: "Whether the disk takes what it is given.") {
            journal.currentStatus.lastFailure == nil ? 1 : 0
        }
        registry.counter("lapwing_storage_journal_commits_total", help: "Transactions of the journal.") {
            Double(journal.currentStatus.committedBatches)
        }
        registry.counter("lapwing_storage_journal_written_bytes_total", help: "Bytes written to the journal.") {
            Double(journal.currentStatus.committedBytes)
        }
        registry.counter("lapwing_storage_journal_failures_total", help: "Commits and syncs that failed.") {
            Double(journal.currentStatus.failures)
        }
        registry.counter("lapwing_storage_journal_syncs_total", help: "Times that the journal waited for the disk.") {
            Double(journal.currentStatus.syncs)
        }
        registry.gauge("lapwing_storage_journal_backlog_bytes", help: "Bytes that wait for the journal.") {
            Double(journal.currentStatus.backlogBytes)
        }
        registry.gauge("lapwing_storage_journal_file_bytes", help: "Bytes of the journal's files.") {
            Double(journal.fileByteCount)
        }
    }
}
