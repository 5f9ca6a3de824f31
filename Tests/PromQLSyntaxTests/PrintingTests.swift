import Testing

@testable import PromQLSyntax

/// Queries and their canonical texts, one a line.
@Suite struct PrintingTests {
    @Test("a canonical text prints as it is", arguments: canonicalTexts)
    func same(_ text: String) throws {
        #expect(try Parser.parse(text).description == text)
    }

    @Test("a text prints in its canonical form", arguments: rewrittenTexts)
    func prints(_ text: String, as canonical: String) throws {
        let tree = try Parser.parse(text)
        #expect(tree.description == canonical)
        #expect(try Parser.parse(canonical) == tree)
        #expect(try Parser.parse(tree.prettyPrinted()) == tree)
    }

    static let canonicalTexts: [String] = [
        "1", "0.5", "1000000000000000000000", "NaN", "\"text\"", "5m", "1h30m", "-5m", "-0s", "-1",
        "foo", "foo:bar", ":foo", "foo{a=\"b\"}", "foo{a!=\"b\",c=~\"d\",e!~\"f\"}", "{a=\"b\"}", "{__name__=\"foo\"}",
        "{__name__=~\"foo.+\"}", "{\"a.b\"=\"c\"}", "foo{\"a.b\"=\"c\"}", "foo{a=\"\\n\\\"\\\\\"}",
        "foo[5m]", "foo[1h30m]", "foo[1w]", "foo[1y]", "foo[8d]", "foo[1ms]",
        "foo offset 5m", "foo offset -5m", "foo @ 1.500", "foo @ -1.000", "foo @ start()", "foo @ end()",
        "foo @ 10.000 offset 5m", "foo[5m] @ 10.000 offset 5m", "foo[5m] anchored", "foo[5m] smoothed",
        "foo smoothed", "foo anchored", "foo[5m] anchored @ start() offset 1m", "foo @ 10.000 smoothed offset 5m",
        "foo[step()]", "foo[range()]", "foo[5m + 1m]", "foo[min_of(step(), 1m)]", "foo[max_of(step() * 2, 1m)]",
        "foo[(5m + 1m) * 2]", "foo[-(1m - 5m)]", "foo[2 ^ 3 ^ 2]", "foo offset (5m + 1m)", "foo offset step()",
        "foo offset -step()", "foo offset min_of(step(), 1m)", "foo[(-2) ^ 2]",
        "rate(foo[5m])[1h:5m]", "foo[1h:]", "foo[1h:5m] @ 3.000 offset 1m", "foo[1h:step()]", "foo[1h + 1m:step() * 2]",
        "-foo", "+foo", "-foo ^ 2", "-(foo)", "--foo", "foo + -bar", "2 ^ -1",
        "foo + bar", "foo - bar", "foo * bar", "foo / bar", "foo % bar", "foo ^ bar", "foo atan2 bar",
        "foo == bar", "foo != bar", "foo < bar", "foo > bar", "foo <= bar", "foo >= bar", "foo </ 2", "foo >/ 2",
        "foo and bar", "foo or bar", "foo unless bar", "1 == bool 2", "foo == bool 2",
        "foo + on (a) bar", "foo + on () bar", "foo + ignoring (a, b) bar", "foo + on (a) group_left (b) bar",
        "foo + ignoring (a) group_right () bar", "foo == bool on (a) bar", "foo + on (\"a.b\") bar",
        "foo + fill (0) bar", "foo + fill_left (1) bar", "foo + fill_right (-1) bar",
        "foo + on (a) fill_left (1) fill_right (2) bar", "foo + on (a) group_left () fill (NaN) bar",
        "foo and on (a) bar", "foo or ignoring (a) bar",
        "sum(foo)", "sum by (a) (foo)", "sum by (a, b) (foo)", "sum without () (foo)", "sum without (a) (foo)",
        "topk(5, foo)", "count_values(\"a\", foo)", "quantile by (a) (0.9, foo)", "limitk(2, foo)",
        "limit_ratio(-0.5, foo)", "group(foo)", "sum by (\"a.b\") (foo)", "sum by (on, by, bool) (foo)",
        "time()", "pi()", "rate(foo[5m])", "clamp(foo, 1, 2)", "label_replace(foo, \"a\", \"$1\", \"b\", \"(.*)\")",
        "label_join(foo, \"a\", \"b\")", "label_join(foo, \"a\", \"b\", \"c\", \"d\")", "round(foo)", "round(foo, 2)",
        "hour()", "hour(foo)", "info(foo)", "info(foo, {a=\"b\"})", "info(foo, {a=~\".*\"})", "start()", "end()",
        "step()", "range()", "min_of(1, 2)", "max_of(step(), 2)", "sort_by_label(foo)",
        "sort_by_label_desc(foo, \"a\")",
        "histogram_quantiles(foo, \"q\", 0.1, 0.5, 0.9)", "(foo)", "((1))", "(\"text\")", "vector(1)", "scalar(foo)",
        "sum", "by", "without", "offset", "start", "end", "step", "range", "min_of", "max_of", "smoothed", "anchored",
        "fill", "fill_left", "fill + fill", "and{a=\"b\"}", "sum{a=\"b\"}", "or + or", "topk",
    ]

    static let rewrittenTexts: [(String, String)] = [
        ("0x1f", "31"), ("0X_1f", "31"), ("017", "15"), ("08", "8"), (".5", "0.5"), ("5.", "5"), ("1_000", "1000"),
        ("1e3", "1000"), ("1E-3", "0.001"), ("1e+3", "1000"), ("inf", "+Inf"), ("-INF", "-Inf"), ("nan", "NaN"),
        ("+1", "1"), ("- 1", "-1"), ("--1", "1"), ("-+-1", "1"), ("1e22", "10000000000000000000000"),
        ("60s", "1m"), ("90m", "1h30m"), ("1y1w1d1h1m1s1ms", "373d1h1m1s1ms"), ("1000ms", "1s"), ("7d", "1w"),
        ("'a'", "\"a\""), ("`a\\b`", "\"a\\\\b\""), ("\"\\x41\\u00e4\\101\"", "\"AäA\""), ("'\\''", "\"'\""),
        ("\"\\xff\"", "\"\\xff\""), ("\"\\U0001F600\"", "\"😀\""), ("\"\\a\\b\\f\\v\"", "\"\\a\\b\\f\\v\""),
        ("{\"foo\"}", "{__name__=\"foo\"}"), ("{\"my.metric\", a=\"b\"}", "{__name__=\"my.metric\",a=\"b\"}"),
        ("{a='b', \"my.metric\"}", "{__name__=\"my.metric\",a=\"b\"}"), ("foo{}", "foo"),
        ("foo{a=\"b\",}", "foo{a=\"b\"}"),
        ("foo{b=\"1\",a=\"2\"}", "foo{a=\"2\",b=\"1\"}"), ("foo{\"a\"=\"b\"}", "foo{a=\"b\"}"),
        ("{__name__=\"\",a=\"b\"}", "{__name__=\"\",a=\"b\"}"),
        ("foo { a = \"b\" , c =~ 'd' }", "foo{a=\"b\",c=~\"d\"}"),
        ("foo[300]", "foo[5m]"), ("foo[0.5]", "foo[500ms]"), ("foo[1e3]", "foo[16m40s]"), ("foo[+5m]", "foo[5m]"),
        ("foo[ 5m ]", "foo[5m]"), ("foo[- - 5m]", "foo[5m]"), ("foo offset 300", "foo offset 5m"),
        ("foo offset +5m", "foo offset 5m"), ("foo offset -  5m", "foo offset -5m"), ("foo offset 0s", "foo"),
        ("foo offset 1m + 2", "foo offset 1m + 2"), ("foo offset -2 ^ 2", "foo offset -2s ^ 2"),
        ("foo offset 5m @ 10", "foo @ 10.000 offset 5m"), ("foo @ 1e3", "foo @ 1000.000"),
        ("foo @ 1m40s", "foo @ 100.000"),
        ("foo @ +1.0006", "foo @ 1.001"),
        ("foo @ -0.0004", "foo @ 0.000"), ("foo[5m] offset 5m smoothed", "foo[5m] smoothed offset 5m"),
        ("foo smoothed [5m]", "foo[5m] smoothed"), ("foo offset 1m anchored", "foo anchored offset 1m"),
        ("foo[5m+1m*2]", "foo[5m + 1m * 2]"), ("foo[STEP()]", "foo[step()]"), ("foo[+(5m)]", "foo[5m]"),
        ("foo offset (5m)", "foo offset 5m"), ("foo offset ((-5m))", "foo offset -5m"),
        ("foo offset -(5m)", "foo offset -5m"), ("foo[0.0004]", "foo[0.0001]"),
        ("foo[(5m) + (1m)]", "foo[5m + 1m]"), ("foo[(1ms)]", "foo[1ms]"),
        ("foo[-2^2+1h]", "foo[-2 ^ 2 + 1h]"), ("foo[1h : 5m]", "foo[1h:5m]"), ("foo[60:30]", "foo[1m:30s]"),
        ("foo[1m + step():]", "foo[1m + step():]"), ("foo offset +step()", "foo offset step()"),
        ("foo  +\n\tbar", "foo + bar"), ("foo # comment\n + bar # more", "foo + bar"),
        ("foo{ # comment\na='b'}", "foo{a=\"b\"}"),
        ("foo[5m # comment\n]", "foo[5m]"),
        ("1 + 2 * 3", "1 + 2 * 3"), ("a OR b AND c Unless d", "a or b and c unless d"), ("a ATAN2 b", "a atan2 b"),
        ("foo + on(a,) bar", "foo + on (a) bar"), ("foo + ignoring() bar", "foo + bar"),
        ("foo + on(a) group_left bar", "foo + on (a) group_left () bar"),
        ("foo + ON(a) Group_Left(b) bar", "foo + on (a) group_left (b) bar"),
        ("foo + fill_right(2) fill_left(1) bar", "foo + fill_left (1) fill_right (2) bar"),
        ("foo + fill_left(1) fill_right(1) bar", "foo + fill (1) bar"),
        ("foo + fill(-Inf) bar", "foo + fill (-Inf) bar"),
        ("foo + fill(1e30) bar", "foo + fill (1e+30) bar"),
        ("foo == BOOL 1", "foo == bool 1"), ("SUM(foo)", "sum(foo)"), ("sum(foo) by (a)", "sum by (a) (foo)"),
        ("sum by () (foo)", "sum(foo)"), ("sum by (a,) (foo)", "sum by (a) (foo)"),
        ("sum(foo) WITHOUT (a)", "sum without (a) (foo)"),
        ("topk by (a) (5, foo)", "topk by (a) (5, foo)"), ("topk(5, foo) by (a)", "topk by (a) (5, foo)"),
        ("sum by ('a', `b.c`) (foo)", "sum by (a, \"b.c\") (foo)"),
        ("sum by (foo:bar) (x)", "sum by (\"foo:bar\") (x)"),
        ("rate( foo [ 5m ] )", "rate(foo[5m])"), ("-1 ^ 2", "-1 ^ 2"),
        ("sum(x)[5m:] offset 1m", "sum(x)[5m:] offset 1m"),
    ]

    @Test(
        "operators bind as strongly as Prometheus' do",
        arguments: [
            ("-2 ^ 2", "-(2 ^ 2)"), ("2 ^ 3 ^ 2", "2 ^ (3 ^ 2)"), ("1 - 2 - 3", "(1 - 2) - 3"),
            ("1 + 2 * 3", "1 + (2 * 3)"),
            ("-a * b", "(-a) * b"), ("a or b and c", "a or (b and c)"), ("a and b or c", "(a and b) or c"),
            ("a unless b and c", "(a unless b) and c"), ("a + b == c", "(a + b) == c"),
            ("a == b and c", "(a == b) and c"),
            ("a / b atan2 c", "(a / b) atan2 c"), ("a </ 2 + b", "a </ (2 + b)"), ("2 ^ -1 * 3", "(2 ^ -1) * 3"),
            ("a < b > c", "(a < b) > c"), ("2 ^ -1 ^ 2", "2 ^ (-(1 ^ 2))"), ("-a ^ b * c", "(-(a ^ b)) * c"),
            ("foo offset 1m + 2", "(foo offset 1m) + 2"), ("foo offset -2 ^ 2", "(foo offset -2) ^ 2"),
        ])
    func binds(_ text: String, like explicit: String) throws {
        #expect(try withoutParentheses(Parser.parse(text)) == withoutParentheses(Parser.parse(explicit)))
    }

    private func withoutParentheses(_ expression: Expression) -> Expression {
        switch expression {
        case .parenthesized(let group): return withoutParentheses(group.content)
        case .binary(var operation):
            operation.left = withoutParentheses(operation.left)
            operation.right = withoutParentheses(operation.right)
            return .binary(operation)
        case .unary(var operation):
            operation.operand = withoutParentheses(operation.operand)
            return .unary(operation)
        default: return expression
        }
    }

    @Test("long expressions are split over lines")
    func pretty() throws {
        let text =
            "sum by (instance, job) (rate(http_requests_total{code=\"200\"}[5m])) / on (instance, job) group_left () "
            + "histogram_quantile(0.9, sum by (le, instance, job) (rate(request_duration_seconds_bucket[5m]))) and foo"
        let expected = """
                sum by (instance, job) (rate(http_requests_total{code="200"}[5m]))
              / on (instance, job) group_left ()
                histogram_quantile(0.9, sum by (le, instance, job) (rate(request_duration_seconds_bucket[5m])))
            and
              foo
            """
        #expect(try Parser.parse(text).prettyPrinted() == expected)
    }

    @Test("calls and parentheses that are too long are opened")
    func prettyCalls() throws {
        let name = String(repeating: "long_name_", count: 9)
        let text = "topk by (a) (5, (clamp(-\(name)a[1h:] offset 5m, 1, 2)))".replacing("[1h:] offset 5m", with: "")
        let expected = """
            topk by (a) (
              5,
              (
                clamp(
                  -\(name)a,
                  1,
                  2
                )
              )
            )
            """
        #expect(try Parser.parse(text).prettyPrinted() == expected)
    }

    @Test("a subquery that fits is not indented")
    func prettySubqueries() throws {
        let name = String(repeating: "long_name_", count: 9)
        let expected = """
            max_over_time(
            \(name)a[1h:5m]
            )
            """
        #expect(try Parser.parse("max_over_time(\(name)a[1h:5m])").prettyPrinted() == expected)
    }
}
