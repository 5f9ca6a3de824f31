import MetricModel
package import SelfMetrics
package import Storage
import Synchronization

/// What was said of metric families, by scrapes, remote write and imports: the newest words for each name.
///
/// Beyond the limit those that were noted longest ago make room. `StateKeeper` writes what is new into `state.sqlite`.
package final class MetadataTable: MetadataStore {
    /// Families that are kept.
    package static let familyLimit = 50_000

    private struct State {
        struct Entry {
            var metadata: MetricMetadata
            /// When it was noted last, as a number that grows.
            var noted: UInt64
        }

        var families: [String: Entry] = [:]
        var noted: UInt64 = 0
        var changed: Set<String> = []
        var removed: Set<String> = []
    }

    private let limit: Int
    private let state = Mutex(State())
    private let evicted: Counter

    package init(limit: Int = MetadataTable.familyLimit, registry: Registry) {
        self.limit = max(1, limit)
        evicted = registry.counter(
            "lapwing_metadata_families_dropped_total",
            help: "Metric families whose metadata made room for others.")
        registry.gauge("lapwing_metadata_families", help: "Metric families whose metadata is kept.") { [weak self] in
            Double(self?.state.withLock { $0.families.count } ?? 0)
        }
    }

    package func note(_ entries: [FamilyMetadata]) {
        guard !entries.isEmpty else { return }
        let removed = state.withLock { state in
            for entry in entries where !entry.name.isEmpty { Self.note(entry, in: &state, isNew: true) }
            return makeRoom(&state)
        }
        if removed > 0 { evicted.add(removed) }
    }

    private static func note(_ entry: FamilyMetadata, in state: inout State, isNew: Bool) {
        state.noted += 1
        var metadata = entry.metadata
        if let known = state.families[entry.name]?.metadata {
            if metadata.type == .unknown { metadata.type = known.type }
            if metadata.help.isEmpty { metadata.help = known.help }
            if metadata.unit.isEmpty { metadata.unit = known.unit }
            if metadata == known {
                state.families[entry.name]?.noted = state.noted
                return
            }
        }
        state.families[entry.name] = State.Entry(metadata: metadata, noted: state.noted)
        guard isNew else { return }
        state.changed.insert(entry.name)
        state.removed.remove(entry.name)
    }

    /// Removes a tenth more than has to go, so that this is rare.
    private func makeRoom(_ state: inout State) -> Int {
        guard state.families.count > limit else { return 0 }
        let excess = state.families.count - limit + limit / 10
        for (name, _) in state.families.sorted(by: { $0.value.noted < $1.value.noted }).prefix(excess) {
            state.families[name] = nil
            state.changed.remove(name)
            state.removed.insert(name)
        }
        return excess
    }

    package func families(named name: String?) -> [FamilyMetadata] {
        let families = state.withLock { $0.families }
        guard let name else { return families.map { FamilyMetadata(name: $0.key, metadata: $0.value.metadata) } }
        return families[name].map { [FamilyMetadata(name: name, metadata: $0.metadata)] } ?? []
    }

    // MARK: What lasts

    /// What the file does not have yet, in the order in which it was noted, and what it has no longer; both count as
    /// written from now on.
    func takeChanges() -> (changed: [FamilyMetadata], removed: [String]) {
        state.withLock { state in
            let changed = state.changed.compactMap { name in state.families[name].map { (name, $0) } }
                .sorted { $0.1.noted < $1.1.noted }
                .map { FamilyMetadata(name: $0.0, metadata: $0.1.metadata) }
            defer {
                state.changed = []
                state.removed = []
            }
            return (changed, Array(state.removed))
        }
    }

    /// They were not written after all.
    func putBack(changed: [FamilyMetadata], removed: [String]) {
        state.withLock { state in
            for entry in changed where state.families[entry.name] != nil { state.changed.insert(entry.name) }
            for name in removed where state.families[name] == nil { state.removed.insert(name) }
        }
    }

    /// Puts back what a file had, the oldest first.
    func restore(_ entries: [FamilyMetadata]) {
        state.withLock { state in
            for entry in entries.suffix(limit) { Self.note(entry, in: &state, isNew: false) }
        }
    }
}
