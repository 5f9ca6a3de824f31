internal import CColumns

/// Compensated sums, one for each step, of series that are added one after the other.
///
/// The sums of a step are taken in the order of the series, as Prometheus takes them; those of neighbouring steps do not
/// depend on each other, so the loop over steps keeps the processor busy where a loop over one sum would wait.
struct FloatSums {
    /// Bytes a step takes.
    static let bytesPerStep = 16

    /// The absent value where nothing was added.
    private var sums: [Double]
    /// As many as sums.
    private var compensations: [Double]

    init(stepCount: Int) {
        sums = [Double](repeating: Column.absent, count: stepCount)
        compensations = [Double](repeating: 0, count: stepCount)
    }

    /// Adds a column with a value for each step.
    mutating func add(_ column: [Double]) {
        // A pointer that the compiler makes of an array counts a reference to it.
        unsafe column.withUnsafeBufferPointer { column in
            unsafe sums.withUnsafeMutableBufferPointer { sums in
                unsafe compensations.withUnsafeMutableBufferPointer { compensations in
                    guard let start = column.baseAddress, let sum = sums.baseAddress,
                        let compensation = compensations.baseAddress
                    else { return }
                    unsafe ccolumns_add_to_sums(start, min(column.count, sums.count), sum, compensation)
                }
            }
        }
    }

    /// Makes room for more steps; the first so far becomes step `offset`.
    mutating func widen(to stepCount: Int, at offset: Int) {
        sums = sums.widened(to: stepCount, at: offset, filling: Column.absent)
        compensations = compensations.widened(to: stepCount, at: offset, filling: 0)
    }

    /// Whether anything was added at a step.
    func hasValue(at step: Int) -> Bool { !sums[step].isAbsent }

    /// The sum of each step, the absent value where nothing was added; the end of it.
    mutating func finish() -> [Double] {
        unsafe ccolumns_finish_sums(&sums, compensations, sums.count)
        var result: [Double] = []
        swap(&result, &sums)
        return result
    }
}
