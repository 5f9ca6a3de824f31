import MetricModel
import Testing

@testable import PromQL

@Suite("Columns and numbers")
struct ColumnTests {
    @Test("the special values are those of the data model")
    func specialValues() {
        #expect(Column.absentBits == SpecialValue.absentBits)
        #expect(Column.staleBits == SpecialValue.staleBits)
    }

    @Test("a compensated sum keeps what plain addition loses")
    func compensation() {
        var sum = CompensatedSum()
        for value in [1.0, 1e100, 1.0, -1e100] { sum.add(value) }
        #expect(sum.value == 2)
        sum.add(.infinity)
        #expect(sum.value == .infinity)
    }

    @Test("sums and means of columns have the bits of those taken one after the other")
    func columnSums() {
        let special: [Double] = [
            .infinity, -.infinity, .nan, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 0, -0.0,
            .leastNonzeroMagnitude, 1e100,
        ]
        var generator = SystemRandomNumberGenerator()
        for stepCount in [0, 1, 3, 4, 15, 16, 17, 100] {
            var sums = FloatSums(stepCount: stepCount)
            var means = FloatMeans(stepCount: stepCount)
            var expectedSums = [CompensatedSum?](repeating: nil, count: stepCount)
            var expectedMeans = [CompensatedMean?](repeating: nil, count: stepCount)
            for round in 0..<40 {
                let column = (0..<stepCount).map { _ -> Double in
                    switch Int.random(in: 0..<10, using: &generator) {
                    case 0: return Column.absent
                    case 1 where round > 20: return special[Int.random(in: 0..<special.count, using: &generator)]
                    default: return Double.random(in: -1000...1000, using: &generator)
                    }
                }
                sums.add(column)
                means.add(column)
                for step in 0..<stepCount where !column[step].isAbsent {
                    if expectedSums[step] == nil { expectedSums[step] = CompensatedSum(-0.0) }
                    expectedSums[step]?.add(column[step])
                    if expectedMeans[step] == nil {
                        expectedMeans[step] = CompensatedMean(first: column[step])
                    } else {
                        expectedMeans[step]?.add(column[step])
                    }
                }
            }
            #expect(Self.areSame(sums.finish(), expectedSums.map { $0?.value ?? Column.absent }))
            #expect(Self.areSame(means.finish(), expectedMeans.map { $0?.value ?? Column.absent }))
        }
    }

    /// Bit for bit, but for the bits of what is no number.
    private static func areSame(_ left: [Double], _ right: [Double]) -> Bool {
        left.count == right.count
            && zip(left, right).allSatisfy {
                $0.bitPattern == $1.bitPattern || $0.isNaN && $1.isNaN && !$0.isAbsent && !$1.isAbsent
            }
    }

    @Test("the extremes of many values are those found one after the other, signs of zero and NaN included")
    func extremes() {
        let odd: [Double] = [0, -0.0, .nan, .infinity, -.infinity, 3, -3, Double(bitPattern: 0x7ff8_0000_0000_0001)]
        var state: UInt64 = 88_172_645_463_325_252
        for count in 32...70 {
            for round in 0..<40 {
                let values = (0..<count).map { _ in
                    state ^= state << 13
                    state ^= state >> 7
                    state ^= state << 17
                    return odd[Int(state % UInt64(2 + round % 7))] * (round % 3 == 0 ? 1 : -1)
                }
                for takesMaximum in [true, false] {
                    var expected = values[0]
                    for value in values.dropFirst()
                    where expected.isNaN || (takesMaximum ? value > expected : value < expected) {
                        expected = value
                    }
                    let found = ExtremeOverTime(takesMaximum: takesMaximum).value(values.span)
                    #expect(found.bitPattern == expected.bitPattern, "\(values)")
                }
            }
        }
    }

    @Test("the falls of a counter and what is no number are found wherever they are")
    func fallsAndNaN() {
        for count in 0...70 {
            let rising = (0..<count).map { Double($0) }
            #expect(CounterResets.find(in: rising).positions.isEmpty)
            #expect(!Column.hasNaN(rising, in: 0..<count))
            for place in 0..<count {
                var values = rising
                values[place] = -1
                values[count - 1 - place] = .nan
                let falls = (1..<max(1, count)).filter { values[$0] < values[$0 - 1] }
                #expect(CounterResets.find(in: values).positions == falls)
                var columns = SampleColumns(timestamps: values.indices.map { Int64($0) }, values: values)
                // Up to the place before -1 and NaN the values rise.
                columns.risingCount = min(place, count - 1 - place)
                #expect(CounterResets.find(in: columns).positions == falls)
                #expect(Column.hasNaN(values, in: 0..<count))
                #expect(!Column.hasNaN(values, in: 0..<count - 1 - place))
            }
        }
    }

    @Test("a mean survives a sum that would overflow")
    func meanWithoutOverflow() {
        var mean = CompensatedMean(first: .greatestFiniteMagnitude)
        mean.add(.greatestFiniteMagnitude)
        mean.add(.greatestFiniteMagnitude)
        #expect(abs(mean.value / .greatestFiniteMagnitude - 1) < 1e-15)
    }

    @Test(
        "quantiles agree with those of the sorted values", arguments: [0, 0.1, 0.25, 0.5, 0.9, 0.99, 1])
    func quantiles(_ quantile: Double) {
        for count in 1...40 {
            let values = (0..<count).map { Double(($0 * 7919) % 31) }
            let sorted = values.sorted()
            let rank = quantile * Double(count - 1)
            let lower = Int(rank.rounded(.down))
            let weight = rank - rank.rounded(.down)
            let expected = sorted[lower] * (1 - weight) + sorted[min(lower + 1, count - 1)] * weight
            var scratch = values
            #expect(Quantile.of(&scratch, quantile) == expected)
        }
    }

    @Test("quantiles outside 0...1 are infinite and NaN ranks lowest")
    func quantileEdges() {
        var values = [1.0, .nan, 3.0]
        #expect(Quantile.of(&values, -1) == -.infinity)
        #expect(Quantile.of(&values, 2) == .infinity)
        #expect(Quantile.of(&values, .nan).isNaN)
        #expect(Quantile.of(&values, 0).isNaN)
        #expect(Quantile.of(&values, 1) == 3)
    }

    @Test("filters choose labels by name, in encoded form")
    func labelFilters() {
        let labels = LabelSet(["__name__": "metric", "instance": "a", "job": "x"])
        #expect(LabelFilter(keeping: ["job", "zone"]).apply(labels) == LabelSet(["job": "x"]))
        #expect(LabelFilter(dropping: ["job"]).apply(labels) == LabelSet(["__name__": "metric", "instance": "a"]))
        #expect(LabelFilter(keeping: [String]()).apply(labels) == .empty)
        #expect(LabelFilter(dropping: ["zone"]).apply(labels) == labels)
        #expect(labels.droppingMetadata() == LabelSet(["instance": "a", "job": "x"]))
    }

    @Test("the order of label sets is that of the data model")
    func labelOrder() {
        let sets = [
            LabelSet.empty, LabelSet(["a": "1"]), LabelSet(["a": "10"]), LabelSet(["a": "2"]),
            LabelSet(["a": "1", "b": "1"]), LabelSet(["ab": "1"]), LabelSet(["b": "1"]),
            LabelSet(["a": String(repeating: "x", count: 300)]),
        ]
        for left in sets {
            for right in sets { #expect(LabelOrder.precedes(left, right) == (left < right)) }
        }
    }

    @Test("the hash of labels is XXH64")
    func labelHash() {
        #expect(LabelHash.xxh64([]) == 0xEF46_DB37_51D8_E999)
        #expect(LabelHash.xxh64(Array("a".utf8)) == 0xD24E_C4F1_A98C_6E5B)
        #expect(LabelHash.xxh64(Array("abc".utf8)) == 0x44BC_2CF5_AD77_0999)
        #expect(
            LabelHash.xxh64(Array("Nobody inspects the spammish repetition".utf8)) == 0xFBCE_A83C_8A37_8BF1)
    }

    @Test("windows are open on the left and found with two moving ends")
    func windows() {
        let windows = WindowTimes(times: Timeline(start: 10, step: 10, count: 3), lengthMilliseconds: 15)
        let indexes = windows.indexes(over: [0, 5, 10, 20, 25, 40])
        #expect((0..<3).map { indexes.range(at: $0, offset: 0, count: 6) } == [0..<3, 2..<4, 3..<5])
        #expect(indexes.range(at: 1, offset: 3, count: 3) == 0..<1)
    }

    @Test(
        "dates are those of the calendar",
        arguments: [
            (CalendarField.year, 1_709_208_000.0, 2024.0), (.month, 1_709_208_000, 2), (.dayOfMonth, 1_709_208_000, 29),
            (.dayOfYear, 1_709_208_000, 60), (.hour, 1_709_208_000, 12), (.dayOfWeek, 1_709_208_000, 4),
            (.year, -1, 1969), (.dayOfMonth, -1, 31), (.minute, -1, 59), (.dayOfWeek, -1, 3), (.daysInMonth, 0, 31),
        ])
    func dates(_ field: CalendarField, _ seconds: Double, _ expected: Double) {
        #expect(field.value(of: seconds) == expected)
    }

    @Test("numbers in texts are written as Go writes them")
    func numberTexts() {
        #expect(GoNumber.general(1_000_000) == "1e+06")
        #expect(GoNumber.sixDecimals(0.5) == "0.500000")
        #expect(GoNumber.twoDigits(123.4) == "1.2e+02")
        #expect(GoNumber.twoDigits(0.0123) == "0.012")
    }
}
