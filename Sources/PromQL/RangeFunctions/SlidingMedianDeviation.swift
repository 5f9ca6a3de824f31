import MetricModel

/// `mad_over_time` over windows that overlap: the values of the window are kept in order while it moves, and the
/// deviations from the median are two ordered runs, below and above it.
struct SlidingMedianDeviation: RangeKernel {
    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        guard input.windowsOverlap, !input.hasHistograms else {
            WindowKernel(MedianDeviationOverTime()).evaluate(input, into: &output, notes: &notes)
            return
        }
        if input.prefersRankTree {
            slide(input, RankTree(input.columns.values), into: &output)
        } else {
            slide(input, SortedWindow(input.columns.values), into: &output)
        }
    }

    private func slide(_ input: RangeInput, _ empty: some OrderedWindow, into output: inout StepSeries) {
        let column = input.columns.values.span
        input.slide(empty) { step, window, ordered in
            output.values[step] =
                Self.deviation(ordered, count: window.count)
                ?? MedianDeviationOverTime().value(column.extracting(window))
        }
    }

    /// Nil where the median is not finite: deviations from it have no order then.
    private static func deviation<Ordered: OrderedWindow>(_ ordered: borrowing Ordered, count: Int) -> Double? {
        // NaN ranks lowest.
        if ordered.value(rank: 0).isNaN { return SpecialValue.notANumber }
        let ordered = copy ordered
        let median = Quantile.of(count: count, 0.5) { ordered.value(rank: $0) }
        guard median.isFinite else { return nil }
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if ordered.value(rank: middle) < median { low = middle + 1 } else { high = middle }
        }
        let runs = DeviationRuns(ordered: ordered, median: median, split: low, count: count)
        return Quantile.of(count: count, 0.5) { runs.value(rank: $0) }
    }
}

/// The absolute deviations of ordered values from a median: those of smaller values grow downwards, the others upwards.
private struct DeviationRuns<Ordered: OrderedWindow> {
    let ordered: Ordered
    let median: Double
    /// The rank of the first value that is not below the median.
    let split: Int
    let count: Int

    private func below(_ index: Int) -> Double { abs(ordered.value(rank: split - 1 - index) - median) }
    private func above(_ index: Int) -> Double { abs(ordered.value(rank: split + index) - median) }

    /// The deviation of a rank.
    func value(rank: Int) -> Double {
        // How many of the `rank` smallest deviations lie below the median.
        var low = max(0, rank - (count - split))
        var high = min(rank, split)
        while low < high {
            let middle = (low + high) / 2
            // More come from below while the next one there is smaller than the last one taken above.
            if below(middle) < above(rank - middle - 1) { low = middle + 1 } else { high = middle }
        }
        let fromAbove = rank - low
        if low >= split { return above(fromAbove) }
        if split + fromAbove >= count { return below(low) }
        return min(below(low), above(fromAbove))
    }
}
