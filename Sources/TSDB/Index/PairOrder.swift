/// Puts label pairs in the order of their names, then of their values, as bytes.
struct PairOrder {
    private var names: [[UInt8]] = []
    private var numberOfName: [[UInt8]: Int] = [:]
    private var nameOfPair: [Int] = []
    private var values = ByteTexts()

    /// Takes a list of pairs as `LabelSet` has them, one behind the other; what is no pair counts as an empty one.
    init(_ bytes: [UInt8], pairs: some Sequence<Range<Int>>) {
        for range in pairs {
            var cursor = LabelPairBytes(bytes, range: range)
            let parts = cursor.nextRanges()
            nameOfPair.append(number(of: parts.map { bytes[$0.name] } ?? []))
            values.append(parts.map { bytes[$0.value] } ?? [])
        }
    }

    private mutating func number(of name: ArraySlice<UInt8>) -> Int {
        // Pairs of one name often follow each other.
        if let last = nameOfPair.last, names[last].elementsEqual(name) { return last }
        let bytes = Array(name)
        if let known = numberOfName[bytes] { return known }
        names.append(bytes)
        numberOfName[bytes] = names.count - 1
        return names.count - 1
    }

    /// The places of the pairs in the list, in order.
    func order() -> [UInt32] {
        let byName = names.indices.sorted { names[$0].lexicographicallyPrecedes(names[$1]) }
        var rankOfName = [UInt64](repeating: 0, count: names.count)
        for (rank, name) in byName.enumerated() { rankOfName[name] = UInt64(rank) }
        return SortedByKey.order(
            values.count,
            key: { pair, depth in
                depth == 0 ? rankOfName[nameOfPair[Int(pair)]] : values.key(of: Int(pair), at: depth - 1)
            }, goesOn: { key, depth in depth == 0 || ByteTexts.goesOn(key) })
    }

    /// Puts the ranks of pairs in the place of their numbers in `list`; gives the pair of each rank.
    func rank(_ list: inout [UInt32]) -> [UInt32] {
        let pairOfRank = order()
        var ranks = [UInt32](repeating: 0, count: pairOfRank.count)
        for (rank, pair) in pairOfRank.enumerated() { ranks[Int(pair)] = UInt32(rank) }
        for index in list.indices { list[index] = ranks[Int(list[index])] }
        return pairOfRank
    }
}
