package import MetricModel

/// Where the words about metric families are kept: type, help and unit, the newest for each name.
///
/// Safe on several threads.
package protocol MetadataStore: Sendable {
    /// Takes what was said; what an entry leaves empty stays as it was.
    func note(_ entries: [FamilyMetadata])

    /// What is known of one family, or of all.
    func families(named name: String?) -> [FamilyMetadata]
}

/// A metric family and what is said of it.
package struct FamilyMetadata: Sendable, Hashable {
    package var name: String
    package var metadata: MetricMetadata

    package init(name: String, metadata: MetricMetadata) {
        self.name = name
        self.metadata = metadata
    }
}
