import MetricModel
import Testing

@testable import Exposition

/// A cache with the labels of its series beside it, as a scraper keeps them.
struct Reader {
    var cache = ScrapeCache()
    var page = ScrapePage()
    var labels: [LabelSet] = []
    var metadata: [MetadataLine] = []

    /// The samples as `labels bits@timestamp`.
    mutating func read(_ bytes: [UInt8], _ format: ExpositionFormat) throws(ExpositionError) -> [String] {
        try cache.read(bytes, format: format, into: &page)
        for new in page.newSeries {
            #expect(Int(new.series) == labels.count)
            labels.append(new.labels)
        }
        metadata = page.metadata
        #expect(page.series.count == page.values.count)
        #expect(page.timestamps.isEmpty || page.timestamps.count == page.values.count)
        return page.values.indices.map { index in
            let time = page.timestamps.isEmpty ? ScrapePage.noTimestamp : page.timestamps[index]
            return "\(labels[Int(page.series[index])]) \(page.values[index].bitPattern)@\(time)"
        }
    }
}

/// What the parser without memory makes of a page, in the form of `Reader.read`.
func reference(_ bytes: [UInt8], _ format: ExpositionFormat) throws(ExpositionError) -> [String] {
    try items(bytes, format).compactMap { item in
        guard case .sample(let sample) = item else { return nil }
        let time = sample.timestampMilliseconds ?? ScrapePage.noTimestamp
        return "\(sample.labels) \(sample.value.bitPattern)@\(time)"
    }
}

@Suite("The scrape cache")
struct ScrapeCacheTests {
    static let first = "# HELP a x\n# TYPE a counter\na{b=\"1\"} 1\na{b=\"2\"} 2\nc 3\n# end\n"

    @Test("the second page of the same lines has the same series and nothing new")
    func steady() throws {
        var reader = Reader()
        _ = try reader.read(Array(Self.first.utf8), .text)
        #expect(reader.page.newSeries.map(\.line) == [3, 4, 5])
        #expect(!reader.page.hasSameSeries)
        #expect(
            reader.metadata == [
                MetadataLine(family: "a", field: .help("x")), MetadataLine(family: "a", field: .type(.counter)),
            ])
        let second = Self.first.replacing(" 1\n", with: " 17.5\n").replacing(" 3\n", with: " NaN\n")
        #expect(try reader.read(Array(second.utf8), .text) == reference(Array(second.utf8), .text))
        #expect(reader.page.hasSameSeries)
        #expect(reader.page.newSeries.isEmpty)
        #expect(reader.metadata.isEmpty)
    }

    @Test(
        "lines that come, go, move or change are read as by the parser without memory",
        arguments: [
            "a{b=\"1\"} 1\nc 3\n", "c 3\na{b=\"2\"} 2\na{b=\"1\"} 1\n", "", "x 1\n" + first, first + "x 1\n",
            "a{b=\"1\"} 1\na{b=\"1\"} 2\n", "a{b=\"1\"}  1\n", "a{b=\"1\"} 1 5\na{b=\"2\"} 2\nc 3 6\n",
            "# HELP a y\n# TYPE a counter\na{b=\"1\"} 1\na{b=\"2\"} 2\nc 3\n# end\n",
            "a{ b=\"1\"} 1\na{b=\"2\"} 2\nc  3\n# end\n",
        ])
    func changes(second: String) throws {
        var reader = Reader()
        for page in [Self.first, second, Self.first, second, second] {
            let bytes = Array(page.utf8)
            #expect(try reader.read(bytes, .text) == reference(bytes, .text))
        }
        #expect(reader.page.hasSameSeries)
    }

    @Test("a series takes few bytes, however long its labels, and a steady page takes the same memory again")
    func memory() throws {
        let label = String(repeating: "x", count: 300)
        let page = (0..<2000).map { "a_metric_of_some_length{label=\"\(label)\",number=\"\($0)\"} \($0)\n" }.joined()
        var reader = Reader()
        _ = try reader.cache.read(Array(page.utf8), format: .text, into: &reader.page)
        let byteCount = reader.cache.byteCount
        #expect(byteCount < 2000 * 40)
        let capacity = reader.page.values.capacity
        for _ in 0..<3 { _ = try reader.cache.read(Array(page.utf8), format: .text, into: &reader.page) }
        #expect(reader.cache.byteCount == byteCount)
        #expect(reader.page.values.capacity == capacity)
        #expect(reader.page.hasSameSeries)
    }

    @Test("a metadata change is told")
    func metadataChange() throws {
        var reader = Reader()
        _ = try reader.read(Array(Self.first.utf8), .text)
        _ = try reader.read(Array(Self.first.replacing("HELP a x", with: "HELP a y").utf8), .text)
        #expect(reader.metadata.contains(MetadataLine(family: "a", field: .help("y"))))
    }

    @Test("series that a refused page numbered come as new with the next page")
    func refusedPage() throws {
        var reader = Reader()
        _ = try reader.read(Array(Self.first.utf8), .text)
        #expect(throws: ExpositionError.self) { try reader.read(Array("new 1\n{bad\n".utf8), .text) }
        #expect(reader.page.values.isEmpty && reader.page.series.isEmpty && reader.page.newSeries.isEmpty)
        _ = try reader.read(Array((Self.first + "newer 1\n").utf8), .text)
        #expect(reader.page.newSeries.map(\.labels.metricName) == ["new", "newer"])
    }

    @Test("compacting forgets what the last page did not have and renumbers the rest in order")
    func compaction() throws {
        var reader = Reader()
        _ = try reader.read(Array("a 1\nb 2\nc 3\n".utf8), .text)
        _ = try reader.read(Array("c 3\na 1\n".utf8), .text)
        #expect(reader.cache.compact() == [0, -1, 1])
        #expect(reader.cache.seriesCount == 2)
        reader.labels.remove(at: 1)
        let page = Array("c 3\nb 2\na 1\n".utf8)
        #expect(try reader.read(page, .text) == reference(page, .text))
        #expect(reader.page.newSeries.map(\.labels.metricName) == ["b"])
    }

    @Test("vanished series are named once")
    func vanished() {
        #expect(ScrapePage.vanished(from: [3, 1, 1, 0], to: [0, 5]) == [3, 1])
        #expect(ScrapePage.vanished(from: [], to: [1]) == [])
        #expect(ScrapePage.vanished(from: [], to: []) == [])
    }

    @Test("mutated pages are read as by the parser without memory, and nothing traps")
    func mutations() {
        var generator = Generator(state: 7)
        let text = """
            # HELP http_seconds Time \\\\ of \\n requests.
            # TYPE http_seconds histogram
            http_seconds_bucket{code="200",le="0.5"} 12
            http_seconds_bucket{code="200",le="+Inf"} 1.5e+07 1700000000000
            http_seconds_sum{code="2\\"00"} 17.123456789012345678
            {"quoted.name","l l"="é"} -0.25
            plain NaN
            last +Inf

            """
        let open = text.replacing(" 1700000000000", with: " 1700000000.5 # {t=\"x\"} 1 2") + "# EOF\n"
        let pieces = [
            "\"", "\\", "{", "}", ",", "=", "\n", " ", "#", "1", "e", "\u{0}", "a", "# TYPE a gauge\n", "9e99",
        ]
        for (original, format) in [(text, ExpositionFormat.text), (open, .openMetrics)] {
            var cache = ScrapeCache()
            var labels: [LabelSet] = []
            var columns = ScrapePage()
            for round in 0..<4000 {
                var page = Array(original.utf8)
                for _ in 0..<Int.random(in: 0...3, using: &generator) {
                    let place = Int.random(in: 0..<page.count, using: &generator)
                    switch Int.random(in: 0..<4, using: &generator) {
                    case 0: page[place] = UInt8.random(in: 0...255, using: &generator)
                    case 1: page.remove(at: place)
                    case 2: page.insert(contentsOf: pieces.randomElement(using: &generator)?.utf8 ?? "".utf8, at: place)
                    default: page.removeSubrange(place..<min(page.count, place + 40))
                    }
                    if page.isEmpty { page = [10] }
                }
                let expected = Result { () throws(ExpositionError) in try reference(page, format) }
                do throws(ExpositionError) {
                    try cache.read(page, format: format, into: &columns)
                    for new in columns.newSeries { labels.append(new.labels) }
                    let got = columns.values.indices.map { index in
                        let time = columns.timestamps.isEmpty ? ScrapePage.noTimestamp : columns.timestamps[index]
                        return "\(labels[Int(columns.series[index])]) \(columns.values[index].bitPattern)@\(time)"
                    }
                    guard case .success(let wanted) = expected else {
                        Issue.record("round \(round) passed: \(String(decoding: page, as: UTF8.self))")
                        continue
                    }
                    // A changed TYPE line does not reach labels that were parsed before.
                    if !original.isEmpty, got.count != wanted.count { Issue.record("round \(round)") }
                } catch {
                    if case .success = expected { Issue.record("round \(round) was refused: \(error)") }
                }
            }
        }
    }
}

/// SplitMix64.
struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
