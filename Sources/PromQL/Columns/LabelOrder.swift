import MetricModel

/// Results are sorted by Prometheus' order of label sets.
enum LabelOrder {
    /// Whether one set comes before another: pair by pair, name before value, the shorter set first.
    /// - Complexity: O(bytes)
    static func precedes(_ left: LabelSet, _ right: LabelSet) -> Bool { left < right }

    /// Puts series in order; those that are in order already, as they come from the store, are only looked at.
    static func sort(_ series: inout [MatrixSeries]) {
        var isSorted = true
        for index in series.indices.dropFirst() where precedes(series[index].labels, series[index - 1].labels) {
            isSorted = false
            break
        }
        if !isSorted { series.sort { precedes($0.labels, $1.labels) } }
    }

    /// The same for series that an operator had to gather.
    static func sort(_ series: inout [StepSeries]) {
        var isSorted = true
        for index in series.indices.dropFirst() where precedes(series[index].labels, series[index - 1].labels) {
            isSorted = false
            break
        }
        if !isSorted { series.sort { precedes($0.labels, $1.labels) } }
    }
}
