import MetricModel
import Testing

@testable import PromQLSyntax

@Suite struct SeriesNotationTests {
    @Test(
        "the name and labels of a line",
        arguments: [
            ("foo 1", "foo"), ("foo{a=\"b\"} 1", "foo{a=\"b\"}"), ("{a=\"b\"} 1", "{a=\"b\"}"), ("{} 1", "{}"),
            ("foo{} 1", "foo"),
            ("foo{a='b', \"c.d\"=\"e\",} 1", "foo{a=\"b\", \"c.d\"=\"e\"}"),
            ("{\"my.metric\", a=\"b\"} 1", "{\"my.metric\", a=\"b\"}"),
            ("sum 1", "sum"), ("offset{a=\"\"} 1", "offset"), ("a:b 1", "a:b"), ("foo", "foo"),
            ("expect{} 1", "expect"),
        ])
    func labels(_ line: String, _ shown: String) throws {
        #expect(try SeriesNotation.parse(line).labels.description == shown)
    }

    @Test(
        "the points of a line",
        arguments: [
            ("m", []), ("m 1", [1]), ("m 1 -2 +3 4e2 Inf -Inf .5", [1, -2, 3, 400, .infinity, -.infinity, 0.5]),
            ("m  1x2  3 ", [1, 1, 1, 3]), ("m 1+2x3", [1, 3, 5, 7]), ("m 1-2x2", [1, -1, -3]), ("m -1+-2x1", nil),
            ("m 1x0", [1]), ("m 0.5-.25x1", [0.5, 0.25]), ("m 1_000", [1000]), ("m Inf+1x1", [.infinity, .infinity]),
            ("m 1 2x", nil), ("m x2", nil), ("m 0x1f", nil), ("m 1e", nil), ("m stalex2", nil), ("m foo", nil),
            ("m 1,2", nil),
            ("m{a=1} 1", nil), ("m{a=\"b\" 1", nil), ("m{a} 1", nil), ("m {a=\"b\"} 1", nil), ("m 1x9999999", nil),
            ("m 1x99999999999999999999", nil),
        ] as [(String, [Double]?)])
    func points(_ line: String, _ values: [Double]?) throws {
        guard let values else {
            #expect(throws: SyntaxError.self) { try SeriesNotation.parse(line) }
            return
        }
        #expect(try SeriesNotation.parse(line).values == values.map { .float($0) })
    }

    @Test("missing and stale points")
    func gaps() throws {
        let values = try SeriesNotation.parse("m _ 1 _x2 stale NaN").values
        let expected: [SequenceValue] = [
            .missing, .float(1), .missing, .missing, .float(SpecialValue.stale), .float(SpecialValue.notANumber),
        ]
        #expect(values == expected)
    }

    @Test("a histogram with every key")
    func histogram() throws {
        let line = """
            m {{schema:1 sum:-0.3 count:7.1 z_bucket:2 z_bucket_w:0.05 buckets:[5 10 7] offset:-3 n_buckets:[4 5] \
            n_offset:5 counter_reset_hint:gauge}}
            """
        let expected = NativeHistogram(
            counterResetHint: .gauge, schema: 1, zeroThreshold: 0.05, zeroCount: 2, count: 7.1, sum: -0.3,
            positiveSpans: [.init(offset: -3, length: 3)], negativeSpans: [.init(offset: 5, length: 2)],
            positiveBuckets: [5, 10, 7], negativeBuckets: [4, 5])
        #expect(try SeriesNotation.parse(line).values == [.histogram(expected, isHintWritten: true)])
        #expect(try SeriesNotation.parse("m {{}}").values == [.histogram(NativeHistogram(), isHintWritten: false)])
        let custom = try SeriesNotation.parse("m {{ schema:-53 custom_values:[1 2.5] buckets:[ 1 2 3 ] }}").values
        let expectedCustom = NativeHistogram(
            schema: -53, positiveSpans: [.init(offset: 0, length: 3)], positiveBuckets: [1, 2, 3],
            customValues: [1, 2.5])
        #expect(custom == [.histogram(expectedCustom, isHintWritten: false)])
    }

    @Test("histograms repeat, grow and shrink")
    func histogramSequences() throws {
        func counts(_ line: String) throws -> [[Double]] {
            try SeriesNotation.parse(line).values.map { value in
                guard case .histogram(let histogram, _) = value else { return [] }
                return [histogram.count] + histogram.positiveBuckets
            }
        }
        #expect(try counts("m {{count:1}}x2") == [[1], [1], [1]])
        #expect(
            try counts("m {{count:1 buckets:[1 2]}}+{{count:2 buckets:[0 3 4]}}x2 {{}}") == [
                [1, 1, 2], [3, 1, 5, 4], [5, 1, 8, 8], [0],
            ])
        #expect(try counts("m {{count:5 buckets:[5]}}-{{count:1 buckets:[1]}}x1") == [[5, 5], [4, 4]])
        #expect(try counts("m {{buckets:[1]}}+{{buckets:[1] offset:3}}x1") == [[0, 1], [0, 1, 1]])
        // Buckets 0, 1 and 2 of schema 1 lie in 0, 1 and 1 of schema 0.
        #expect(try counts("m {{buckets:[1 1]}}+{{schema:1 buckets:[1 2 4]}}x1") == [[0, 1, 1], [0, 2, 7]])
    }

    @Test(
        "faulty histograms are errors",
        arguments: [
            "m {{count:1 count:2}}", "m {{count}}", "m {{what:1}}", "m {{count:x}}", "m {{buckets:[1}}",
            "m {{buckets:1}}", "m {{count:1",
            "m {{counter_reset_hint:maybe}}", "m {{}}+{{}}", "m {{}}1", "m {{schema:1}}+{{schema:0}}x1",
            "m {{schema:99999999999}}",
        ])
    func faultyHistograms(_ line: String) {
        #expect(throws: SyntaxError.self) { try SeriesNotation.parse(line) }
    }

    @Test("start timestamps")
    func startTimestamps() throws {
        let line = try SeriesNotation.parseStartTimestamps("m{a=\"b\"}@st _ -1m 30sx1 0s+1sx2 _x2 -59999ms")
        #expect(line?.labels.description == "m{a=\"b\"}")
        #expect(line?.distances == [nil, -60000, 30000, 30000, 0, 1000, 2000, nil, nil, -59999])
        #expect(try SeriesNotation.parseStartTimestamps("m{a=\"b\"} 1") == nil)
        #expect(throws: SyntaxError.self) { try SeriesNotation.parseStartTimestamps("m@st 1") }
        #expect(throws: SyntaxError.self) { try SeriesNotation.parseStartTimestamps("m@st 1m+1m") }
    }
}

extension SeriesNotation.StartTimestamps? {
    static func == (left: Self, right: Self) -> Bool {
        left?.labels == right?.labels && left?.distances == right?.distances
    }
}
