import MetricModel

/// `min_over_time`, `max_over_time` and when the extreme was seen, over windows that overlap: a queue of the values that
/// may still become the extreme of a window, so that each sample is looked at a few times however wide the windows are.
///
/// D. Lemire, "Streaming maximum-minimum filter using no more than three comparisons per element", Nordic Journal of
/// Computing 13 (2006).
struct SlidingExtreme: RangeKernel {
    let takesMaximum: Bool
    /// The result is the time of the extreme in seconds, of equal ones the last; otherwise its value, of equal ones the
    /// first.
    let takesTime: Bool

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        guard input.windowsOverlap, !input.hasHistograms else {
            if takesTime {
                WindowKernel(TimeOfExtreme(takesMaximum: takesMaximum)).evaluate(input, into: &output, notes: &notes)
            } else {
                WindowKernel(ExtremeOverTime(takesMaximum: takesMaximum)).evaluate(input, into: &output, notes: &notes)
            }
            return
        }
        let values = input.columns.values.span
        // Indexes of candidates, the extreme first; each sample is put in once.
        var queue = [Int32](repeating: 0, count: values.count)
        var head = 0
        var tail = 0
        var taken = 0
        for step in 0..<input.stepCount {
            let window = input.floats(at: step)
            guard !window.isEmpty else { continue }
            for index in max(taken, window.lowerBound)..<max(taken, window.upperBound) {
                let value = values[index]
                if value.isNaN { continue }
                while tail > head, isDone(values[Int(queue[tail - 1])], before: value) { tail -= 1 }
                queue[tail] = Int32(truncatingIfNeeded: index)
                tail += 1
            }
            taken = max(taken, window.upperBound)
            while head < tail, Int(queue[head]) < window.lowerBound { head += 1 }
            // Only NaN: the last of them.
            let found = head < tail ? Int(queue[head]) : window.upperBound - 1
            output.values[step] = takesTime ? Double(input.columns.timestamp(at: found)) / 1000 : values[found]
        }
    }

    /// Whether a value cannot be the extreme of a window that holds the later one.
    @inline(__always)
    private func isDone(_ value: Double, before later: Double) -> Bool {
        if takesTime { return takesMaximum ? later >= value : later <= value }
        return takesMaximum ? later > value : later < value
    }
}
