import Synchronization

/// The labels of the series that are being sealed, as numbers of pairs.
///
/// They are copied out of the head's index a few thousand series at a time, so that nobody waits long for the index. Then
/// pairs are ranked once (by name, then value, as bytes) and series compare as numbers.
struct SealedLabels {
    /// Series copied while the index is locked.
    static let seriesPerTurn = 4096

    /// The pairs' bytes as they stand in a `LabelSet`.
    private var text: [UInt8] = []
    private var textEnds: [Int] = []
    /// For each pair of the index its number here + 1.
    private var numberOfIndexPair: [UInt32] = []

    /// The pairs of series `i` are `pairs[starts[i]..<starts[i + 1]]`, in label order.
    private var starts: [UInt32] = [0]
    private var pairs: [UInt32] = []
    /// The pair of each rank.
    private var pairOfRank: [UInt32] = []
    /// The series in label order.
    private(set) var order: [UInt32] = []

    var pairCount: Int { textEnds.count }
    var seriesCount: Int { starts.count - 1 }

    /// Copies and orders the labels of series; they keep their places in the list as numbers.
    init(of series: [UInt32], in head: Head) {
        starts.reserveCapacity(series.count + 1)
        pairs.reserveCapacity(series.count * 8)
        for start in stride(from: 0, to: series.count, by: Self.seriesPerTurn) {
            let turn = series[start..<min(series.count, start + Self.seriesPerTurn)]
            head.withIndexTurn(of: turn.count) { index in
                for number in turn { append(index.series.labelPairs(of: number), of: index.series.pairs) }
            }
        }
        numberOfIndexPair = []
        pairOfRank = PairOrder(text, pairs: textEnds.indices.lazy.map { [self] in range(of: $0) }).rank(&pairs)
        order = RankedSeries.order(seriesCount, ranks: pairs) { Int(starts[$0])..<Int(starts[$0 + 1]) }
    }

    private mutating func append(_ numbers: ArraySlice<UInt32>, of table: borrowing PairTable) {
        for number in numbers {
            let index = Int(number)
            if index >= numberOfIndexPair.count {
                numberOfIndexPair += [UInt32](repeating: 0, count: max(1024, index + 1 - numberOfIndexPair.count) * 2)
            }
            if numberOfIndexPair[index] == 0 {
                text.append(contentsOf: table.bytes(of: number))
                textEnds.append(text.count)
                numberOfIndexPair[index] = UInt32(textEnds.count)
            }
            pairs.append(numberOfIndexPair[index] - 1)
        }
        starts.append(UInt32(pairs.count))
    }

    // MARK: Reading

    /// The ranks of a series' pairs, in label order.
    func ranks(of series: UInt32) -> ArraySlice<UInt32> {
        pairs[Int(starts[Int(series)])..<Int(starts[Int(series) + 1])]
    }

    /// A pair as it stands in a `LabelSet`.
    func bytes(ofRank rank: UInt32) -> ArraySlice<UInt8> {
        text[range(of: Int(pairOfRank[Int(rank)]))]
    }

    private func range(of pair: Int) -> Range<Int> { (pair == 0 ? 0 : textEnds[pair - 1])..<textEnds[pair] }
}
