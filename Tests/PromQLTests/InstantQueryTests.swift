import Testing

/// One query and the lines of its answer, in any order.
struct QueryCase: CustomTestStringConvertible, Sendable {
    var query: String
    var expected: [String]
    var testDescription: String { query }

    init(_ query: String, _ expected: String...) {
        self.query = query
        self.expected = expected
    }
}

@Suite("Instant queries")
struct InstantQueryTests {
    static func load() throws -> QueryHarness {
        try QueryHarness(
            #"requests_total{job="api", instance="a"} 0+60x10"#,
            #"requests_total{job="api", instance="b"} 0+120x10"#,
            #"memory{job="api", instance="a"} 5x10"#,
            #"memory{job="api", instance="b"} 7x10"#,
            #"memory{job="web", instance="c"} NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN"#,
            #"limits{job="api"} 10x10"#)
    }

    static let cases: [QueryCase] = [
        QueryCase("1 + 2 * 3", "scalar 7"),
        QueryCase("-2 ^ 2", "scalar -4"),
        QueryCase("2 == bool 2", "scalar 1"),
        QueryCase(#""text""#, "string text"),
        QueryCase(#"memory{instance="a"}"#, #"memory{instance="a", job="api"} 5"#),
        QueryCase(#"memory{instance="a"} * 2"#, #"{instance="a", job="api"} 10"#),
        QueryCase(#"6 > memory{instance="a"}"#, #"memory{instance="a", job="api"} 5"#),
        QueryCase(#"6 < bool memory{instance="a"}"#, #"{instance="a", job="api"} 0"#),
        QueryCase(#"rate(requests_total{instance="a"}[5m])"#, #"{instance="a", job="api"} 1"#),
        QueryCase(#"increase(requests_total{instance="b"}[5m])"#, #"{instance="b", job="api"} 600"#),
        QueryCase("sum(memory > 0)", "{} 12"),
        QueryCase("sum by (job) (memory > 0)", #"{job="api"} 12"#),
        QueryCase("avg without (instance) (memory > 0)", #"{job="api"} 6"#),
        QueryCase("count(memory)", "{} 3"),
        QueryCase("min(memory)", "{} 5"),
        QueryCase("max(memory)", "{} 7"),
        QueryCase("stddev(memory > 0)", "{} 1"),
        QueryCase("group(memory)", "{} 1"),
        QueryCase("topk(1, memory)", #"memory{instance="b", job="api"} 7"#),
        QueryCase("bottomk(1, memory)", #"memory{instance="a", job="api"} 5"#),
        QueryCase("quantile(0.5, memory > 0)", "{} 6"),
        QueryCase(
            #"count_values("value", memory)"#, #"{value="5"} 1"#, #"{value="7"} 1"#, #"{value="NaN"} 1"#),
        QueryCase(
            "memory / on(job) group_left limits", #"{instance="a", job="api"} 0.5"#,
            #"{instance="b", job="api"} 0.7"#),
        QueryCase("limits and on(job) memory", #"limits{job="api"} 10"#),
        QueryCase(#"memory unless on(job) limits"#, #"memory{instance="c", job="web"} NaN"#),
        QueryCase(
            #"limits or memory{job="web"}"#, #"limits{job="api"} 10"#, #"memory{instance="c", job="web"} NaN"#),
        QueryCase(#"absent(nothing{job="x", instance!="y"})"#, #"{job="x"} 1"#),
        QueryCase("absent(memory)"),
        QueryCase(#"scalar(memory{instance="a"})"#, "scalar 5"),
        QueryCase("scalar(memory)", "scalar NaN"),
        QueryCase("vector(3)", "{} 3"),
        QueryCase("time()", "scalar 600"),
        QueryCase(#"timestamp(memory{instance="a"})"#, #"{instance="a", job="api"} 600"#),
        QueryCase(#"clamp(memory{job="api"}, 9, 1)"#),
        QueryCase(#"round(vector(-2.5))"#, "{} -2"),
        QueryCase(#"label_replace(limits, "new", "$1-x", "job", "(a.*)")"#, #"limits{job="api", new="api-x"} 10"#),
        QueryCase(#"label_join(limits, "new", "-", "job", "job")"#, #"limits{job="api", new="api-api"} 10"#),
        QueryCase("day_of_week(vector(0))", "{} 4"),
        QueryCase("days_in_month(vector(1709208000))", "{} 29"),
        QueryCase(#"sum_over_time(memory{instance="a"}[3m])"#, #"{instance="a", job="api"} 15"#),
        QueryCase(#"last_over_time(memory{instance="a"}[3m])"#, #"memory{instance="a", job="api"} 5"#),
        QueryCase(#"quantile_over_time(0.5, requests_total{instance="a"}[3m])"#, #"{instance="a", job="api"} 540"#),
        QueryCase(#"deriv(requests_total{instance="a"}[5m])"#, #"{instance="a", job="api"} 1"#),
        QueryCase(#"predict_linear(requests_total{instance="a"}[5m], 60)"#, #"{instance="a", job="api"} 660"#),
        QueryCase(#"max_over_time(rate(requests_total{instance="b"}[2m])[4m:1m])"#, #"{instance="b", job="api"} 2"#),
    ]

    @Test("an answer is what Prometheus gives", arguments: cases)
    func answers(_ example: QueryCase) throws {
        let lines = try Self.load().lines(example.query, atMinute: 10)
        #expect(lines.sorted() == example.expected.sorted())
    }

    @Test("sorting orders an instant result, NaN last in both directions")
    func sorting() throws {
        let harness = try Self.load()
        #expect(
            try harness.lines("sort(memory)", atMinute: 1).map { $0.split(separator: " ").last } == ["5", "7", "NaN"])
        #expect(
            try harness.lines("sort_desc(memory)", atMinute: 1).map { $0.split(separator: " ").last }
                == ["7", "5", "NaN"])
        #expect(
            try harness.lines("topk(3, memory)", atMinute: 1).map { $0.split(separator: " ").last }
                == ["7", "5", "NaN"])
    }

    @Test("names like cpu2 and cpu10 sort as numbers")
    func naturalOrder() throws {
        let harness = try QueryHarness(#"load{cpu="cpu10"} 1"#, #"load{cpu="cpu2"} 1"#, #"load{cpu="cpu1"} 1"#)
        let sorted = try harness.lines(#"sort_by_label(load, "cpu")"#, atMinute: 0)
        #expect(sorted == [#"load{cpu="cpu1"} 1"#, #"load{cpu="cpu2"} 1"#, #"load{cpu="cpu10"} 1"#])
    }
}
