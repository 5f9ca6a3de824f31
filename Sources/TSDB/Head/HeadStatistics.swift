import MetricModel
import Storage

/// What the status pages show of the head, counted from the index.
extension HeadIndex {
    func statistics(limit: Int) -> StoreStatistics {
        var result = StoreStatistics()
        let pairs = series.pairs
        result.seriesCount = series.count
        result.labelPairCount = pairs.count
        var byMetric: [StoreStatistics.Entry] = []
        var byPair: [StoreStatistics.Entry] = []
        for name in pairs.names where !name.pairs.isEmpty {
            result.labelValueCountByLabelName.append(.init(name: name.text, value: name.pairs.count))
            let byteCount = name.pairs.reduce(0) { $0 + pairs.bytes(of: $1).count * pairs.postings[Int($1)].count }
            result.memoryBytesByLabelName.append(.init(name: name.text, value: byteCount))
            for pair in name.pairs {
                let count = pairs.postings[Int(pair)].count
                if name.text == LabelName.metricName {
                    byMetric.append(.init(name: pairs.value(of: pair), value: count))
                }
                Self.keepLargest(count, of: limit, in: &byPair) { name.text + "=" + pairs.value(of: pair) }
            }
        }
        result.seriesCountByMetricName = Self.largest(byMetric, limit)
        result.labelValueCountByLabelName = Self.largest(result.labelValueCountByLabelName, limit)
        result.memoryBytesByLabelName = Self.largest(result.memoryBytesByLabelName, limit)
        result.seriesCountByLabelValuePair = Self.largest(byPair, limit)
        return result
    }

    private static func largest(_ entries: [StoreStatistics.Entry], _ limit: Int) -> [StoreStatistics.Entry] {
        Array(entries.sorted { ($1.value, $0.name) < ($0.value, $1.name) }.prefix(max(0, limit)))
    }

    /// Adds an entry if it may be among the largest; its name is made only then.
    private static func keepLargest(
        _ value: Int, of limit: Int, in entries: inout [StoreStatistics.Entry], name: () -> String
    ) {
        if entries.count >= max(16, limit * 8) {
            entries = largest(entries, limit)
        }
        if entries.count >= limit, let last = entries.last, entries.count == limit, last.value > value { return }
        entries.append(.init(name: name(), value: value))
    }
}

extension Head {
    /// The span of time that the head has and no partition, and in how many slices; empty where it has none.
    func extent() -> (minimum: Int64, maximum: Int64, sliceCount: Int) {
        var minimum = Int64.max
        var maximum = Int64.min
        var sliceCount = 0
        for lane in lanes {
            switch lane {
            case .rows(let lane):
                lane.withState { state in
                    for slice in state.frozen + [state.current] where !slice.isEmpty && slice.sealedEpoch == .max {
                        minimum = min(minimum, slice.firstTimestamp)
                        maximum = max(maximum, slice.lastTimestamp)
                        sliceCount += 1
                    }
                }
            case .loose(let lane):
                lane.withState { state in
                    for slice in state.frozen + [state.current] where !slice.isEmpty && slice.sealedEpoch == .max {
                        minimum = min(minimum, slice.minimumTimestamp)
                        maximum = max(maximum, slice.maximumTimestamp)
                        sliceCount += slice.seriesCount
                    }
                }
            }
        }
        return (minimum, maximum, sliceCount)
    }
}
