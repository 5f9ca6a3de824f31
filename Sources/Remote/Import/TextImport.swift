package import Exposition
import MetricModel
package import Storage

/// Where imported text goes: samples, exemplars, and the words about metric families.
package struct TextImport: Sendable {
    /// What became of a part of the text.
    package struct Outcome: Sendable, Hashable {
        package var samples = AppendOutcome()
        package var exemplars = 0
        package var families = 0

        package init() {}

        package mutating func add(_ other: Outcome) {
            samples.add(other.samples)
            exemplars += other.exemplars
            families += other.families
        }
    }

    private let store: any StoreAdministration
    private let exemplars: (any ExemplarStore)?
    private let metadata: (any MetadataStore)?

    package init(
        store: any StoreAdministration, exemplars: (any ExemplarStore)?, metadata: (any MetadataStore)?
    ) {
        self.store = store
        self.exemplars = exemplars
        self.metadata = metadata
    }

    /// Stores what was gathered; samples are on the disk as the journal promises when it returns.
    package func add(_ gathered: OpenMetricsImport.Gathered) throws(AppendError) -> Outcome {
        var outcome = Outcome()
        let series = gathered.labels.indices.map {
            SampleBatch.Series(labels: gathered.labels[$0], columns: gathered.columns(at: $0))
        }
        outcome.samples = try store.importSamples(SampleBatch(series))
        if let exemplars, !gathered.exemplars.isEmpty {
            let batch = gathered.exemplars.map { entry in
                SeriesExemplar(
                    labels: gathered.labels[entry.series], exemplar: entry.exemplar, timestamp: entry.timestamp)
            }
            outcome.exemplars = exemplars.importExemplars(batch).appended
        }
        if let metadata, !gathered.families.isEmpty {
            metadata.note(gathered.families.map { FamilyMetadata(name: $0.name, metadata: $0.metadata) })
            outcome.families = gathered.families.count
        }
        return outcome
    }
}
