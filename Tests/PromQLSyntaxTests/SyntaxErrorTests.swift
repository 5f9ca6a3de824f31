import Testing

@testable import PromQLSyntax

/// Texts that are no queries, the complaint, and its place.
@Suite struct SyntaxErrorTests {
    @Test("a fault is reported with its place", arguments: faults)
    func fails(_ text: String, with complaint: String) {
        let error = #expect(throws: SyntaxError.self) { try Parser.parse(text) }
        #expect(error?.description == complaint)
    }

    static let faults: [(String, String)] = [
        ("", "1:1: parse error: no expression found in input"),
        ("# comment", "1:1: parse error: no expression found in input"),
        ("1+", "1:3: parse error: unexpected end of input"),
        ("(", "1:2: parse error: unclosed left parenthesis"),
        ("(1", "1:3: parse error: unclosed left parenthesis"),
        (")", "1:2: parse error: unexpected right parenthesis ')'"),
        ("1 2", "1:3: parse error: unexpected number \"2\""),
        (
            "a + on(b) group_left",
            "1:21: parse error: unexpected end of input in grouping opts, expected \"(\""
        ),
        ("a == on(b) group_right bool c", "1:24: parse error: unexpected <bool> in grouping opts, expected \"(\""),
        ("a / on(b) group_left / c", "1:22: parse error: unexpected <op:/> in grouping opts, expected \"(\""),
        ("a\u{a0}b", "1:2: parse error: unexpected character: '\\u00a0'"),
        ("a{\u{200b}}", "1:3: parse error: unexpected character inside braces: '\\u200b'"),
        ("a '\u{7}\u{e000}'", "1:3: parse error: unexpected string \"'\\a\\ue000'\""),
        (
            "12.34e}",
            "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"12.34e\": invalid syntax"
        ),
        ("2_ + 1", "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"2_\": invalid syntax"),
        ("foo[2_ ]", "1:5: parse error: error parsing number: strconv.ParseFloat: parsing \"2_\": invalid syntax"),
        ("avg without () () $", "1:1: parse error: no arguments for aggregate expression provided"),
        (
            "sum by (a) (foo, bar) ;",
            "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 1, got 2"
        ),
        ("sum() $", "1:7: parse error: unexpected character: '$'"),
        ("5m5m $", "1:1: parse error: not a valid duration string: \"5m5m\""),
        ("foo bar", "1:5: parse error: unexpected identifier \"bar\""),
        ("1 /", "1:4: parse error: unexpected end of input"),
        ("*1", "1:1: parse error: unexpected <op:*>"),
        ("foo\n+\n)", "3:2: parse error: unexpected right parenthesis ')'"),
        ("\"äö\" + ;", "1:10: parse error: unexpected character: ';'"),
        ("1.5h", "1:1: parse error: unknown unit \".\" in duration \"1.5h\""),
        ("foo[5y1hs]", "1:5: parse error: unknown unit \"hs\" in duration \"5y1hs\""),
        ("1e5m", "1:1: parse error: unknown unit \"e\" in duration \"1e5m\""),
        (
            "foo[99999999999999999999s]",
            "1:5: parse error: not a valid duration string: \"99999999999999999999s\""
        ),
        (
            ".5.5", "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \".5.5\": invalid syntax"
        ),
        ("1s1s", "1:1: parse error: not a valid duration string: \"1s1s\""),
        ("1m1h", "1:1: parse error: not a valid duration string: \"1m1h\""),
        ("300000y", "1:1: parse error: duration out of range"),
        ("1..2", "1:1: parse error: bad number or duration syntax: \"1..\""),
        ("1_", "1:1: parse error: bad number or duration syntax: \"1_\""),
        ("1e", "1:1: parse error: bad number or duration syntax: \"1e\""),
        ("0b1", "1:1: parse error: bad number or duration syntax: \"0\""),
        ("1e5x", "1:1: parse error: bad number or duration syntax: \"1e5\""),
        ("0deadbeef", "1:1: parse error: bad number or duration syntax: \"0de\""),
        ("5mx", "1:1: parse error: bad number or duration syntax: \"5mx\""),
        ("5m30", "1:1: parse error: bad number or duration syntax: \"5m30\""),
        ("sum(foo 5)", "1:9: parse error: unexpected number \"5\" in aggregation"),
        ("sum by (a) (abs(foo 'x'))", "1:21: parse error: unexpected string \"'x'\" in aggregation"),
        ("sum(foo{a 5})", "1:11: parse error: unexpected character inside braces: '5'"),
        ("sum(foo) 5", "1:10: parse error: unexpected number \"5\""),
        ("topk(5, ^ foo)", "1:7: parse error: trailing commas not allowed in function call args"),
        ("round(foo,, 1)", "1:10: parse error: trailing commas not allowed in function call args"),
        ("(foo)[5m])", "1:6: parse error: ranges only allowed for vector selectors"),
        ("nosuch(foo))", "1:1: parse error: unknown function with name \"nosuch\""),
        ("1e400", "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"1e400\": value out of range"),
        ("\"abc", "1:1: parse error: unterminated quoted string"),
        ("\"a\nb\"", "1:1: parse error: unterminated quoted string"),
        ("`abc", "1:1: parse error: unterminated raw string"),
        ("\"\\q\"", "1:1: parse error: unknown escape sequence U+0071 'q'"),
        ("\"\\xg0\"", "1:1: parse error: illegal character U+0067 'g' in escape sequence"),
        ("\"\\ud800\"", "1:1: parse error: escape sequence is an invalid Unicode code point"),
        ("\"\\400\"", "1:1: parse error: escape sequence is an invalid Unicode code point"),
        ("foo{", "1:5: parse error: unexpected end of input inside braces"),
        ("foo{a}", "1:6: parse error: unexpected \"}\" in label matching, expected label matching operator"),
        ("foo{a=}", "1:7: parse error: unexpected \"}\" in label matching, expected string"),
        (
            "foo{a=\"b\" c=\"d\"}",
            "1:11: parse error: unexpected identifier \"c\" in label matching, expected \",\" or \"}\""
        ),
        ("foo{,}", "1:5: parse error: unexpected \",\" in label matching, expected identifier or \"}\""),
        ("foo{a:b=\"c\"}", "1:6: parse error: unexpected character inside braces: ':'"),
        ("foo{a!\"b\"}", "1:6: parse error: unexpected character after '!' inside braces: '\"'"),
        ("foo{{", "1:5: parse error: unexpected left brace '{'"),
        ("foo{a=1}", "1:7: parse error: unexpected character inside braces: '1'"),
        ("{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"),
        ("{a=\"\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"),
        ("{a=~\".*\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"),
        ("{a!=\"b\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"),
        ("foo{__name__=\"bar\"}", "1:1: parse error: metric name must not be set twice: \"foo\" or \"bar\""),
        ("foo{\"bar\"}", "1:1: parse error: metric name must not be set twice: \"foo\" or \"bar\""),
        ("foo{on=\"a\"} + on{}", "1:17: parse error: unexpected \"{\" in grouping opts, expected \"(\""),
        ("on", "1:1: parse error: unexpected <on>"), ("bool", "1:1: parse error: unexpected <bool>"),
        ("!foo", "1:1: parse error: unexpected character after '!': 'f'"),
        ("foo =~ bar", "1:5: parse error: unexpected character after '=': '~'"),
        ("foo = bar", "1:5: parse error: unexpected \"=\""),
        ("foo[", "1:5: parse error: unexpected end of input in duration expression"),
        (
            "foo[]",
            "1:5: parse error: unexpected \"]\" in subquery or range selector, expected number, duration, step(), or range()"
        ),
        (
            "foo[5m+]",
            "1:8: parse error: unexpected \"]\" in subquery or range selector, expected number, duration, step(), or range()"
        ),
        (
            "sum(foo[(5m])",
            "1:12: parse error: unexpected \"]\" in subquery or range selector, expected number, duration, step(), or range()"
        ),
        (
            "foo[min_of(1m)]",
            "1:14: parse error: unexpected \")\" in subquery or range selector, expected number, duration, step(), or range()"
        ),
        (
            "foo[5m:+]",
            "1:9: parse error: unexpected \"]\" in subquery selector, expected number, duration, step(), range(), or \"]\""
        ),
        ("foo[5m:1m 1m]", "1:11: parse error: unexpected duration \"1m\" in subquery selector, expected \"]\""),
        ("foo[step():1m]", "1:12: parse error: unexpected colon before duration in duration expression"),
        (
            "foo[5m] + foo[:1m]",
            "1:15: parse error: unexpected \":\" in subquery or range selector, expected number, duration, step(), or range()"
        ),
        ("foo[\"a\"]", "1:5: parse error: unexpected character in duration expression: '\"'"),
        ("foo[step()", "1:11: parse error: unexpected end of input in duration expression"),
        (
            "foo[5m+\"a\"]",
            "1:8: parse error: unexpected string \"\\\"a\\\"\" in subquery or range selector, expected number, duration, step(), or range()"
        ),
        ("foo[5m", "1:7: parse error: unclosed left bracket"),
        ("foo[5m 5m]", "1:8: parse error: unexpected duration \"5m\" in subquery or range, expected \":\" or \"]\""),
        ("foo[0]", "1:5: parse error: duration must be greater than 0"),
        ("foo[-5m]", "1:5: parse error: duration must be greater than 0"),
        ("foo[(-5m)]", "1:6: parse error: duration must be greater than 0"),
        ("foo[1 / (0)]", "1:7: parse error: division by zero"),
        ("foo[5m/0]", "1:7: parse error: division by zero"), ("foo[5m%0d]", "1:7: parse error: modulo by zero"),
        ("foo[x]", "1:5: parse error: unexpected character in duration expression: 'x'"),
        ("foo[5m:x]", "1:8: parse error: unexpected character: 'x', expected ':'"),
        ("foo[:5m]", "1:6: parse error: unexpected colon before duration in duration expression"),
        ("foo[5m:5m:]", "1:10: parse error: unexpected colon ':'"),
        ("foo[[5m]]", "1:5: parse error: unexpected character in duration expression: '['"),
        ("foo]", "1:4: parse error: unexpected right bracket ']'"),
        ("(foo)[5m]", "1:6: parse error: ranges only allowed for vector selectors"),
        ("foo offset 1m[5m]", "1:14: parse error: no offset modifiers allowed before range"),
        ("foo @ 1[5m]", "1:8: parse error: no @ modifiers allowed before range"),
        (
            "foo offset",
            "1:11: parse error: unexpected end of input in offset, expected number, duration, step(), or range()"
        ),
        (
            "foo offset bar",
            "1:12: parse error: unexpected identifier \"bar\" in offset, expected number, duration, step(), or range()"
        ),
        (
            "foo offset (1m 2m)",
            "1:16: parse error: unexpected duration \"2m\" in offset, expected number, duration, step(), or range()"
        ),
        ("foo offset -1e10", "1:12: parse error: duration out of range"),
        ("foo[-1e10]", "1:6: parse error: duration out of range"),
        ("foo offset 1m offset 2m", "1:1: parse error: offset may not be set multiple times"),
        (
            "1 offset 1m",
            "1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery"
        ),
        (
            "sum(foo) @ 1",
            "1:1: parse error: @ modifier must be preceded by an instant vector selector or range vector selector or a subquery"
        ),
        ("foo @ 1 @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times"),
        ("foo @ start() @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times"),
        ("foo @", "1:6: parse error: unexpected end of input in @, expected timestamp"),
        ("(foo @ NaN", "1:2: parse error: timestamp out of bounds for @ modifier: NaN"),
        ("foo @ NaN $", "1:1: parse error: timestamp out of bounds for @ modifier: NaN"),
        ("(foo @ 5 @ 6", "1:2: parse error: @ <timestamp> may not be set multiple times"),
        ("foo @ start() @ end() $", "1:1: parse error: @ <timestamp> may not be set multiple times"),
        (
            "(1 @ 5",
            "1:2: parse error: @ modifier must be preceded by an instant vector selector or range vector selector or a subquery"
        ),
        ("foo @ Inf", "1:1: parse error: timestamp out of bounds for @ modifier: +Inf"),
        ("foo @ NaN", "1:1: parse error: timestamp out of bounds for @ modifier: NaN"),
        (
            "foo @ -9223372036854775808",
            "1:1: parse error: timestamp out of bounds for @ modifier: -9223372036854775808.000000"
        ),
        ("foo anchored smoothed", "1:1: parse error: anchored and smoothed modifiers cannot be used together"),
        ("foo[5m:] anchored", "1:1: parse error: anchored modifier is not supported for subqueries"),
        ("1 smoothed", "1:1: parse error: smoothed modifier not implemented"),
        ("foo[5m:1m][5m:]", "1:1: parse error: subquery is only allowed on instant vector, got matrix instead"),
        ("1[5m:]", "1:1: parse error: subquery is only allowed on instant vector, got scalar instead"),
        ("unknown(foo)", "1:1: parse error: unknown function with name \"unknown\""),
        ("Rate(foo[5m])", "1:1: parse error: unknown function with name \"Rate\""),
        ("rate()", "1:1: parse error: expected 1 argument(s) in call to \"rate\", got 0"),
        ("rate(foo)", "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector"),
        ("rate(1)", "1:6: parse error: expected type range vector in call to function \"rate\", got scalar"),
        ("abs(\"a\")", "1:5: parse error: expected type instant vector in call to function \"abs\", got string"),
        ("round(foo, 1, 2)", "1:1: parse error: expected at most 2 argument(s) in call to \"round\", got 3"),
        ("round()", "1:1: parse error: expected at least 1 argument(s) in call to \"round\", got 0"),
        (
            "label_join(foo, \"a\")",
            "1:1: parse error: expected at least 3 argument(s) in call to \"label_join\", got 2"
        ),
        (
            "label_join(foo, \"a\", \"b\", 1)",
            "1:27: parse error: expected type string in call to function \"label_join\", got scalar"
        ),
        (
            "histogram_quantiles(foo, \"q\")",
            "1:1: parse error: expected at least 3 argument(s) in call to \"histogram_quantiles\", got 2"
        ),
        ("abs(foo,)", "1:8: parse error: trailing commas not allowed in function call args"),
        ("info(foo, bar)", "1:11: parse error: expected label selectors only, got vector selector instead"),
        ("info(foo, (bar))", "1:11: parse error: expected label selectors only"),
        ("info(foo, 1)", "1:1: parse error: expected type instant vector in call to function \"info\", got scalar"),
        ("sum()", "1:1: parse error: no arguments for aggregate expression provided"),
        (
            "sum(foo, bar)",
            "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 1, got 2"
        ),
        (
            "topk(foo)",
            "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1"
        ),
        ("topk(foo, bar)", "1:6: parse error: expected type scalar in aggregation parameter, got instant vector"),
        ("sum(1)", "1:5: parse error: expected type instant vector in aggregation expression, got scalar"),
        ("sum(foo[5m])", "1:5: parse error: expected type instant vector in aggregation expression, got range vector"),
        ("count_values(1, foo)", "1:14: parse error: expected type string in aggregation parameter, got scalar"),
        ("sum by foo (a)", "1:8: parse error: unexpected identifier \"foo\" in grouping opts, expected \"(\""),
        (
            "sum by (a b) (foo)",
            "1:11: parse error: unexpected identifier \"b\" in grouping opts, expected \",\" or \")\""
        ),
        ("sum by (1) (foo)", "1:9: parse error: unexpected number \"1\" in grouping opts, expected label"),
        ("sum by (without) (foo)", "1:9: parse error: unexpected <without> in grouping opts, expected label"),
        ("sum by (\"\") (foo)", "1:9: parse error: invalid label name for grouping: \"\""),
        ("sum by (\"a\\xff\") (foo)", "1:9: parse error: invalid label name for grouping: \"a\\xff\""),
        ("sum by (a)", "1:11: parse error: unexpected end of input in aggregation"),
        ("sum some_metric by (test)", "1:5: parse error: unexpected identifier \"some_metric\""),
        ("1 == 2", "1:3: parse error: comparisons between scalars must use BOOL modifier"),
        ("foo + bool bar", "1:5: parse error: bool modifier can only be used on comparison operators"),
        ("1 and 2", "1:1: parse error: set operator \"and\" not allowed in binary scalar expression"),
        ("foo or 1", "1:1: parse error: set operator \"or\" not allowed in binary scalar expression"),
        ("foo + \"a\"", "1:7: parse error: binary expression must contain only scalar and instant vector types"),
        ("foo[5m] + 1", "1:1: parse error: binary expression must contain only scalar and instant vector types"),
        ("foo + on(a) 1", "1:1: parse error: vector matching only allowed between instant vectors"),
        ("foo + fill(1) 1", "1:1: parse error: filling in missing series only allowed between instant vectors"),
        ("foo and fill(1) bar", "1:1: parse error: filling in missing series not allowed for set operators"),
        ("foo and on(a) group_left bar", "1:1: parse error: no grouping allowed for \"and\" operation"),
        (
            "foo + on(a) group_left(a) bar",
            "1:5: parse error: label \"a\" must not occur in ON and GROUP clause at once"
        ),
        ("foo + group_left(a) bar", "1:7: parse error: unexpected <group_left>"),
        (
            "-\"a\"",
            "1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got \"string\""
        ),
        (
            "-foo[5m]",
            "1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got \"range vector\""
        ),
    ]

    @Test(
        "what a flag switches on is an error without it",
        arguments: [
            (
                "limitk(1, foo)",
                "1:1: parse error: limitk() is experimental and must be enabled with --enable-feature=promql-experimental-functions"
            ),
            ("info(foo)", "1:1: parse error: function \"info\" is not enabled"),
            ("foo anchored", "1:1: parse error: anchored modifier is experimental and not enabled"),
            ("foo + fill(1) bar", "1:1: parse error: binop fill modifiers are experimental and not enabled"),
        ])
    func needsFlag(_ text: String, complaint: String) {
        let error = #expect(throws: SyntaxError.self) { try Parser.parse(text, options: .stable) }
        #expect(error?.description == complaint)
    }

    @Test("a bad regular expression is an error at its matcher")
    func badRegex() {
        let error = #expect(throws: SyntaxError.self) { try Parser.parse("foo + bar{a=~\"(\"}") }
        #expect(error?.range == SourceRange(10, 16))
        #expect(error?.message == "error parsing regexp: missing closing ): `(`")
    }

    @Test(
        "misspelt functions get a suggestion",
        arguments: [
            ("raet(x)", "rate"), ("Rate(x)", "rate"), ("histogram_quantil(x)", "histogram_quantile"),
            ("lable_replace(x)", "label_replace"),
            ("smu(x)", "sum"), ("xyzzyplugh(x)", nil), ("cont by (a) (x)", "count"), ("foo by (a) (x)", nil),
            ("sum witout (a) (x)", "without"), ("sum(x) * grup_left (a) y", "group_left"),
            ("x / on (a) grup_left (b) y", "group_left"),
            ("x @ strt()", "start"), ("x ofset 5m", "offset"), ("x y", nil), ("x foo", nil),
            ("rate(x)", "x[5m]"), ("rate(sum by (a) (x))", "sum by (a) (x)[5m:]"), ("abs(x[5m])", nil),
        ])
    func suggestion(_ text: String, _ name: String?) {
        let error = #expect(throws: SyntaxError.self) { try Parser.parse(text) }
        #expect(error?.suggestion == name)
    }

    @Test(
        "deep and long texts are errors, not crashes",
        arguments: [
            String(repeating: "(", count: 100_000), String(repeating: "-", count: 100_000) + "1",
            String(repeating: "2^", count: 100_000) + "2", String(repeating: "abs(", count: 50_000),
            String(repeating: "1+", count: 100_000) + "1", "foo[" + String(repeating: "(", count: 100_000),
            "foo[" + String(repeating: "1+", count: 100_000) + "1]",
            "foo[" + String(repeating: "-", count: 100_000) + "1]",
            "foo" + String(repeating: "[1m:]", count: 50_000),
            "foo offset " + String(repeating: "-", count: 100_000) + "1",
            String(repeating: "sum by (a) (", count: 20_000), String(repeating: " ", count: 300_000),
        ])
    func limits(_ text: String) {
        #expect(throws: SyntaxError.self) { try Parser.parse(text) }
    }

    @Test(
        "where there are too many operators, a fault before them is told first",
        arguments: [
            (
                String(repeating: "-{}-1", count: 10_000),
                "1:2: parse error: vector selector must contain at least one non-empty matcher"
            ),
            (
                "1" + String(repeating: "[1m:]", count: 1000),
                "1:1: parse error: subquery is only allowed on instant vector, got scalar instead"
            ),
        ])
    func faultBeforeLimit(_ text: String, with complaint: String) {
        let error = #expect(throws: SyntaxError.self) { try Parser.parse(text) }
        #expect(error?.description == complaint)
    }

    @Test("what the limits allow is accepted")
    func withinLimits() throws {
        let nested = String(repeating: "(", count: 150) + "1" + String(repeating: ")", count: 150)
        #expect(try Parser.parse(nested).description == nested)
        let chain = Array(repeating: "foo", count: ParserOptions.operationLimit).joined(separator: " or ")
        #expect(try Parser.parse(chain).description == chain)
    }
}
