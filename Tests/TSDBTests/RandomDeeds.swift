import MetricModel
import Storage
import TestSupport

@testable import TSDB

/// A database that random things happen to, and what it must answer by then: a list of samples for each series.
final class RandomDeeds {
    /// What a series has at one time.
    enum Value: Hashable {
        /// By bits: staleness markers are among them.
        case float(UInt64)
        /// Without what is said of resets, which the store works out by itself.
        case histogram(NativeHistogram)
    }

    struct Sample: Hashable {
        let value: Value
        /// When the counter began; 0 is unknown.
        let start: Int64

        init(value: Value, start: Int64) {
            self.value = value.withoutHint
            // Nobody asks when a series began of which only the end is told.
            self.start = value == .float(SpecialValue.staleBits) ? 0 : start
        }
    }

    private struct Target {
        var writer: any SourceWriter
        var labels: [LabelSet]
    }

    private(set) var database: TimeSeriesDatabase
    private(set) var model: [LabelSet: [Int64: Sample]] = [:]
    /// What was done, newest last.
    private(set) var deeds: [String] = []
    private(set) var random: RandomSource
    private let folder = TemporaryDirectory("lapwing-deeds")
    private let settings: DatabaseSettings
    private var targets: [Target] = []
    private var histogram = NativeHistogram()
    /// Of the newest row.
    private(set) var now: Int64 = 1_700_000_000_000 / 7_200_000 * 7_200_000

    init(seed: UInt64) throws {
        random = RandomSource(seed: seed)
        var settings = DatabaseFixture.manual
        settings.outOfOrderWindowMilliseconds = random.pick([0, 3_600_000, 36_000_000])
        self.settings = settings
        database = try DatabaseFixture.open(folder, settings: settings)
        histogram.positiveSpans = [.init(offset: 0, length: 3)]
        histogram.positiveBuckets = [0, 0, 0]
        try openTargets()
    }

    deinit { database.close() }

    private func openTargets() throws {
        targets = try (0..<2).map { number in
            let writer = try database.openSource(named: "target-\(number)")
            let labels = (0..<4).map { DatabaseFixture.labels("m\(number)", $0) }
            for next in labels { _ = try writer.slot(for: next) }
            return Target(writer: writer, labels: labels)
        }
    }

    // MARK: What happens

    func next() throws {
        switch random.below(40) {
        case 0..<3: try done("seal") { try database.seal() }
        case 3..<5: done("maintain") { database.maintain() }
        case 5: try done("reopen") { try reopen() }
        case 6: try delete()
        case 7: try done("clean") { try database.cleanTombstones() }
        case 8: now += Int64(random.below(20)) * 600_000
        case 9..<15: try appendBatch()
        default: try appendRows()
        }
    }

    private func done(_ deed: String, _ body: () throws -> Void) rethrows {
        deeds.append(deed)
        try body()
    }

    private func reopen() throws {
        database.close()
        database = try DatabaseFixture.open(folder, settings: settings)
        try openTargets()
    }

    private func grow() -> NativeHistogram {
        if random.oneIn(8) { for bucket in 0..<3 { histogram.positiveBuckets[bucket] = 0 } }
        if random.oneIn(20) { histogram.schema = Int32(random.below(3)) }
        for bucket in 0..<3 { histogram.positiveBuckets[bucket] += Double(random.below(4)) }
        histogram.count = histogram.positiveBuckets.reduce(0, +)
        histogram.sum += 1
        histogram.counterResetHint = random.oneIn(30) ? .gauge : .unknown
        return histogram
    }

    private func float() -> Double {
        random.oneIn(15) ? SpecialValue.stale : Double(random.below(10_000)) / random.pick([1, 10, 3])
    }

    private func appendRows() throws {
        for target in targets where !random.oneIn(6) {
            now += Int64(1 + random.below(4)) * 15_000
            var row = [Double](repeating: SpecialValue.absent, count: 4)
            var histograms: [SlotHistogram] = []
            var starts = [Int64](repeating: 0, count: 4)
            for slot in 0..<4 where !random.oneIn(5) {
                // The third is always a histogram, the fourth one of both.
                if slot == 2 || (slot == 3 && random.oneIn(2)) {
                    histograms.append(SlotHistogram(slot: slot, histogram: grow()))
                } else {
                    row[slot] = float()
                }
                if random.oneIn(4) { starts[slot] = now - Int64(random.below(5)) * 7000 }
            }
            try done("row at \(now)") {
                try target.writer.append(
                    timestamp: Timestamp(milliseconds: now), values: row, histograms: histograms, starts: starts)
            }
            for slot in 0..<4 {
                if !SpecialValue.isAbsent(row[slot]) {
                    note(target.labels[slot], now, .float(row[slot].bitPattern), starts[slot])
                }
            }
            for next in histograms {
                note(target.labels[next.slot], now, .histogram(next.histogram), starts[next.slot])
            }
        }
    }

    /// A sample beside the rows, maybe late, of a series that has rows or of one that has none.
    private func appendBatch() throws {
        let labels = DatabaseFixture.labels(random.pick(["m0", "m1", "loose"]), random.below(4))
        // At no time of a row.
        let time = now - Int64(random.oneIn(2) ? random.below(60) : random.below(36_000)) * 1000 - 500
        // Of two at one time the head's counts, where the other one is in a partition: which it is depends on seals.
        if model[labels]?[time] != nil { return }
        let start = random.oneIn(4) ? time - 1000 : 0
        var columns = SampleColumns()
        let value: Value
        if random.oneIn(2) {
            let grown = grow()
            columns.histograms = [HistogramSample(timestamp: time, histogram: grown, startTimestamp: start)]
            value = .histogram(grown)
        } else {
            let number = float()
            columns = SampleColumns(timestamps: [time], values: [number])
            if start != 0 { columns.startTimestamps = [start] }
            value = .float(number.bitPattern)
        }
        try done("batch at \(time) of \(labels)") {
            let outcome = try database.append(
                SampleBatch([.init(labels: labels, columns: columns)]), onRejection: .skipRejected)
            if outcome.appended > 0 { note(labels, time, value, start) }
        }
    }

    private func note(_ labels: LabelSet, _ time: Int64, _ value: Value, _ start: Int64) {
        model[labels, default: [:]][time] = Sample(value: value, start: start)
    }

    private func delete() throws {
        let start = now - Int64(random.below(20_000)) * 1000
        let end = start + Int64(random.below(3000)) * 1000
        let name = random.pick(["m0", "m1", "loose"])
        try done("delete \(name) \(start)...\(end)") {
            try database.deleteSeries(
                matching: [[LabelMatcher(equal: "__name__", name)]],
                in: TimeRange(start: Timestamp(milliseconds: start), end: Timestamp(milliseconds: end)))
        }
        for labels in model.keys where labels["__name__"] == name {
            model[labels] = model[labels]?.filter { $0.key < start || $0.key > end }
        }
    }
}

extension RandomDeeds.Value {
    /// A gauge says that it is one; of anything else the store knows better.
    var withoutHint: RandomDeeds.Value {
        guard case .histogram(var histogram) = self else { return self }
        histogram.forgetResetHint()
        return .histogram(histogram)
    }
}
