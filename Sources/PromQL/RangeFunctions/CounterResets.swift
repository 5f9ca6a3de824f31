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

    /// The resets of a column, looked for behind what is known to rise.
    static func find(in columns: SampleColumns) -> CounterResets {
        find(in: columns.values, from: max(1, columns.risingCount))
    }

    static func find(in values: [Double], from start: Int = 1) -> CounterResets {
        var resets = CounterResets()
        // Most counters have no reset at all.
        var next = firstFall(in: values, from: start)
        while next < values.count {
            resets.positions.append(next)
            next = firstFall(in: values, from: next + 1)
        }
        if resets.count >= leastTotalled {
            resets.lost = ExactSums(resets.positions.map { values[$0 - 1] }, limit: exactLimit)
        }
        return resets
    }

    /// The first place from `start` on whose value is below the one before; the number of values where there is none.
    private static func firstFall(in values: [Double], from start: Int) -> Int {
        // A pointer that the compiler makes of an array counts a reference to it.
        unsafe values.withUnsafeBufferPointer { values in
            guard let first = values.baseAddress else { return 0 }
            return unsafe ccolumns_first_fall(first, values.count, start)
        }
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
