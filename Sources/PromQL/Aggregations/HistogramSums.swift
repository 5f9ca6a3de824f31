import MetricModel

/// The sums or means of a group's histograms, one for each step that has any.
///
/// A step with floats and histograms has no result, nor one at which exponential and custom buckets meet. What is said
/// about it depends on which came first, as in Prometheus: behind a float histograms are not added up, and behind
/// buckets that do not go together nothing counts any more.
struct HistogramSums {
    private struct Step {
        var sum: HistogramSum
        /// Floats came first.
        let isBehindFloats: Bool
        /// Floats came before the buckets that do not go together.
        var hadFloats = false
    }

    private let takesMean: Bool
    private var steps: [Int: Step] = [:]

    init(takesMean: Bool) { self.takesMean = takesMean }

    /// Adds the histograms of a series; `hasFloat` tells of which steps the group has floats so far.
    mutating func add(_ series: StepSeries, notes: inout AggregationNotes, hasFloat: (Int) -> Bool) {
        for sample in series.histograms {
            var step =
                steps.removeValue(forKey: sample.step)
                ?? Step(sum: HistogramSum(takesMean: takesMean), isBehindFloats: hasFloat(sample.step))
            if !step.isBehindFloats, !step.sum.isIncompatible {
                step.sum.add(sample.histogram)
                if step.sum.isIncompatible {
                    notes.insertMixedSchemas(at: series.labels.metricName)
                    step.hadFloats = hasFloat(sample.step)
                }
            }
            steps[sample.step] = step
        }
    }

    /// Puts the finished sums beside the floats.
    func finish(into result: inout StepSeries, notes: inout AggregationNotes) {
        for (index, var step) in steps.sorted(by: { $0.key < $1.key }) {
            let hasFloats = step.sum.isIncompatible ? step.hadFloats : !result.values[index].isAbsent
            result.values[index] = Column.absent
            let histogram = hasFloats ? nil : step.sum.result
            if step.sum.notes.contains(.reconciledCustomBucketsInAggregation) { notes.insert(.reconciledCustomBuckets) }
            if step.sum.notes.contains(.counterResetCollisionInAggregation) { notes.insert(.counterResetCollision) }
            if hasFloats { notes.insert(.mixedFloatsAndHistograms) }
            if let histogram { result.histograms.append(StepHistogram(step: index, histogram: histogram)) }
        }
    }
}
