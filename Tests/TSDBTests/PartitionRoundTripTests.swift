import Glibc
import MetricModel
import SQLite
import Storage
import Testing

@testable import TSDB

@Suite("Partitions")
struct PartitionRoundTripTests {
    private static let start: Int64 = 1_763_900_000_000

    private static func range(_ start: Int64, _ end: Int64) -> TimeRange {
        TimeRange(start: Timestamp(milliseconds: start), end: Timestamp(milliseconds: end))
    }

    @Test("every sample of every series comes back, in whole and in part", arguments: UInt64(1)...4)
    func roundTrip(seed: UInt64) throws {
        let folder = PartitionTestFolder()
        var generator = SegmentColumnGenerator(seed: seed)
        var model = PartitionModel()
        let targets = (0..<7).map { instance in
            PartitionModel.target(
                instance: instance, names: 100 + generator.below(60), start: Self.start,
                ticks: [120, 480, 61, 1][generator.below(4)], generator: &generator)
        }
        for target in targets { model.note(target) }
        let path = try #require(try PartitionModel.write(targets, to: try folder.writer()))
        #expect(folder.fileNames.count == 1)
        let reader = try PartitionReader(path: path)
        #expect(reader.metadata.sampleCount == model.series.values.reduce(0) { $0 + $1.count })
        #expect(try model.matches(reader, in: .all))
        for _ in 0..<4 {
            let from = Self.start + Int64(generator.below(8_000_000))
            #expect(try model.matches(reader, in: Self.range(from, from + Int64(generator.below(3_000_000)))))
        }
        #expect(reader.verify() == [])
    }

    @Test("series of one target share one clock object, across segments and readers")
    func sharedClocks() throws {
        let folder = PartitionTestFolder()
        var generator = SegmentColumnGenerator(seed: 5)
        var target = PartitionModel.target(
            instance: 0, names: 40, start: Self.start, ticks: 400, generator: &generator)
        for index in target.columns.indices { target.columns[index].values = (0..<400).map { Double($0 * index) } }
        let path = try #require(try PartitionModel.write([target], to: try folder.writer()))
        let reader = try PartitionReader(path: path)
        let selection = try PartitionSelection(reader: reader, request: SelectRequest(matchers: [], range: .all))
        var clocks: [Clock] = []
        for half in [0..<20, 20..<40] {
            let columns = try selection.makeReader()
            for index in half {
                var pieces = ColumnPieces()
                try columns.read(selection.series[index], clocks: ClockCache(), into: &pieces)
                #expect(pieces.pieces.map(\.count) == [400])
                #expect(pieces.values.count == 400)
                clocks += pieces.pieces.map(\.clock)
            }
        }
        #expect(clocks.allSatisfy { $0 === clocks[0] })
    }

    @Test("start timestamps and histograms are kept")
    func histogramsAndStarts() throws {
        let folder = PartitionTestFolder()
        let writer = try folder.writer()
        let labels = LabelSet(["__name__": "h", "job": "a"])
        var histograms: [HistogramSample] = []
        for tick in 0..<300 {
            var histogram = NativeHistogram(
                counterResetHint: .notReset, schema: 3, zeroThreshold: 1e-128, zeroCount: Double(tick), count: 10,
                sum: 0.5)
            histogram.positiveSpans = [.init(offset: -3, length: 2), .init(offset: 1, length: 1)]
            histogram.positiveBuckets = [1, Double(tick) * 2, 0.25]
            histograms.append(HistogramSample(timestamp: Self.start + Int64(tick) * 1000, histogram: histogram))
        }
        histograms.append(HistogramSample(timestamp: Self.start + 301_000, histogram: .stale))
        try writer.add(labels: labels, histograms: histograms)
        let clock = writer.addClock([Self.start, Self.start + 5, Self.start + 9])
        let other = LabelSet(["__name__": "v"])
        try writer.add(
            labels: other, clock: clock, values: [1, SpecialValue.absent, 3], startTimestamps: [10, 11, 12])
        let reader = try PartitionReader(path: try #require(try writer.finish()))
        #expect(reader.metadata.histogramCount == 301)
        #expect(reader.metadata.sampleCount == 303)
        let columns = try PartitionSeriesReader(reader: reader, clocks: PartitionClocks(range: .all))
        var pieces = ColumnPieces()
        try columns.read(0, clocks: ClockCache(), into: &pieces)
        let back = pieces.histograms.flatMap { $0 }
        #expect(back.count == 301)
        #expect(Array(back.dropLast()) == Array(histograms.dropLast()))
        #expect(back.last?.histogram.isStale == true)
        let raw = try columns.columns(of: 1)
        #expect(raw.map(\.startTimestamps) == [[10, 12]])
        #expect(reader.verify() == [])
    }

    @Test("an abandoned writer leaves nothing behind, an empty one no file")
    func abandoned() throws {
        let folder = PartitionTestFolder()
        do {
            let writer = try folder.writer()
            try writer.add(labels: LabelSet(["a": "b"]), clock: writer.addClock([1]), values: [1])
        }
        #expect(folder.fileNames == [])
        #expect(try folder.writer().finish() == nil)
        #expect(folder.fileNames == [])
    }

    @Test("two partitions of one span get two names, and say what they replace")
    func names() throws {
        let folder = PartitionTestFolder()
        for _ in 0..<2 {
            let writer = try folder.writer(replaces: ["a.sqlite", "b.sqlite"])
            try writer.add(labels: LabelSet(["a": "b"]), clock: writer.addClock([Self.start]), values: [1])
            let reader = try PartitionReader(path: try #require(try writer.finish()))
            #expect(reader.metadata.replaces == ["a.sqlite", "b.sqlite"])
        }
        #expect(Set(folder.fileNames).count == 2)
        let span = "2025-11-23T12.13.20-2025-11-23T12.13.20-"
        #expect(folder.fileNames.allSatisfy { $0.hasPrefix(span) && $0.utf8.count == span.utf8.count + 16 + 7 })
        #expect(PartitionName.make(start: 0, end: 1000, unique: 10).hasSuffix("-000000000000000a"))
    }

    @Test("several threads read one partition at the same time")
    func parallelReaders() async throws {
        let folder = PartitionTestFolder()
        var generator = SegmentColumnGenerator(seed: 8)
        var model = PartitionModel()
        let targets = (0..<4).map { instance in
            PartitionModel.target(instance: instance, names: 60, start: Self.start, ticks: 200, generator: &generator)
        }
        for target in targets { model.note(target) }
        let path = try #require(try PartitionModel.write(targets, to: try folder.writer()))
        let reader = try PartitionReader(path: path)
        let expected = model
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<6 { group.addTask { (try? expected.matches(reader, in: .all)) ?? false } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes == [Bool](repeating: true, count: 6))
    }
}

@Suite("Partition index")
struct PartitionIndexTests {
    /// A partition and its series, for comparing selections with a test of each label set.
    private static func make(_ folder: PartitionTestFolder) throws -> (PartitionReader, [LabelSet]) {
        var all: [LabelSet] = []
        for instance in 0..<40 {
            for mode in ["idle", "user", "system", ""] {
                var pairs = [
                    (name: "__name__", value: "cpu_seconds_total"), (name: "instance", value: "host-\(instance)"),
                    (name: "mode", value: mode),
                ]
                if instance % 4 == 0 { pairs.append((name: "zone", value: "eu-\(instance % 3)")) }
                all.append(LabelSet(pairs))
            }
            all.append(LabelSet(["__name__": "up", "instance": "host-\(instance)"]))
        }
        all.append(LabelSet(["__name__": "Ünicode", "instance": "host.1"]))
        all.sort()
        let writer = try folder.writer()
        let clock = writer.addClock([1, 2])
        for labels in all { try writer.add(labels: labels, clock: clock, values: [1, 2]) }
        return (try PartitionReader(path: try #require(try writer.finish())), all)
    }

    private static let selectors: [[(String, LabelMatcher.Kind, String)]] = [
        [], [("__name__", .equal, "up")], [("__name__", .equal, "none")], [("mode", .equal, "")],
        [("mode", .notEqual, "")], [("mode", .notEqual, "idle")], [("none", .equal, "")], [("none", .notEqual, "")],
        [("none", .notEqual, "x")], [("none", .regex, ".*")], [("none", .regex, ".+")], [("mode", .regex, "idle|user")],
        [("mode", .regex, "idle|")], [("mode", .notRegex, "idle|user")], [("mode", .notRegex, "idle|")],
        [("mode", .regex, "(i|us).*")], [("instance", .regex, "host-1.*")], [("instance", .regex, "host-1.+")],
        [("instance", .regex, ".*-1")], [("instance", .regex, ".*st-1.*")], [("instance", .regex, "host.1")],
        [("instance", .regex, "host\\.1")], [("instance", .regex, "host-[12]")],
        [("instance", .regex, "host-(1|2)[34]")],
        [("instance", .regex, "^host-1$")], [("instance", .regex, "(?i)HOST-1")], [("instance", .regex, "host-\\d")],
        [("instance", .notRegex, "host-.*")], [("instance", .notRegex, ".+")], [("instance", .notRegex, ".*")],
        [("zone", .regex, "eu-.*|")], [("zone", .notRegex, "eu-0")],
        [("zone", .equal, "eu-0"), ("mode", .notEqual, "idle")],
        [("__name__", .regex, ".*"), ("instance", .equal, "host-3"), ("mode", .regex, "user|system")],
        [("__name__", .regex, "Ü.*")], [("__name__", .equal, "cpu_seconds_total"), ("zone", .equal, "")],
        [("instance", .regex, "host-1|host-1|host-2")], [("mode", .regex, "")], [("mode", .notRegex, "")],
    ]

    @Test("a selection finds just the series whose labels match", arguments: selectors.indices)
    func selection(index: Int) throws {
        let folder = PartitionTestFolder()
        let (reader, all) = try Self.make(folder)
        let matchers = try Self.selectors[index].map { try LabelMatcher($0.0, $0.1, $0.2) }
        let expected = all.filter { labels in matchers.allSatisfy { $0.matches(labels) } }
        let found = try reader.labels(of: try reader.select(matchers, MatcherText(matchers)))
        #expect(found == expected)
    }

    @Test("label names and values, of all series and of selected ones")
    func labelNamesAndValues() throws {
        let folder = PartitionTestFolder()
        let (reader, _) = try Self.make(folder)
        #expect(try reader.labelNames(matching: []) == ["__name__", "instance", "mode", "zone"])
        #expect(try reader.labelValues(of: "mode", matching: []) == ["idle", "system", "user"])
        #expect(try reader.labelValues(of: "none", matching: []) == [])
        let up = [LabelMatcher(equal: "__name__", "up")]
        #expect(try reader.labelNames(matching: [up]) == ["__name__", "instance"])
        let first = [LabelMatcher(equal: "instance", "host-1")]
        #expect(try reader.labelValues(of: "__name__", matching: [first, up]) == ["cpu_seconds_total", "up"])
    }
}
