import MetricModel
import Testing

@testable import Exposition

@Suite("Histograms and start timestamps of text pages")
struct SeriesGroupTests {
    private static let page = """
        # TYPE seconds histogram
        seconds_bucket{path="/",le="1"} 2
        seconds_bucket{path="/",le="2.5"} 5 # {trace_id="a"} 2.2 1700000000.25
        seconds_bucket{path="/",le="+Inf"} 6
        seconds_count{path="/"} 6
        seconds_sum{path="/"} 12.5
        seconds_created{path="/"} 1000.5
        seconds_bucket{path="/x",le="1"} 3
        seconds_bucket{path="/x",le="+Inf"} 3
        seconds_count{path="/x"} 3
        seconds_sum{path="/x"} 1.5
        # TYPE requests counter
        requests_total{code="200"} 7
        requests_created{code="200"} 2000
        # TYPE sizes summary
        sizes{quantile="0.5"} 4
        sizes_count 10
        sizes_sum 40
        sizes_created 3000
        # TYPE since_created gauge
        since_created 5
        # TYPE seconds_per gauge
        other_count 3
        # EOF

        """

    /// What a page holds: floats as `labels value start`, histograms with their labels.
    struct Found {
        var labels: [Int32: LabelSet] = [:]
        var cache: ScrapeCache
        var page = ScrapePage()

        init(_ choices: PageChoices) { cache = ScrapeCache(choices: choices) }

        mutating func read(_ text: String, _ format: ExpositionFormat = .openMetrics) throws -> [String] {
            try cache.read(Array(text.utf8), format: format, into: &page)
            for new in page.newSeries { labels[new.series] = new.labels }
            #expect(page.series.count == page.values.count)
            #expect(page.starts.isEmpty || page.starts.count == page.values.count)
            let floats = try page.values.indices.map { index in
                let labels = try #require(labels[page.series[index]])
                let start = page.starts.isEmpty ? 0 : page.starts[index]
                return "\(labels) \(page.values[index])" + (start == 0 ? "" : " since \(start)")
            }
            let histograms = try page.histograms.map { entry in
                let labels = try #require(labels[entry.series])
                let histogram = entry.histogram
                #expect(histogram.schema == NativeHistogram.customBucketsSchema)
                return "\(labels) \(histogram.customValues) \(histogram.positiveBuckets) \(histogram.count)"
                    + " \(histogram.sum)" + (entry.start == 0 ? "" : " since \(entry.start)")
            }
            return floats + histograms
        }
    }

    @Test("classic histograms become native ones with custom buckets, page after page", arguments: [false, true])
    func conversion(keepsClassic: Bool) throws {
        var choices = PageChoices()
        choices.convertsClassic = true
        choices.alwaysReadsClassic = keepsClassic
        var found = Found(choices)
        for round in 0..<3 {
            let text = Self.page.replacing("le=\"1\"} 3", with: "le=\"1\"} \(round)")
            let lines = try found.read(text)
            #expect(
                lines.suffix(2) == [
                    #"seconds{path="/"} [1.0, 2.5] [2.0, 3.0, 1.0] 6.0 12.5"#,
                    #"seconds{path="/x"} [1.0] [\#(Double(round)), \#(Double(3 - round))] 3.0 1.5"#,
                ])
            let classic = lines.filter { $0.hasPrefix("seconds_bucket") || $0.hasPrefix("seconds_count") }
            #expect(classic.count == (keepsClassic ? 7 : 0))
            #expect(lines.contains(#"seconds_created{path="/"} 1000.5"#), "it is a series like others")
            #expect(lines.contains("other_count 3.0"), "a type is that of its family alone")
            #expect(found.page.histograms.first?.exemplars.map(\.value) == [2.2])
            #expect(found.page.exemplars.count == (keepsClassic ? 1 : 0))
            #expect(!found.page.hasSameSeries)
        }
        #expect(found.page.newSeries.isEmpty)
    }

    @Test(
        "what is no histogram is left out without a word",
        arguments: [
            ("h_bucket{le=\"1\"} 5\nh_bucket{le=\"2\"} 3\nh_bucket{le=\"+Inf\"} 5\nh_count 5\nh_sum 1\n", false),
            ("h_bucket{le=\"1\"} 5\nh_bucket{le=\"+Inf\"} 6\nh_count 7\nh_sum 1\n", false),
            ("h_bucket{le=\"1\"} 5\nh_count 7\nh_sum 1\n", true), ("h_bucket{le=\"1\"} 5\n", true),
            ("h_count 7\nh_sum 1\n", true), ("h_bucket{le=\"2\"} 7\nh_bucket{le=\"1\"} 5\nh_count 7\n", true),
        ])
    func invalid(lines: String, isConverted: Bool) throws {
        var choices = PageChoices()
        choices.convertsClassic = true
        var found = Found(choices)
        let read = try found.read("# TYPE h histogram\n" + lines, .text)
        #expect(read.count == (isConverted ? 1 : 0), "\(read)")
        #expect(read.allSatisfy { $0.hasPrefix("h ") })
    }

    @Test("_created lines are the start timestamps of their family in OpenMetrics, and series in the other format")
    func created() throws {
        var choices = PageChoices()
        choices.readsStarts = true
        var found = Found(choices)
        for round in 0..<3 {
            let lines = try found.read(Self.page.replacing("{code=\"200\"} 2000", with: "{code=\"200\"} 200\(round)"))
            #expect(lines.contains(#"seconds_bucket{le="1.0", path="/"} 2.0 since 1000500"#), "\(lines)")
            #expect(lines.contains(#"seconds_sum{path="/"} 12.5 since 1000500"#))
            #expect(lines.contains(#"seconds_sum{path="/x"} 1.5"#))
            #expect(lines.contains(#"requests_total{code="200"} 7.0 since 200\#(round)000"#))
            #expect(lines.contains(#"sizes{quantile="0.5"} 4.0 since 3000000"#))
            #expect(lines.contains("since_created 5.0"))
            #expect(!lines.contains { $0.hasPrefix("seconds_created") || $0.hasPrefix("sizes_created") })
            #expect(found.page.hasSameSeries == (round > 0))
        }
        var text = Found(choices)
        let lines = try text.read(
            "# TYPE requests_total counter\nrequests_total 7\nrequests_created 5\n# TYPE a counter\na 1\na_created 2\n",
            .text)
        #expect(lines == ["requests_total 7.0", "requests_created 5.0", "a 1.0", "a_created 2.0"])
    }

    @Test("both together: a converted histogram has the start timestamp of its _created line")
    func both() throws {
        var choices = PageChoices()
        choices.convertsClassic = true
        choices.readsStarts = true
        var found = Found(choices)
        let lines = try found.read(Self.page)
        #expect(lines.contains(#"seconds{path="/"} [1.0, 2.5] [2.0, 3.0, 1.0] 6.0 12.5 since 1000500"#), "\(lines)")
        #expect(lines.count == 8)
    }

    @Test("groups survive that the cache forgets series of earlier pages")
    func compaction() throws {
        var choices = PageChoices()
        choices.convertsClassic = true
        var found = Found(choices)
        for round in 0..<5 {
            let pod =
                "# TYPE p histogram\np_bucket{pod=\"\(round)\",le=\"+Inf\"} 4\np_count{pod=\"\(round)\"} 4\n# TYPE"
            let lines = try found.read(Self.page.replacing("# TYPE requests", with: pod + " requests"))
            #expect(lines.contains { $0.hasPrefix(#"p{pod="\#(round)"} [] [4.0] 4.0"#) }, "\(lines)")
            #expect(lines.contains(#"seconds{path="/"} [1.0, 2.5] [2.0, 3.0, 1.0] 6.0 12.5"#))
            let numbers = found.cache.compact()
            var labels: [Int32: LabelSet] = [:]
            for (old, set) in found.labels where numbers[Int(old)] >= 0 { labels[numbers[Int(old)]] = set }
            found.labels = labels
        }
        #expect(found.cache.seriesCount < 30)
    }

    @Test("a histogram is made as coarse as the limits say, and refused where that is not enough")
    func limits() throws {
        var choices = PageChoices()
        choices.bucketLimit = 3
        var histogram = NativeHistogram(
            schema: 3, count: 15, positiveSpans: [.init(offset: 0, length: 5)], positiveBuckets: [1, 2, 3, 4, 5])
        try choices.apply(to: &histogram)
        #expect(histogram.schema == 2 && histogram.positiveBuckets.reduce(0, +) == 15)
        #expect(histogram.bucketCount <= 3)
        choices.bucketLimit = 1
        var wide = NativeHistogram(
            schema: -3, count: 3, positiveSpans: [.init(offset: -90, length: 1), .init(offset: 90, length: 1)],
            positiveBuckets: [1, 2])
        #expect(throws: HistogramFault.bucketLimit(count: 2, limit: 1)) { try choices.apply(to: &wide) }
        choices.convertsClassic = true
        var found = Found(choices)
        #expect(throws: ExpositionError.self) { _ = try found.read(Self.page) }
        choices = PageChoices()
        choices.finestSchema = NativeHistogram.schema(growingBy: 2)
        try choices.apply(to: &histogram)
        #expect(histogram.schema == 0)
    }

    @Test(
        "a factor by which buckets grow stands for a schema",
        arguments: [
            (0.0, 8), (1, 8), (1.002, 8), (1.003, 7), (1.1, 2), (1.2, 1), (1.5, 0), (2, 0), (2.1, -1), (16, -2),
            (65536, -4), (1e9, -4),
        ] as [(Double, Int32)])
    func factors(factor: Double, schema: Int32) { #expect(NativeHistogram.schema(growingBy: factor) == schema) }

    @Test(
        "reducing the resolution merges neighbours on both sides and keeps the counts",
        arguments: -4...7 as ClosedRange<Int32>)
    func reduction(target: Int32) {
        let original = NativeHistogram(
            schema: 8, zeroCount: 1, count: 29, sum: 3,
            positiveSpans: [.init(offset: -300, length: 3), .init(offset: 200, length: 2)],
            negativeSpans: [.init(offset: 5, length: 2)], positiveBuckets: [1, 2, 3, 4, 5], negativeBuckets: [6, 7])
        var reduced = original
        reduced.reduceResolution(to: target)
        #expect(reduced.schema == target && reduced.fault == nil)
        for (before, after) in [
            (original.positiveCells, reduced.positiveCells), (original.negativeCells, reduced.negativeCells),
        ] {
            #expect(before.reduce(0) { $0 + $1.count } == after.reduce(0) { $0 + $1.count })
            for cell in before {
                let bound = BucketBounds.exponential(cell.index, schema: 8)
                let holder = after.first { BucketBounds.exponential($0.index, schema: target) >= bound * (1 - 1e-12) }
                #expect((holder?.count ?? 0) >= cell.count)
            }
        }
        var same = original
        same.reduceResolution(to: 8)
        #expect(same == original)
    }
}
