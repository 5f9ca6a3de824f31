package import MetricModel

/// What only an operator does with a database.
///
/// Each of these may take minutes; safe on many threads.
package protocol StoreAdministration: Sendable {
    /// Stores samples of any age, in any order; what cannot be stored is counted.
    ///
    /// When it returns, the samples are on the disk as the journal promises.
    func importSamples(_ batch: SampleBatch) throws(AppendError) -> AppendOutcome

    /// Deletes the samples that the store has now of the series that match any of the selectors.
    ///
    /// Queries that begin afterwards do not see them, nor do lists of labels; their space is freed later.
    func deleteSeries(matching selectors: [[LabelMatcher]], in range: TimeRange) throws(StorageError)

    /// Frees the space of deleted samples now.
    func cleanTombstones() throws(StorageError)

    /// Writes a copy that another process can open, and gives its name in the folder `snapshots`.
    ///
    /// - Parameter skippingHead: Leaves out the newest samples, those that only memory and journal have.
    func snapshot(skippingHead: Bool) throws(StorageError) -> String
}
