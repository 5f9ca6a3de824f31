import PromQLScripts
import TestSupport
import Testing

/// Our own cases in the language of test scripts: corners of the reference that are easy to get wrong.
@Suite("Corners of the language")
struct ProbeTests {
    @Test("every case of every topic passes", arguments: topics)
    func passes(_ topic: String, _ script: String) {
        let report = ScriptRunner(makeStore: { MemoryStore() }).run(script, name: topic)
        #expect(report.failures.isEmpty, "\(report)")
        #expect(report.passed > 0)
    }

    static let topics: [(String, String)] = [
        ("both sides are evaluated", evaluation), ("parameters", parameters), ("filling in", filling),
        ("selection", selection), ("functions", functions), ("operators", operators),
        ("fill modifiers", fillModifiers), ("histograms", histogramCorners), ("joins and times", joinsAndTimes),
        ("what is told", telling), ("what upstream does", upstreamCorners), ("equal elements", ties),
        ("arithmetic of histograms", histogramArithmetic), ("stored hints", storedHints),
        ("overlapping starts", overlaps), ("natural order", naturalOrder), ("where notes point", placesOfNotes),
        ("what is made once", madeOnce), ("orders of matching", ordersOfMatching), ("meetings", meetings),
        ("earliest errors", earliestErrors), ("windows of no length", emptyWindows), ("empty buckets", emptyBuckets),
        ("quiet corners", quietCorners), ("between two kinds of buckets", betweenKinds),
    ]

    /// Between histograms of other kinds of buckets there is no line, though the second looks like a reset.
    static let betweenKinds = """
        load 30s
            sizes {{schema:0 sum:1 count:1 buckets:[1]}} {{schema:-53 sum:2 count:2 custom_values:[5 10] buckets:[2]}}

        eval instant at 15s sizes smoothed
            expect warn msg: PromQL warning: vector contains a mix of histograms with exponential and custom buckets schemas for metric name "sizes" (1:1)

        eval instant at 15s histogram_count(sizes smoothed)
            expect warn msg: PromQL warning: vector contains a mix of histograms with exponential and custom buckets schemas for metric name "sizes" (1:17)

        eval instant at 30s histogram_count(sizes smoothed)
            expect no_warn
            {} 2

        """

    /// A side that has nothing does not keep the other from failing or telling.
    static let evaluation = """
        load 1m
            heat{room="a"} 20x10
            heat{room="b"} 30x10
            pair{side="l"} 1x10
            pair{side="r"} 2x10

        eval instant at 5m nothing + quantile(2, heat)
            expect warn regex: quantile value should be between 0 and 1, got 2

        eval instant at 5m nothing and quantile(2, heat)
            expect warn regex: quantile value should be between 0 and 1, got 2

        eval instant at 5m quantile(2, heat) and nothing
            expect warn regex: quantile value should be between 0 and 1, got 2

        eval instant at 5m nothing * (heat + on () pair)
            expect fail regex: found duplicate series for the match group

        eval instant at 5m (heat + on () pair) and nothing
            expect fail regex: found duplicate series for the match group

        eval instant at 5m topk(0, heat + on () pair)
            expect fail regex: found duplicate series for the match group

        eval instant at 5m topk(NaN, nothing)
            expect fail msg: Parameter value is NaN

        eval instant at 5m topk(NaN, heat + on () pair)
            expect fail regex: found duplicate series for the match group

        eval instant at 5m limitk(NaN, heat + on () pair)
            expect fail regex: found duplicate series for the match group

        eval instant at 5m limit_ratio(NaN, heat + on () pair)
            expect fail regex: found duplicate series for the match group

        eval instant at 5m (pair + on () heat) unless (heat + on () pair)
            expect fail regex: match group {} on the right hand-side of the operation: .*heat
        """

    /// What parameters of aggregations and functions may be.
    static let parameters = """
        load 1m
            heat{room="a"} 20x10
            heat{room="b"} 30x10

        eval instant at 5m topk(1e30, heat)
            expect fail msg: Scalar value 1e+30 overflows int64

        eval instant at 5m bottomk(-1e30, heat)

        eval instant at 5m topk(-Inf, heat)

        eval range from 0 to 2m step 1m limitk((time() - 60) * 1e30, heat)
            expect fail msg: Scalar value -6e+31 underflows int64

        eval instant at 5m topk(9223372036854774784, heat)
            expect fail msg: Scalar value 9.223372036854775e+18 overflows int64

        eval instant at 5m topk(1.9, heat)
            heat{room="b"} 30

        eval range from 0 to 4m step 1m quantile(time() - 60, heat)
            expect warn msg: PromQL warning: quantile value should be between 0 and 1, got 180 (1:10)
            expect warn msg: PromQL warning: quantile value should be between 0 and 1, got -60 (1:10)
            {} -Inf 20 +Inf +Inf +Inf

        eval range from 0 to 3m step 1m limit_ratio(time() - 60, heat)
            expect warn msg: PromQL warning: ratio value should be between -1 and 1, got 120, capping to 1 (1:13)
            expect warn msg: PromQL warning: ratio value should be between -1 and 1, got -60, capping to -1 (1:13)
            heat{room="a"} 20 _ 20 20
            heat{room="b"} 30 _ 30 30

        eval instant at 5m double_exponential_smoothing(nothing[5m], 2, 0.5)

        eval instant at 5m double_exponential_smoothing(heat[5m], 2, 0.5)
            expect fail msg: invalid smoothing factor. Expected: 0 < sf < 1, got: 2.000000

        eval instant at 5m double_exponential_smoothing(heat[5m], 0.5, -1)
            expect fail msg: invalid trend factor. Expected: 0 < tf < 1, got: -1.000000

        eval range from 0 to 2m step 1m (-heat or heat)
            {room="a"} -20 -20 -20
            {room="b"} -30 -30 -30
        """

    /// Values that stand in for a missing side.
    static let filling = """
        load 1m
            want{job="x", kind="p"} 1x10
            want{job="x", kind="q"} 2x10
            have{job="x"} 10x10
            have{job="z"} 20x10

        eval instant at 5m nothing + on (job) group_left () fill (0) want
            expect fail regex: found duplicate series for the match group {job="x"}

        eval instant at 5m have + on (job) group_right () fill_right (7) want
            {job="x", kind="p"} 11
            {job="x", kind="q"} 12

        eval instant at 5m nothing + on (job) group_right () fill_right (7) want
            {job="x", kind="p"} 8
            {job="x", kind="q"} 9

        eval instant at 5m nothing + on (job) fill_right (7) want
            expect fail regex: found duplicate series for the match group

        eval instant at 5m nothing + on (job) group_right () fill_left (7) want

        eval instant at 5m nothing + on (job) group_right () fill (7) want
            {job="x", kind="p"} 8
            {job="x", kind="q"} 9
        """
}
