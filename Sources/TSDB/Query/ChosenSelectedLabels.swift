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
    /// The pairs of the series before, and whether they are kept.
    private var known: [(place: UInt32, isKept: Bool)] = []
    private var key: [UInt32] = []
    /// The choices that were met; a number is a series of them.
    private var met: SelectedLabels
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
        for pair in known where pair.isKept { key.append(pair.place) }
        last = find()
        return last
    }

    /// Takes the pairs of a series in place of those of the one before; whether any that are kept are others.
    private mutating func takePairs(of series: Int) -> Bool {
        let places = labels.allPairs
        let range = labels.pairRange(of: series)
        var isOther = false
        if known.count > range.count {
            isOther = known[range.count...].contains { $0.isKept }
            known.removeLast(known.count - range.count)
        }
        for position in 0..<range.count {
            let place = places[range.lowerBound + position]
            if position == known.count {
                known.append((place, false))
            } else if known[position].place == place {
                continue
            }
            let isKept = isKept(place)
            if isKept || known[position].isKept { isOther = true }
            known[position] = (place, isKept)
        }
        return isOther
    }

    private func isKept(_ place: UInt32) -> Bool {
        (labels.texts.pairByteCount(at: place, unlessNamed: names) == 0) == keepsNamed
    }

    private mutating func find() -> Int {
        let (found, place) = buckets.find(key[...], in: met)
        if let found { return found }
        met.append(key)
        buckets.addLast(of: met, at: place)
        return met.count - 1
    }
}
