import MetricModel
import Storage

/// Where what is made of found series is kept, and its name.
struct KeptPlace: Sendable {
    let cache: BlockCache
    let text: MatcherText
    /// What the texts take that it shares with the head.
    var sharedBytes = 0
}

/// The series that a selector found, put together: the same as long as the files are there and the head's series stay.
final class KeptSeries: CachedBlock {
    let text: MatcherText
    let joined: JoinedSeries
    let byteCount: Int

    private init(_ joined: JoinedSeries, at place: KeptPlace) {
        text = place.text
        self.joined = joined
        byteCount = text.bytes.count + max(0, joined.byteCount - place.sharedBytes) + 96
    }

    /// Where they are kept; nil where they are not: after deletions, and where parts of what a selector finds have no name.
    ///
    /// - Parameter isOrdered: Series of the head alone are put in order.
    static func place(of found: [PartitionSelection], besides head: HeadSelection, isOrdered: Bool) -> KeptPlace? {
        guard found.allSatisfy({ $0.matchers != nil && $0.reader.deletions.isEmpty }) else { return nil }
        let numbers = found.map(\.reader.number)
        if head.count == 0 {
            guard let first = found.first, let cache = first.reader.cache, let matchers = first.matchers else {
                return nil
            }
            return KeptPlace(cache: cache, text: matchers.over(numbers))
        }
        guard let kept = head.kept else { return nil }
        return KeptPlace(
            cache: kept.cache, text: kept.text.over([isOrdered ? 1 : 0] + numbers), sharedBytes: kept.sharedBytes)
    }

    /// The series as they were kept, or as `join` puts them together.
    static func find(
        at place: KeptPlace, _ held: inout HeldMemory, _ join: (inout HeldMemory) throws(StorageError) -> JoinedSeries
    ) throws(StorageError) -> JoinedSeries {
        let key = place.text.key(in: 0, .series)
        let (known, isWanted) = place.cache.find(key, as: KeptSeries.self)
        if let known, known.text == place.text { return known.joined }
        let joined = try join(&held)
        if isWanted { place.cache.insert(KeptSeries(joined, at: place), for: key) }
        return joined
    }
}

/// What a choice of labels makes of series that are kept.
final class KeptChoice: CachedBlock, ChosenLabels {
    private let text: MatcherText
    /// For each series the number of its labels.
    private let numbers: [UInt32]
    private let labels: SelectedLabels
    let byteCount: Int

    private init(_ text: MatcherText, _ numbers: [UInt32], _ labels: SelectedLabels, sharedBytes: Int) {
        self.text = text
        self.numbers = numbers
        self.labels = labels
        byteCount = text.bytes.count + numbers.count * 4 + max(0, labels.byteCount - sharedBytes) + 96
    }

    var knownNumbers: [UInt32]? { numbers }

    func number(of index: Int) -> Int { Int(numbers[index]) }

    func labels(numbered number: Int) -> LabelSet { labels.labels(of: number) }

    /// The choice as it was kept, or as it is made of the labels of all series.
    static func find(
        _ choice: LabelChoice, at place: KeptPlace, count: Int, _ make: () -> ChosenSelectedLabels
    ) -> any ChosenLabels {
        let text = place.text.with(choice)
        let key = text.key(in: 0, .choice)
        let (known, isWanted) = place.cache.find(key, as: KeptChoice.self)
        if let known, known.text == text { return known }
        var chosen = make()
        guard isWanted else { return chosen }
        let numbers = (0..<count).map { UInt32(chosen.number(of: $0)) }
        let kept = KeptChoice(text, numbers, chosen.met, sharedBytes: place.sharedBytes)
        place.cache.insert(kept, for: key)
        return kept
    }
}
