import Bytes
import Glibc
import Testing

@testable import TSDB

@Suite("Segment measurements")
struct SegmentMeasurementTests {
    private static func seconds() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

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

    @Test("speed and size on all recordings", .enabled(if: unsafe getenv("LAPWING_MEASURE") != nil))
    func measure() throws {
        for (names, step) in [
            (["node"], 1), (["prometheus"], 1), (["victoria"], 1), (["cadvisor"], 1),
            (["node", "prometheus", "victoria"], 1), (["node", "prometheus", "victoria"], 3),
        ] {
            var columns: [SegmentTestColumn] = []
            for name in names {
                columns += Self.columns(name, targets: step == 1 ? 2 : 1, ticks: step == 1 ? 120 : 100, step: step)
            }
            for index in columns.indices { columns[index].series = UInt32(index) }
            try measure(names.joined(separator: "+") + (step > 1 ? " every \(step)rd" : ""), columns)
        }
    }

    private func measure(_ name: String, _ columns: [SegmentTestColumn]) throws {
        let samples = Double(columns.reduce(0) { $0 + $1.values.count })
        var blobs: [[UInt8]] = []
        var encodeSeconds = Double.infinity
        for _ in 0..<5 {
            let start = Self.seconds()
            blobs = try encodeAll(columns)
            encodeSeconds = min(encodeSeconds, Self.seconds() - start)
        }
        var decodeSeconds = Double.infinity
        var frame = SegmentFrame()
        let zstd = ZstdWorkspace()
        var target = [Double](repeating: 0, count: 1024)
        var sum = 0.0
        for _ in 0..<5 {
            let start = Self.seconds()
            for (number, blob) in blobs.enumerated() {
                sum += try decodeAll(blob, number: number, frame: &frame, zstd: zstd, target: &target)
            }
            decodeSeconds = min(decodeSeconds, Self.seconds() - start)
        }
        let bytes = Double(blobs.reduce(0) { $0 + $1.count })
        let oneStart = Self.seconds()
        var reads = 0
        for (number, blob) in blobs.enumerated() {
            for series in stride(from: 0, to: 512, by: 5) {
                let id = UInt32(number * 512 + series)
                guard Int(id) < columns.count else { break }
                try readOne(blob, number: number, series: id, frame: &frame, zstd: zstd, target: &target)
                reads += 1
            }
        }
        let oneMicroseconds = (Self.seconds() - oneStart) / Double(reads) * 1e6
        func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
        print(
            name, columns.count, "series", rounded(bytes / samples), "B/sample, encode",
            rounded(encodeSeconds / samples * 1e9), "decode", rounded(decodeSeconds / samples * 1e9),
            "ns/sample, one series", rounded(oneMicroseconds), "us", sum.isNaN ? "" : "")
    }

    private func encodeAll(_ columns: [SegmentTestColumn]) throws -> [[UInt8]] {
        var encoder = SegmentEncoder()
        var blobs: [[UInt8]] = []
        for start in stride(from: 0, to: columns.count, by: 512) {
            encoder.begin(firstSeries: UInt32(start))
            for index in start..<min(columns.count, start + 512) {
                try unsafe columns[index].values.withUnsafeBufferPointer { values in
                    try unsafe encoder.add(
                        series: UInt32(index), clock: columns[index].clock, clockOffset: 0, values: values,
                        startTimestamps: UnsafeBufferPointer(start: nil, count: 0))
                }
            }
            blobs.append(try encoder.finish())
        }
        return blobs
    }

    private func decodeAll(
        _ blob: [UInt8], number: Int, frame: inout SegmentFrame, zstd: ZstdWorkspace, target: inout [Double]
    ) throws -> Double {
        var sum = 0.0
        for index in 0..<SegmentFormat.framesPerSegment {
            try unsafe blob.withUnsafeBytes { bytes in
                guard
                    try unsafe SegmentBlob.load(
                        frame: index, of: bytes, firstSeries: UInt32(number * 512), into: &frame, workspace: zstd)
                else { return }
                try unsafe target.withUnsafeMutableBufferPointer { buffer in
                    guard let start = buffer.baseAddress else { return }
                    for column in 0..<frame.columns.count {
                        try unsafe frame.decodeValues(column, into: start)
                        sum += unsafe start[0]
                    }
                }
            }
        }
        return sum
    }

    private func readOne(
        _ blob: [UInt8], number: Int, series: UInt32, frame: inout SegmentFrame, zstd: ZstdWorkspace,
        target: inout [Double]
    ) throws {
        try unsafe blob.withUnsafeBytes { bytes in
            let index = (Int(series) - number * 512) / SegmentFormat.seriesPerFrame
            guard
                try unsafe SegmentBlob.load(
                    frame: index, of: bytes, firstSeries: UInt32(number * 512), into: &frame, workspace: zstd)
            else { return }
            let range = frame.columnRange(of: series)
            try unsafe target.withUnsafeMutableBufferPointer { buffer in
                guard let start = buffer.baseAddress else { return }
                for column in range { try unsafe frame.decodeValues(column, into: start) }
            }
        }
    }
}
