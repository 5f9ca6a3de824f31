import MetricModel
import Testing

@testable import PromQL

@Suite("Native histograms")
struct HistogramTests {
    private func histogram(_ buckets: [Double], schema: Int32 = 0, offset: Int32 = 0) -> NativeHistogram {
        NativeHistogram(
            schema: schema, count: buckets.reduce(0, +), sum: 10,
            positiveSpans: [.init(offset: offset, length: UInt32(buckets.count))], positiveBuckets: buckets)
    }

    @Test("adding aligns buckets and leaves no empty ones")
    func addition() {
        var sum = histogram([1, 2], offset: 1)
        _ = sum.add(histogram([5, 0, 7], offset: 0))
        #expect(sum.positiveCells.map(\.index) == [0, 1, 2])
        #expect(sum.positiveBuckets == [5, 1, 9])
        #expect(sum.count == 15)
    }

    @Test("adding a finer histogram merges its buckets")
    func schemaReduction() {
        var sum = histogram([1], schema: 0, offset: 1)
        _ = sum.add(histogram([1, 2, 3, 4], schema: 1, offset: 1))
        #expect(sum.schema == 0)
        #expect(sum.positiveCells.map(\.index) == [1, 2])
        #expect(sum.positiveBuckets == [4, 7])
    }

    @Test("a wider zero bucket takes in the buckets that it covers")
    func zeroBuckets() {
        var wide = histogram([3], offset: 3)
        wide.zeroThreshold = 2
        wide.zeroCount = 1
        var sum = histogram([1, 1, 1], offset: 0)
        _ = sum.add(wide)
        #expect(sum.zeroThreshold == 2)
        #expect(sum.zeroCount == 3)
        #expect(sum.positiveCells.map(\.index) == [2, 3])
    }

    @Test("custom bounds are reduced to those that both have")
    func customBounds() {
        func custom(_ bounds: [Double], _ buckets: [Double]) -> NativeHistogram {
            NativeHistogram(
                schema: NativeHistogram.customBucketsSchema, count: buckets.reduce(0, +), sum: 1,
                positiveSpans: [.init(offset: 0, length: UInt32(buckets.count))], positiveBuckets: buckets,
                customValues: bounds)
        }
        var sum = custom([1, 2, 5], [1, 1, 1, 1])
        let outcome = sum.add(custom([2, 3, 5], [1, 1, 1, 1]))
        #expect(outcome?.reconciledBounds == true)
        #expect(sum.customValues == [2, 5])
        #expect(sum.positiveBuckets == [3, 3, 2])
        var exponential = histogram([1])
        #expect(exponential.add(custom([1], [1])) == nil)
    }

    @Test("a reset is a count that went down or a bucket that vanished")
    func resets() {
        #expect(!histogram([2, 3]).isReset(after: histogram([1, 3])))
        #expect(histogram([1, 5]).isReset(after: histogram([2, 3])))
        #expect(histogram([9], offset: 1).isReset(after: histogram([2, 3])))
        #expect(histogram([9], schema: 1).isReset(after: histogram([2, 3])))
        #expect(!histogram([5], schema: 0, offset: 1).isReset(after: histogram([2, 3], schema: 1, offset: 1)))
        var hinted = histogram([1, 1])
        hinted.counterResetHint = .notReset
        #expect(!hinted.isReset(after: histogram([2, 3])))
    }

    @Test("quantiles interpolate on a logarithmic scale")
    func quantiles() {
        let observed = histogram([4], offset: 1)
        #expect(observed.quantile(0.5).value == 1.414213562373095)
        #expect(observed.quantile(1).value == 2)
        #expect(observed.quantile(-1).value == -.infinity)
        #expect(histogram([]).quantile(0.5).value.isNaN)
        #expect(observed.fraction(from: 1, to: 2) == 1)
        #expect(abs(observed.fraction(from: -.infinity, to: 2.0.squareRoot()) - 0.5) < 1e-12)
    }

    @Test("classic buckets that do not rise are raised, and told of")
    func classicQuantiles() {
        var buckets = ClassicBuckets([
            .init(upperBound: 1, count: 5), .init(upperBound: 2, count: 4), .init(upperBound: .infinity, count: 10),
        ])
        let (value, repair) = buckets.quantile(0.25)
        #expect(value == 0.5)
        #expect(repair?.largestDifference == 1)
        var open = ClassicBuckets([.init(upperBound: 1, count: 5)])
        #expect(open.quantile(0.5).value.isNaN)
    }

    @Test("trimming splits the bucket that holds the bound")
    func trimming() {
        let observed = histogram([4], offset: 1)
        let kept = observed.trimmed(to: 2.0.squareRoot(), keepsUpper: false)
        #expect(abs(kept.count - 2) < 1e-12)
        #expect(observed.trimmed(to: 4, keepsUpper: false) == observed)
    }

    @Test("negative factors make gauges, and the text lists the buckets")
    func scaling() {
        #expect(histogram([1]).multiplied(by: -1).counterResetHint == .gauge)
        #expect(histogram([1]).divided(by: 0).positiveBuckets.isEmpty)
        #expect(histogram([1, 0, 2]).compactText == "{count:3, sum:10, (0.5,1]:1, (2,4]:2}")
    }
}
