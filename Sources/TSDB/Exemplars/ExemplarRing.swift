package import MetricModel
package import SelfMetrics
package import Storage
import Synchronization

/// The newest exemplars, as many as there is room for, in memory: the oldest goes when another comes.
///
///     ring     [ entry | entry | ... ]   next -> where the next one goes, over the oldest
///     series   labels -> places in the ring, oldest first
///
/// They do not outlive the process: an exemplar points at a trace of the last minutes.
package final class ExemplarRing: ExemplarStore {
    /// Label text of one exemplar, in characters, as OpenMetrics allows.
    private static let labelCharacterLimit = 128

    private struct Entry {
        var series: LabelSet
        var timestamp: Int64
        var exemplar: Exemplar
    }

    private struct State {
        var ring: [Entry] = []
        var next = 0
        var series: [LabelSet: [Int]] = [:]
    }

    private let capacity: Int
    private let state = Mutex(State())
    private let appended: Counter
    private let refused: Counter

    /// - Parameter capacity: `storage.exemplars.max_exemplars`; 0 keeps none.
    package init(capacity: Int, registry: Registry) {
        self.capacity = max(0, capacity)
        appended = registry.counter("lapwing_exemplars_appended_total", help: "Exemplars that were kept.")
        refused = registry.counter(
            "lapwing_exemplars_refused_total",
            help: "Exemplars older than what their series had, or with too long labels.")
    }

    package func append(_ exemplars: [SeriesExemplar]) -> ExemplarOutcome {
        var outcome = ExemplarOutcome()
        guard capacity > 0 else { return outcome }
        let counted = state.withLock { state in
            var outcome = ExemplarOutcome()
            for entry in exemplars { append(entry, to: &state, &outcome) }
            return outcome
        }
        outcome = counted
        appended.add(outcome.appended)
        refused.add(outcome.outOfOrder + outcome.tooLong)
        return outcome
    }

    private func append(_ new: SeriesExemplar, to state: inout State, _ outcome: inout ExemplarOutcome) {
        let characters = new.exemplar.labels.pairs.reduce(0) {
            $0 + $1.name.unicodeScalars.count + $1.value.unicodeScalars.count
        }
        guard characters <= Self.labelCharacterLimit else { return outcome.tooLong += 1 }
        if let place = state.series[new.labels]?.last {
            let newest = state.ring[place]
            if newest.timestamp == new.timestamp, newest.exemplar.value.bitPattern == new.exemplar.value.bitPattern,
                newest.exemplar.labels == new.exemplar.labels
            {
                return
            }
            guard new.timestamp >= newest.timestamp else { return outcome.outOfOrder += 1 }
        }
        let entry = Entry(series: new.labels, timestamp: new.timestamp, exemplar: new.exemplar)
        if state.ring.count < capacity {
            state.ring.append(entry)
        } else {
            let old = state.ring[state.next].series
            if state.series[old]?.count == 1 { state.series[old] = nil } else { state.series[old]?.removeFirst() }
            state.ring[state.next] = entry
        }
        state.series[new.labels, default: []].append(state.next)
        state.next = (state.next + 1) % capacity
        outcome.appended += 1
    }

    package func exemplars(matching selectors: [[LabelMatcher]], in range: TimeRange) -> [SeriesExemplars] {
        let found = state.withLock { state in
            var found: [SeriesExemplars] = []
            for (labels, places) in state.series
            where selectors.contains(where: { $0.allSatisfy { $0.matches(labels) } }) {
                let entries = places.map { state.ring[$0] }.filter {
                    range.contains(Timestamp(milliseconds: $0.timestamp))
                }
                guard !entries.isEmpty else { continue }
                found.append(
                    SeriesExemplars(labels: labels, exemplars: entries.map { ($0.timestamp, $0.exemplar) }))
            }
            return found
        }
        return found.sorted { $0.labels < $1.labels }
    }
}
