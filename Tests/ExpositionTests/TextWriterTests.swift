import Exposition
import MetricModel
import Testing

@Suite("The text writer")
struct TextWriterTests {
    static let families = [
        MetricFamily(
            name: "requests", metadata: MetricMetadata(type: .counter, help: "All \"of\" \\ them\nhere", unit: ""),
            samples: [
                MetricFamily.Sample(
                    suffix: "_total", labels: [MetricFamily.Label("path", "/\"a\\\n")], value: 3,
                    timestampMilliseconds: 1_700_000_000_500,
                    exemplar: Exemplar(labels: LabelSet(["trace": "x"]), value: 0.5, timestampMilliseconds: 2000))
            ]),
        MetricFamily(
            name: "my.size_bytes", metadata: MetricMetadata(type: .info, unit: "bytes"),
            samples: [MetricFamily.Sample(labels: [MetricFamily.Label("a b", "é")], value: .infinity)]),
        MetricFamily(
            name: "plain", metadata: MetricMetadata(), samples: [MetricFamily.Sample(value: 1.5e7)]),
    ]

    static func page(_ format: ExpositionFormat) -> String {
        let writer = TextWriter(format: format)
        var bytes: [UInt8] = []
        for family in families { writer.append(family, to: &bytes) }
        writer.finish(&bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("the text format is written with its escapes")
    func text() {
        #expect(
            Self.page(.text) == #"""
                # HELP requests_total All "of" \\ them\nhere
                # TYPE requests_total counter
                requests_total{path="/\"a\\\n"} 3 1700000000500
                # HELP "my.size_bytes" 
                # TYPE "my.size_bytes" gauge
                {"my.size_bytes","a b"="é"} +Inf
                # HELP plain 
                # TYPE plain untyped
                plain 1.5e+07

                """#)
    }

    @Test("OpenMetrics is written with units, exemplars and its end")
    func openMetrics() {
        #expect(
            Self.page(.openMetrics) == #"""
                # HELP requests All \"of\" \\ them\nhere
                # TYPE requests counter
                requests_total{path="/\"a\\\n"} 3.0 1700000000.5 # {trace="x"} 0.5 2
                # TYPE "my.size_bytes" info
                # UNIT "my.size_bytes" bytes
                {"my.size_bytes","a b"="é"} +Inf
                # TYPE plain unknown
                plain 1.5e+07
                # EOF

                """#)
    }

    @Test("what was written reads back", arguments: ExpositionFormat.allCases)
    func readsBack(format: ExpositionFormat) throws {
        let read = try items(Self.page(format), format)
        let labels = read.compactMap { item in if case .sample(let sample) = item { sample.labels } else { nil } }
        #expect(
            labels == [
                LabelSet(["__name__": "requests_total", "path": "/\"a\\\n"]),
                LabelSet(["__name__": "my.size_bytes", "a b": "é"]), LabelSet(["__name__": "plain"]),
            ])
    }
}

@Suite("Content negotiation")
struct ContentNegotiationTests {
    @Test("the Accept header falls in weight by the order of protocols")
    func accept() {
        #expect(
            ContentNegotiation.acceptHeader()
                == "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                + "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
                + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2")
    }

    @Test(
        "a Content-Type names a format or none",
        arguments: [
            ("text/plain; version=0.0.4; charset=utf-8", ExpositionFormat.text), (" Text/Plain", .text),
            ("application/openmetrics-text; version=1.0.0", .openMetrics), ("text/html", nil), ("", nil),
        ])
    func contentType(header: String, format: ExpositionFormat?) {
        #expect(ContentNegotiation.format(contentType: header) == format)
    }

    @Test(
        "a page is served as the client likes it best",
        arguments: [
            (nil, ExpositionFormat.text), ("*/*", .text), ("text/html,*/*;q=0.8", .text),
            ("application/openmetrics-text", .openMetrics),
            ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3", .openMetrics),
            ("application/openmetrics-text; q=0.2, text/plain; q=0.3", .text),
            ("application/openmetrics-text;q=x", .text),
        ] as [(String?, ExpositionFormat)])
    func served(accept: String?, format: ExpositionFormat) {
        #expect(ContentNegotiation.servedFormat(accept: accept) == format)
        #expect(ContentNegotiation.format(contentType: ContentNegotiation.contentType(format)) == format)
    }
}
