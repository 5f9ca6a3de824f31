import Testing

@testable import TSDB

@Suite("Size of segments")
struct SegmentSizeTests {
    /// Windows of a recording that do not overlap, each of them a target, as columns in order of series, then target.
    static func columns(_ name: String, targets: Int, ticks: Int, step: Int = 1) -> [SegmentTestColumn] {
        var pages: [(series: String, target: Int, values: [Double])] = []
        for target in 0..<targets {
            guard let corpus = SegmentCorpus(name, firstPage: target * ticks * step, pageCount: ticks, step: step)
            else { return [] }
            for column in corpus.columns { pages.append((column.series, target, column.values)) }
        }
        pages.sort { ($0.series, $0.target) < ($1.series, $1.target) }
        return pages.enumerated().map { index, page in
            SegmentTestColumn(series: UInt32(index), clock: UInt32(page.target), values: page.values)
        }
    }

    static func segments(_ columns: [SegmentTestColumn]) throws -> [[UInt8]] {
        try stride(from: 0, to: columns.count, by: SegmentFormat.seriesPerSegment).map { start in
            let end = min(columns.count, start + SegmentFormat.seriesPerSegment)
            return try SegmentRoundTrip.encode(Array(columns[start..<end]), firstSeries: UInt32(start))
        }
    }

    @Test("recorded pages take no more bytes than they did", arguments: [("node", 0.58), ("prometheus", 0.16)])
    func bytesPerSample(name: String, limit: Double) throws {
        let columns = Self.columns(name, targets: 1, ticks: 120)
        if columns.isEmpty {
            print("skipped: ../shared/bench/corpus/\(name).rec is not there")
            return
        }
        let samples = columns.reduce(0) { $0 + $1.values.count }
        let bytes = try Self.segments(columns).reduce(0) { $0 + $1.count }
        let perSample = Double(bytes) / Double(samples)
        print("\(name): \(columns.count) series, \(perSample) bytes a sample")
        #expect(perSample < limit)
    }
}
