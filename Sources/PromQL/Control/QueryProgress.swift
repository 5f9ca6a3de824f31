import Synchronization

/// What a running query has cost so far, for whoever watches it.
///
/// Safe on several threads.
package final class QueryProgress: Sendable {
    private let read = Atomic<Int>(0)
    private let held = Atomic<Int>(0)
    private let selectedSeries = Atomic<Int>(0)
    private let estimated = Atomic<Int>(0)
    private let selectors = Atomic<Int>(0)
    private let begunSelectors = Atomic<Int>(0)

    package init() {}

    /// Samples read from the store.
    package var samplesRead: Int { read.load(ordering: .relaxed) }
    /// Bytes held now.
    package var bytes: Int { held.load(ordering: .relaxed) }
    /// Series that the selectors found that have been looked up by now.
    package var series: Int { selectedSeries.load(ordering: .relaxed) }
    /// An upper estimate of the samples of the selectors that have been begun: of what they found by now, and as much for each of the
    /// series that they will find.
    package var estimatedSamples: Int { estimated.load(ordering: .relaxed) }
    /// Whether the estimate is of all of the query; before its last selector is begun it is of a part.
    package var isEstimateWhole: Bool {
        begunSelectors.load(ordering: .relaxed) >= selectors.load(ordering: .relaxed)
    }

    /// Begins anew.
    func forget() {
        read.store(0, ordering: .relaxed)
        held.store(0, ordering: .relaxed)
        selectedSeries.store(0, ordering: .relaxed)
        estimated.store(0, ordering: .relaxed)
        selectors.store(0, ordering: .relaxed)
        begunSelectors.store(0, ordering: .relaxed)
    }

    func noteRead(_ sampleCount: Int) { read.add(sampleCount, ordering: .relaxed) }

    func noteHeld(_ byteCount: Int) { held.store(byteCount, ordering: .relaxed) }

    /// The query that is run has so many selectors.
    func noteSelectors(_ count: Int) { selectors.add(count, ordering: .relaxed) }

    func noteSelectorBegun() { begunSelectors.add(1, ordering: .relaxed) }

    /// - Parameter samples: By how much the estimate changes.
    fileprivate func noteSelection(series: Int, samples: Int) {
        selectedSeries.add(series, ordering: .relaxed)
        estimated.add(samples, ordering: .relaxed)
    }
}

/// The estimate of one selector, whose series come a block at a time.
struct SelectorEstimate {
    private let progress: QueryProgress?
    /// How many series all blocks have, about.
    private let expectedSeries: Int
    private var series = 0
    private var samples = 0
    /// What was added to the estimate of the query.
    private var told = 0

    init(_ progress: QueryProgress?, expectedSeries: Int) {
        self.progress = progress
        self.expectedSeries = expectedSeries
        progress?.noteSelectorBegun()
    }

    mutating func add(series count: Int, samples more: Int) {
        series += count
        samples += more
        let rest = max(0, expectedSeries - series)
        tell(samples + Int(Double(samples) / Double(max(1, series)) * Double(rest)), series: count)
    }

    /// No more blocks come, whatever was expected.
    mutating func end() { tell(samples, series: 0) }

    private mutating func tell(_ estimate: Int, series count: Int) {
        progress?.noteSelection(series: count, samples: estimate - told)
        told = estimate
    }
}
