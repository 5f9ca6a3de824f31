/// The samples that a query took at each of its steps, where somebody asked for them by step.
///
/// Counted as Prometheus counts them with `promql-per-step-stats`: what a window covers counts at every step that covers
/// it. A sample is read once, at the first step that needs it.
package struct StepCounts: Sendable, Equatable {
    package private(set) var queryable: [Int]
    package private(set) var read: [Int]

    private let timeline: Timeline

    init(over timeline: Timeline) {
        self.timeline = timeline
        queryable = [Int](repeating: 0, count: timeline.count)
        read = queryable
    }

    /// In milliseconds.
    package func time(at step: Int) -> Int64 { timeline.time(at: step) }

    /// Counts a window at its step.
    ///
    /// - Parameter known: Where the window of the step before ended: what lies before was read there.
    mutating func count(_ window: Range<Int>, after known: inout Int, at step: Int) {
        read[step] += max(0, window.upperBound - max(window.lowerBound, known))
        known = max(known, window.upperBound)
        queryable[step] += window.count
    }

    mutating func countQueryable(_ count: Int, at step: Int) { queryable[step] += count }
    /// What was read beside, below subqueries or in the same blocks, counts at the first step.
    mutating func completeRead(_ total: Int) {
        guard !read.isEmpty else { return }
        read[0] += max(0, total - read.reduce(0, +))
    }

    mutating func countRead(_ count: Int, at step: Int) { read[step] += count }

    static func += (left: inout StepCounts, right: StepCounts) {
        for step in 0..<min(left.queryable.count, right.queryable.count) {
            left.queryable[step] += right.queryable[step]
            left.read[step] += right.read[step]
        }
    }

    /// What one evaluation counted since `earlier` counts at every other step too; it is read once.
    mutating func repeatFirstStep(since earlier: Int) {
        let once = queryable[0] - earlier
        for step in queryable.indices.dropFirst() { queryable[step] += once }
    }
}
