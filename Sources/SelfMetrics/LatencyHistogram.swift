import Synchronization

/// A histogram with classic buckets, for durations in seconds.
///
/// Safe on any thread.
package final class LatencyHistogram: Sendable {
    /// From a tenth of a millisecond to ten seconds.
    package static let defaultBounds = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

    private struct State {
        var counts: [UInt64]
        var sum = 0.0
    }

    package let bounds: [Double]
    private let state: Mutex<State>

    /// - Parameter bounds: upper bounds, ascending; the bucket to +Inf is added.
    package init(bounds: [Double] = LatencyHistogram.defaultBounds) {
        self.bounds = bounds
        state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    package func observe(_ seconds: Double) {
        let index = bounds.firstIndex { seconds <= $0 } ?? bounds.count
        state.withLock { state in
            state.counts[index] &+= 1
            state.sum += seconds
        }
    }

    /// Cumulative counts, one a bound and the last for all, and the sum.
    package var snapshot: (cumulativeCounts: [UInt64], sum: Double) {
        let current = state.withLock { $0 }
        var total: UInt64 = 0
        let cumulative = current.counts.map { count in
            total += count
            return total
        }
        return (cumulative, current.sum)
    }
}
