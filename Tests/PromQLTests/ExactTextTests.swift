import Logging
import MetricModel
import PromQL
import PromQLSyntax
import Storage
import TSDB
import TestSupport
import Testing

/// Names and values that look alike and are equal to Swift, but not to Prometheus: "é" as one character and as two.
@Suite("Texts that look alike")
struct ExactTextTests {
    private static let one = "\u{e9}"
    private static let two = "e\u{301}"

    private static func load() throws -> QueryHarness {
        try QueryHarness(
            #"m{x="\#(one)"} 1x10"#, #"m{x="\#(two)"} 2x10"#, #"m{"\#(one)"="v"} 3x10"#, #"m{"\#(two)"="v"} 4x10"#)
    }

    /// Lines as bytes, in order: as texts, a wrong one could be equal to the right one.
    private static func bytes(_ lines: [String]) -> [[UInt8]] {
        lines.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
    }

    @Test(
        "are different labels and values in every part of a query",
        arguments: [
            QueryCase(#"m{x="\#(one)"}"#, #"m{x="\#(one)"} 1"#),
            QueryCase(#"m{x="\#(two)"}"#, #"m{x="\#(two)"} 2"#),
            QueryCase(#"m{"\#(two)"="v"}"#, #"m{"\#(two)"="v"} 4"#),
            QueryCase(#"count(m{x!="\#(one)"})"#, "{} 3"),
            QueryCase(
                #"sum by ("\#(one)", "\#(two)") (m{x=""})"#, #"{"\#(two)"="v"} 4"#, #"{"\#(one)"="v"} 3"#),
            QueryCase(#"sum without ("\#(one)") (m{"\#(two)"!=""})"#, #"{"\#(two)"="v"} 4"#),
            QueryCase(
                #"absent(n{"\#(one)"="1", "\#(two)"="2"})"#, #"{"\#(two)"="2", "\#(one)"="1"} 1"#),
            QueryCase(
                #"label_replace(m{"\#(one)"="v"}, "\#(two)", "w", "", "")"#,
                #"m{"\#(two)"="w", "\#(one)"="v"} 3"#),
        ])
    func queries(_ example: QueryCase) throws {
        #expect(Self.bytes(try Self.load().lines(example.query, atMinute: 1)) == Self.bytes(example.expected))
    }

    @Test("are different questions to the result cache")
    func cache() throws {
        let folder = TemporaryDirectory("lapwing-alike")
        var settings = DatabaseSettings.anyTime
        settings.maintainsByItself = false
        let database = try TimeSeriesDatabase.open(
            path: folder.path + "/data", settings: settings, clock: SystemClock(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        defer { database.close() }
        for (text, value) in [(Self.one, 1.0), (Self.two, 2)] {
            let columns = SampleColumns(timestamps: [60_000], values: [value])
            _ = try database.append(
                SampleBatch([.init(labels: LabelSet(["__name__": "m", "x": text]), columns: columns)]),
                onRejection: .refuseAll)
        }
        let engine = QueryEngine()
        for (text, value) in [(Self.one, 1.0), (Self.two, 2), (Self.one, 1)] {
            let result = try engine.rangeQuery(
                try Parser.parse(#"m{x="\#(text)"}"#), start: Timestamp(seconds: 60), end: Timestamp(seconds: 300),
                stepMilliseconds: 60_000, from: try database.querier())
            guard case .matrix(let all) = result.value else { throw Failure.noMatrix }
            #expect(all.map(\.values) == [[Double](repeating: value, count: 5)])
        }
    }

    private enum Failure: Error { case noMatrix }
}
