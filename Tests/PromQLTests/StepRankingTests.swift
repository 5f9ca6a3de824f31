import MetricModel
import TestSupport
import Testing

@testable import PromQL

/// The best elements of groups at each step, found while series pass by.
@Suite("Ranking by step")
struct StepRankingTests {
    private static let stepCount = 7

    /// Few different values, NaN, infinities and gaps among them.
    private struct RandomColumns {
        private var state: UInt64

        init(seed: UInt64) { state = seed }

        mutating func number(below limit: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % limit
        }

        mutating func column(of kinds: UInt64) -> [Double] {
            (0..<stepCount).map { _ in
                switch number(below: 40) {
                case 0..<6: Column.absent
                case 6: .nan
                case 7: .infinity
                case 8: -.infinity
                default: Double(number(below: kinds))
                }
            }
        }
    }

    private static func makeContext(_ budget: MemoryBudget) throws -> QueryContext {
        var options = QueryOptions()
        options.budget = budget
        return QueryContext(
            querier: try MemoryStore().querier(), settings: EngineSettings(), options: options, clock: SystemClock(),
            helpers: HelperPool(threadCount: 0), isRangeQuery: true, timeline: Timeline(instant: 0))
    }

    /// What each step's heap keeps of all series of a group.
    private static func expected(
        _ columns: [[Double]], _ groups: [Int], _ limits: [Int], takesLargest: Bool
    ) -> [Int: [Double]] {
        var kept: [Int: [Double]] = [:]
        for group in Set(groups) {
            for step in 0..<stepCount where limits[step] > 0 {
                var heap = RankingHeap<Int>(limit: limits[step], takesLargest: takesLargest)
                for index in columns.indices where groups[index] == group {
                    let value = columns[index][step]
                    var element = index
                    if !value.isAbsent, heap.takes(value) { _ = heap.insert(value, &element) }
                }
                for index in heap.elements {
                    kept[index, default: [Double](repeating: Column.absent, count: stepCount)][step] =
                        columns[index][step]
                }
            }
        }
        return kept
    }

    @Test("each step keeps what a heap over all series keeps, and all is given back", arguments: [true, false])
    func kept(takesLargest: Bool) throws {
        var random = RandomColumns(seed: takesLargest ? 1 : 2)
        for round in 0..<400 {
            let seriesCount = Int(random.number(below: 60)) + 1
            let groupCount = random.number(below: 3) + 1
            let limits = (0..<Self.stepCount).map { _ in
                let limit = Int(random.number(below: 8)) - (round % 3 == 0 ? 3 : 0)
                return round % 5 == 4 ? 3 : round % 7 == 6 && limit == 2 ? .max - 1024 : limit
            }
            let columns = (0..<seriesCount).map { _ in random.column(of: UInt64(round % 9 + 1)) }
            let groups = columns.map { _ in Int(random.number(below: groupCount)) }
            let budget = MemoryBudget(limitBytes: 1 << 30)
            let context = try Self.makeContext(budget)
            let ranking = StepRanking(limits: limits, takesLargest: takesLargest, context)
            for (index, values) in columns.enumerated() {
                var series = StepSeries(labels: LabelSet(["i": "\(index)"]), values: values)
                series.group = Int32(groups[index])
                guard ranking.takes(series) else { continue }
                try ranking.begin(series.group) { LabelSet(["group": "\($0)"]) }
                try ranking.add(&series)
            }
            var found: [(String, [UInt64])] = []
            try ranking.finish { series in
                if !series.isEmpty { found.append((series.labels.value(of: "i"), series.values.map(\.bitPattern))) }
            }
            let kept = Self.expected(columns, groups, limits, takesLargest: takesLargest)
            let wanted = kept.sorted { $0.key < $1.key }
            #expect(found.map(\.0) == wanted.map { "\($0.key)" }, "round \(round), \(limits)")
            #expect(found.map(\.1) == wanted.map { $0.value.map(\.bitPattern) }, "round \(round), \(limits)")
            #expect(budget.usedBytes == 0)
        }
    }

    @Test("what is beaten everywhere is not held")
    func held() throws {
        for seriesCount in [100, 2000] {
            let budget = MemoryBudget(limitBytes: 1 << 30)
            let context = try Self.makeContext(budget)
            let limits = [Int](repeating: 3, count: Self.stepCount)
            let ranking = StepRanking(limits: limits, takesLargest: true, context)
            for index in 0..<seriesCount {
                let values = [Double](repeating: Double(index * 7919 % seriesCount), count: Self.stepCount)
                var series = StepSeries(labels: LabelSet(["i": "\(index)"]), values: values)
                guard ranking.takes(series) else { continue }
                try ranking.begin(0) { _ in LabelSet(["group": "all"]) }
                try ranking.add(&series)
            }
            // Six series are gathered before there are heaps of three.
            #expect(context.memory.peakBytes < 12 * (StepSeries.overheadBytes + 8 * Self.stepCount), "\(seriesCount)")
            try ranking.finish { _ in }
        }
    }
}
