import MetricModel

/// `quantile_over_time` over windows that overlap: the values of the window are kept in order while it moves.
struct SlidingQuantile: RangeKernel {
    let quantiles: [Double]

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        guard input.windowsOverlap, !input.hasHistograms else {
            WindowKernel(QuantileOverTime(quantiles: quantiles)).evaluate(input, into: &output, notes: &notes)
            return
        }
        if input.prefersRankTree {
            slide(input, RankTree(input.columns.values), into: &output)
        } else {
            slide(input, SortedWindow(input.columns.values), into: &output)
        }
    }

    private func slide(_ input: RangeInput, _ empty: some OrderedWindow, into output: inout StepSeries) {
        input.slide(empty) { step, window, ordered in
            output.values[step] = Quantile.of(count: window.count, quantiles[step]) { ordered.value(rank: $0) }
        }
    }
}
