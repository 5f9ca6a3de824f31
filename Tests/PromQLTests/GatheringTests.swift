import MetricModel
import PromQLSyntax
import Storage
import TestSupport
import Testing

@testable import PromQL

/// Operators that need some series together, or all labels, do not hold all columns.
@Suite("Gathering")
struct GatheringTests {
    private static let instances = 60
    private static let stepCount = 720
    private static let bounds = ["0.1", "0.5", "1", "2.5", "5", "+Inf"]
    private static let methods = ["get", "put"]

    /// Buckets of histograms: `code` comes before `le` in the order of labels, `method` behind it.
    private static func makeStore() throws -> MemoryStore {
        let store = MemoryStore()
        let times = (0..<stepCount).map { Int64($0) * 1000 }
        var batch: [SampleBatch.Series] = []
        for instance in 0..<instances {
            for method in methods {
                for (place, bound) in bounds.enumerated() {
                    let labels = LabelSet([
                        "__name__": "h_bucket", "instance": "host-\(instance):80", "method": method, "le": bound,
                    ])
                    let values = times.indices.map { Double($0 * (place + 1) * (instance % 7 + 1)) }
                    batch.append(.init(labels: labels, columns: SampleColumns(timestamps: times, values: values)))
                }
            }
        }
        _ = try store.append(SampleBatch(batch), onRejection: .refuseAll)
        return store
    }

    private static func run(
        _ query: String, _ store: MemoryStore, labelsFirst: Bool = true
    ) throws -> (series: [MatrixSeries], peakBytes: Int) {
        var settings = EngineSettings()
        settings.maximumThreads = 1
        settings.resultCacheBytes = 0
        if !labelsFirst { settings.labelsFirstSteps = .max }
        let result = try QueryEngine(settings: settings).rangeQuery(
            try Parser.parse(query), start: Timestamp(milliseconds: 0),
            end: Timestamp(milliseconds: Int64(stepCount - 1) * 1000), stepMilliseconds: 1000,
            from: try store.querier())
        guard case .matrix(let all) = result.value else { return ([], 0) }
        return (all, result.statistics.peakBytes)
    }

    @Test("what is read takes less than its columns, 4.1 MB of 720 series")
    func holding() throws {
        let store = try Self.makeStore()
        let columns = Self.instances * Self.methods.count * Self.bounds.count * Self.stepCount * 8
        // The windows of clocks, a block on its way, an answer of one series.
        let least = try Self.run("sum(h_bucket)", store).peakBytes
        let host = #""host", "$1", "instance", "(.*):.*""#
        let limits: [(query: String, bytes: Int)] = [
            // The answer has a sixth of the series.
            ("histogram_quantile(0.9, h_bucket)", columns / 4),
            ("histogram_quantile(0.9, rate(h_bucket[5s]))", columns / 4),
            ("max(histogram_quantile(0.9, h_bucket))", columns / 4),
            ("histogram_quantiles(h_bucket, \"q\", 0.5, 0.9)", columns / 2),
            // Labels alone; those of some series, and sixty groups.
            ("sum(label_replace(h_bucket, \(host)))", columns / 4),
            ("sum by (host) (label_replace(rate(h_bucket[5s]), \(host)))", columns / 2),
            ("sum(label_join(label_replace(h_bucket, \(host)), \"z\", \"-\", \"host\", \"le\"))", columns / 2),
            ("sum(sort(h_bucket))", columns / 50), ("max(sort_by_label(h_bucket, \"le\"))", columns / 50),
            // All columns, once.
            ("label_replace(h_bucket, \"__name__\", \"x\", \"\", \"\")", columns * 9 / 8),
            ("info(h_bucket)", columns * 9 / 8),
            ("sum(label_replace(h_bucket, \"a\", \"$1\", \"le\", \"(.*)\"))", columns * 9 / 8),
        ]
        for (query, bytes) in limits {
            let peak = try Self.run(query, store).peakBytes - least
            #expect(peak < bytes, "\(query): \(peak) of \(bytes)")
        }
    }

    @Test(
        "series whose labels change come in the order of the new ones, with their own values",
        arguments: [
            // Backwards, by a part of a label, in an order of its own, two labels in one.
            "label_replace(h_bucket, \"a\", \"$1\", \"method\", \"(.*)\")",
            "label_replace(h_bucket, \"b\", \"$1\", \"instance\", \"host-.*(.):80\")",
            "label_replace(rate(h_bucket[5s]), \"instance\", \"$2$1\", \"instance\", \"(.*)(.):80\")",
            "label_join(h_bucket, \"a\", \"-\", \"le\", \"method\")",
            "label_replace(label_replace(h_bucket, \"x\", \"y\", \"le\", \"5\"), \"a\", \"$1\", \"le\", \"(.*)\")",
            "sum by (a) (label_replace(h_bucket / 3, \"a\", \"$1\", \"instance\", \".*(.):80\"))",
        ])
    func renaming(query: String) throws {
        let store = try Self.makeStore()
        let known = try Self.run(query, store).series
        let gathered = try Self.run(query, store, labelsFirst: false).series
        #expect(known.map(\.labels) == gathered.map(\.labels) && known.count > 1)
        #expect(known.map { $0.values.map(\.bitPattern) } == gathered.map { $0.values.map(\.bitPattern) })
    }

    @Test("two series that get the same labels are an error still, and one where they share no step")
    func meeting() throws {
        let harness = try QueryHarness(
            "m{i=\"a\"} 1+1x39 _x40", "m{i=\"b\"} _x40 1+1x39", "n{i=\"a\"} 1+1x79", "n{i=\"b\"} 1+1x79")
        var settings = EngineSettings()
        settings.lookbackDeltaMilliseconds = 60_000
        var near = harness
        near.settings = settings
        let lines = try near.lines("label_replace(m, \"i\", \"c\", \"\", \"\")", minutes: 0...79)
        #expect(lines.count == 1 && lines[0].split(separator: " ").filter { $0 == "_" }.isEmpty)
        #expect(throws: QueryError.self) {
            _ = try near.lines("label_replace(n, \"i\", \"c\", \"\", \"\")", minutes: 0...79)
        }
    }

    @Test("histograms that come in the order of values have all of their buckets")
    func unordered() throws {
        let store = try Self.makeStore()
        func quantiles(_ vector: String) throws -> [MatrixSeries] {
            try Self.run("histogram_quantile(scalar(vector(time() * 0 + 0.5)), \(vector))", store).series
        }
        let inOrder = try quantiles("h_bucket @ 700")
        let sorted = try quantiles("sort_desc(h_bucket @ 700)")
        #expect(inOrder.count == Self.instances * Self.methods.count)
        #expect(inOrder.map(\.labels) == sorted.map(\.labels))
        #expect(inOrder.map(\.values) == sorted.map(\.values))
    }
}
