import MetricModel

/// The order of a selection's labels.
extension SelectedLabels {
    /// What it takes to put a series in order, and a label.
    static let orderingBytes = (series: 40, label: 8)

    /// Fewer series are compared with each other.
    private static let fewSeries = 100

    /// The numbers of the series in order.
    ///
    /// Pairs are ranked once; then series are sorted by ranks.
    func order() -> [UInt32] {
        guard count > Self.fewSeries else {
            return (0..<UInt32(count)).sorted { precedes(Int($0), Int($1)) }
        }
        var distinct = DistinctPairs()
        var numbers = allPairs.map { distinct.number(of: $0) }
        var text: [UInt8] = []
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(distinct.places.count)
        for place in distinct.places {
            let start = text.count
            unsafe texts.withPair(at: place) { unsafe text.append(contentsOf: $0) }
            ranges.append(start..<text.count)
        }
        _ = PairOrder(text, pairs: ranges).rank(&numbers)
        return RankedSeries.order(count, ranks: numbers) { pairRange(of: $0) }
    }
}

/// The pairs of a selection, each once, numbered as they are met.
private struct DistinctPairs {
    /// Where each stands.
    private(set) var places: [UInt32] = []
    /// Open addressing: a place in the upper half, its number + 1 in the lower; 0 is empty.
    private var buckets = [UInt64](repeating: 0, count: 1024)

    mutating func number(of place: UInt32) -> UInt32 {
        let bucket = bucket(of: place)
        if buckets[bucket] != 0 { return UInt32(truncatingIfNeeded: buckets[bucket]) - 1 }
        places.append(place)
        buckets[bucket] = UInt64(place) << 32 | UInt64(places.count)
        if places.count * 2 > buckets.count { grow() }
        return UInt32(places.count) - 1
    }

    private func bucket(of place: UInt32) -> Int {
        let mask = buckets.count - 1
        var bucket = Int(truncatingIfNeeded: UInt64(place) &* 0x9E37_79B9_7F4A_7C15 >> 32) & mask
        while buckets[bucket] != 0, UInt32(buckets[bucket] >> 32) != place { bucket = (bucket + 1) & mask }
        return bucket
    }

    private mutating func grow() {
        buckets = [UInt64](repeating: 0, count: buckets.count * 2)
        for (number, place) in places.enumerated() {
            buckets[bucket(of: place)] = UInt64(place) << 32 | UInt64(number + 1)
        }
    }
}
