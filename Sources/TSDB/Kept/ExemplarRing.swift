package import MetricModel
package import SelfMetrics
package import Storage
import Synchronization

/// The newest exemplars, as many as there is room for, the oldest goes when another comes.
///
///     ring     [ entry | entry | ... ]   next -> where the next one goes, over the oldest
///     series   labels -> places in the ring, oldest first
///
/// `StateKeeper` writes what is new into `state.sqlite` and puts it back at the next start.
package final class ExemplarRing: ExemplarStore {
    /// Label text of one exemplar, in characters, as OpenMetrics allows.
    private static let labelCharacterLimit = 128

    private struct State {
        var capacity: Int
        var ring: [SeriesExemplar] = []
        var next = 0
        /// Exemplars that were kept since the first start, the next one's number.
        var sequence: Int64 = 0
        /// From this number on they are not in the file.
        var written: Int64 = 0
        var series: [LabelSet: [Int]] = [:]
    }

    private let state: Mutex<State>
    private let appended: Counter
    private let refused: Counter

    /// - Parameter capacity: `storage.exemplars.max_exemplars`; 0 keeps none.
    package init(capacity: Int, registry: Registry) {
        state = Mutex(State(capacity: max(0, capacity)))
        appended = registry.counter("lapwing_exemplars_appended_total", help: "Exemplars that were kept.")
        refused = registry.counter(
            "lapwing_exemplars_refused_total",
            help: "Exemplars older than what their series had, or with too long labels.")
        registry.gauge("lapwing_exemplars", help: "Exemplars that are kept now.") { [weak self] in
            Double(self?.state.withLock { $0.ring.count } ?? 0)
        }
        registry.gauge("lapwing_exemplars_limit", help: "Exemplars that are kept at most.") { [weak self] in
            Double(self?.state.withLock { $0.capacity } ?? 0)
        }
    }

    package func append(_ exemplars: [SeriesExemplar]) -> ExemplarOutcome { append(exemplars, takesAnyAge: false) }

    package func importExemplars(_ exemplars: [SeriesExemplar]) -> ExemplarOutcome {
        append(exemplars, takesAnyAge: true)
    }

    private func append(_ exemplars: [SeriesExemplar], takesAnyAge: Bool) -> ExemplarOutcome {
        let outcome = state.withLock { state in
            var outcome = ExemplarOutcome()
            guard state.capacity > 0 else { return outcome }
            for entry in exemplars { Self.append(entry, to: &state, takesAnyAge: takesAnyAge, &outcome) }
            return outcome
        }
        appended.add(outcome.appended)
        refused.add(outcome.outOfOrder + outcome.tooLong)
        return outcome
    }

    private static func append(
        _ new: SeriesExemplar, to state: inout State, takesAnyAge: Bool, _ outcome: inout ExemplarOutcome
    ) {
        let characters = new.exemplar.labels.pairs.reduce(0) {
            $0 + $1.name.unicodeScalars.count + $1.value.unicodeScalars.count
        }
        guard characters <= labelCharacterLimit else { return outcome.tooLong += 1 }
        if let places = state.series[new.labels], let newest = places.last {
            if isSame(state.ring[newest], new) { return }
            if new.timestamp < state.ring[newest].timestamp {
                guard takesAnyAge else { return outcome.outOfOrder += 1 }
                if places.contains(where: { isSame(state.ring[$0], new) }) { return }
            }
        }
        insert(new, into: &state)
        outcome.appended += 1
    }

    private static func isSame(_ one: SeriesExemplar, _ other: SeriesExemplar) -> Bool {
        one.timestamp == other.timestamp && one.exemplar.value.bitPattern == other.exemplar.value.bitPattern
            && one.exemplar.labels == other.exemplar.labels
    }

    private static func insert(_ new: SeriesExemplar, into state: inout State) {
        if state.ring.count < state.capacity {
            state.ring.append(new)
        } else {
            let old = state.ring[state.next].labels
            state.series[old]?.removeAll { $0 == state.next }
            if state.series[old]?.isEmpty == true { state.series[old] = nil }
            state.ring[state.next] = new
        }
        // Mostly the last place: exemplars come in order of time, but for imports.
        var places = state.series.removeValue(forKey: new.labels) ?? []
        let index = places.lastIndex { state.ring[$0].timestamp <= new.timestamp }.map { $0 + 1 } ?? 0
        places.insert(state.next, at: index)
        state.series[new.labels] = places
        state.next = (state.next + 1) % state.capacity
        state.sequence += 1
    }

    /// Keeps another number of exemplars from now on, the newest of those that are there.
    package func resize(to capacity: Int) {
        state.withLock { state in
            guard capacity != state.capacity, capacity >= 0 else { return }
            let kept = Self.newest(capacity, of: state)
            var resized = State(capacity: capacity)
            for entry in kept { Self.insert(entry, into: &resized) }
            resized.sequence = state.sequence
            resized.written = state.written
            state = resized
        }
    }

    /// The newest exemplars in the order in which they came.
    private static func newest(_ count: Int, of state: State) -> [SeriesExemplar] {
        let count = min(count, state.ring.count)
        return (0..<count).map { state.ring[(state.next - count + $0 + state.capacity) % state.capacity] }
    }

    // MARK: What lasts

    /// What is not in the file yet, and the numbers behind the last one of it and of the first that has to stay there.
    func unwritten() -> (exemplars: [SeriesExemplar], end: Int64, oldest: Int64) {
        state.withLock { state in
            let count = Int(min(state.sequence - state.written, Int64(state.ring.count)))
            return (Self.newest(count, of: state), state.sequence, state.sequence - Int64(state.capacity))
        }
    }

    /// Everything up to a number is in the file now.
    func noteWritten(to end: Int64) { state.withLock { $0.written = max($0.written, end) } }

    /// Puts back what a file had, of which the last one had the number before `end`.
    func restore(_ exemplars: [SeriesExemplar], end: Int64) {
        state.withLock { state in
            guard state.capacity > 0 else { return }
            for entry in exemplars { Self.insert(entry, into: &state) }
            state.sequence = max(state.sequence, end)
            state.written = state.sequence
        }
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
