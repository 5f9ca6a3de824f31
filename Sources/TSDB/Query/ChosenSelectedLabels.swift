import MetricModel
import Storage

/// The chosen labels of a selection's series, told apart by the places of their pairs: no bytes are looked at for a series
/// whose pairs stand where those of the series before did.
struct ChosenSelectedLabels: ChosenLabels {
    private let labels: SelectedLabels
    /// For each series its number among `labels`.
    private let labelNumbers: [Int32]
    private let names: [[UInt8]]
    private let keepsNamed: Bool
    /// The pairs of the series before, and whether each is kept.
    private var known: [UInt32] = []
    private var kept: [Bool] = []
    private var key: [UInt32] = []
    /// Pairs looked at lately, each with a last bit that says whether it is kept, at the place that its own chooses.
    private var judged = [UInt64](repeating: .max, count: 256)
    /// The choices that were met; a number is a series of them.
    private(set) var met: SelectedLabels
    private var buckets = SelectedLabelBuckets()
    private var last = 0

    init(_ choice: LabelChoice, of labels: SelectedLabels, numbers: [Int32]) {
        self.labels = labels
        labelNumbers = numbers
        names = choice.names.map { Array($0.utf8) }
        keepsNamed = choice.keepsNamed
        met = SelectedLabels(labels.texts)
    }

    func labels(numbered number: Int) -> LabelSet { met.labels(of: number) }

    mutating func number(of index: Int) -> Int {
        if keepsNamed, names.isEmpty {
            if met.count == 0 { met.append([]) }
            return 0
        }
        guard takePairs(of: Int(labelNumbers[index])) || met.count == 0 else { return last }
        key.removeAll(keepingCapacity: true)
        for position in known.indices where kept[position] { key.append(known[position]) }
        last = find()
        return last
    }

    /// Takes the pairs of a series in place of those of the one before; whether any that are kept are others.
    private mutating func takePairs(of series: Int) -> Bool {
        let all = labels.allPairs
        let range = labels.pairRange(of: series)
        let places = all.span.extracting(range)
        var isOther = false
        if known.count > range.count {
            isOther = kept[range.count...].contains(true)
            known.removeLast(known.count - range.count)
            kept.removeLast(kept.count - range.count)
        }
        var position = firstOther(in: places, from: 0)
        while position < places.count {
            if position == known.count {
                known.append(places[position])
                kept.append(false)
            }
            let isKept = isKept(places[position])
            if isKept || kept[position] { isOther = true }
            known[position] = places[position]
            kept[position] = isKept
            position = firstOther(in: places, from: position + 1)
        }
        return isOther
    }

    /// The first position from `start` on at which a pair is not that of the series before, or the number of pairs.
    private func firstOther(in places: Span<UInt32>, from start: Int) -> Int {
        let known = known.span
        var position = start
        // Both bounds are looked at; nearly all pairs are those of the series before.
        while position < places.count, position < known.count,
            unsafe places[unchecked: position] == known[unchecked: position]
        {
            position &+= 1
        }
        return position
    }

    private mutating func isKept(_ place: UInt32) -> Bool {
        let slot = Int((place &* 0x9E37_79B1) >> 24)
        if judged[slot] >> 1 == UInt64(place) { return judged[slot] & 1 == 1 }
        let isKept = (labels.texts.pairByteCount(at: place, unlessNamed: names) == 0) == keepsNamed
        judged[slot] = UInt64(place) << 1 | (isKept ? 1 : 0)
        return isKept
    }

    private mutating func find() -> Int {
        let (found, place) = buckets.find(key[...], in: met)
        if let found { return found }
        met.append(key)
        buckets.addLast(of: met, at: place)
        return met.count - 1
    }
}
