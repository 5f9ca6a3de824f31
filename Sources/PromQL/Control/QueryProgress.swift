import Synchronization

/// What a running query has cost so far, for whoever watches it.
///
/// Safe on several threads.
package final class QueryProgress: Sendable {
    private let read = Atomic<Int>(0)
    private let held = Atomic<Int>(0)
    private let selectedSeries = Atomic<Int>(0)
    private let estimated = Atomic<Int>(0)

    package init() {}

    /// Samples read from the store.
    package var samplesRead: Int { read.load(ordering: .relaxed) }
    /// Bytes held now.
    package var bytes: Int { held.load(ordering: .relaxed) }
    /// Series that the selectors found that have been looked up by now.
    package var series: Int { selectedSeries.load(ordering: .relaxed) }
    /// An upper estimate of the samples of those series.
    package var estimatedSamples: Int { estimated.load(ordering: .relaxed) }

    /// Begins anew.
    func forget() {
        read.store(0, ordering: .relaxed)
        selectedSeries.store(0, ordering: .relaxed)
        estimated.store(0, ordering: .relaxed)
    }

    func noteRead(_ sampleCount: Int) { read.add(sampleCount, ordering: .relaxed) }

    func noteHeld(_ byteCount: Int) { held.store(byteCount, ordering: .relaxed) }

    func noteSelection(series: Int, samples: Int) {
        selectedSeries.add(series, ordering: .relaxed)
        estimated.add(samples, ordering: .relaxed)
    }
}
