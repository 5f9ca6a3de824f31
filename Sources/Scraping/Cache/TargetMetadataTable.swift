import Exposition
import MetricModel
import Synchronization

/// What a target says about its metric families.
///
/// Written by its loop, read by the status pages.
final class TargetMetadataTable: Sendable {
    private let families = Mutex<[String: SharedMetadata]>([:])

    /// The families of the target, by name.
    func entries(named name: String? = nil) -> [(name: String, metadata: MetricMetadata)] {
        let families = families.withLock { $0 }
        if let name { return families[name].map { [(name, $0.metadata)] } ?? [] }
        return families.sorted { $0.key < $1.key }.map { ($0.key, $0.value.metadata) }
    }

    /// Takes what a page said anew.
    func update(_ news: [FamilyMetadata]) {
        families.withLock { families in
            for family in news {
                if families[family.family] == nil, families.count >= ScrapeSafety.metadataFamilies { continue }
                var metadata = family.metadata
                if metadata.help.utf8.count > ScrapeSafety.metadataHelpBytes {
                    metadata.help = String(metadata.help.prefix(ScrapeSafety.metadataHelpBytes / 4)) + "…"
                }
                families[family.family] = SharedMetadata.shared(metadata)
            }
        }
    }

    /// Forgets everything, before a page is read from scratch.
    func removeAll() { families.withLock { $0 = [:] } }
}

/// The same words of many targets, kept once: help texts are the same on every node exporter.
final class SharedMetadata: Sendable {
    /// Beyond this many different entries nothing more is shared.
    private static let sharedLimit = 50_000

    private static let all = Mutex<[MetricMetadata: SharedMetadata]>([:])

    let metadata: MetricMetadata

    private init(_ metadata: MetricMetadata) { self.metadata = metadata }

    static func shared(_ metadata: MetricMetadata) -> SharedMetadata {
        all.withLock { all in
            if let known = all[metadata] { return known }
            let new = SharedMetadata(metadata)
            if all.count < sharedLimit { all[metadata] = new }
            return new
        }
    }
}
