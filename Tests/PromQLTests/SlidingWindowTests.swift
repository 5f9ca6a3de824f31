import MetricModel
import Testing

@testable import PromQL

/// Kernels that carry something from window to window give, bit for bit, what looking at each window anew gives.
@Suite("Sliding windows")
struct SlidingWindowTests {
    /// A column of random values with ties, NaN, zeros of both signs and, where told, fractions and infinities.
    private static func column(_ generator: inout SystemRandomNumberGenerator, count: Int, isWhole: Bool) -> [Double] {
        (0..<count).map { _ in
            switch Int.random(in: 0..<12, using: &generator) {
            case 0: isWhole ? 0 : SpecialValue.notANumber
            case 1: isWhole ? -3 : -0.0
            case 2: isWhole ? 1_000_000_007 : .infinity
            case 3: 0
            case 4..<8: Double(Int.random(in: -5...5, using: &generator))
            default:
                isWhole
                    ? Double(Int.random(in: -1000...1_000_000, using: &generator))
                    : Double.random(in: -10...10, using: &generator)
            }
        }
    }

    private static func input(
        _ values: [Double], from start: Int64 = -2000, step: Int64, length: Int64, offset: Int, jitter: Int64 = 13
    ) -> RangeInput {
        let clock = Clock((0..<values.count + offset).map { Int64($0) * 1000 + ($0 % 7 == 0 ? jitter : 0) })
        let times = Timeline(start: start, end: Int64(values.count + offset) * 1000 + 5000, step: step)
        let windows = WindowTimes(times: times, lengthMilliseconds: length)
        return RangeInput(
            columns: SampleColumns(clock: clock, clockOffset: offset, values: values),
            floatWindows: windows.indexes(over: clock.timestamps), histogramWindows: .empty, windows: windows,
            timeline: times)
    }

    private static func bits(_ kernel: any RangeKernel, _ input: RangeInput) -> [UInt64] {
        var output = StepSeries(absentOver: input.stepCount)
        var notes: KernelNotes = []
        kernel.evaluate(input, into: &output, notes: &notes)
        return output.values.map { $0.isNaN && !$0.isAbsent ? 1 : $0.bitPattern }
    }

    private static func forEachInput(isWhole: Bool, _ body: (RangeInput) -> Void) {
        var generator = SystemRandomNumberGenerator()
        for count in [0, 1, 2, 17, 300, 1300] {
            for (step, length) in [(1000, 60_000), (3000, 20_000), (500, 700_000), (7000, 1000)] as [(Int64, Int64)] {
                for offset in [0, 5] {
                    body(
                        input(
                            column(&generator, count: count, isWhole: isWhole), step: step, length: length,
                            offset: offset))
                }
            }
        }
    }

    @Test("extremes and their times", arguments: [false, true])
    func extremes(takesMaximum: Bool) {
        Self.forEachInput(isWhole: false) { input in
            #expect(
                Self.bits(SlidingExtreme(takesMaximum: takesMaximum, takesTime: false), input)
                    == Self.bits(WindowKernel(ExtremeOverTime(takesMaximum: takesMaximum)), input))
            #expect(
                Self.bits(SlidingExtreme(takesMaximum: takesMaximum, takesTime: true), input)
                    == Self.bits(WindowKernel(TimeOfExtreme(takesMaximum: takesMaximum)), input))
        }
    }

    @Test("quantiles, in windows of all sizes", arguments: [-1, 0, 0.3, 0.5, 0.99, 1, 2])
    func quantiles(quantile: Double) {
        Self.forEachInput(isWhole: false) { input in
            let quantiles = [Double](repeating: quantile, count: input.stepCount)
            // Which of two zeros comes first among equals is nobody's promise.
            func plain(_ bits: [UInt64]) -> [UInt64] { bits.map { $0 == 1 << 63 ? 0 : $0 } }
            #expect(
                plain(Self.bits(SlidingQuantile(quantiles: quantiles), input))
                    == plain(Self.bits(WindowKernel(QuantileOverTime(quantiles: quantiles)), input)))
        }
    }

    /// Inputs as they are, and with whole numbers made fractions, so that windows without NaN and infinities come too.
    private static func forEachFraction(_ body: (RangeInput) -> Void) {
        forEachInput(isWhole: false, body)
        forEachInput(isWhole: true) { input in
            var input = input
            input.columns.values = input.columns.values.map { $0 / 7 }
            body(input)
            input.columns.values = input.columns.values.map { $0 * 1e305 }
            body(input)
        }
    }

    @Test("deviations from the mean and from the median")
    func deviations() {
        Self.forEachFraction { input in
            for takesRoot in [false, true] {
                let function = VarianceOverTime(takesRoot: takesRoot)
                #expect(Self.bits(OctetKernel(function), input) == Self.bits(WindowKernel(function), input))
            }
            #expect(
                Self.bits(SlidingMedianDeviation(), input) == Self.bits(WindowKernel(MedianDeviationOverTime()), input))
        }
    }

    @Test("sums and means of fractions, eight windows at a time", arguments: [false, true])
    func fractions(takesMean: Bool) {
        let function = FractionSum(takesMean: takesMean)
        Self.forEachFraction { input in
            #expect(Self.bits(OctetKernel(function), input) == Self.bits(WindowKernel(function), input))
        }
    }

    @Test("regressions and smoothings, eight windows at a time, with stretches of equal values")
    func regressions() {
        Self.forEachFraction { input in
            var input = input
            let equal = (input.columns.values.count / 3)..<(input.columns.values.count / 2)
            for index in equal { input.columns.values[index] = 2.5 }
            let ahead = (0..<input.stepCount).map { Double($0) - 7.25 }
            let factors = (0..<input.stepCount).map { Double($0 % 17 + 1) / 19 }
            for function in [LinearRegression(secondsAhead: nil), LinearRegression(secondsAhead: ahead)] {
                #expect(Self.bits(OctetKernel(function), input) == Self.bits(WindowKernel(function), input))
            }
            let function = DoubleExponentialSmoothing(smoothing: factors, trend: factors.reversed())
            #expect(Self.bits(OctetKernel(function), input) == Self.bits(WindowKernel(function), input))
        }
    }

    @Test("rates of whole columns, four steps at a time, with resets, gaps at the ends and counters near zero")
    func rates() {
        var generator = SystemRandomNumberGenerator()
        for (isCounter, isRate) in [(true, true), (true, false), (false, false)] {
            let kernel = ExtrapolatedRate(isCounter: isCounter, isRate: isRate, usesStartTimestamps: false)
            for resets in [0, 1, 30] {
                for start in [0.0, 3, 1e9] {
                    var total = start
                    var values = (0..<400).map { _ in
                        total += Double(Int.random(in: 0...3, using: &generator))
                        return total
                    }
                    for _ in 0..<resets { values[Int.random(in: 1..<400, using: &generator)] = 1 }
                    // The last ones are at one time.
                    for (start, step, length, jitter) in [
                        (-2000, 1000, 60_000, 13), (-2000, 1000, 60_000, 0), (-2000, 3000, 2500, 13),
                        (-2000, 700, 90_000, 13), (200_000, 1_000_000, 60_000, 0), (300_013, 1_000_000, 300_000, 13),
                    ] as [(Int64, Int64, Int64, Int64)] {
                        let input = Self.input(
                            values, from: start, step: step, length: length, offset: 0, jitter: jitter)
                        let windows = input.windows.indexes(over: input.columns.clock.timestamps, for: kernel)
                        var output = StepSeries(values: [1, 2, 3])
                        let whole = WholeRate(kernel, input.windows)
                        #expect(whole.evaluate(input.columns, over: windows, into: &output) == true)
                        #expect(output.run == windows.extrapolations.run)
                        #expect(output.values.map(\.bitPattern) == Self.bits(kernel, input))
                    }
                }
            }
        }
    }

    @Test("sums and means of whole numbers and of others", arguments: [false, true])
    func sums(isWhole: Bool) {
        for takesMean in [false, true] {
            Self.forEachInput(isWhole: isWhole) { input in
                let values = input.columns.values
                var expected = [Double](repeating: Column.absent, count: input.stepCount)
                for step in 0..<input.stepCount {
                    let window = values[input.floats(at: step)]
                    guard let first = window.first else { continue }
                    var total = CompensatedSum()
                    for value in window { total.add(value) }
                    var mean = CompensatedMean(first: first)
                    for value in window.dropFirst() { mean.add(value) }
                    expected[step] = takesMean ? mean.value : total.value
                }
                let wanted = expected.map { $0.isNaN && !$0.isAbsent ? 1 : $0.bitPattern }
                #expect(Self.bits(SumOverTime(takesMean: takesMean), input) == wanted)
            }
        }
    }

    @Test("what many resets took away is the same added up anew, and from running totals")
    func manyResets() {
        var generator = SystemRandomNumberGenerator()
        for round in 0..<60 {
            var values = Self.column(&generator, count: 400, isWhole: round % 2 == 0)
            if round % 3 == 0 { for index in values.indices { values[index] += 0x1p48 } }
            let resets = CounterResets.find(in: values)
            #expect(resets.count >= CounterResets.leastTotalled)
            for _ in 0..<100 {
                let first = Int.random(in: 0..<399, using: &generator)
                let window = first..<Int.random(in: first + 1..<400, using: &generator) + 1
                let difference = values[window.upperBound - 1] - values[first]
                let expected = window.dropFirst().filter { values[$0] < values[$0 - 1] }
                    .reduce(difference) { $0 + values[$1 - 1] }
                let actual = resets.corrected(difference, values, in: window)
                #expect(actual.bitPattern == expected.bitPattern || (actual.isNaN && expected.isNaN))
            }
        }
    }

    @Test("running totals are refused where a sum might round")
    func exactness() {
        #expect(ExactSums([1, 2, -3])?.sum(1..<3) == -1)
        #expect(ExactSums([])?.sum(0..<0) == 0)
        for column in [[0.5], [.nan], [.infinity], [9e15, 9e15], [1e300], [-9_007_199_254_740_992]] {
            #expect(ExactSums(column) == nil, "\(column)")
        }
    }

    @Test("the short cut of counters that are far from zero gives the same factor")
    func extrapolationShortCut() {
        var generator = SystemRandomNumberGenerator()
        let numbers: [Double] = [0, 1, 1e-300, Double.leastNonzeroMagnitude, 1e300, .infinity, .nan, -1, 1e15, 0.1]
        for _ in 0..<20_000 {
            let first = Int64.random(in: 1...300_000, using: &generator)
            let last = first + Int64.random(in: 0...300_000, using: &generator)
            var extrapolation = Extrapolation(
                firstTime: first, lastTime: last, rangeStart: 0, rangeEnd: last + first % 17_000,
                intervals: Int.random(in: 1...20, using: &generator))
            extrapolation.prepare(rateSeconds: 300)
            let value =
                Bool.random(using: &generator)
                ? numbers[Int.random(in: 0..<10, using: &generator)] : Double.random(in: 0...1e6, using: &generator)
            let result =
                Bool.random(using: &generator)
                ? numbers[Int.random(in: 0..<10, using: &generator)] : Double.random(in: 0...1e5, using: &generator)
            guard !extrapolation.mayReachZero(result: result, firstValue: value) else { continue }
            let exact = extrapolation.factor(result: result, firstValue: value, isCounter: true, rateSeconds: 300)
            #expect(exact.bitPattern == extrapolation.wholeFactor.bitPattern, "\(value) \(result)")
        }
    }
}
