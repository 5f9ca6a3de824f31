internal import CColumns
import MetricModel

/// The windows of eight neighbouring steps over one column, which are read side by side from their beginnings.
struct WindowOctet {
    static let lanes = Int(ccolumns_lanes)
    /// All of the windows.
    static let all: UInt32 = (1 << UInt32(lanes)) - 1

    let values: [Double]
    private(set) var step = 0
    /// The windows within the values; none is empty.
    private(set) var first = [Int32](repeating: 0, count: lanes)
    private(set) var end = [Int32](repeating: 0, count: lanes)

    init(_ input: RangeInput) { values = input.columns.values }

    /// Takes the windows of the steps from one on; false where one of them is empty.
    mutating func take(_ input: RangeInput, from step: Int) -> Bool {
        self.step = step
        for lane in 0..<Self.lanes {
            let window = input.floats(at: step + lane)
            if window.isEmpty { return false }
            first[lane] = Int32(window.lowerBound)
            end[lane] = Int32(window.upperBound)
        }
        return true
    }
}

/// A function of windows that can be computed for eight of them at a time.
protocol OctetFunction: WindowFunction {
    /// Writes a result for each window, the same as `value` gives. The bits of those are set that `value` has to give.
    func evaluate(_ octet: WindowOctet, _ input: RangeInput, into results: inout [Double]) -> UInt32
}

/// Runs a function over all windows, eight at a time where there are no histograms.
struct OctetKernel<Body: OctetFunction>: RangeKernel {
    let body: Body

    init(_ body: Body) { self.body = body }

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        let alone = WindowKernel(body)
        guard !input.hasHistograms, input.windowsOverlap, input.stepCount >= WindowOctet.lanes else {
            return alone.evaluate(input, into: &output, notes: &notes)
        }
        let column = input.columns.values.span
        var octet = WindowOctet(input)
        var results = [Double](repeating: 0, count: WindowOctet.lanes)
        var done = 0
        while done < input.stepCount {
            // The last eight overlap with those before them: that costs less than to look at some alone.
            let step = min(done, input.stepCount - WindowOctet.lanes)
            if octet.take(input, from: step) {
                let left = body.evaluate(octet, input, into: &results)
                for lane in 0..<WindowOctet.lanes {
                    if left & 1 << UInt32(lane) == 0 {
                        output.values[step + lane] = results[lane]
                    } else {
                        alone.evaluate(step + lane, input, column, into: &output, notes: &notes)
                    }
                }
                done = step + WindowOctet.lanes
            } else {
                alone.evaluate(done, input, column, into: &output, notes: &notes)
                done += 1
            }
            if done & 63 < WindowOctet.lanes, input.isOver(at: 63) { return }
        }
    }
}
