import MetricModel
import Testing

@testable import PromQLSyntax

/// Trees, positions, selectors, durations.
@Suite struct ParserTests {
    @Test("nodes know the bytes they came from")
    func positions() throws {
        let text = "sum by (a) (rate(foo{b=\"ä\"}[5m] offset 1m)) + on (a) -bar"
        guard case .binary(let sum) = try Parser.parse(text), case .aggregation(let aggregation) = sum.left,
            case .call(let call) = aggregation.operand, case .matrixSelector(let matrix) = call.arguments[0],
            case .unary(let minus) = sum.right
        else { throw Unexpected() }
        func part(_ range: SourceRange) -> String {
            String(decoding: Array(text.utf8)[range.start..<range.end], as: UTF8.self)
        }
        #expect(part(sum.range) == text)
        #expect(part(aggregation.range) == "sum by (a) (rate(foo{b=\"ä\"}[5m] offset 1m))")
        #expect(part(call.range) == "rate(foo{b=\"ä\"}[5m] offset 1m)")
        #expect(part(matrix.range) == "foo{b=\"ä\"}[5m] offset 1m")
        #expect(part(matrix.selector.range) == "foo{b=\"ä\"}")
        #expect(part(minus.range) == "-bar")
    }

    @Test("lines and columns count from one, columns in bytes")
    func lineAndColumn() {
        let text = "a\nbä c\n"
        #expect(SourceRange(0, 1).position(in: text) == "1:1")
        #expect(SourceRange(2, 3).position(in: text) == "2:1")
        #expect(SourceRange(6, 7).position(in: text) == "2:5")
        #expect(SourceRange(8, 8).position(in: text) == "3:1")
    }

    @Test(
        "expressions have types",
        arguments: [
            ("1", .scalar), ("\"a\"", .string), ("foo", .instantVector), ("foo[5m]", .rangeVector),
            ("foo[5m:]", .rangeVector),
            ("time()", .scalar), ("rate(foo[5m])", .instantVector), ("sum(foo)", .instantVector), ("1 + 1", .scalar),
            ("1 + foo", .instantVector),
            ("-foo", .instantVector), ("-(1)", .scalar), ("(\"a\")", .string), ("scalar(foo)", .scalar),
            ("vector(1)", .instantVector),
        ] as [(String, ValueType)])
    func types(_ text: String, _ type: ValueType) throws {
        #expect(try Parser.parse(text).type == type)
    }

    @Test("seconds of @ are held to 64 bits; milliseconds beyond these are the least, as on amd64")
    func farTimes() throws {
        for text in ["foo @ 1e16", "foo @ -1e17", "foo @ 9e18"] {
            #expect(try Parser.parse(text).description == "foo @ -9223372036854775.808")
        }
    }

    @Test("vector matching stands only between vectors, many-to-many for set operators")
    func matching() throws {
        func matching(_ text: String) throws -> VectorMatching? {
            guard case .binary(let operation) = try Parser.parse(text) else { throw Unexpected() }
            return operation.matching
        }
        #expect(try matching("foo + 1") == nil)
        #expect(try matching("foo + bar") == VectorMatching())
        #expect(
            try matching("foo and on (a) bar") == VectorMatching(cardinality: .manyToMany, labels: ["a"], isOn: true))
        #expect(
            try matching("foo * on (a) group_right (b) bar")
                == VectorMatching(cardinality: .oneToMany, labels: ["a"], isOn: true, include: ["b"]))
    }

    @Test("the name's matcher comes last, and a name in braces is a matcher")
    func matchers() throws {
        guard case .vectorSelector(let outside) = try Parser.parse("foo{a=\"b\"}"),
            case .vectorSelector(let inside) = try Parser.parse("{\"foo\", a=\"b\"}")
        else { throw Unexpected() }
        #expect(outside.name == "foo")
        #expect(outside.matchers.map(\.description) == ["a=\"b\"", "__name__=\"foo\""])
        #expect(inside.name == "")
        #expect(inside.matchers.map(\.description) == ["__name__=\"foo\"", "a=\"b\""])
    }

    @Test("selectors of the HTTP API")
    func selectors() throws {
        #expect(try Parser.parseSelector("up{job=~\"a.*\"}").map(\.description) == ["job=~\"a.*\"", "__name__=\"up\""])
        #expect(try Parser.parseSelector(" {\"a.b\"} ").map(\.description) == ["__name__=\"a.b\""])
        for text in ["", "1", "up offset 5m", "up[5m]", "up + up", "{}", "{a=\"\"}", "up{", "rate(up[5m])", "up up"] {
            #expect(throws: SyntaxError.self) { try Parser.parseSelector(text) }
        }
        #expect(throws: SyntaxError.self) { try Parser.parseSelector("up{__name__=\"down\"}") }
        #expect(try Parser.parseMatchers("up{__name__=\"down\"}").map(\.value) == ["down", "up"])
        #expect(try Parser.parseMatchers("{}").isEmpty)
        for text in ["", "1", "up offset 5m", "up[5m]", "up up"] {
            #expect(throws: SyntaxError.self) { try Parser.parseMatchers(text) }
        }
    }

    @Test(
        "durations that depend on the query are resolved in seconds and cut to milliseconds",
        arguments: [
            ("5m", 300_000), ("5m + 1m", 360_000), ("step()", 15_000), ("range()", 60_000), ("step() * 2 ^ 2", 60_000),
            ("min_of(step(), 1m)", 15_000), ("max_of(step(), 1m)", 60_000), ("7 / 2", 3_500), ("7 % 4", 3_000),
            ("-(1m - 2m)", 60_000),
            ("1 / 3", 333), ("(2s)", 2_000), ("range() / step()", 4_000),
            ("0.0001 * 1", 0), ("0.0004", 0), ("0.0009999996", 1), ("(0.0009999996)", 1), ("0.0009999996 * 1", 0),
        ] as [(String, Int64)])
    func durations(_ text: String, _ milliseconds: Int64) throws {
        let resolver = DurationResolver(
            start: Timestamp(milliseconds: 0), end: Timestamp(milliseconds: 60_000), stepMilliseconds: 15_000)
        #expect(try resolver.positiveMilliseconds(window("foo[\(text)]")) == milliseconds)
    }

    @Test(
        "durations that come to nothing are errors",
        arguments: [
            ("step()", "4:10: duration must be greater than 0"), ("1m - 1m", "4:11: duration must be greater than 0"),
            ("1 / step()", "4:14: division by zero"), ("(1 / (step()))", "5:16: division by zero"),
            ("1 % range()", "4:15: modulo by zero"), ("9e9 * 9e9", "4:13: duration is out of range"),
            ("10 ^ 1000", "4:13: duration is NaN or infinite"), ("(0 - 1) ^ 0.5", "5:17: duration is NaN or infinite"),
            ("min_of((0 - 1) ^ 0.5, 5m)", "12:28: duration is NaN or infinite"),
            ("max_of(-1m, step())", "11:22: duration must be greater than 0"),
            ("-(step() + 1)", "4:16: duration must be greater than 0"),
        ])
    func badDurations(_ text: String, _ message: String) throws {
        let resolver = DurationResolver(
            start: Timestamp(milliseconds: 0), end: Timestamp(milliseconds: 0), stepMilliseconds: 0)
        let duration = try window("foo[\(text)]")
        let error = #expect(throws: SyntaxError.self) { try resolver.positiveMilliseconds(duration) }
        #expect(error?.description == message)
    }

    private func window(_ text: String) throws -> DurationValue {
        guard case .matrixSelector(let matrix) = try Parser.parse(text) else { throw Unexpected() }
        return matrix.window
    }

    @Test("there are 90 functions, 17 of them experimental")
    func functions() {
        #expect(Function.allCases.count == 90)
        #expect(Function.allCases.count { $0.signature.isExperimental } == 17)
        #expect(AggregationOperator.allCases.count == 14)
        #expect(BinaryOperator.allCases.count == 18)
    }

    struct Unexpected: Error {}
}
