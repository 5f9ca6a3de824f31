/// What only an operator does with a database.
///
/// Each of these may take minutes; safe on many threads.
package protocol StoreAdministration: Sendable {
    /// Stores samples of any age, in any order; what cannot be stored is counted.
    ///
    /// When it returns, the samples are on the disk as the journal promises.
    func importSamples(_ batch: SampleBatch) throws(AppendError) -> AppendOutcome
}
