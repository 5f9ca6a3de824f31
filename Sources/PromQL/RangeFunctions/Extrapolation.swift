/// How far a difference over samples stands for the whole window.
struct Extrapolation: Sendable {
    /// Stands where a window has no two samples.
    static let none = Extrapolation(firstTime: 0, lastTime: 0, rangeStart: 0, rangeEnd: 0, intervals: 1)

    fileprivate let sampledSeconds: Double
    fileprivate let secondsToStart: Double
    fileprivate let secondsToEnd: Double
    /// The factor where the counter's zero is out of reach, once `prepare` was called.
    private(set) var wholeFactor = 0.0

    /// Works out what is the same for all series of the clock.
    mutating func prepare(rateSeconds: Double?) {
        wholeFactor = factor(result: 0, firstValue: 0, isCounter: false, rateSeconds: rateSeconds)
    }

    /// What rounding may do to both sides of the comparison, and where products are too small to be compared.
    static let margin = 1.000_001
    static let leastLimit = 1e-200

    /// Whether a counter may have been zero so close before the first sample that this limits the extrapolation.
    ///
    /// False only where `factor` would find the zero farther away than it extrapolates, which is told without its
    /// division, with room for what rounding may do.
    @inline(__always)
    func mayReachZero(result: Double, firstValue: Double) -> Bool {
        guard result > 0, firstValue >= 0 else { return false }
        let limit = secondsToStart * result * Self.margin
        return !(sampledSeconds * firstValue > limit && limit > Self.leastLimit)
    }

    /// - Parameter beganAt: The time inside the window at which the counter began at zero, if it is known.
    @inline(__always)
    init(
        firstTime: Int64, lastTime: Int64, rangeStart: Int64, rangeEnd: Int64, intervals: Int, beganAt: Int64? = nil
    ) {
        let interval = Double(lastTime - firstTime) / 1000
        let averageSeconds = intervals > 0 ? interval / Double(intervals) : 0
        let threshold = averageSeconds * 1.1
        let toEnd = Double(rangeEnd - lastTime) / 1000
        secondsToEnd = toEnd >= threshold ? averageSeconds / 2 : toEnd
        if let beganAt {
            sampledSeconds = Double(lastTime - beganAt) / 1000
            secondsToStart = 0
        } else {
            sampledSeconds = interval
            let toStart = Double(firstTime - rangeStart) / 1000
            secondsToStart = toStart >= threshold ? averageSeconds / 2 : toStart
        }
    }

    /// What to multiply the difference with.
    ///
    /// A counter is not extrapolated below zero.
    @inline(__always)
    func factor(result: Double, firstValue: Double, isCounter: Bool, rateSeconds: Double?) -> Double {
        var toStart = secondsToStart
        if isCounter {
            var toZero = toStart
            if result > 0, firstValue >= 0 { toZero = sampledSeconds * (firstValue / result) }
            if toZero < toStart { toStart = toZero }
        }
        var factor = sampledSeconds == 0 ? 1 : (sampledSeconds + toStart + secondsToEnd) / sampledSeconds
        if let rateSeconds { factor /= rateSeconds }
        return factor
    }
}

/// How `rate` extrapolates each window of a clock where a series has all of its samples.
final class ClockExtrapolations: Sendable {
    static let none = ClockExtrapolations([], first: [], end: [])

    /// One for each step.
    let steps: [Extrapolation]
    /// The first run of steps whose windows have two samples at least; nearly always there is but one.
    let run: Range<Int>
    /// No step outside the run has two samples.
    let hasOneRun: Bool
    /// Each window of the run begins and ends a sample behind the one before: the samples are as far apart as the steps.
    let runsByOne: Bool
    /// The parts of the steps in four columns, so that a loop takes several at a time: seconds between the samples, to
    /// the window's start, to its end, whole factors.
    let columns: [Double]

    init(_ steps: [Extrapolation], first: [Int32], end: [Int32]) {
        self.steps = steps
        var columns: [Double] = []
        columns.reserveCapacity(4 * steps.count)
        for next in steps { columns.append(next.sampledSeconds) }
        for next in steps { columns.append(next.secondsToStart) }
        for next in steps { columns.append(next.secondsToEnd) }
        for next in steps { columns.append(next.wholeFactor) }
        self.columns = columns
        var low = 0
        while low < first.count, end[low] - first[low] < 2 { low += 1 }
        var high = low
        while high < first.count, end[high] - first[high] >= 2 { high += 1 }
        run = low..<high
        runsByOne = (low..<high).allSatisfy {
            Int(first[$0]) - Int(first[low]) == $0 - low && Int(end[$0]) - Int(end[low]) == $0 - low
        }
        hasOneRun = (high..<first.count).allSatisfy { end[$0] - first[$0] < 2 }
    }
}
