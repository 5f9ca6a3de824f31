import Testing

@testable import Exposition

@Suite("Pages against the conventions for names, types and help")
struct PageLintTests {
    private func remarks(_ page: String, format: ExpositionFormat = .text) throws -> [String] {
        try PageLint(Array(page.utf8), format: format).findings.map { "\($0.line) \($0.metric) \($0.what)" }
    }

    private static let described = "# HELP a_total Things.\n# TYPE a_total counter\n"

    @Test(
        "a page that keeps to them is left alone",
        arguments: [
            "", described + "a_total 1\na_total{b=\"c\"} 2\n",
            "# HELP s_seconds S.\n# TYPE s_seconds summary\ns_seconds{quantile=\"0.5\"} 1\ns_seconds_sum 1\n"
                + "s_seconds_count 1\n",
            "# HELP h_seconds H.\n# TYPE h_seconds histogram\nh_seconds_bucket{le=\"+Inf\"} 1\nh_seconds_sum 1\n"
                + "h_seconds_count 1\n",
            described + "a_total 1 1000\na_total 2 2000\n",
        ])
    func clean(page: String) throws {
        #expect(try remarks(page) == [])
    }

    @Test("OpenMetrics names a counter's metric without its ending")
    func openMetrics() throws {
        let page = "# HELP a Things.\n# TYPE a counter\na_total 1\na_created 0.5\n# EOF\n"
        #expect(try remarks(page, format: .openMetrics) == [])
    }

    @Test(
        "what is against them is said with its first line",
        arguments: [
            ("b 1\n", ["1 b has no help text: add # HELP", "1 b has no type: add # TYPE"]),
            ("# HELP b B.\n# TYPE b counter\nb 1\n", ["3 b is a counter: its name should end in _total"]),
            (
                "# HELP b_total B.\n# TYPE b_total gauge\nb_total 1\n",
                ["3 b_total is no counter: its name should not end in _total"]
            ),
            (
                "# HELP b_count B.\n# TYPE b_count gauge\nb_count 1\n",
                ["3 b_count is no histogram or summary: its name should not end in _count"]
            ),
            ("# HELP b B.\n# TYPE b gauge\nb{le=\"1\"} 1\n", ["3 b is no histogram: it should not have the label le"]),
            ("# HELP aB B.\n# TYPE aB gauge\naB 1\n", ["3 aB should be written in snake_case"]),
            ("# HELP a:b B.\n# TYPE a:b gauge\na:b 1\n", ["3 a:b colons are for the names of recording rules"]),
            (
                "# HELP b_ms B.\n# TYPE b_ms gauge\nb_ms 1\n",
                ["3 b_ms should use the base unit seconds, not ms"]
            ),
            (
                described + "a_total{b=\"1\"} 1\na_total{b=\"1\"} 2\n",
                ["4 a_total a_total{b=\"1\"} stands on the page already"]
            ),
        ])
    func remarked(page: String, expected: [String]) throws {
        #expect(try remarks(page) == expected)
    }

    @Test("a page that cannot be read is an error with its place")
    func unreadable() {
        #expect(throws: ExpositionError.self) { try PageLint(Array("a{ 1\n".utf8), format: .text) }
    }
}
