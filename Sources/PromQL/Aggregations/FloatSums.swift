/// Compensated sums, one for each step, of series that are added one after the other.
///
/// The sums of a step are taken in the order of the series, as Prometheus takes them; those of neighbouring steps do not
/// depend on each other, so the loop over steps keeps the processor busy where a loop over one sum would wait.
struct FloatSums {
    /// Bytes a step takes.
    static let bytesPerStep = MemoryLayout<Step>.stride

    private struct Step {
        var total = CompensatedSum(-0.0)
        var hasFloat = false
    }

    private var steps: [Step]

    init(stepCount: Int) { steps = [Step](repeating: Step(), count: stepCount) }

    var stepCount: Int { steps.count }

    /// Adds a column with a value for each step.
    mutating func add(_ column: [Double]) {
        let values = column.span
        var steps = steps.mutableSpan
        for step in 0..<min(values.count, steps.count) {
            let value = unsafe values[unchecked: step]
            if value.isAbsent { continue }
            unsafe steps[unchecked: step].total.add(value)
            unsafe steps[unchecked: step].hasFloat = true
        }
    }

    /// The sum of a step, the absent value where nothing was added.
    func value(at step: Int) -> Double { steps[step].hasFloat ? steps[step].total.value : Column.absent }
}
