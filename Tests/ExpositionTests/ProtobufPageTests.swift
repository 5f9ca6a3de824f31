import Bytes
import MetricModel
import Testing

@testable import Exposition

/// Pages in the protobuf format, as client libraries write them.
struct ProtobufPage {
    var bytes: [UInt8] = []

    enum FamilyType: UInt64 { case counter, gauge, summary, untyped, histogram, gaugeHistogram }

    mutating func family(
        _ name: String, _ type: FamilyType, help: String? = nil, metrics: [(inout WireWriter) -> Void]
    ) {
        var writer = WireWriter()
        writer.string(1, name)
        if let help { writer.string(2, help) }
        writer.varint(3, type.rawValue)
        for metric in metrics { writer.message(4, metric) }
        VarInt.append(UInt64(writer.bytes.count), to: &bytes)
        bytes += writer.bytes
    }

    static func label(_ name: String, _ value: String, in writer: inout WireWriter) {
        writer.message(1) {
            $0.string(1, name)
            $0.string(2, value)
        }
    }

    /// A histogram with buckets of 1, 2.5 and +Inf and native ones.
    static func histogram(hasNative: Bool, timestamp: Int64? = nil) -> (inout WireWriter) -> Void {
        { metric in
            label("handler", "/", in: &metric)
            metric.message(7) { histogram in
                histogram.varint(1, 6)
                histogram.double(2, 12.5)
                for (bound, count) in [(1.0, UInt64(2)), (2.5, 5)] {
                    histogram.message(3) { bucket in
                        bucket.varint(1, count)
                        bucket.double(2, bound)
                        if count == 5 {
                            bucket.message(3) { exemplar in
                                label("trace_id", "abc", in: &exemplar)
                                exemplar.double(2, 2.2)
                                exemplar.message(3) {
                                    $0.signed(1, 1_700_000_000)
                                    $0.signed(2, 250_000_000)
                                }
                            }
                        }
                    }
                }
                guard hasNative else { return }
                histogram.zigzag(5, 1)
                histogram.double(6, 0.001)
                histogram.varint(7, 1)
                histogram.message(12) {
                    $0.zigzag(1, -1)
                    $0.varint(2, 2)
                }
                histogram.packed(13, varints: [2, 1].map(VarInt.zigzag))
            }
            if let timestamp { metric.signed(6, timestamp) }
        }
    }
}

@Suite("Protobuf pages")
struct ProtobufPageTests {
    /// Float samples of a page as `labels value`, histograms by their labels.
    private static func read(
        _ bytes: [UInt8], _ choices: PageChoices = PageChoices()
    ) throws(ExpositionError) -> (floats: [String], histograms: [String: NativeHistogram], page: ScrapePage) {
        var cache = ScrapeCache(choices: choices)
        var page = ScrapePage()
        try cache.read(bytes, format: .protobuf, into: &page)
        var labels: [Int32: String] = [:]
        for series in page.newSeries { labels[series.series] = series.labels.description }
        let floats = page.values.indices.map { "\(labels[page.series[$0]] ?? "?") \(page.values[$0])" }
        var histograms: [String: NativeHistogram] = [:]
        for entry in page.histograms { histograms[labels[entry.series] ?? "?"] = entry.histogram }
        return (floats, histograms, page)
    }

    private static var plain: [UInt8] {
        var page = ProtobufPage()
        page.family(
            "requests_total", .counter, help: "Requests.",
            metrics: [
                { metric in
                    ProtobufPage.label("code", "200", in: &metric)
                    ProtobufPage.label("empty", "", in: &metric)
                    metric.message(3) { $0.double(1, 7) }
                }
            ])
        page.family(
            "temperature", .gauge,
            metrics: [
                { metric in
                    metric.message(2) { $0.double(1, -1.5) }
                    metric.signed(6, 12345)
                },
                { metric in
                    ProtobufPage.label("room", "2", in: &metric)
                    metric.message(2) { _ in }
                },
            ])
        page.family(
            "latency", .summary,
            metrics: [
                { metric in
                    metric.message(4) { summary in
                        summary.varint(1, 3)
                        summary.double(2, 4.5)
                        summary.message(3) {
                            $0.double(1, 0.5)
                            $0.double(2, 1.25)
                        }
                        summary.message(3) {
                            $0.double(1, 1)
                            $0.double(2, .nan)
                        }
                    }
                }
            ])
        return page.bytes
    }

    @Test("counters, gauges and summaries are the series of the text format")
    func plainFamilies() throws {
        let read = try Self.read(Self.plain)
        #expect(
            read.floats == [
                #"requests_total{code="200"} 7.0"#, "temperature -1.5", #"temperature{room="2"} 0.0"#,
                #"latency{quantile="0.5"} 1.25"#, #"latency{quantile="1.0"} nan"#, "latency_count 3.0",
                "latency_sum 4.5",
            ])
        #expect(read.page.timestamps == [ScrapePage.noTimestamp, 12345] + [Int64](repeating: .min, count: 5))
        #expect(read.page.newSeries[0].emptyLabels == ["empty"])
        #expect(read.page.metadata.contains(MetadataLine(family: "requests_total", field: .help("Requests."))))
        #expect(read.page.metadata.contains(MetadataLine(family: "latency", field: .type(.summary))))
    }

    @Test("the same page again has the same numbers, nothing new and the same series")
    func steady() throws {
        var cache = ScrapeCache()
        var page = ScrapePage()
        try cache.read(Self.plain, format: .protobuf, into: &page)
        let first = page.series
        try cache.read(Self.plain, format: .protobuf, into: &page)
        #expect(page.series == first && page.newSeries.isEmpty && page.hasSameSeries)
        #expect(page.values.count == first.count, "what the columns held before is gone")
        try cache.read(Array("temperature 3\n".utf8), format: .text, into: &page)
        #expect(page.values == [3] && !page.hasSameSeries)
    }

    /// What is asked for, which forms come: classic series, native histogram, one with custom buckets.
    @Test(
        "classic and native forms are chosen as the reference does",
        arguments: [
            (native: false, converts: false, always: false, hasNative: true, classic: true, form: Int32?.none),
            (native: true, converts: false, always: false, hasNative: true, classic: false, form: 1),
            (native: true, converts: false, always: true, hasNative: true, classic: true, form: 1),
            (native: true, converts: true, always: false, hasNative: true, classic: false, form: 1),
            (native: false, converts: true, always: false, hasNative: true, classic: false, form: -53),
            (native: true, converts: true, always: true, hasNative: false, classic: true, form: -53),
            (native: true, converts: false, always: false, hasNative: false, classic: true, form: nil),
        ])
    func forms(native: Bool, converts: Bool, always: Bool, hasNative: Bool, classic: Bool, form: Int32?) throws {
        var choices = PageChoices()
        choices.readsNative = native
        choices.convertsClassic = converts
        choices.alwaysReadsClassic = always
        var page = ProtobufPage()
        page.family("seconds", .histogram, metrics: [ProtobufPage.histogram(hasNative: hasNative)])
        let read = try Self.read(page.bytes, choices)
        #expect(read.floats.isEmpty != classic)
        #expect(read.histograms[#"seconds{handler="/"}"#]?.schema == form)
    }

    @Test("a classic histogram has its buckets, the last one added, and its exemplars")
    func classic() throws {
        var page = ProtobufPage()
        page.family("seconds", .histogram, metrics: [ProtobufPage.histogram(hasNative: false)])
        let read = try Self.read(page.bytes)
        #expect(
            read.floats == [
                #"seconds_count{handler="/"} 6.0"#, #"seconds_sum{handler="/"} 12.5"#,
                #"seconds_bucket{handler="/", le="1.0"} 2.0"#, #"seconds_bucket{handler="/", le="2.5"} 5.0"#,
                #"seconds_bucket{handler="/", le="+Inf"} 6.0"#,
            ])
        let exemplar = Exemplar(
            labels: LabelSet(["trace_id": "abc"]), value: 2.2, timestampMilliseconds: 1_700_000_000_250)
        #expect(read.page.exemplars == [PageExemplar(sample: 3, exemplar: exemplar)])
    }

    @Test("a native histogram has absolute counts; a converted one has those between its bounds")
    func native() throws {
        var choices = PageChoices()
        choices.readsNative = true
        var page = ProtobufPage()
        page.family("seconds", .gaugeHistogram, metrics: [ProtobufPage.histogram(hasNative: true, timestamp: 5)])
        let native = try Self.read(page.bytes, choices)
        let expected = NativeHistogram(
            counterResetHint: .gauge, schema: 1, zeroThreshold: 0.001, zeroCount: 1, count: 6, sum: 12.5,
            positiveSpans: [.init(offset: -1, length: 2)], positiveBuckets: [2, 3])
        #expect(native.histograms.values.first == expected)
        #expect(native.page.histograms.first?.timestamp == 5 && native.page.histograms.first?.exemplars.count == 1)
        choices = PageChoices()
        choices.convertsClassic = true
        let converted = try Self.read(page.bytes, choices)
        #expect(converted.histograms.values.first?.customValues == [1, 2.5])
        #expect(converted.histograms.values.first?.positiveBuckets == [2, 3, 1])
    }

    @Test("damaged pages are errors with a place, and never trap")
    func damage() throws {
        var page = ProtobufPage()
        page.bytes = Self.plain
        page.family("seconds", .histogram, metrics: [ProtobufPage.histogram(hasNative: true)])
        var choices = PageChoices()
        choices.readsNative = true
        choices.convertsClassic = true
        choices.alwaysReadsClassic = true
        #expect(throws: ExpositionError.self) { _ = try Self.read([5, 1]) }
        #expect(throws: ExpositionError.self) { _ = try Self.read(Array(page.bytes.dropLast())) }
        var random = SystemRandomNumberGenerator()
        var cache = ScrapeCache(choices: choices)
        var columns = ScrapePage()
        for _ in 0..<3000 {
            var bytes = page.bytes
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            try? cache.read(bytes, format: .protobuf, into: &columns)
        }
        try cache.read(page.bytes, format: .protobuf, into: &columns)
        #expect(columns.values.count > 10)
    }
}
