import MetricModel
import PromQL
import PromQLSyntax
import Storage
import TestSupport
import Testing

@Suite("Range queries and selection")
struct RangeQueryTests {
    @Test("a sample exactly as old as the lookback is not seen")
    func lookbackIsLeftOpen() throws {
        let harness = try QueryHarness("metric 1")
        #expect(try harness.lines("metric", minutes: 0...6) == ["metric 1 1 1 1 1 _ _"])
    }

    @Test("a query may bring its own lookback")
    func ownLookback() throws {
        var harness = try QueryHarness("metric 1")
        harness.options.lookbackDeltaMilliseconds = 120_000
        #expect(try harness.lines("metric", minutes: 0...3) == ["metric 1 1 _ _"])
    }

    @Test("a staleness marker ends a series at once, and ranges leave it out")
    func staleness() throws {
        let harness = try QueryHarness("metric 1 2 stale 4")
        #expect(try harness.lines("metric", minutes: 0...3) == ["metric 1 2 _ 4"])
        #expect(try harness.lines("count_over_time(metric[4m])", minutes: 3...3) == ["{} 3"])
    }

    @Test("a range is open on the left")
    func rangeIsLeftOpen() throws {
        let harness = try QueryHarness("metric 1 2 3")
        #expect(try harness.lines("count_over_time(metric[1m])", minutes: 0...3) == ["{} 1 1 1 _"])
        #expect(try harness.lines("metric[2m]", atMinute: 2) == ["metric 2@60000 3@120000"])
    }

    @Test("offset looks back, a negative one ahead, and @ fixes the time")
    func modifiers() throws {
        let harness = try QueryHarness("metric 0 1 2 3 4")
        #expect(try harness.lines("metric offset 1m", minutes: 1...3) == ["metric 0 1 2"])
        #expect(try harness.lines("metric offset -1m", minutes: 0...2) == ["metric 1 2 3"])
        #expect(try harness.lines("metric @ 120", minutes: 0...2) == ["metric 2 2 2"])
        #expect(try harness.lines("metric @ end()", minutes: 0...2) == ["metric 2 2 2"])
        #expect(try harness.lines("metric @ start() offset -1m", minutes: 0...2) == ["metric 1 1 1"])
        #expect(try harness.lines("timestamp(metric @ 120)", minutes: 0...2) == ["{} 120 120 120"])
    }

    @Test(
        "of several faults in durations the first is told that Prometheus comes upon",
        arguments: [
            ("rate(foo[4s-5s:4s-5s])", "15:20: duration must be greater than 0"),
            ("rate(foo[1-2] offset (1/(1-1)))", "9:12: duration must be greater than 0"),
            ("rate(foo[1-2:1-3] offset (1/(1-1)))", "26:32: division by zero"),
            ("foo offset (1/(1-1)) + rate(foo[1-2])", "12:18: division by zero"),
            ("vector(1 </ 2) + rate(foo[1-2])", "26:29: duration must be greater than 0"),
            ("max_over_time(rate(foo[1-2])[5m-6m:])", "29:34: duration must be greater than 0"),
        ])
    func durationFaults(_ query: String, complaint: String) throws {
        let harness = try QueryHarness("foo 1 2 3")
        let instant = #expect(throws: QueryError.self) { try harness.result(query, atMinute: 1) }
        #expect(instant.map { "\($0)".contains(complaint) } == true, "\(String(describing: instant))")
        let range = #expect(throws: QueryError.self) { try harness.lines(query, minutes: 0...2) }
        #expect(range.map { "\($0)".contains(complaint) } == true, "\(String(describing: range))")
    }

    @Test(
        "where an operand and a scalar behind it fail, the operand's fault is told",
        arguments: [
            "-{__name__=~\"a|b\"} < scalar(a * on(x) a)", "clamp_min(-{__name__=~\"a|b\"}, scalar(a * on(x) a))",
            "clamp(-{__name__=~\"a|b\"}, 1, scalar(a * on(x) a))", "round(-{__name__=~\"a|b\"}, scalar(a * on(x) a))",
            "predict_linear((-{__name__=~\"a|b\"})[5m:], scalar(a * on(x) a))",
            "quantile_over_time(scalar(a * on(x) a), (-{__name__=~\"a|b\"})[5m:])",
            "histogram_quantiles(-{__name__=~\"a|b\"}, \"q\", scalar(a * on(x) a))",
            "(b < scalar(sum(-{__name__=~\"a|b\"}))) < scalar(a * on(x) a)",
            "clamp_min(b < scalar(sum(-{__name__=~\"a|b\"})), scalar(a * on(x) a))",
            "quantile_over_time(scalar(sum(-{__name__=~\"a|b\"})), b[5m]) < scalar(a * on(x) a)",
        ])
    func faultOrder(_ query: String) throws {
        let harness = try QueryHarness(#"a{n="1"} 1 2"#, #"a{n="2"} 1 2"#, #"b{n="1"} 1 2"#)
        let error = #expect(throws: QueryError.self) { try harness.lines(query, atMinute: 1) }
        #expect(error.map { "\($0)".contains("same labelset") } == true, "\(String(describing: error))")
        let other = #expect(throws: QueryError.self) {
            try harness.lines("scalar(a * on(x) a) < -{__name__=~\"a|b\"}", atMinute: 1)
        }
        #expect(other.map { "\($0)".contains("found duplicate series") } == true)
    }

    @Test("bounds of buckets are read as Go reads numbers", arguments: ["1_0", "1e1", "0x1.4p3", "0x_ap0"])
    func boundTexts(_ text: String) throws {
        let harness = try QueryHarness(#"b{le="\#(text)"} 5"#, #"b{le="+Inf"} 9"#)
        #expect(try harness.lines("histogram_quantile(0.9, b)", atMinute: 0) == ["{} 10"])
    }

    @Test("at the end of time is nothing, and nothing breaks", arguments: ["1e16", "-1e17", "9.2e15", "-9.2e15"])
    func farTimes(_ seconds: String) throws {
        let harness = try QueryHarness("foo 1 2 3")
        for query in [
            "foo @ AT", "rate(foo[5m] @ AT)", "foo @ AT offset 5m", "foo @ AT offset -5m",
            "sum_over_time(foo[5m:1m] @ AT)",
            "timestamp(foo @ AT)", "count(foo @ AT)", "rate(foo[5m] anchored @ AT)", "foo smoothed @ AT",
            "sum_over_time((foo @ AT)[5m:1m])", "absent_over_time(foo[5m] @ AT) * 0",
        ] {
            let text = query.replacing("AT", with: seconds)
            let expected = query.hasPrefix("absent") ? ["{} 0"] : []
            #expect(try harness.lines(text, atMinute: 1) == expected, "\(text)")
            #expect(try harness.lines(text, minutes: 0...2) == expected.map { $0 + " 0 0" }, "\(text)")
        }
    }

    @Test("a subquery's grid lies on multiples of its step")
    func subqueryGrid() throws {
        let harness = try QueryHarness("metric 0+1x20")
        #expect(try harness.lines("sum_over_time(metric[4m:2m])", minutes: 9...11) == ["{} 14 18 18"])
        #expect(try harness.lines("metric[3m:2m]", atMinute: 10) == ["metric 8@480000 10@600000"])
    }

    @Test("series that follow each other under one result label set become one")
    func merging() throws {
        let harness = try QueryHarness("first 1 2 stale", "second _ _ 3 4")
        #expect(try harness.lines(#"{__name__=~"first|second"} + 0"#, minutes: 0...3) == ["{} 1 2 3 4"])
        #expect(try harness.lines(#"abs({__name__=~"first|second"})"#, minutes: 0...3) == ["{} 1 2 3 4"])
    }

    @Test("range functions take no two series with equal labels, whenever they were", arguments: [0, 1 << 20])
    func mergingOfRanges(_ cacheBytes: Int) throws {
        var harness = try QueryHarness("first 1 2 3 stale", "second _ _ _ _ _ _ _ 3 4")
        harness.settings.resultCacheBytes = cacheBytes
        func lines(_ query: String) -> [String] {
            do { return try harness.lines(query, minutes: 0...8) } catch { return ["\(error)"] }
        }
        let failure = ["vector cannot contain metrics with the same labelset"]
        #expect(lines(#"max_over_time({__name__=~"first|second"}[1m])"#) == failure)
        #expect(lines(#"sum(rate({__name__=~"first|second"}[2m]))"#) == failure)
        #expect(
            lines(#"last_over_time({__name__=~"first|second"}[1m])"#)
                == ["first 1 2 3 _ _ _ _ _ _", "second _ _ _ _ _ _ _ 3 4"])
        #expect(lines(#"-{__name__=~"first|second"}"#) == ["{} -1 -2 -3 _ _ _ _ -3 -4"])
        #expect(lines(#"max_over_time((-{__name__=~"first|second"})[1m:1m])"#) == ["{} -1 -2 -3 _ _ _ _ -3 -4"])
        harness.settings.delaysNameRemoval = true
        #expect(lines(#"max_over_time({__name__=~"first|second"}[1m])"#) == ["{} 1 2 3 _ _ _ _ 3 4"])
    }

    @Test("two elements with equal labels at one time are an error")
    func collisions() throws {
        let harness = try QueryHarness("first 1", "second 2")
        #expect(
            harness.failure(#"abs({__name__=~"first|second"})"#)
                == "vector cannot contain metrics with the same labelset")
    }

    @Test("with delayed name removal names are there until the end")
    func delayedNames() throws {
        var harness = try QueryHarness("a_total 0 60", "b_total 0 120")
        harness.settings.delaysNameRemoval = true
        let rates = #"sum by (__name__) (rate({__name__=~".+"}[2m]))"#
        #expect(try harness.lines("count(\(rates))", atMinute: 1) == ["{} 2"])
        #expect(
            try harness.lines(#"label_replace(\#(rates), "name", "$1", "__name__", "(.*)")"#, atMinute: 1)
                == [#"{name="a_total"} 0.5"#, #"{name="b_total"} 1"#])
        #expect(harness.failure(rates, atMinute: 1) == "vector cannot contain metrics with the same labelset")
    }

    @Test("a counter that goes down counts from zero again")
    func counterResets() throws {
        let harness = try QueryHarness("requests_total 0 60 120 0 60 120")
        #expect(try harness.lines("increase(requests_total[6m])", minutes: 5...5) == ["{} 240"])
        #expect(try harness.lines("resets(requests_total[6m])", minutes: 5...5) == ["{} 1"])
        #expect(try harness.lines("irate(requests_total[2m])", minutes: 1...4) == ["{} 1 1 0 1"])
    }

    @Test("matching pairs series over all steps, whichever of them is there")
    func matching() throws {
        let harness = try QueryHarness(
            #"used{pod="a"} 1 2 _ _"#, #"used{pod="b"} _ _ 3 4"#, #"size{pod="a"} 10 10 10 10"#,
            #"size{pod="b"} 10 10 10 10"#)
        #expect(
            try harness.lines("last_over_time(used[1m]) / size", minutes: 0...3)
                == [#"{pod="a"} 0.1 0.2 _ _"#, #"{pod="b"} _ _ 0.3 0.4"#])
    }

    @Test("an error of matching names both series in order")
    func duplicateMatches() throws {
        let harness = try QueryHarness(#"many{job="x"} 1"#, #"one{id="2", job="x"} 1"#, #"one{id="1", job="x"} 1"#)
        #expect(
            harness.failure("many * on(job) one")
                == #"found duplicate series for the match group {job="x"} on the right hand-side of the operation: "#
                + #"[{__name__="one", id="1", job="x"}, {__name__="one", id="2", job="x"}];many-to-many matching "#
                + "not allowed: matching labels must be unique on one side")
        #expect(
            harness.failure("one * on(job) many")
                == "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)")
    }

    @Test("where labels change last an answer has floats and histograms of a step, and at one time shows the histogram")
    func kindsMeet() throws {
        let harness = try QueryHarness(#"m{k="f"} 1 2 _ 4"#, #"m{k="h"} _ {{count:2 sum:3}} {{count:3 sum:4}}"#)
        let replaced = #"(label_replace(+m, "k", "", "", ""))"#
        func ends(_ query: String, atMinute minute: Double) throws -> [Substring?] {
            try harness.lines(query, atMinute: minute).map { $0.split(separator: " ").last }
        }
        #expect(try ends(replaced, atMinute: 0) == ["1"])
        #expect(try ends(replaced, atMinute: 1) == ["h2"])
        #expect(try ends(#"label_join(m, "k", "")"#, atMinute: 1) == ["h2"])
        #expect(try ends("-" + replaced, atMinute: 1) == ["h-2"])
        #expect(try ends(replaced + " + 0", atMinute: 1) == ["2"])
        let answer = try QueryEngine().rangeQuery(
            try Parser.parse(replaced), start: Timestamp(seconds: 0), end: Timestamp(seconds: 180),
            stepMilliseconds: 60_000, from: try harness.store.querier())
        guard case .matrix(let series) = answer.value else { throw NaiveFailure("no matrix") }
        #expect(series.map(\.values) == [[1, 2, 2, 4]])
        #expect(series.map { $0.histograms.map(\.timestamp) } == [[60_000, 120_000, 180_000]])
        let late = try QueryHarness("a 1", "b {{count:2 sum:3}}")
        var settings = late.settings
        settings.delaysNameRemoval = true
        let names = try QueryEngine(settings: settings).instantQuery(
            try Parser.parse(#"-{__name__=~"a|b"}"#), at: Timestamp(seconds: 0), from: try late.store.querier())
        #expect(QueryHarness.text(names.value).map { $0.split(separator: " ").last } == ["h-2"])
    }
}
