internal import CColumns

/// Compensated means, one for each step, of series that are added one after the other.
struct FloatMeans {
    /// Bytes a step takes.
    static let bytesPerStep = 24

    /// The absent value where nothing was added, infinite where the mean stands among those that overflowed.
    private var sums: [Double]
    private var compensations: [Double]
    private var counts: [Double]
    /// The means whose sums would be infinite, by step; few columns have any.
    private var overflowed: [Int: CompensatedMean] = [:]

    init(stepCount: Int) {
        sums = [Double](repeating: Column.absent, count: stepCount)
        compensations = [Double](repeating: 0, count: stepCount)
        counts = compensations
    }

    /// Adds a column with a value for each step.
    mutating func add(_ column: [Double]) {
        let count = min(column.count, sums.count)
        guard unsafe ccolumns_overflows(column, count, sums) == 0 else {
            for step in 0..<count where !column[step].isAbsent { add(column[step], at: step) }
            return
        }
        unsafe ccolumns_add_to_sums(column, count, &sums, &compensations)
        unsafe ccolumns_count_present(column, count, &counts)
    }

    /// Makes room for more steps; the first so far becomes step `offset`.
    mutating func widen(to stepCount: Int, at offset: Int) {
        sums = sums.widened(to: stepCount, at: offset, filling: Column.absent)
        compensations = compensations.widened(to: stepCount, at: offset, filling: 0)
        counts = counts.widened(to: stepCount, at: offset, filling: 0)
        overflowed = [Int: CompensatedMean](uniqueKeysWithValues: overflowed.map { ($0.key + offset, $0.value) })
    }

    private mutating func add(_ value: Double, at step: Int) {
        if let mean = overflowed[step] {
            var next = mean
            next.add(value)
            overflowed[step] = next
            return
        }
        let isFirst = sums[step].isAbsent
        var total = isFirst ? CompensatedSum(-0.0) : CompensatedSum(sums[step], compensation: compensations[step])
        let before = CompensatedMean(total: total, count: counts[step])
        total.add(value)
        if total.sum.isInfinite {
            var mean = isFirst ? CompensatedMean(first: value) : before
            if !isFirst { mean.add(value) }
            overflowed[step] = mean
        }
        sums[step] = total.sum
        compensations[step] = total.compensation
        counts[step] += 1
    }

    /// Whether anything was added at a step.
    func hasValue(at step: Int) -> Bool { !sums[step].isAbsent }

    /// The mean of each step, the absent value where nothing was added; the end of it.
    mutating func finish() -> [Double] {
        unsafe ccolumns_finish_means(&sums, compensations, counts, sums.count)
        var result: [Double] = []
        swap(&result, &sums)
        for (step, mean) in overflowed { result[step] = mean.value }
        return result
    }
}
