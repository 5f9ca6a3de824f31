import CountedAllocations
import Exposition
import MetricModel
import Storage
import TestSupport
import Testing

@testable import TSDB

@Suite("Allocations of a steady scrape")
struct SteadyAllocationTests {
    private static let lineCount = 520

    /// A page of an exporter; a sixth of the values are others than on the page before.
    private static func page(_ number: Int) -> [UInt8] {
        var page = ""
        for line in 0..<lineCount {
            let value = (number + line % 6) / 6 * (line + 1)
            page += "requests_of_family_\(line / 8)_total{device=\"disk-\(line % 8)\",mode=\"user\"} \(value).5\n"
        }
        return Array(page.utf8)
    }

    @Test("after its body is read a steady scrape allocates nothing: matching, row, journal")
    func steadyScrape() throws {
        let folder = TemporaryDirectory("lapwing-allocations")
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let writer = try database.openSource(named: "target")
        for line in 0..<Self.lineCount { _ = try writer.slot(for: DatabaseFixture.labels("m", line)) }
        let pages = (0..<64).map { Self.page($0) }
        var cache = ScrapeCache()
        var columns = ScrapePage()
        var counts: [UInt] = []
        counts.reserveCapacity(pages.count)
        for (number, page) in pages.enumerated() {
            let before = lapwing_allocation_count()
            try cache.read(page, format: .text, into: &columns)
            try writer.append(
                timestamp: Timestamp(milliseconds: 1_700_000_000_000 + Int64(number) * 15_000),
                values: columns.values, histograms: [])
            counts.append(UInt(lapwing_allocation_count() - before))
        }
        #expect(columns.values.count == Self.lineCount)
        // The first pages make series. A slice takes a block for every fifteen rows, and lists double at powers of two. Without
        // optimisation, closures and references to them take a few more; none is a sample's. With the last row of a slice dead slots
        // are looked for.
        let steady = counts.indices.filter { $0 >= 8 && ($0 + 1) % Lane.rowsPerSlice != 0 }.map { counts[$0] }
        #expect(steady.allSatisfy { $0 <= 8 }, "\(counts)")
        #if !DEBUG
            #expect(steady.count { $0 == 0 } * 4 >= steady.count * 3, "\(counts)")
        #endif
    }
}
