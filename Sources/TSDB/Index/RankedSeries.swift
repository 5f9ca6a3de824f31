/// Puts series in the order of their labels by the ranks of their label pairs; no text is looked at.
enum RankedSeries {
    /// The numbers of series below `count` in order.
    ///
    /// Two ranks are looked at a time, further ones only of series that have both in common. No two series have the same labels.
    /// - Parameters:
    ///   - ranks: Of the pairs of all series, those of a series in label order.
    ///   - range: Where those of a series stand.
    static func order(_ count: Int, ranks: [UInt32], range: (Int) -> Range<Int>) -> [UInt32] {
        SortedByKey.order(
            count, key: { key(of: ranks, in: range(Int($0)), at: $1) }, goesOn: { key, _ in key & 0xffff_ffff != 0 })
    }

    /// Two ranks of a series, one more each; 0 where there are no more labels.
    private static func key(of ranks: [UInt32], in range: Range<Int>, at depth: Int) -> UInt64 {
        let first = range.lowerBound + depth * 2
        guard first < range.upperBound else { return 0 }
        let second = first + 1 < range.upperBound ? UInt64(ranks[first + 1]) + 1 : 0
        return (UInt64(ranks[first]) + 1) << 32 | second
    }
}
