import MetricModel
import Storage
import TestSupport
import Testing

@testable import TSDB

/// Random histories of a database, held against lists.
///
/// Some always; `LAPWING_FUZZ_QUERIES=100000` asks for more, `LAPWING_FUZZ_SEED` for others.
@Suite("What was written is what is read, whatever happened since")
struct RandomDeedsTests {
    private static let lanes: UInt64 = 2
    private static let deedsPerHistory: UInt64 = 120

    @Test("rows, batches, late ones, deletions, seals, merges, new processes", arguments: 0..<lanes)
    func agree(_ lane: UInt64) throws {
        var problems: [String] = []
        for seed in FuzzSetting.seeds(lane, of: Self.lanes, total: 1200, each: Self.deedsPerHistory) {
            let history = try RandomDeeds(seed: seed)
            for _ in 0..<Self.deedsPerHistory {
                try history.next()
                if let problem = try Comparison(history).problem() {
                    problems.append("seed \(seed) after \(history.deeds.suffix(12)): \(problem)")
                    break
                }
            }
        }
        #expect(problems.isEmpty, "\(problems.count) differ:\n\(problems.prefix(4).joined(separator: "\n\n"))")
    }

    /// Holds what a database answers for all times and for some against what it must.
    private struct Comparison {
        let history: RandomDeeds

        init(_ history: RandomDeeds) { self.history = history }

        func problem() throws -> String? {
            if let problem = try problem(in: .all) { return problem }
            var random = RandomSource(seed: UInt64(bitPattern: history.now) &+ UInt64(history.deeds.count))
            let start = history.now - Int64(random.below(40_000)) * 1000
            let end = start + Int64(random.below(20_000)) * 1000
            return try problem(
                in: TimeRange(start: Timestamp(milliseconds: start), end: Timestamp(milliseconds: end)))
        }

        private func problem(in range: TimeRange) throws -> String? {
            let selected = try history.database.querier().select(SelectRequest(matchers: [], range: range))
            var reader = selected.makeReader(over: 0..<selected.count)
            var columns = SampleColumns()
            var missing = history.model
            for index in 0..<selected.count {
                guard try reader.next(into: &columns) else { return "the reader ends at series \(index)" }
                let labels = selected.labels(at: index)
                let wanted = (missing.removeValue(forKey: labels) ?? [:]).filter {
                    range.contains(Timestamp(milliseconds: $0.key))
                }
                if let problem = Self.problem(columns, wanted) { return "\(labels) in \(range): \(problem)" }
            }
            for (labels, samples) in missing
            where samples.keys.contains(where: { range.contains(Timestamp(milliseconds: $0)) }) {
                return "\(labels) in \(range) is not there"
            }
            return nil
        }

        private static func problem(
            _ columns: SampleColumns, _ wanted: [Int64: RandomDeeds.Sample]
        ) -> String? {
            var found: [Int64: RandomDeeds.Sample] = [:]
            let floatTimes = columns.values.indices.map { columns.timestamp(at: $0) }
            for (index, time) in floatTimes.enumerated() {
                found[time] = RandomDeeds.Sample(
                    value: .float(columns.values[index].bitPattern),
                    start: columns.startTimestamps.isEmpty ? 0 : columns.startTimestamps[index])
            }
            for sample in columns.histograms {
                found[sample.timestamp] = RandomDeeds.Sample(
                    value: .histogram(sample.histogram), start: sample.startTimestamp)
            }
            let histogramTimes = columns.histograms.map(\.timestamp)
            guard floatTimes == floatTimes.sorted(), histogramTimes == histogramTimes.sorted(),
                found.count == floatTimes.count + histogramTimes.count
            else { return "times out of order or twice: \(floatTimes) \(histogramTimes)" }
            for time in Set(found.keys).union(wanted.keys).sorted() where found[time] != wanted[time] {
                return "at \(time) \(text(found[time])), not \(text(wanted[time]))"
            }
            return wrongHint(columns.histograms, floatTimes)
        }

        /// A histogram that is said to go on must go on from the sample before it.
        private static func wrongHint(_ histograms: [HistogramSample], _ floatTimes: [Int64]) -> String? {
            for (before, next) in zip(histograms, histograms.dropFirst())
            where next.histogram.counterResetHint == .notReset {
                if floatTimes.contains(where: { $0 > before.timestamp && $0 < next.timestamp }) { continue }
                var given = next.histogram
                given.counterResetHint = .unknown
                var known = before.histogram
                known.forgetResetHint()
                if given.storedHint(after: known) != .notReset {
                    return "at \(next.timestamp) is said to go on from \(before.timestamp)"
                }
            }
            return nil
        }

        private static func text(_ sample: RandomDeeds.Sample?) -> String {
            switch sample?.value {
            case .float(let bits): "\(Double(bitPattern: bits)) since \(sample?.start ?? 0)"
            case .histogram(let histogram): "\(histogram.positiveBuckets) since \(sample?.start ?? 0)"
            case nil: "nothing"
            }
        }
    }
}
