import MetricModel

extension RangeInput {
    /// From this many values in a window on, moving them about in a sorted array costs more than a tree.
    private static let treeThreshold = 512

    var prefersRankTree: Bool { floatWindows.sampleCount > Self.treeThreshold * stepCount }

    /// Calls `body` for each window that is not empty with its values in order.
    func slide<Ordered: OrderedWindow>(_ empty: Ordered, _ body: (Int, Range<Int>, borrowing Ordered) -> Void) {
        var ordered = empty
        var held = 0..<0
        for step in 0..<stepCount {
            let window = floats(at: step)
            guard !window.isEmpty else { continue }
            if isOver(at: step) { return }
            for index in held.lowerBound..<max(held.lowerBound, min(window.lowerBound, held.upperBound)) {
                ordered.remove(index)
            }
            for index in max(held.upperBound, window.lowerBound)..<max(held.upperBound, window.upperBound) {
                ordered.insert(index)
            }
            held = window
            body(step, window, ordered)
        }
    }
}

/// The values of a window by rank, NaN lowest.
protocol OrderedWindow {
    mutating func insert(_ index: Int)
    mutating func remove(_ index: Int)
    func value(rank: Int) -> Double
}

/// A sorted array: best for hundreds of values, because moving them is one `memmove`.
struct SortedWindow: OrderedWindow {
    private let column: [Double]
    private var sorted: [Double] = []

    init(_ column: [Double]) { self.column = column }

    mutating func insert(_ index: Int) { sorted.insert(column[index], at: place(of: column[index])) }
    mutating func remove(_ index: Int) { sorted.remove(at: place(of: column[index])) }
    func value(rank: Int) -> Double { sorted[rank] }

    /// The first place whose value does not rank below.
    private func place(of value: Double) -> Int {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if Quantile.precedes(sorted[middle], value) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// Counts of the column's ranks in a binary indexed tree: each step takes the logarithm of the column's length.
///
/// P. Fenwick, "A new data structure for cumulative frequency tables", Software: Practice and Experience 24 (1994).
struct RankTree: OrderedWindow {
    /// The values of the column in order.
    private let sorted: [Double]
    /// The rank of each value of the column, from 1.
    private let ranks: [Int32]
    private var counts: [Int32]
    private let highestBit: Int

    init(_ column: [Double]) {
        let order = column.indices.sorted { left, right in
            Quantile.precedes(column[left], column[right])
                || (!Quantile.precedes(column[right], column[left]) && left < right)
        }
        sorted = order.map { column[$0] }
        var ranks = [Int32](repeating: 0, count: column.count)
        for (rank, index) in order.enumerated() { ranks[index] = Int32(truncatingIfNeeded: rank + 1) }
        self.ranks = ranks
        counts = [Int32](repeating: 0, count: column.count + 1)
        highestBit = column.isEmpty ? 0 : 1 << (Int.bitWidth - 1 - column.count.leadingZeroBitCount)
    }

    mutating func insert(_ index: Int) { add(1, at: Int(ranks[index])) }
    mutating func remove(_ index: Int) { add(-1, at: Int(ranks[index])) }

    private mutating func add(_ change: Int32, at rank: Int) {
        var place = rank
        while place < counts.count {
            counts[place] &+= change
            place += place & -place
        }
    }

    func value(rank: Int) -> Double {
        var place = 0
        var rest = Int32(truncatingIfNeeded: rank)
        var bit = highestBit
        while bit > 0 {
            let next = place + bit
            if next < counts.count, counts[next] <= rest {
                place = next
                rest -= counts[next]
            }
            bit >>= 1
        }
        return sorted[place]
    }
}
