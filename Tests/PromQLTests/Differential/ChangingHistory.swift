import Logging
import MetricModel
import PromQL
import Storage
import TSDB
import TestSupport

/// A database that random things happen to: scrapes, rules, batches, late samples, deletions, sealing, retention.
final class ChangingHistory {
    /// A scraped target with a generation of its own, whose series end when it is replaced.
    private struct Target {
        var writer: any SourceWriter
        var values: [Double]
        var histogram = NativeHistogram()
    }

    let database: TimeSeriesDatabase
    var random: RandomSource
    private(set) var now: Int64 = 1_700_000_000_000
    private let folder = TemporaryDirectory("changing-history")
    private var targets: [Target] = []
    private var generation = 0
    private let rules: any SourceWriter
    /// What was done, for the text of a difference.
    private(set) var deeds: [String] = []

    init(seed: UInt64) throws {
        random = RandomSource(seed: seed)
        var settings = DatabaseSettings.anyTime
        settings.maintainsByItself = false
        settings.retentionMilliseconds = random.oneIn(2) ? 1_800_000 : 600_000
        settings.outOfOrderWindowMilliseconds = random.oneIn(2) ? 300_000 : 0
        database = try TimeSeriesDatabase.open(
            path: folder.path + "/data", settings: settings, clock: SystemClock(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        rules = try database.openSource(named: "rules")
        for job in ["a", "b"] {
            _ = try rules.slot(for: LabelSet(["__name__": "load", "job": job, "instance": "rule"]))
        }
        for number in 0..<4 { targets.append(try target(number)) }
        for _ in 0..<30 { try scrape() }
    }

    deinit { database.close() }

    private func target(_ number: Int) throws -> Target {
        generation += 1
        let writer = try database.openSource(named: "target \(generation)")
        let instance = random.oneIn(3) ? "\(number + 1)" : "\(number + 1)/\(generation)"
        let own = ["job": number < 2 ? "a" : "b", "instance": instance]
        for (name, more) in [
            ("requests_total", ["path": "/"]), ("requests_total", ["path": "/x"]), ("load", [:]),
            ("memory", ["kind": "rss"]), ("target_info", ["version": "1"]), ("latency", ["le": "1"]),
            ("latency", ["le": "+Inf"]), ("sizes", [:]),
        ] {
            var builder = LabelSetBuilder()
            builder.set("__name__", to: name)
            for (label, value) in own.merging(more, uniquingKeysWith: { $1 }) { builder.set(label, to: value) }
            _ = try writer.slot(for: builder.build())
        }
        var histogram = NativeHistogram()
        histogram.positiveSpans = [.init(offset: 1, length: 3)]
        histogram.positiveBuckets = [0, 0, 0]
        return Target(
            writer: writer, values: [Double](repeating: 0, count: 7) + [SpecialValue.absent], histogram: histogram)
    }

    /// Random settings of an engine that is asked of it.
    func engineSettings() -> EngineSettings {
        var settings = EngineSettings()
        settings.delaysNameRemoval = random.oneIn(4)
        settings.usesStartTimestamps = random.oneIn(4)
        settings.defaultSubqueryStepMilliseconds = random.pick([60_000, 30_000])
        return settings
    }

    // MARK: - What happens

    func change() throws {
        switch random.below(60) {
        case 0..<6: try appendBatch(lateMilliseconds: 0)
        case 6..<10: try appendBatch(lateMilliseconds: 600_000)
        case 10..<14: try evaluateRules()
        case 14: try replaceTarget()
        case 15..<18: try delete()
        case 18: try done("tombstones") { try database.cleanTombstones() }
        case 19: try done("seal") { try database.seal() }
        case 20: try done("maintain") { database.maintain() }
        case 21:
            let window: Int64 = random.oneIn(2) ? 300_000 : 0
            let retention = RetentionSettings(
                milliseconds: random.pick([600_000, 1_800_000]), bytes: 0, percentage: 0)
            try done("settings") { database.apply(retention: retention, outOfOrderWindowMilliseconds: window) }
        case 22: try done("pause") { now += 15_000 * Int64(random.below(30)) }
        case 23..<28: break
        default: try scrape()
        }
    }

    private func done(_ deed: String, _ body: () throws -> Void) throws {
        deeds.append("\(deed) at \(now)")
        if deeds.count > 12 { deeds.removeFirst() }
        try body()
    }

    private func scrape() throws {
        now += 15_000
        try done("scrape") {
            for index in targets.indices where !random.oneIn(12) { try scrape(index) }
        }
    }

    private func scrape(_ index: Int) throws {
        let time = now + Int64(index) * 37
        move(&targets[index])
        var row = targets[index].values
        var histograms = [SlotHistogram(slot: 7, histogram: targets[index].histogram)]
        if random.oneIn(20) {
            row = row.map { _ in SpecialValue.stale }
            histograms = []
        } else {
            for slot in row.indices where random.oneIn(30) { row[slot] = random.oneIn(3) ? SpecialValue.stale : .nan }
            if random.oneIn(30) { row[random.below(7)] = SpecialValue.absent }
            row[7] = SpecialValue.absent
            if random.oneIn(5) { histograms = [] }
        }
        try targets[index].writer.append(
            timestamp: Timestamp(milliseconds: time), values: row, histograms: histograms)
    }

    private func move(_ target: inout Target) {
        for slot in 0..<2 {
            target.values[slot] = random.oneIn(25) ? 0 : target.values[slot] + Double(random.below(50)) / 3
        }
        target.values[2] = Double(random.below(2000) - 1000) / 7
        target.values[3] = Double(random.below(100))
        target.values[4] = 1
        target.values[5] += Double(random.below(4))
        target.values[6] = target.values[5] + Double(random.below(3))
        for bucket in 0..<3 { target.histogram.positiveBuckets[bucket] += Double(random.below(3)) }
        target.histogram.count = target.histogram.positiveBuckets.reduce(0, +)
        target.histogram.sum += 1.5
    }

    /// A rule writes at a time of its own, which may lie before the newest scrape.
    private func evaluateRules() throws {
        try done("rules") {
            let time = Timestamp(milliseconds: now / 15_000 * 15_000)
            do throws(AppendError) {
                try rules.append(
                    timestamp: time, values: [Double(random.below(9)), random.oneIn(4) ? SpecialValue.stale : 1.25],
                    histograms: [])
            } catch {
                // Twice at one time: refused.
            }
        }
    }

    private func appendBatch(lateMilliseconds: Int) throws {
        try done("batch") {
            var batch = SampleBatch()
            for _ in 0..<1 + random.below(3) {
                let first = now - Int64(lateMilliseconds > 0 ? random.below(lateMilliseconds) : 0)
                let times = (0..<1 + random.below(3)).map { first + Int64($0) * 7000 }
                let name = random.pick(["load", "requests_total", "sizes"])
                var columns = SampleColumns()
                if name == "sizes", random.oneIn(2) {
                    columns = SampleColumns(
                        histograms: times.map {
                            HistogramSample(timestamp: $0, histogram: targets[0].histogram, startTimestamp: 0)
                        })
                } else {
                    let values = times.map { _ in
                        random.oneIn(8) ? SpecialValue.stale : Double(random.below(1000)) / 3
                    }
                    columns = SampleColumns(timestamps: times, values: values)
                }
                batch.series.append(
                    .init(
                        labels: LabelSet([
                            "__name__": name, "job": random.pick(["a", "c"]),
                            "instance": random.pick(["1", "2", "pushed", "late \(random.below(50))"]),
                        ]), columns: columns))
            }
            _ = try database.append(batch, onRejection: .skipRejected)
        }
    }

    private func replaceTarget() throws {
        let index = random.below(targets.count)
        try done("replace \(index)") {
            targets[index].writer.close()
            targets[index] = try target(index)
        }
    }

    private func delete() throws {
        let matcher = random.pick([("__name__", "load"), ("job", "a"), ("instance", "2"), ("__name__", "sizes")])
        let start = now - Int64(random.below(900_000))
        let end = random.oneIn(3) ? Int64.max : start + Int64(random.below(300_000))
        try done("delete \(matcher) \(start)...\(end)") {
            try database.deleteSeries(
                matching: [[LabelMatcher(equal: matcher.0, matcher.1)]],
                in: TimeRange(start: Timestamp(milliseconds: start), end: Timestamp(milliseconds: end)))
        }
    }
}
