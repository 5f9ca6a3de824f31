import MetricModel
import PromQL
import PromQLSyntax
import Storage
import TestSupport
import Testing

@testable import PromQLScripts

/// What the runner lets pass, and that a wrong expectation of any kind fails.
@Suite struct ScriptRunnerTests {
    private static let series = """
        load 1m
            up{job="a"} 0+1x10
            up{job="b"} 0+2x10
            gauge 1 _ 3 stale
            histogram {{schema:0 sum:5 count:4 buckets:[1 2 1]}}x10
            requests_total 0+60x10


        """

    private func run(_ script: String) -> ScriptReport {
        ScriptRunner(makeStore: { MemoryStore() }).run(Self.series + script, name: "test")
    }

    @Test("a right expectation passes", arguments: rightCases)
    func passes(_ script: String) {
        let report = run(script)
        #expect(report.failures.isEmpty, "\(report)")
        #expect(report.passed == 1)
    }

    static let rightCases = [
        "eval instant at 5m up\n  up{job=\"a\"} 5\n  up{job=\"b\"} 10",
        "eval instant at 5m up{job=\"b\"} + 0.0000001\n  {job=\"b\"} 10",
        "eval instant at 0 1 + 1\n  2", "eval instant at 1m time()\n  60", "eval instant at 0 -Inf\n  -Inf",
        "eval instant at 0 NaN\n  NaN", "eval instant at 0 31\n  0x1f", "eval instant at 0 1000\n  1e3",
        "eval instant at 0 \"Foo\"\n  expect string \"Foo\"", "eval instant at 0 'a\"b'\n  expect string `a\"b`",
        "eval instant at 5m nothing", "eval instant at 1m gauge\n  gauge 1", "eval instant at 3m gauge",
        "eval range from 0 to 2m step 1m up{job=\"a\"}\n  up{job=\"a\"} 0 1 2",
        "eval range from 0 to 3m step 1m gauge\n  gauge 1 1 3 _", "eval range from 0 to 2m step 1m 1\n  {} 1x2",
        "eval instant at 2m up{job=\"a\"}[2m]\n  expect range vector from 1m to 2m step 1m\n  up{job=\"a\"} 1 2",
        "eval instant at 1m histogram\n  histogram {{sum:5 count:4 buckets:[1 2 1]}}",
        "eval instant at 1m histogram\n  histogram {{schema:0 sum:5 count:4 buckets:[0 1 2 1 0] offset:-1}}",
        "eval range from 0 to 1m step 1m histogram\n  histogram {{sum:5 count:4 buckets:[1 2 1]}}x1",
        "eval instant at 5m topk(2, up)\n  expect ordered\n  up{job=\"b\"} 10\n  up{job=\"a\"} 5",
        "eval_ordered instant at 5m topk(2, up)\n  up{job=\"b\"} 10\n  up{job=\"a\"} 5",
        "eval instant at 5m up + on () up\n  expect fail", "eval_fail instant at 5m up + on () up",
        "eval instant at 5m up + on () up\n  expect fail regex: found duplicate series",
        "eval_fail instant at 5m up + on () up\n  expected_fail_regexp found duplicate .*",
        "eval instant at 5m topk(NaN, up)\n  expect fail msg: Parameter value is NaN",
        "eval_fail instant at 5m topk(NaN, up)\n  expected_fail_message Parameter value is NaN",
        "eval instant at 5m quantile(2, up)\n  expect warn\n  {} Inf",
        "eval_warn instant at 5m quantile(2, up)\n  {} Inf",
        "eval instant at 5m quantile(2, up)\n  expect warn msg: PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)\n  {} Inf",
        "eval instant at 5m quantile(2, up)\n  expect warn regex: between 0 and 1\n  expect no_info\n  {} Inf",
        "eval instant at 5m rate(up{job=\"a\"}[2m])\n  expect info\n  {job=\"a\"} 0.016666666",
        "eval instant at 5m rate(requests_total[2m])\n  expect no_warn\n  expect no_info\n  {} 1",
        "clear\neval instant at 5m up", "EVAL instant at 5m nothing",
        "eval instant at 5m nothing\n# comment ends the body\n",
        "load_with_nhcb 1m\n  h_bucket{le=\"1\"} 1\n  h_bucket{le=\"2\"} 3\n  h_bucket{le=\"+Inf\"} 4\n  h_count 4\n  h_sum 6\n\neval instant at 0 h\n  h {{schema:-53 count:4 sum:6 custom_values:[1 2] buckets:[1 2 1]}}",
        "load_with_nhcb 1m\n  h_bucket{le=\"1\"} 1\n  h_bucket{le=\"2\"} 1\n  h_count 5\n\neval instant at 0 h\n  h {{schema:-53 count:5 custom_values:[1 2] buckets:[1 0 4]}}",
        "load 1m\n  again 1\n  again 2\n\neval instant at 0 again\n  again 2",
        "load 1m\n  s@st -30s\n  s 5\n\neval instant at 0 start_timestamp(s)\n  {} -30",
        "load 1m\n  s 5\n\neval instant at 0 start_timestamp(s)\n  {} 0",
        "load 1m\n  s@st -30s\n  s {{sum:5}}\n\neval instant at 0 start_timestamp(s)\n  {} -30",
        "load 1m\n  s@st -30s\n  s 5\n\neval instant at 0 start_timestamp(s + 0)",
    ]

    @Test("a wrong expectation fails at its line, with the reason", arguments: wrongCases)
    func fails(_ script: String, reason: String) throws {
        let report = run(script)
        #expect(report.failures.count == 1, "\(report)")
        let failure = try #require(report.failures.first)
        #expect(failure.reason.contains(reason), "\(failure)")
        #expect(failure.line > 7)
        #expect(report.passed == 0)
    }

    static let wrongCases = [
        ("eval instant at 5m up\n  up{job=\"a\"} 5", "unexpected element up{job=\"b\"} 10"),
        ("eval instant at 5m up{job=\"a\"}\n  up{job=\"a\"} 6", "expected 6 for up{job=\"a\"}, got 5"),
        (
            "eval instant at 5m up{job=\"a\"}\n  up{job=\"a\"} 5\n  up{job=\"c\"} 5",
            "expected element up{job=\"c\"} is missing"
        ),
        ("eval instant at 5m up{job=\"a\"}\n  up{job=\"a\"} 5.00002", "expected 5.00002"),
        ("eval instant at 5m up{job=\"a\"}", "unexpected element"),
        ("eval instant at 5m nothing\n  {} 1", "is missing"),
        ("eval instant at 5m up{job=\"a\"}\n  5", "expected the scalar 5, got a vector"),
        ("eval instant at 0 1\n  2", "expected 2, got 1"), ("eval instant at 0 1\n  {} 1", "got the scalar 1"),
        ("eval instant at 0 NaN\n  stale", "got the scalar NaN"),
        ("eval instant at 0 0\n  1e-300", "expected 1e-300, got 0"),
        ("eval instant at 0 \"a\"\n  expect string \"b\"", "expected \"b\", got \"a\""),
        ("eval instant at 0 \"a\"", "got the string"),
        ("eval instant at 0 1\n  expect string \"1\"", "got the scalar"),
        ("eval range from 0 to 2m step 1m up{job=\"a\"}\n  up{job=\"a\"} 0 1", "other points"),
        ("eval range from 0 to 2m step 1m up{job=\"a\"}\n  up{job=\"a\"} 0 1 3", "differs"),
        ("eval range from 0 to 2m step 1m up{job=\"a\"}\n  up{job=\"a\"} 0 1 2 3", "more values"),
        ("eval range from 0 to 2m step 1m up{job=\"a\"}", "unexpected series"),
        ("eval range from 0 to 2m step 1m nothing\n  up 1 2 3", "is missing"),
        (
            "eval range from 0 to 2m step 1m up{job=\"a\"}\n  expect ordered\n  up{job=\"a\"} 0 1 2",
            "expected an ordered result"
        ),
        ("eval instant at 2m up{job=\"a\"}[2m]\n  up{job=\"a\"} 1", "range vector, which was not expected"),
        (
            "eval instant at 2m up{job=\"a\"}\n  expect range vector from 1m to 2m step 1m\n  up{job=\"a\"} 1 2",
            "got an instant vector"
        ),
        (
            "eval instant at 2m up{job=\"a\"}[2m]\n  expect range vector from 1m to 2m step 1m\n  up{job=\"a\"} 1 3",
            "differs"
        ),
        ("eval instant at 1m histogram\n  histogram {{sum:5 count:4 buckets:[1 1 2]}}", "expected {{"),
        (
            "eval instant at 1m histogram\n  histogram {{sum:5 count:4 buckets:[1 2 1] counter_reset_hint:gauge}}",
            "expected {{"
        ),
        ("eval instant at 1m histogram\n  histogram 4", "expected 4"),
        ("eval instant at 1m histogram\n  histogram {{schema:1 sum:5 count:4 buckets:[1 2 1]}}", "schema:1"),
        ("eval instant at 5m topk(2, up)\n  expect ordered\n  up{job=\"a\"} 5\n  up{job=\"b\"} 10", "at place"),
        ("eval instant at 5m up\n  expect fail", "it succeeded"),
        ("eval instant at 5m up + on () up", "the query failed: found duplicate"),
        ("eval instant at 5m topk(NaN, up)\n  expect fail msg: another", "it failed with: Parameter value is NaN"),
        ("eval instant at 5m topk(NaN, up)\n  expect fail regex: ^NaN", "it failed with"),
        ("eval instant at 5m nothing\n  expect warn", "expected warning any text, got none"),
        ("eval instant at 5m nothing\n  expect info", "got none"),
        ("eval instant at 5m quantile(2, up)\n  expect no_warn\n  {} Inf", "unexpected warning"),
        ("eval instant at 5m quantile(2, up)\n  expect warn msg: other\n  {} Inf", "no warning is \"other\""),
        ("eval instant at 5m quantile(2, up)\n  expect warn\n  expect warn regex: other\n  {} Inf", "matching other"),
        ("eval instant at 5m rate(up{job=\"a\"}[2m])\n  expect no_info\n  {job=\"a\"} 0.016666666", "unexpected info"),
        ("eval instant at 5m up\n  expect warn\n  expect no_warn", "both expected and not expected"),
        ("eval instant at 5m up\n  expect fail\n  expect fail", "only one failure"),
        ("eval instant at 5m up\n  expect what", "unknown expectation"),
        ("eval instant at 5m up\n  expect warn because", "msg: or regex:"),
        ("eval instant at 5m up{job=\"a\"}\n  up{job=\"a\"} 5 6", "one value a series"),
        ("eval instant at x up", "not a duration"), ("eval instant 5m up", "\"at\" expected"),
        ("eval at 5m up", "an evaluation is written"),
        ("eval range from 2m to 1m step 1m up", "ends after its start"),
        ("eval range from 1m to 2m step 0 up", "step is above 0"),
        ("eval instant at 5m rate(up)", "not in PromQL"), ("eval_what instant at 5m up", "unknown command"),
        ("eval instant at 5m up\n  up{job=", "unexpected end of input"), ("what", "unknown command \"what\""),
        ("load", "not a duration"), ("load 1m\n  up 1x", "expected number"), ("load 0s\n  up 1", "load STEP"),
        ("load_what 1m", "unknown command"),
        ("load 1m\n  up{job=\"a\"} 1", "out of order"), ("load 1m\n  s@st -1m\n  t 1", "does not fit"),
        ("load 1m\n  s@st -1m", "without a line"),
        ("load_with_nhcb 1m\n  h_bucket{le=\"1\"} 2\n  h_bucket{le=\"2\"} 1", "not cumulative"),
        ("load_with_nhcb 1m\n  h_bucket{le=\"+Inf\"} 2\n  h_count 3", "its count is 3"),
    ]

    @Test("a fault or failure does not keep what follows from running")
    func continues() {
        let report = run(
            "what\n\neval instant at 0 1\n  2\n\neval instant at 0 1\n  1\n\nload x\n\neval instant at 0 1\n  1\n")
        #expect(report.passed == 2)
        #expect(report.failures.map(\.line) == [8, 10, 16])
        #expect(report.description.hasSuffix("test: 2 passed, 3 failed"))
    }

    @Test(
        "pinning writes the time wherever it was open",
        arguments: [
            ("foo", "foo @ 60.000"), ("foo @ 5", "foo @ 5.000"), ("foo @ end()", "foo @ 60.000"),
            ("rate(foo[5m] offset 1m)", "rate(foo[5m] @ 60.000 offset 1m)"),
            ("max_over_time(foo[5m:1m])", "max_over_time(foo[5m:1m] @ 60.000)"),
            ("max_over_time(foo[5m:1m] @ 5)", "max_over_time(foo[5m:1m] @ 5.000)"),
            ("-sum by (a) (foo) + (bar)", "-sum by (a) (foo @ 60.000) + (bar @ 60.000)"),
            ("topk(scalar(a), b)", "topk(scalar(a @ 60.000), b @ 60.000)"),
            ("info(foo, {a=\"b\"})", "info(foo @ 60.000, {a=\"b\"})"), ("time()", nil), ("sum(timestamp(foo))", nil),
            ("foo[5m:] offset 5m", "foo[5m:] @ 60.000 offset 5m"),
        ])
    func pinning(_ text: String, _ pinned: String?) throws {
        let time = Timestamp(milliseconds: 60_000)
        #expect(TimePinning(time: time).pinned(try Parser.parse(text))?.description == pinned)
    }

    @Test(
        "floats are equal within a millionth, and stale is not NaN",
        arguments: [
            (1.0, 1.000001, true), (1, 1.00001, false), (0, 1e-300, false), (0, -0.0, true),
            (.infinity, .infinity, true), (.infinity, 1, false),
            (.nan, SpecialValue.notANumber, true), (.nan, SpecialValue.stale, false),
            (SpecialValue.stale, SpecialValue.stale, true), (.nan, 1, false),
            (1e308, 1.0000001e308, true), (.infinity, -.infinity, false), (1, -1, false),
            (.leastNonzeroMagnitude, 2 * .leastNonzeroMagnitude, true),
        ])
    func nearEquality(_ left: Double, _ right: Double, _ isEqual: Bool) {
        #expect(NearEquality.floats(left, right) == isEqual)
        #expect(NearEquality.floats(right, left) == isEqual)
    }
}
