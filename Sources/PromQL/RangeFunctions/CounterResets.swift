internal import CColumns
import MetricModel

/// The places in a column where a counter went down.
struct CounterResets {
    /// Ascending.
    private(set) var positions: [Int] = []
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
    }

    /// Adds what was counted before each reset inside the window, in order.
    func corrected(_ difference: Double, _ values: [Double], in window: Range<Int>) -> Double {
        var low = 0
        var high = positions.count
        while low < high {
            let middle = (low + high) / 2
            if positions[middle] <= window.lowerBound { low = middle + 1 } else { high = middle }
        }
        var result = difference
        while low < positions.count, positions[low] < window.upperBound {
            result += values[positions[low] - 1]
            low += 1
        }
        return result
    }
}
