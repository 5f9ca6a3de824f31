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
    /// The pairs of series before, by how many came before each in its series, and whether they are kept.
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
        key.removeAll(keepingCapacity: true)
        var position = 0
        for place in labels.pairs(of: Int(labelNumbers[index])) {
            if position == known.count {
                known.append((place, isKept(place)))
            } else if known[position].place != place {
                known[position] = (place, isKept(place))
            }
            if known[position].isKept { key.append(place) }
            position += 1
        }
        if last < met.count, isKey(last) { return last }
        last = find()
        return last
    }

    private func isKept(_ place: UInt32) -> Bool {
        names.contains { labels.texts.isName($0, ofPairAt: place) } == keepsNamed
    }

    private func isKey(_ number: Int) -> Bool {
        let pairs = met.pairs(of: number)
        guard pairs.count == key.count else { return false }
        var index = pairs.startIndex
        for place in key {
            if pairs[index] != place { return false }
            index += 1
        }
        return true
    }

    private mutating func find() -> Int {
        let (found, place) = buckets.find(key[...], in: met)
        if let found { return found }
        met.append(key)
        buckets.addLast(of: met, at: place)
        return met.count - 1
    }
}
