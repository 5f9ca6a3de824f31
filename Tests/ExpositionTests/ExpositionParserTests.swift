import Bytes
import MetricModel
import Testing

@testable import Exposition

/// All items of a page.
func items(_ text: String, _ format: ExpositionFormat = .text) throws(ExpositionError) -> [ExpositionItem] {
    try items(Array(text.utf8), format)
}

func items(_ page: [UInt8], _ format: ExpositionFormat) throws(ExpositionError) -> [ExpositionItem] {
    var parser = ExpositionParser(page, format: format)
    var result: [ExpositionItem] = []
    while let item = try parser.next() { result.append(item) }
    return result
}

/// The samples of a page as `labels value@timestamp`.
func samples(_ text: String, _ format: ExpositionFormat = .text) throws(ExpositionError) -> [String] {
    try items(text, format).compactMap { item in
        guard case .sample(let sample) = item else { return nil }
        let time = sample.timestampMilliseconds.map { "@\($0)" } ?? ""
        return "\(sample.labels) \(DecimalFormatting.text(sample.value, style: .plain))\(time)"
    }
}

@Suite("The exposition parser")
struct ExpositionParserTests {
    @Test(
        "sample lines of the text format are read",
        arguments: [
            ("a 1\n", ["a 1"]),
            ("a 1 1700000000000\n", ["a 1@1700000000000"]),
            ("a 1 -5\n", ["a 1@-5"]),
            ("a{} 1\n", ["a 1"]),
            ("a{b=\"c\"} 1\n", ["a{b=\"c\"} 1"]),
            ("a{b=\"c\",} 1\n", ["a{b=\"c\"} 1"]),
            ("a{b=\"c\"}1\n", ["a{b=\"c\"} 1"]),
            (" \ta\t{ b = \"c\" , d=\"e\" }\t1 \t 2 \n", ["a{b=\"c\", d=\"e\"} 1@2"]),
            ("a{z=\"1\",b=\"2\"} 1\n", ["a{b=\"2\", z=\"1\"} 1"]),
            ("a:b_c9 1\n", ["a:b_c9 1"]),
            ("a{b=\"x\\\\y\\\"z\\n\\q\"} 1\n", ["a{b=\"x\\\\y\\\"z\\n\\\\q\"} 1"]),
            ("a{b=\"}, {\"} 1\n", ["a{b=\"}, {\"} 1"]),
            ("a{b=\"\"} 1\n", ["a 1"]),
            ("{\"my.metric\",b=\"c\"} 1\n", ["{\"my.metric\", b=\"c\"} 1"]),
            ("{\"my.metric\"} 1\n", ["{\"my.metric\"} 1"]),
            ("a{\"my label\"=\"c\"} 1\n", ["a{\"my label\"=\"c\"} 1"]),
            ("a NaN\nb +Inf\nc -Inf\nd 1e3\ne -0.5\nf +7\n", ["a NaN", "b +Inf", "c -Inf", "d 1000", "e -0.5", "f 7"]),
            ("a{b=\"é\u{1F426}\"} 1\n", ["a{b=\"é\u{1F426}\"} 1"]),
            ("\n \n# nothing\n#\n# \n#HELP\na 1\n\n", ["a 1"]),
            ("", []), ("\n", []),
        ] as [(String, [String])])
    func text(page: String, expected: [String]) throws { #expect(try samples(page) == expected) }

    @Test(
        "what is wrong is refused with its place",
        arguments: [
            ("a 1", 1, 4), ("a-1\n", 1, 2), ("a\n", 1, 2), ("a 1\nb x\n", 2, 3), ("a 1 x\n", 1, 5), ("a 1 2 3\n", 1, 7),
            ("a 1\r\n", 1, 3),
            ("1a 1\n", 1, 1), ("a{b} 1\n", 1, 4), ("a{b=} 1\n", 1, 5), ("a{b=c} 1\n", 1, 5), ("a{b=\"c} 1\n", 1, 10),
            ("a{b=\"c\" d=\"e\"} 1\n", 1, 9), ("a{,} 1\n", 1, 3), ("a{b=\"c\",,} 1\n", 1, 9), ("a{b=\"c\"\n", 1, 8),
            ("{} 1\n", 1, 1), ("{b=\"c\"} 1\n", 1, 1), ("a{b=\"c\",b=\"d\"} 1\n", 1, 1), ("a{\"b\"} 1\n", 1, 3),
            ("a{1b=\"c\"} 1\n", 1, 3), ("a{a:b=\"c\"} 1\n", 1, 4), ("# TYPE a nonsense\n", 1, 10), ("# TYPE a\n", 1, 9),
            ("# HELP 1 x\n", 1, 8), ("a 1_000\n", 1, 3), ("a 0x10\n", 1, 3), ("a 1e999\n", 1, 3),
            ("a 1 99999999999999999999\n", 1, 5), ("a{b=\"c\\\n\"} 1\n", 1, 8), ("a \n", 1, 3), ("\"a\" 1\n", 1, 1),
        ] as [(String, Int, Int)])
    func refused(page: String, line: Int, column: Int) throws {
        let error = try #require(throws: ExpositionError.self) { try items(page) }
        #expect(error.line == line, "\(error)")
        #expect(error.column == column, "\(error)")
        var cache = ScrapeCache()
        var columns = ScrapePage()
        #expect(throws: ExpositionError.self) { try cache.read(Array(page.utf8), format: .text, into: &columns) }
    }

    @Test("bytes that are not UTF-8 are refused with their place")
    func invalidUTF8() throws {
        for bad: [UInt8] in [
            [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82], [0x80],
        ] {
            let page = Array("a 1\na{b=\"x".utf8) + bad + Array("\"} 1\n".utf8)
            let error = try #require(throws: ExpositionError.self) { try items(page, .text) }
            #expect(error == ExpositionError(reason: .invalidUTF8, line: 2, column: 7))
            let help = Array("# HELP a ".utf8) + bad + [10]
            #expect(throws: ExpositionError.self) { try items(help, .text) }
        }
    }

    @Test("HELP, TYPE and UNIT are read, quoted names too")
    func metadata() throws {
        let text = try items(
            "# HELP a Some \\\\ \\n \\\" help\n#  TYPE  a  counter\n# TYPE \"b.c\" untyped\n# UNIT a s\n# HELP d\n")
        #expect(
            text == [
                .metadata(MetadataLine(family: "a", field: .help("Some \\ \n \\\" help"))),
                .metadata(MetadataLine(family: "a", field: .type(.counter))),
                .metadata(MetadataLine(family: "b.c", field: .type(.unknown))),
                .metadata(MetadataLine(family: "d", field: .help(""))),
            ])
        let open = try items(
            "# TYPE a_seconds gaugehistogram\n# UNIT a_seconds seconds\n# HELP a_seconds x\\\"y\n# EOF\n", .openMetrics)
        #expect(
            open == [
                .metadata(MetadataLine(family: "a_seconds", field: .type(.gaugeHistogram))),
                .metadata(MetadataLine(family: "a_seconds", field: .unit("seconds"))),
                .metadata(MetadataLine(family: "a_seconds", field: .help("x\"y"))),
            ])
    }

    @Test("bounds of histograms and quantiles of summaries get float form, those of others stay")
    func bounds() throws {
        let page = """
            # TYPE h histogram
            h_bucket{le="1"} 1
            h_bucket{le="1000000"} 1
            h_bucket{le="+Inf"} 1
            # TYPE s summary
            s{quantile="1"} 1
            s{le="1"} 1
            # TYPE g gauge
            g{le="1",quantile="1"} 1

            """
        #expect(
            try samples(page) == [
                "h_bucket{le=\"1.0\"} 1", "h_bucket{le=\"1e+06\"} 1", "h_bucket{le=\"+Inf\"} 1",
                "s{quantile=\"1.0\"} 1", "s{le=\"1\"} 1", "g{le=\"1\", quantile=\"1\"} 1",
            ])
    }

    @Test("OpenMetrics timestamps are seconds, exemplars stand behind a hash")
    func openMetrics() throws {
        let page = "a_total 1 1700000000.5 # {trace=\"x\"} 0.25 1700000000\nb 2 # {} 1\nc 3 -1\n# EOF"
        let exemplars = try items(page, .openMetrics).map { item -> Exemplar? in
            if case .sample(let sample) = item { sample.exemplar } else { nil }
        }
        #expect(
            exemplars == [
                Exemplar(
                    labels: LabelSet(["trace": "x"]), value: 0.25, timestampMilliseconds: 1_700_000_000_000),
                Exemplar(labels: .empty, value: 1, timestampMilliseconds: nil), nil,
            ])
        #expect(try samples(page, .openMetrics) == ["a_total 1@1700000000500", "b 2", "c 3@-1000"])
        #expect(try samples("# EOF\n", .openMetrics) == [])
        #expect(try samples("# EOF", .openMetrics) == [])
    }

    @Test(
        "OpenMetrics is strict",
        arguments: [
            "", "a 1\n", "a 1\n# EOF\n\n", "a 1\n# EOF\nb 1\n# EOF\n", "\na 1\n# EOF\n", "a  1\n# EOF\n",
            "a\t1\n# EOF\n", "a 1 \n# EOF\n", "# comment\n# EOF\n", "#HELP a b\n# EOF\n", "a{b=\"c\"}  1\n# EOF\n",
            "a 1 x\n# EOF\n", "a 1 NaN\n# EOF\n", "a 1 1e300\n# EOF\n", "a 1 # {b=\"c\"}\n# EOF\n",
            "a 1 #{} 1\n# EOF\n",
            "a 1 # {\"name\"} 1\n# EOF\n", "# UNIT a seconds\n# EOF\n", "# UNIT _s s\n# EOF\n",
            "# TYPE a untyped\n# EOF\n",
            "# TYPE a counter\n a 1\n# EOF\n", "a 1# EOF", "a{ b=\"c\"} 1\n# EOF\n", "# EOF\r\n",
        ])
    func strict(page: String) {
        #expect(throws: ExpositionError.self) { try items(page, .openMetrics) }
    }

    @Test("limits have names")
    func limits() throws {
        func reason(_ page: String, _ limits: ExpositionLimits) -> ExpositionError.Reason? {
            var parser = ExpositionParser(Array(page.utf8), format: .text, limits: limits)
            do throws(ExpositionError) {
                while try parser.next() != nil {}
                return nil
            } catch { return error.reason }
        }
        #expect(
            reason("abc 1\n", ExpositionLimits(lineBytes: 4)) == .limitExceeded(name: "lineBytes", limit: 4, value: 5))
        #expect(reason("abc 1\n", ExpositionLimits(lineBytes: 5)) == nil)
        #expect(
            reason("a 1\nb 1\n", ExpositionLimits(samplesPerPage: 1))
                == .limitExceeded(name: "samplesPerPage", limit: 1, value: 2))
        #expect(
            reason("a{b=\"1\",c=\"2\"} 1\n", ExpositionLimits(labelsPerSeries: 2))
                == .limitExceeded(name: "labelsPerSeries", limit: 2, value: 3))
        #expect(
            reason("a 1\n", ExpositionLimits(pageBytes: 3)) == .limitExceeded(name: "pageBytes", limit: 3, value: 4))
    }
}
