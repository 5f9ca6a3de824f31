import MetricModel
import Storage
import TestSupport
import Testing

@testable import TSDB

@Suite("Reading streams of the head")
struct LooseReadingTests {
    let folder = TemporaryDirectory("lapwing-loose-reading")
    private static let seriesCount = 12

    /// What is appended, which the streams must give back: the first float at each time.
    private struct Model {
        var floats: [Int: [Int64: Double]] = [:]
        var histogramTimes: [Int: Set<Int64>] = [:]

        func samples(of series: Int, in range: TimeRange) -> [PlainSample] {
            (floats[series] ?? [:]).filter { range.contains(Timestamp(milliseconds: $0.key)) }
                .sorted { $0.key < $1.key }.map { PlainSample($0.key, $0.value) }
        }
    }

    private static func labels(_ series: Int) -> LabelSet { DatabaseFixture.labels("loose", series) }

    /// In order, late, again, staleness markers; of every third series histograms, of every fourth start timestamps.
    private func append(
        to database: TimeSeriesDatabase, _ model: inout Model, step: Int, _ random: inout some RandomNumberGenerator
    ) throws {
        let series = Int.random(in: 0..<Self.seriesCount, using: &random)
        let isLate = Int.random(in: 0..<8, using: &random) == 0
        let time = Int64(step) * 1000 - (isLate ? Int64.random(in: 0..<40_000, using: &random) : 0)
        guard model.floats[series]?[time] == nil, model.histogramTimes[series]?.contains(time) != true else { return }
        var columns = SampleColumns()
        if series % 3 == 0, Int.random(in: 0..<6, using: &random) == 0 {
            columns.histograms = [HistogramSample(timestamp: time, histogram: NativeHistogram())]
        } else {
            let value: Double =
                switch Int.random(in: 0..<6, using: &random) {
                case 0: SpecialValue.stale
                case 1: Double.random(in: -1...1, using: &random)
                case 2: 7
                default: Double(step) / 10
                }
            columns = SampleColumns(timestamps: [time], values: [value])
            if series % 4 == 0 { columns.startTimestamps = [time > 60_000 ? 50_000 : 0] }
        }
        let outcome = try database.append(
            SampleBatch([.init(labels: Self.labels(series), columns: columns)]), onRejection: .skipRejected)
        guard outcome.appended == 1 else { return }
        if let value = columns.values.first {
            model.floats[series, default: [:]][time] = value
        } else {
            model.histogramTimes[series, default: []].insert(time)
        }
    }

    /// All samples are what was appended, and the newest one alone is the last of them.
    private func check(_ querier: any Querier, _ model: Model, _ range: TimeRange) throws {
        let all = try DatabaseFixture.all(querier, range: range)
        let newest = try DatabaseFixture.all(querier, range: range, needsOnlyNewest: true)
        for series in 0..<Self.seriesCount {
            let labels = Self.labels(series)
            #expect(all[labels] ?? [] == model.samples(of: series, in: range))
            #expect(newest[labels]?.last == all[labels]?.last || series % 3 == 0)
        }
    }

    @Test("streams give back what was appended, and the newest sample is theirs", arguments: 0..<3)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var settings = DatabaseFixture.manual
        settings.outOfOrderWindowMilliseconds = 60_000
        let database = try DatabaseFixture.open(folder, settings: settings)
        defer { database.close() }
        var model = Model()
        var views: [(view: any Querier, model: Model)] = []
        for step in 1..<400 {
            try append(to: database, &model, step: step, &random)
            if step % 90 == 0 { views.append((try database.querier(), model)) }
            if step % 130 == 0 { try database.seal() }
        }
        views.append((try database.querier(), model))
        for (view, model) in views {
            for range in [
                TimeRange.all,
                TimeRange(start: Timestamp(milliseconds: 200_000), end: Timestamp(milliseconds: 380_000)),
                TimeRange(start: Timestamp(milliseconds: 390_000), end: Timestamp(milliseconds: 500_000)),
            ] {
                try check(view, model, range)
            }
        }
    }
}

/// Vigna's generator: the same numbers at every run.
private struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
