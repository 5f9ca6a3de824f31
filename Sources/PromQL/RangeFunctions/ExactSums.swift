/// Running totals of a column of whole numbers, so that the sum of any window is one subtraction.
///
/// A compensated sum of whole numbers whose absolute values add up to less than 2^53 is exact at every step: no addition
/// rounds, the compensation stays zero, and the order of the additions does not matter. So the difference of two running
/// totals has the very bits that adding up the window would give.
struct ExactSums {
    /// Below it every whole number is a double.
    static let limit: Int64 = 1 << 53

    /// The sum of the first `i` values stands at `i`.
    private let totals: [Int64]

    /// Nil where a value is no whole number or the sums might not be exact.
    ///
    /// - Parameter limit: What the absolute values must not add up to.
    init?(_ column: [Double], limit: Int64 = limit) {
        let values = column.span
        var totals = [Int64](repeating: 0, count: values.count + 1)
        var results = totals.mutableSpan
        var total: Int64 = 0
        var magnitude: Int64 = 0
        for index in 0..<values.count {
            let value = values[index]
            // Also false for NaN and infinities.
            guard value.magnitude < Double(limit) else { return nil }
            let whole = Int64(value)
            guard Double(whole) == value else { return nil }
            total &+= whole
            magnitude &+= abs(whole)
            guard magnitude < limit else { return nil }
            results[index + 1] = total
        }
        self.totals = totals
    }

    /// The sum of a window; zero for an empty one.
    @inline(__always)
    func sum(_ window: Range<Int>) -> Double { Double(totals[window.upperBound] &- totals[window.lowerBound]) }
}
