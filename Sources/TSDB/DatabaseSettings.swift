/// What a database is told when it is opened.
///
/// Times are milliseconds, sizes are bytes.
package struct DatabaseSettings: Sendable {
    /// Samples older than this may be deleted; 0 keeps everything.
    package var retentionMilliseconds: Int64 = 15 * 86_400_000
    /// Partitions are deleted, oldest first, when all files together exceed this; 0 has no limit.
    package var retentionBytes = 0
    /// As `retentionBytes`, in percent of the file system; where it is above 0 it counts instead of that.
    package var retentionPercentage = 0.0
    /// How long a stretch of time the head holds before it is sealed.
    package var sliceMilliseconds: Int64 = 30 * 60_000
    /// The head is sealed early when its rows take more than this, and more than 160 bytes a series.
    package var headBytesBeforeSealing = 48 << 20
    /// The head is sealed early when more series than this have ended, and more than two for each that goes on.
    package var endedSeriesBeforeSealing = 150_000
    /// How long the journal gathers before it commits.
    package var commitIntervalMilliseconds: Int64 = 200
    /// How long a commit of the journal may wait until it is certain to survive a loss of power.
    package var syncIntervalMilliseconds: Int64 = 500
    /// How long the journal waits before it tries again what the disk did not take.
    package var retryIntervalMilliseconds: Int64 = 1000
    /// What may wait for a disk that does not take it; beyond that appends are refused.
    package var journalBacklogLimitBytes = 256 << 20
    /// The most series the head may have.
    package var seriesLimit = 20_000_000
    /// What the head's series may take by its own estimate (`SeriesTable.estimatedByteCount`); 0 has no limit.
    ///
    /// Series that the head knows go on, new ones are refused.
    package var headLimitBytes = 0
    /// Samples of batches may be this much older than the newest sample; 0 takes any age.
    package var oldestAcceptedAgeMilliseconds: Int64 = 3_600_000
    /// Samples may be this much older than the newest of all although their series has newer ones; 0 takes none such.
    package var outOfOrderWindowMilliseconds: Int64 = 0
    /// Samples of batches may be this much ahead of the clock; 0 takes any time.
    package var newestAcceptedAheadMilliseconds: Int64 = 600_000
    /// Whether closing writes the head into a partition where that takes less room than the journal.
    ///
    /// Without it the next start reads the journal.
    package var sealsOnClose = false
    /// Whether sealing, merging and retention run by themselves; tests call `maintain()` instead.
    package var maintainsByItself = true
    /// Memory that the decoded rows of sources may take in one query.
    package var queryCacheLimitBytes = 256 << 20

    /// What was read from partitions more than once is kept up to this, decompressed; 0 keeps nothing.
    package var blockCacheBytes = 6 << 20
    /// What selectors found in the head is kept up to this until its series change; 0 keeps nothing.
    package var headFindingsBytes = 4 << 20
    /// Columns of the head that queries ask for again and again are kept up to this; 0 keeps none.
    package var headColumnsBytes = 8 << 20

    package init() {}

    /// What is kept, as one value.
    package var retention: RetentionSettings {
        get {
            RetentionSettings(
                milliseconds: retentionMilliseconds, bytes: retentionBytes, percentage: retentionPercentage)
        }
        set {
            retentionMilliseconds = newValue.milliseconds
            retentionBytes = newValue.bytes
            retentionPercentage = newValue.percentage
        }
    }

    /// For databases that take any time in any order of series: tests and imports.
    package static var anyTime: DatabaseSettings {
        var settings = DatabaseSettings()
        settings.oldestAcceptedAgeMilliseconds = 0
        settings.newestAcceptedAheadMilliseconds = 0
        settings.retentionMilliseconds = 0
        return settings
    }
}

/// How much is kept; each part is 0 where it has no limit.
package struct RetentionSettings: Sendable, Hashable {
    package var milliseconds: Int64
    package var bytes: Int
    /// Of the file system, in percent; above 0 it counts instead of `bytes`.
    package var percentage: Double

    package init(milliseconds: Int64, bytes: Int, percentage: Double = 0) {
        self.milliseconds = milliseconds
        self.bytes = bytes
        self.percentage = percentage
    }
}
