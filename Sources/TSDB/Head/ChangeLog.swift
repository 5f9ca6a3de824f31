import Storage
import Synchronization

/// Tells from which time on the samples of two views may differ.
///
/// Each append is noted with the earliest time that it brings before any view can see it, and is in flight until every
/// later view sees it. A view's position lies before the appends in flight, so what a later view has in addition was
/// noted at this position or behind. The newest notes are kept one by one, older ones in buckets, the least time of each,
/// so the answer may be earlier than it has to be, never later.
final class ChangeLog: Sendable {
    private struct Bucket {
        var number: UInt64 = .max
        var earliest = Int64.max
    }

    private struct State {
        var next: UInt64 = 0
        /// Few: as many as threads append at a time.
        var inFlight: [UInt64] = []
        var newest = [Int64](repeating: .max, count: ChangeLog.newestCount)
        var buckets = [Bucket](repeating: Bucket(), count: ChangeLog.bucketCount)
    }

    private static let newestCount = 4096
    private static let changesPerBucket: UInt64 = 64
    private static let bucketCount = 4096

    private let store = UInt64.random(in: .min ... .max)
    private let state = Mutex(State())

    /// Notes a change that is about to be made to samples from `timestamp` on; the answer is given to `end`.
    func begin(earliest timestamp: Int64) -> UInt64 {
        state.withLock { state in
            let ticket = state.next
            state.next += 1
            let number = ticket / Self.changesPerBucket
            let index = Int(number % UInt64(Self.bucketCount))
            if state.buckets[index].number != number { state.buckets[index] = Bucket(number: number) }
            state.buckets[index].earliest = min(state.buckets[index].earliest, timestamp)
            state.newest[Int(ticket % UInt64(Self.newestCount))] = timestamp
            state.inFlight.append(ticket)
            return ticket
        }
    }

    /// Every view made from now on sees the change.
    func end(_ ticket: UInt64) {
        state.withLock { state in
            guard let index = state.inFlight.firstIndex(of: ticket) else { return }
            state.inFlight.swapAt(index, state.inFlight.count - 1)
            state.inFlight.removeLast()
        }
    }

    /// The position of a view that is made afterwards.
    var position: ChangePosition {
        state.withLock { ChangePosition(store: store, number: $0.inFlight.min() ?? $0.next) }
    }

    /// The earliest time of what was noted at a position or behind it, `.max` for nothing; nil where that is forgotten.
    func earliestChange(since position: ChangePosition) -> Int64? {
        guard position.store == store else { return nil }
        return state.withLock { state in
            guard position.number <= state.next else { return nil }
            if position.number == state.next { return .max }
            var earliest = Int64.max
            if state.next - position.number <= UInt64(Self.newestCount) {
                for ticket in position.number..<state.next {
                    earliest = min(earliest, state.newest[Int(ticket % UInt64(Self.newestCount))])
                }
                return earliest
            }
            let first = position.number / Self.changesPerBucket
            let last = (state.next - 1) / Self.changesPerBucket
            guard last - first < UInt64(Self.bucketCount) else { return nil }
            for number in first...last {
                earliest = min(earliest, state.buckets[Int(number % UInt64(Self.bucketCount))].earliest)
            }
            return earliest
        }
    }
}
