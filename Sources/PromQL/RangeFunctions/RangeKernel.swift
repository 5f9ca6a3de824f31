import MetricModel

/// A function of the samples in a window, computed over all windows of one series.
///
/// A kernel is a value that several threads use at once; what it writes stands in its arguments.
protocol RangeKernel: Sendable {
    /// Whether the samples keep staleness markers. Only the selection of the newest sample wants them.
    var keepsStaleMarkers: Bool { get }

    /// Whether the result keeps the metric's name.
    var keepsName: Bool { get }

    /// Whether it looks at the values of floats, beyond telling staleness markers.
    var needsValues: Bool { get }

    /// Whether whoever takes the results goes by the order of the series.
    var needsOrder: Bool { get }

    /// Fills `output`, which comes absent at every step.
    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes)
}

extension RangeKernel {
    var keepsStaleMarkers: Bool { false }
    var keepsName: Bool { false }
    var needsValues: Bool { true }
    var needsOrder: Bool { true }
}

/// The samples of one series and the windows over them.
struct RangeInput {
    var columns: SampleColumns
    /// Over the clock of `columns`.
    var floatWindows: WindowIndexes
    /// Over the timestamps of `columns.histograms`; empty where there are none.
    var histogramWindows: WindowIndexes
    var windows: WindowTimes
    /// The times at which the query is evaluated, before `@` and `offset`.
    var timeline: Timeline
    /// Asked now and then by kernels whose windows are long.
    var limits: QueryLimits?

    /// Whether the query's time is over, or nobody wants its answer: the rest of the steps need not be computed.
    ///
    /// Looked at once in 64 steps. Whoever runs the kernel finds out for himself and throws.
    @inline(__always)
    func isOver(at step: Int) -> Bool { step & 63 == 63 && limits?.isOver ?? false }

    var stepCount: Int { timeline.count }
    var hasHistograms: Bool { !columns.histograms.isEmpty }

    /// Whether the windows cover so many samples several times that a running total pays.
    var windowsOverlap: Bool { floatWindows.sampleCount > 4 * columns.values.count }

    /// The floats in a step's window.
    @inline(__always)
    func floats(at step: Int) -> Range<Int> {
        floatWindows.range(at: step, offset: columns.clockOffset, count: columns.values.count)
    }

    /// The histograms in a step's window.
    @inline(__always)
    func histograms(at step: Int) -> Range<Int> {
        guard hasHistograms else { return 0..<0 }
        return histogramWindows.range(at: step, offset: 0, count: columns.histograms.count)
    }
}

/// What a kernel noticed about a series; the operator turns it into annotations, which need names and positions.
struct KernelNotes: OptionSet, Sendable {
    private(set) var rawValue: UInt64

    init(rawValue: UInt64) { self.rawValue = rawValue }

    static let mixedFloatsAndHistograms = KernelNotes(rawValue: 1 << 0)
    static let ignoredHistograms = KernelNotes(rawValue: 1 << 1)
    static let histogramIsNotCounter = KernelNotes(rawValue: 1 << 2)
    static let histogramIsNotGauge = KernelNotes(rawValue: 1 << 3)
    static let mixedExponentialAndCustom = KernelNotes(rawValue: 1 << 4)
    static let reconciledCustomBucketsInAddition = KernelNotes(rawValue: 1 << 5)
    static let reconciledCustomBucketsInSubtraction = KernelNotes(rawValue: 1 << 6)
    static let reconciledCustomBucketsInAggregation = KernelNotes(rawValue: 1 << 7)
    static let counterResetCollisionInAddition = KernelNotes(rawValue: 1 << 8)
    static let counterResetCollisionInSubtraction = KernelNotes(rawValue: 1 << 9)
    static let counterResetCollisionInAggregation = KernelNotes(rawValue: 1 << 10)
    /// A float result came out, so that the name is worth judging.
    static let hasFloatResult = KernelNotes(rawValue: 1 << 11)
    static let hasHistogramResult = KernelNotes(rawValue: 1 << 12)
    static let smoothedRangeHasHistograms = KernelNotes(rawValue: 1 << 13)
    static let startTimesOverlap = KernelNotes(rawValue: 1 << 14)

    /// In how many windows start times overlapped; the upper half of the bits.
    var overlapCount: Int { Int(rawValue >> 32) }

    /// Notes a window in which start times overlap.
    mutating func countOverlap() {
        insert(.startTimesOverlap)
        rawValue &+= 1 << 32
    }

    /// Whether there is something to say that was not said: what is counted is said every time.
    func areNews(besides said: KernelNotes) -> Bool { overlapCount > 0 || !said.isSuperset(of: self) }
}
