import MetricModel
import PromQLSyntax
import Storage
import Synchronization

/// Answers of range queries, kept for the next query that asks the same a step later.
///
/// An answer is kept only where each step depends on nothing but samples up to a known time after it, and with the
/// position of the view it was computed on. Steps before the earliest change since then hold; the others are evaluated
/// again. So an answer from the cache is the answer without it, bit for bit.
///
/// Safe on several threads.
final class ResultCache: Sendable {
    /// Queries that may share an answer.
    struct Key: Hashable, Sendable {
        var expression: Expression
        var stepMilliseconds: Int64
        /// Where the steps lie between multiples of the step.
        var phaseMilliseconds: Int64
        var lookbackMilliseconds: Int64
    }

    struct Entry: Sendable {
        var timeline: Timeline
        /// In order of labels, without histograms.
        var series: [StepSeries]
        var position: ChangePosition
        fileprivate var byteCount = 0
        fileprivate var lastUse: UInt64 = 0

        init(timeline: Timeline, series: [StepSeries], position: ChangePosition) {
            self.timeline = timeline
            self.series = series
            self.position = position
        }
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var byteCount = 0
        var uses: UInt64 = 0
    }

    private let limitBytes: Int
    private let state = Mutex(State())

    init(limitBytes: Int) { self.limitBytes = limitBytes }

    var isOff: Bool { limitBytes <= 0 }
    var byteCount: Int { state.withLock { $0.byteCount } }

    func entry(for key: Key) -> Entry? {
        state.withLock { state in
            guard let index = state.entries.index(forKey: key) else { return nil }
            state.uses += 1
            state.entries.values[index].lastUse = state.uses
            return state.entries.values[index]
        }
    }

    /// Keeps an answer in place of an older one; the ones used longest ago make room.
    ///
    /// One that would take more than a quarter of the cache is not kept.
    func keep(_ entry: Entry, for key: Key) {
        var entry = entry
        entry.byteCount = 1024 + entry.series.reduce(0) { $0 + $1.cost.bytes }
        state.withLock { state in
            if let old = state.entries.removeValue(forKey: key) { state.byteCount -= old.byteCount }
            guard entry.byteCount <= limitBytes / 4 else { return }
            while state.byteCount + entry.byteCount > limitBytes {
                guard let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse }) else { break }
                state.byteCount -= oldest.value.byteCount
                state.entries[oldest.key] = nil
            }
            state.uses += 1
            entry.lastUse = state.uses
            state.byteCount += entry.byteCount
            state.entries[key] = entry
        }
    }
}
