internal import CColumns
import MetricModel

/// The places in a column where a counter went down.
struct CounterResets {
    /// Fewer resets are added up faster than totals of them are made.
    static let leastTotalled = 32
    /// The sum of a difference and of what was lost, each below it, is exact whatever the order of the additions.
    private static let exactLimit: Int64 = 1 << 52

    /// Ascending.
    private(set) var positions: [Int] = []
    /// Totals of what was counted before the resets, where there are many and all are whole numbers.
    ///
    /// A gauge goes down at every other sample, and a long window over it must not take the longer for it.
    private var lost: ExactSums?
    var count: Int { positions.count }

    init() {}

    /// The resets of a column, looked for behind what is known to rise.
    init(in columns: SampleColumns) { self.init(in: columns.values, from: max(1, columns.risingCount)) }

    init(in values: [Double], from start: Int = 1) {
        // Most counters have no reset at all.
        var next = unsafe ccolumns_first_fall(values, values.count, start)
        while next < values.count {
            positions.append(next)
            next = unsafe ccolumns_first_fall(values, values.count, next + 1)
        }
        guard positions.count >= Self.leastTotalled else { return }
        lost = ExactSums(positions.map { values[$0 - 1] }, limit: Self.exactLimit)
    }

    /// Adds what was counted before each reset inside the window, in order.
    func corrected(_ difference: Double, _ values: [Double], in window: Range<Int>) -> Double {
        var next = firstReset(at: window.lowerBound + 1)
        if let lost, Self.isExact(difference) {
            let end = firstReset(at: window.upperBound)
            return next < end ? difference + lost.sum(next..<end) : difference
        }
        var result = difference
        while next < positions.count, positions[next] < window.upperBound {
            result += values[positions[next] - 1]
            next += 1
        }
        return result
    }

    /// Whether whole numbers can be added to a difference in any order; minus zero has none that leaves it as it is.
    private static func isExact(_ difference: Double) -> Bool {
        difference.magnitude < Double(exactLimit) && difference == difference.rounded()
            && (difference != 0 || difference.sign == .plus)
    }

    /// The number of the first reset at a place or behind it.
    private func firstReset(at place: Int) -> Int {
        ExtendedRate.first(in: 0..<positions.count) { positions[$0] >= place }
    }
}
