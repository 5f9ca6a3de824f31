internal import CColumns
import MetricModel

/// One series of an instant vector over all steps of a timeline.
///
/// `values[k]` is the float at step `k`, or `Column.absent` where there is none. Histograms are rare and stand in
/// a sparse column beside it, in order of step; a step has a float, a histogram or neither.
struct StepSeries: Sendable {
    var labels: LabelSet
    /// The name, type and unit labels are to be dropped at the end (delayed name removal only).
    var dropsName: Bool
    /// The number of its group, where the series is on its way to an aggregation; it need not have labels then.
    var group: Int32 = 0
    /// Where they are changed, what was known of them is known no more.
    var values: [Double] { didSet { knownRun = nil } }
    /// The steps that have floats, where whoever wrote these knew them for one run without gaps.
    private var knownRun: Range<Int>?
    var histograms: [StepHistogram]

    init(labels: LabelSet = .empty, dropsName: Bool = false, values: [Double], histograms: [StepHistogram] = []) {
        self.labels = labels
        self.dropsName = dropsName
        self.values = values
        self.histograms = histograms
    }

    /// A series with nothing at any step.
    init(labels: LabelSet = .empty, absentOver stepCount: Int) {
        self.init(labels: labels, values: [Double](repeating: Column.absent, count: stepCount))
    }

    /// Takes floats, and what is known of the steps that have any.
    mutating func take(_ floats: consuming [Double], run: Range<Int>?) {
        values = floats
        knownRun = run
    }

    /// The steps that have floats, where that is known to be one run without gaps.
    var knownFloatRun: Range<Int>? { knownRun }

    /// Takes the floats out of a series that is not needed any more.
    mutating func takeValues() -> [Double] {
        var floats: [Double] = []
        swap(&floats, &values)
        return floats
    }

    /// Makes the floats anew, with nothing at any step, in the memory that there is.
    mutating func makeAbsent(over stepCount: Int) {
        var floats: [Double] = []
        swap(&floats, &values)
        if floats.count == stepCount {
            for step in 0..<stepCount { floats[step] = Column.absent }
        } else {
            floats.removeAll(keepingCapacity: true)
            floats.append(addingCapacity: stepCount) { $0.append(repeating: Column.absent, count: stepCount) }
        }
        take(floats, run: 0..<0)
    }

    /// The one step there is gets a float, the absent value for none.
    mutating func takeOnly(_ value: Double) {
        if values.count == 1 {
            values[0] = value
        } else {
            values.removeAll(keepingCapacity: true)
            values.append(value)
        }
        knownRun = 0..<(value.isAbsent ? 0 : 1)
    }

    /// Begins the next series in the memory that there is; its floats are written in place of those that stand here.
    mutating func restart(labels next: LabelSet) {
        labels = next
        dropsName = false
        group = 0
        if !histograms.isEmpty { histograms.removeAll(keepingCapacity: true) }
    }

    /// Whether there is a sample at any step.
    var isEmpty: Bool {
        if let knownRun { return histograms.isEmpty && knownRun.isEmpty }
        return histograms.isEmpty && !values.contains { !$0.isAbsent }
    }

    /// The first step with a sample, nil where there is none.
    var firstStep: Int? {
        let float = values.firstIndex { !$0.isAbsent }
        guard let histogram = histograms.first?.step else { return float }
        return min(float ?? histogram, histogram)
    }

    /// The last step with a sample, nil where there is none.
    var lastStep: Int? {
        let floats = floatExtent
        let float = floats.isEmpty ? nil : floats.upperBound - 1
        guard let histogram = histograms.last?.step else { return float }
        return max(float ?? histogram, histogram)
    }

    /// The steps from the first float to the last; empty where there is none.
    var floatExtent: Range<Int> {
        if let knownRun { return knownRun }
        guard let first = values.firstIndex(where: { !$0.isAbsent }),
            let last = values.lastIndex(where: { !$0.isAbsent })
        else { return 0..<0 }
        return first..<last + 1
    }

    /// Whether there is a float or a histogram at a step.
    func hasElement(at step: Int) -> Bool {
        !values[step].isAbsent || (!histograms.isEmpty && histogram(at: step) != nil)
    }

    /// The number of floats.
    var floatCount: Int {
        if let run { return run.count }
        var count = 0
        for value in values where !value.isAbsent { count += 1 }
        return count
    }

    /// The steps that have floats where they are one run without gaps, nil where there are gaps.
    var run: Range<Int>? {
        if let knownRun { return knownRun }
        guard let first = values.firstIndex(where: { !$0.isAbsent }),
            let last = values.lastIndex(where: { !$0.isAbsent })
        else { return 0..<0 }
        let run = first..<last + 1
        // Few columns have NaN in them, as an absent value is; where one has, it is looked at closely.
        if Column.hasNaN(values, in: run), values[run].contains(where: { $0.isAbsent }) { return nil }
        return run
    }

    /// Which steps have a float or a histogram.
    func presence() -> [Bool] {
        var result = values.map { !$0.isAbsent }
        for sample in histograms { result[sample.step] = true }
        return result
    }

    /// Takes away what is at the steps for which `isKept` is false.
    mutating func keep(where isKept: [Bool]) {
        for step in values.indices where !isKept[step] { values[step] = Column.absent }
        if !histograms.isEmpty { histograms.removeAll { !isKept[$0.step] } }
    }

    /// The same for steps that are told one by one.
    mutating func keep(_ isKept: (Int) -> Bool) {
        for step in values.indices where !isKept(step) { values[step] = Column.absent }
        if !histograms.isEmpty { histograms.removeAll { !isKept($0.step) } }
    }

    /// The histogram at a step, nil where there is none.
    /// - Complexity: O(log n)
    func histogram(at step: Int) -> NativeHistogram? {
        guard !histograms.isEmpty else { return nil }
        var low = 0
        var high = histograms.count
        while low < high {
            let middle = (low + high) / 2
            if histograms[middle].step < step { low = middle + 1 } else { high = middle }
        }
        return low < histograms.count && histograms[low].step == step ? histograms[low].histogram : nil
    }

    /// Removes all histograms.
    mutating func dropHistograms() { if !histograms.isEmpty { histograms.removeAll(keepingCapacity: true) } }

    /// What the series counts against the limit of samples: floats one each, histograms by their size.
    var sampleCost: Int {
        var cost = floatCount
        for sample in histograms { cost += sample.histogram.sampleCost }
        return cost
    }
}

/// A histogram at one step.
struct StepHistogram: Sendable {
    var step: Int
    var histogram: NativeHistogram
}

/// The special values of MetricModel, spelled out here so that loops over columns compare with constants: a reference
/// to another module's constant is a call.
enum Column {
    static let absentBits: UInt64 = 0x7ff0_0000_0000_0003
    static let staleBits: UInt64 = 0x7ff0_0000_0000_0002

    /// `SpecialValue.absent`.
    @inline(__always)
    static var absent: Double { Double(bitPattern: absentBits) }

    /// Whether any value of a run is NaN.
    static func hasNaN(_ values: [Double], in run: Range<Int>) -> Bool {
        unsafe values[run].withUnsafeBufferPointer { run in
            guard let start = run.baseAddress else { return false }
            return unsafe ccolumns_has_nan(start, run.count) != 0
        }
    }
}

extension Double {
    /// Whether the column has no value here; told by bits.
    @inline(__always)
    var isAbsent: Bool { bitPattern == Column.absentBits }

    /// Whether the value is a staleness marker; told by bits.
    @inline(__always)
    var isStale: Bool { bitPattern == Column.staleBits }
}

extension NativeHistogram {
    /// The size in float samples of 16 bytes, as Prometheus counts it.
    var sampleCost: Int {
        let spans = (positiveSpans.count + negativeSpans.count) * 8
        let buckets = (positiveBuckets.count + negativeBuckets.count + customValues.count) * 8
        return (168 + spans + buckets + 8) / 16
    }
}
