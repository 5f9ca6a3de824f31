import MetricModel
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
        /// What is asked, as it is printed: of trees, texts that look alike are equal though their bytes are not.
        var expression: [UInt8]
        var stepMilliseconds: Int64
        /// Where the steps lie between multiples of the step.
        var phaseMilliseconds: Int64
        var lookbackMilliseconds: Int64
    }

    /// What the steps of an answer took, as the statistics tell it.
    struct Counts: Sendable {
        /// The samples that the windows of each step covered.
        var queryable: [Int] = []
        /// The most samples held at a time.
        var peak = 0

        subscript(steps: Range<Int>) -> Counts { Counts(queryable: Array(queryable[steps]), peak: peak) }

        static func + (left: Counts, right: Counts) -> Counts {
            Counts(queryable: left.queryable + right.queryable, peak: max(left.peak, right.peak))
        }
    }

    struct Entry: Sendable {
        var timeline: Timeline
        /// In order of labels, without histograms.
        var series: [PackedSeries]
        var position: ChangePosition
        /// What the query said.
        var texts: AnnotationTexts
        /// The text that positions in them are of; others that mean the same have their parts elsewhere.
        var query: [UInt8]
        /// Where whoever asked wanted to know; one for each step.
        var counts: Counts?
        fileprivate var byteCount = 0
        fileprivate var lastUse: UInt64 = 0

        init(
            timeline: Timeline, series: [PackedSeries], position: ChangePosition,
            texts: AnnotationTexts = .init(), query: [UInt8] = [], counts: Counts? = nil
        ) {
            self.query = query
            self.texts = texts
            self.timeline = timeline
            self.series = series
            self.position = position
            self.counts = counts
        }
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var byteCount = 0
        var uses: UInt64 = 0

        mutating func remove(_ key: Key) {
            if let old = entries.removeValue(forKey: key) { byteCount -= old.byteCount }
        }

        /// Removes the entry used longest ago of those that `isChosen` holds for; false where there is none.
        @discardableResult
        mutating func removeOldest(where isChosen: (Entry) -> Bool) -> Bool {
            let chosen = entries.filter { isChosen($0.value) }
            guard let oldest = chosen.min(by: { $0.value.lastUse < $1.value.lastUse }) else { return false }
            remove(oldest.key)
            return true
        }
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
    /// Answers of more than a quarter of the cache together take no more than three quarters, so that a few large ones
    /// do not drive all others out; one that would take more alone is not kept.
    func keep(_ entry: Entry, for key: Key) {
        var entry = entry
        entry.byteCount =
            1024 + key.expression.count + entry.query.count + (entry.counts?.queryable.count ?? 0) * 8
            + entry.texts.byteCount
            + entry.series.reduce(0) { $0 + $1.cost.bytes }
        state.withLock { state in
            state.remove(key)
            if isLarge(entry) {
                let share = limitBytes / 4 * 3
                guard entry.byteCount <= share else { return }
                func largeBytes() -> Int {
                    state.entries.values.reduce(0) { $0 + (isLarge($1) ? $1.byteCount : 0) }
                }
                while largeBytes() + entry.byteCount > share { state.removeOldest { isLarge($0) } }
            }
            while state.byteCount + entry.byteCount > limitBytes, state.removeOldest(where: { _ in true }) {}
            state.uses += 1
            entry.lastUse = state.uses
            state.byteCount += entry.byteCount
            state.entries[key] = entry
        }
    }

    private func isLarge(_ entry: Entry) -> Bool { entry.byteCount > limitBytes / 4 }
}
