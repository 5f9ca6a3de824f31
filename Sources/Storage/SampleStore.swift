package import MetricModel

/// A database of samples as everything above it sees it.
///
/// Nothing above may assume that samples are local.
package protocol SampleStore: Sendable {
    /// Opens the writer of a source: a target, a rule group, anything whose series are sampled together.
    ///
    /// The name identifies the source for the life of the process; opening a name that is open already returns a writer
    /// with slots of its own.
    func openSource(named name: String) throws(AppendError) -> any SourceWriter

    /// Appends samples that bring timestamps of their own: rule results, remote write, import, explicit timestamps.
    ///
    /// With `.refuseAll` one bad sample rolls the whole batch back and throws its error; with `.skipRejected` the
    /// good ones are stored and the outcome counts the others. A sample equal in time and bits to a stored one
    /// is accepted silently.
    func append(_ batch: SampleBatch, onRejection: RejectionPolicy) throws(AppendError) -> AppendOutcome

    /// Opens a writer for samples of series that are named by number.
    func openReferences() throws(AppendError) -> any ReferenceWriter

    /// A view for one query: it sees every append that returned before this call, and keeps seeing just that.
    func querier() throws(StorageError) -> any Querier

    /// Head figures and top lists for the status pages. `limit` caps each list.
    func statistics(limit: Int) -> StoreStatistics
}

/// What happens to a batch when one of its samples cannot be stored.
package enum RejectionPolicy: Sendable { case refuseAll, skipRejected }

/// Samples of several series, each with its own timestamps.
package struct SampleBatch: Sendable {
    package struct Series: Sendable {
        package var labels: LabelSet
        /// Float samples in order of time, histograms beside them.
        package var columns: SampleColumns

        package init(labels: LabelSet, columns: SampleColumns) {
            self.labels = labels
            self.columns = columns
        }
    }

    package var series: [Series]
    package init(_ series: [Series] = []) { self.series = series }
}

/// How many samples of a batch were stored and how many were refused, by reason.
package struct AppendOutcome: Sendable, Hashable {
    package var appended = 0
    package var outOfOrder = 0
    /// Same time, other value.
    package var duplicate = 0
    package var tooOld = 0
    package var tooFarAhead = 0
    package var seriesLimit = 0
    package init() {}
}

/// The writer of one source: rows of values over slots, one timestamp a row.
///
/// A slot is the number of a series within the source. A row has a value for every slot; the absent value
/// (`SpecialValue.absent`) says that the series has no sample in this row. The writer belongs to one caller at a time.
package protocol SourceWriter: AnyObject, Sendable {
    /// The number of slots given out; a row has exactly as many values.
    var slotCount: Int { get }

    /// Changes when the database renumbered the slots (it reclaims those long absent, only inside `append`). Whoever
    /// keeps slot numbers looks at it after each append and resolves them anew when it changed.
    var generation: UInt32 { get }

    /// The slot of a series, made when it is new. The new slot is `slotCount` before the call.
    func slot(for labels: LabelSet) throws(AppendError) -> Int

    /// Appends a row, all or nothing. `values.count` equals `slotCount`; the array is read during the call only.
    ///
    /// Histograms stand beside the row: their slots are absent in `values`. Allocates nothing when no series is new.
    /// - Complexity: O(slots)
    func append(timestamp: Timestamp, values: [Double], histograms: [SlotHistogram]) throws(AppendError)

    /// As the one above, with the times at which the series began to count: one a slot in milliseconds, 0 where it is
    /// unknown; none at all where no time is known. A store that does not keep them ignores them.
    func append(
        timestamp: Timestamp, values: [Double], histograms: [SlotHistogram], starts: [Int64]
    ) throws(AppendError)

    /// The labels of the series in a slot; nil where the store does not tell.
    func labels(of slot: Int) -> LabelSet?

    /// Gives the source up; its series stay readable.
    func close()
}

extension SourceWriter {
    package func labels(of slot: Int) -> LabelSet? { nil }

    package func append(
        timestamp: Timestamp, values: [Double], histograms: [SlotHistogram], starts: [Int64]
    ) throws(AppendError) {
        try append(timestamp: timestamp, values: values, histograms: histograms)
    }
}

/// A native histogram of a row.
package struct SlotHistogram: Sendable {
    package var slot: Int
    package var histogram: NativeHistogram
    package init(slot: Int, histogram: NativeHistogram) {
        self.slot = slot
        self.histogram = histogram
    }
}

/// What the status pages show of the head.
package struct StoreStatistics: Sendable {
    package struct Entry: Sendable, Hashable {
        package var name: String
        package var value: Int
        package init(name: String, value: Int) {
            self.name = name
            self.value = value
        }
    }

    package var seriesCount = 0
    package var labelPairCount = 0
    package var chunkCount = 0
    package var minimumTime: Timestamp?
    package var maximumTime: Timestamp?
    package var seriesCountByMetricName: [Entry] = []
    package var labelValueCountByLabelName: [Entry] = []
    package var memoryBytesByLabelName: [Entry] = []
    package var seriesCountByLabelValuePair: [Entry] = []
    package init() {}
}
