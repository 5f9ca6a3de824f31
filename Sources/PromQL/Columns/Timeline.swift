/// The times at which an operator is evaluated: `start`, `start + step`, …, `count` of them, in milliseconds.
///
/// A step of zero repeats one time, which is what `@` makes of a selector that cannot be evaluated once.
struct Timeline: Hashable, Sendable {
    /// Times are at most this far from the epoch (36 million years), so that arithmetic on times and windows cannot
    /// overflow.
    static let limitMilliseconds: Int64 = 1 << 60

    let start: Int64
    let step: Int64
    let count: Int

    init(start: Int64, step: Int64, count: Int) {
        self.start = start
        self.step = step
        self.count = count
    }

    /// One time only.
    init(instant: Int64) { self.init(start: instant, step: 1, count: 1) }

    /// All multiples of the step from `start` up to `end`, none where the end is before the start.
    init(start: Int64, end: Int64, step: Int64) {
        let span = end.subtractingReportingOverflow(start)
        let length = span.overflow ? Int64.max : span.partialValue
        self.init(start: start, step: step, count: end < start || step <= 0 ? 0 : Int(length / step) + 1)
    }

    /// The nearest time that is within the limit.
    static func clamped(_ milliseconds: Int64) -> Int64 {
        min(max(milliseconds, -limitMilliseconds), limitMilliseconds)
    }

    /// The last time; `start` where there is none.
    var end: Int64 { start &+ Int64(max(count - 1, 0)) &* step }

    func time(at index: Int) -> Int64 { start &+ Int64(index) &* step }

    /// The same steps, moved into the past.
    func shifted(back milliseconds: Int64) -> Timeline {
        Timeline(start: start &- milliseconds, step: step, count: count)
    }
}
