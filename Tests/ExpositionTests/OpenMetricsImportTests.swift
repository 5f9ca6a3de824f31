import MetricModel
import Testing

@testable import Exposition

@Suite("Imports of OpenMetrics text")
struct OpenMetricsImportTests {
    private static let text = """
        # TYPE a histogram
        a_bucket{le="1"} 1 10
        a_bucket{le="1"} 2 20
        a_bucket{le="+Inf"} 5 20.5
        # TYPE b gauge
        b 8 30
        a_bucket{le="1"} 3 5
        # EOF

        """

    /// What a text holds, fed in pieces of so many bytes, as `labels value@milliseconds`.
    private func imported(_ text: String, pieceByteCount: Int) throws -> [String] {
        var reader = OpenMetricsImport()
        var rest = Array(text.utf8)[...]
        var result: [String] = []
        func take() {
            let gathered = reader.take()
            for (series, labels) in gathered.labels.enumerated() {
                let columns = gathered.columns(at: series)
                for (index, value) in columns.values.enumerated() {
                    result.append("\(labels) \(value)@\(columns.timestamp(at: index))")
                }
            }
        }
        while !rest.isEmpty {
            try reader.feed(rest.prefix(pieceByteCount))
            rest = rest.dropFirst(pieceByteCount)
            if pieceByteCount.isMultiple(of: 2) { take() }
        }
        try reader.finish()
        take()
        return result.sorted()
    }

    @Test("the samples are the same however the text is cut", arguments: [1, 2, 7, 40, 1000])
    func anyPieces(pieceByteCount: Int) throws {
        let found = try imported(Self.text, pieceByteCount: pieceByteCount)
        #expect(
            found == [
                // Behind `# TYPE b gauge` a label `le` is as it is.
                #"a_bucket{le="+Inf"} 5.0@20500"#, #"a_bucket{le="1"} 3.0@5000"#, #"a_bucket{le="1.0"} 1.0@10000"#,
                #"a_bucket{le="1.0"} 2.0@20000"#, "b 8.0@30000",
            ])
    }

    @Test("exemplars and what is said of families come along, however the text is cut", arguments: [1, 7, 1000])
    func more(pieceByteCount: Int) throws {
        let text = """
            # HELP a Some.
            # TYPE a counter
            a_total 1 10 # {t="x"} 0.5 9.5
            a_total 2 20 # {t="y"} 0.75
            # UNIT a_seconds seconds
            # TYPE a_seconds gauge
            a_seconds 8 30
            # EOF

            """
        var reader = OpenMetricsImport()
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            try reader.feed(rest.prefix(pieceByteCount))
            rest = rest.dropFirst(pieceByteCount)
        }
        try reader.finish()
        let gathered = reader.take()
        #expect(gathered.exemplars.map(\.timestamp) == [9_500, 20_000])
        #expect(gathered.exemplars.map(\.exemplar.value) == [0.5, 0.75])
        #expect(gathered.exemplars.allSatisfy { gathered.labels[$0.series].metricName == "a_total" })
        #expect(gathered.families.map(\.name) == ["a", "a_seconds"])
        #expect(
            gathered.families.map(\.metadata) == [
                MetricMetadata(type: .counter, help: "Some."), MetricMetadata(type: .gauge, unit: "seconds"),
            ])
        #expect(reader.take().families.isEmpty)
    }

    @Test("a series comes in order of time, the first of several samples at one time")
    func orderOfTime() throws {
        var reader = OpenMetricsImport()
        try reader.feed(Array("a 3 3\na 1 1\na 2 2\na 9 1\n# EOF\n".utf8))
        try reader.finish()
        let columns = reader.take().columns(at: 0)
        #expect(columns.clock.timestamps == [1000, 2000, 3000])
        #expect(columns.values == [1, 2, 3])
    }

    @Test(
        "an error names the line of the whole text",
        arguments: [
            ("a 1 1\nb 2 2\nc 3\n# EOF\n", 3, "timestamp"), ("a 1 1\nb 2 2\nc x 3\n# EOF\n", 3, "number"),
            ("a 1 1\nb 2 2\n", 3, "# EOF"), ("a 1 1\n# EOF\nb 2 2\n# EOF\n", 2, "EOF"), ("", 1, "# EOF"),
        ])
    func errors(text: String, line: Int, what: String) {
        for pieceByteCount in [1, 5, 100] {
            let error = #expect(throws: ExpositionError.self) {
                _ = try imported(text, pieceByteCount: pieceByteCount)
            }
            #expect(error?.line == line, "\(pieceByteCount): \(String(describing: error))")
            #expect(error?.description.contains(what) == true, "\(String(describing: error))")
        }
    }

    @Test("a line without an end is refused at its limit")
    func endlessLine() {
        var reader = OpenMetricsImport(limits: ExpositionLimits(lineBytes: 100))
        #expect(throws: ExpositionError.self) {
            for _ in 0..<3 { try reader.feed([UInt8](repeating: UInt8(ascii: "a"), count: 90)) }
        }
    }

    @Test("the last TYPE line of a piece is found")
    func lastType() {
        let text = Array(Self.text.utf8)
        let found = OpenMetricsPieces.lastTypeLine(of: text[...])
        #expect(found.map { String(decoding: $0, as: UTF8.self) } == "# TYPE b gauge\n")
        #expect(OpenMetricsPieces.lastTypeLine(of: Array("a 1\nb 2\n".utf8)[...]) == nil)
    }
}
