/// A sum with Neumaier's compensation, step by step as Prometheus takes it (`util/kahansum`), so that results agree to
/// the last bit.
///
/// An infinite sum has no compensation.
///
/// A. Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", ZAMM 54 (1974).
struct CompensatedSum {
    var sum: Double
    var compensation: Double

    init(_ sum: Double = 0, compensation: Double = 0) {
        self.sum = sum
        self.compensation = compensation
    }

    @inline(__always)
    mutating func add(_ increment: Double) {
        let total = sum + increment
        if total.isInfinite {
            compensation = 0
        } else if abs(sum) >= abs(increment) {
            compensation += (sum - total) + increment
        } else {
            compensation += (increment - total) + sum
        }
        sum = total
    }

    /// The sum with its compensation.
    @inline(__always)
    var value: Double { sum.isInfinite ? sum : sum + compensation }
}

/// A mean from a compensated sum, which changes to an incremental mean when the sum would overflow.
struct CompensatedMean {
    private var total: CompensatedSum
    private(set) var count = 1.0
    private var isIncremental = false

    init(first: Double) { total = CompensatedSum(first) }

    /// A mean of so many values, the sum of which is not infinite.
    init(total: CompensatedSum, count: Double) {
        self.total = total
        self.count = count
    }

    @inline(__always)
    mutating func add(_ value: Double) {
        count += 1
        if !isIncremental {
            var next = total
            next.add(value)
            if !next.sum.isInfinite {
                total = next
                return
            }
            isIncremental = true
            total.sum /= count - 1
            total.compensation /= count - 1
        }
        let share = (count - 1) / count
        total.sum *= share
        total.compensation *= share
        total.add(value / count)
    }

    var value: Double {
        isIncremental ? total.sum + total.compensation : total.sum / count + total.compensation / count
    }
}
