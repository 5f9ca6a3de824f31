import Exposition
import MetricModel
import Storage
import Synchronization

/// What a target says about its metric families.
///
/// Written by its loop, read by the status pages. A family takes eight bytes here: its name and its words are shared with
/// all targets that say the same.
final class TargetMetadataTable: Sendable {
    /// By name, ascending.
    private let families = Mutex<[SharedMetadata]>([])
    /// Takes what is new, to keep it beyond this target.
    private let store: (any MetadataStore)?

    init(store: (any MetadataStore)? = nil) { self.store = store }

    /// The families of the target, by name.
    func entries(named name: String? = nil) -> [(name: String, metadata: MetricMetadata)] {
        let families = families.withLock { $0 }
        guard let name else { return families.map { ($0.family, $0.metadata) } }
        let index = Self.index(of: name, in: families)
        guard index < families.count, families[index].family == name else { return [] }
        return [(name, families[index].metadata)]
    }

    /// The first index whose family is not below `name`.
    private static func index(of name: String, in families: [SharedMetadata]) -> Int {
        var lower = 0
        var upper = families.count
        while lower < upper {
            let middle = (lower + upper) / 2
            if families[middle].family < name { lower = middle + 1 } else { upper = middle }
        }
        return lower
    }

    /// Takes what the lines of a page said; each adds to what is known of its family.
    func update(_ lines: [MetadataLine]) {
        let changed = apply(lines)
        if !changed.isEmpty, let store {
            store.note(changed.map { FamilyMetadata(name: $0.family, metadata: $0.metadata) })
        }
    }

    private func apply(_ lines: [MetadataLine]) -> [SharedMetadata] {
        families.withLock { families in
            var changed: [SharedMetadata] = []
            // Families not known before wait beside, so that a first page is sorted once.
            var news: [String: MetricMetadata] = [:]
            for line in lines {
                let index = Self.index(of: line.family, in: families)
                if index < families.count, families[index].family == line.family {
                    var metadata = families[index].metadata
                    Self.apply(line.field, to: &metadata)
                    if metadata != families[index].metadata {
                        families[index] = SharedMetadata.shared(line.family, metadata)
                        changed.append(families[index])
                    }
                } else if news[line.family] != nil || families.count + news.count < ScrapeSafety.metadataFamilies {
                    Self.apply(line.field, to: &news[line.family, default: MetricMetadata()])
                }
            }
            guard !news.isEmpty else { return changed }
            let added = news.map { SharedMetadata.shared($0.key, $0.value) }
            families = (families + added).sorted { $0.family < $1.family }
            return changed + added
        }
    }

    private static func apply(_ field: MetadataLine.Field, to metadata: inout MetricMetadata) {
        switch field {
        case .type(let type): metadata.type = type
        case .unit(let unit): metadata.unit = unit
        case .help(let help) where help.utf8.count > ScrapeSafety.metadataHelpBytes:
            metadata.help = String(help.prefix(ScrapeSafety.metadataHelpBytes / 4)) + "…"
        case .help(let help): metadata.help = help
        }
    }

    /// Forgets everything, before a page is read from scratch.
    func removeAll() { families.withLock { $0 = [] } }
}

/// What many targets say of a family in the same words, kept once: help texts are the same on every node exporter.
final class SharedMetadata: Sendable {
    private struct Key: Hashable {
        var family: String
        var metadata: MetricMetadata
    }

    /// Beyond this many different entries nothing more is shared.
    private static let sharedLimit = 50_000

    private static let all = Mutex<[Key: SharedMetadata]>([:])

    let family: String
    let metadata: MetricMetadata

    private init(_ key: Key) {
        family = key.family
        metadata = key.metadata
    }

    static func shared(_ family: String, _ metadata: MetricMetadata) -> SharedMetadata {
        let key = Key(family: family, metadata: metadata)
        return all.withLock { all in
            if let known = all[key] { return known }
            let new = SharedMetadata(key)
            if all.count < sharedLimit { all[key] = new }
            return new
        }
    }
}
