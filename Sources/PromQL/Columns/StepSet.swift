/// A set of steps, a bit each.
struct StepSet: Sendable {
    private var words: [UInt64]

    init(stepCount: Int) { words = [UInt64](repeating: 0, count: (stepCount + 63) / 64) }

    var byteCount: Int { words.count * 8 }

    func contains(_ step: Int) -> Bool { words[step / 64] >> UInt64(step % 64) & 1 != 0 }

    /// False where the step was in the set.
    mutating func insert(_ step: Int) -> Bool {
        let bit: UInt64 = 1 << UInt64(step % 64)
        let isNew = words[step / 64] & bit == 0
        words[step / 64] |= bit
        return isNew
    }

    /// Takes in some of 64 steps from a multiple of 64 on, by bit; those of them that were in the set already.
    mutating func insert(_ mask: UInt64, from first: Int) -> UInt64 {
        let known = words[first / 64] & mask
        words[first / 64] |= mask
        return known
    }
}

extension StepSeries {
    /// Takes away the floats of all other steps, and all histograms.
    mutating func keepFloats(at steps: StepSet) {
        dropHistograms()
        for step in values.indices where !steps.contains(step) { values[step] = Column.absent }
    }
}
