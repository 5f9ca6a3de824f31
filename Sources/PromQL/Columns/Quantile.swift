import MetricModel

/// The quantile of a set of values as `quantile` and `quantile_over_time` take it.
enum Quantile {
    /// Interpolates linearly between the two ranks around `quantile * (count - 1)`; NaN values rank lowest.
    ///
    /// Outside 0...1 the result is infinite, for NaN and no values it is NaN. Reorders `values`.
    /// - Complexity: O(count) on average
    static func of(_ values: inout [Double], _ quantile: Double) -> Double {
        var lower = -1
        return of(count: values.count, quantile) { rank in
            // The upper rank is asked for second: it is the least of what lies behind the lower one.
            if lower >= 0, rank > lower { return smallest(values, from: rank) }
            lower = rank
            return select(&values, rank)
        }
    }

    /// The quantile of `count` values that `value` gives by rank, the lower rank first.
    @inline(__always)
    static func of(count: Int, _ quantile: Double, _ value: (Int) -> Double) -> Double {
        if count == 0 || quantile.isNaN { return SpecialValue.notANumber }
        if quantile < 0 { return -Double.infinity }
        if quantile > 1 { return Double.infinity }
        let last = Double(count - 1)
        let rank = quantile * last
        let lower = max(0, rank.rounded(.down))
        let upper = min(last, lower + 1)
        let weight = rank - rank.rounded(.down)
        let low = value(Int(lower))
        let high = Int(upper) == Int(lower) ? low : value(Int(upper))
        return low * (1 - weight) + high * weight
    }

    /// Whether one value ranks below another: NaN below all.
    @inline(__always)
    static func precedes(_ left: Double, _ right: Double) -> Bool {
        left < right || (left.isNaN && !right.isNaN)
    }

    /// The value of rank `rank`; afterwards all values behind it rank no lower.
    ///
    /// Hoare's selection with the median of three as pivot (C. A. R. Hoare, Algorithm 65, CACM 4 (1961)).
    private static func select(_ values: inout [Double], _ rank: Int) -> Double {
        var low = 0
        var high = values.count - 1
        while low < high {
            let pivot = medianOfThree(values[low], values[(low + high) / 2], values[high])
            var left = low
            var right = high
            while left <= right {
                while precedes(values[left], pivot) { left += 1 }
                while precedes(pivot, values[right]) { right -= 1 }
                if left <= right {
                    values.swapAt(left, right)
                    left += 1
                    right -= 1
                }
            }
            if rank <= right {
                high = right
            } else if rank >= left {
                low = left
            } else {
                break
            }
        }
        return values[rank]
    }

    private static func medianOfThree(_ first: Double, _ second: Double, _ third: Double) -> Double {
        if precedes(first, second) {
            if precedes(second, third) { return second }
            return precedes(first, third) ? third : first
        }
        if precedes(first, third) { return first }
        return precedes(second, third) ? third : second
    }

    private static func smallest(_ values: [Double], from start: Int) -> Double {
        var result = values[start]
        for index in start..<values.count where precedes(values[index], result) { result = values[index] }
        return result
    }
}
