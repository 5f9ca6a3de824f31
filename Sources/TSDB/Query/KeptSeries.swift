import MetricModel
import Storage

/// The series that a selector found in partitions, put together: the same as long as the files are there.
final class KeptSeries: CachedBlock {
    let text: MatcherText
    let joined: JoinedSeries

    var byteCount: Int { text.bytes.count + joined.byteCount + 96 }

    private init(_ text: MatcherText, _ joined: JoinedSeries) {
        self.text = text
        self.joined = joined
    }

    /// Where they are kept; nil where they are not: what the head has and what was deleted changes, and parts of what a
    /// selector finds have no name.
    static func place(
        of found: [PartitionSelection], besides head: HeadSelection
    ) -> (cache: BlockCache, text: MatcherText)? {
        guard head.count == 0, let first = found.first, let cache = first.reader.cache, let matchers = first.matchers,
            found.allSatisfy({ $0.matchers != nil && $0.reader.deletions.isEmpty })
        else { return nil }
        return (cache, matchers.over(found.map(\.reader.number)))
    }

    /// The series as they were kept, or as `join` puts them together.
    static func find(
        _ text: MatcherText, in cache: BlockCache, _ held: inout HeldMemory,
        _ join: (inout HeldMemory) throws(StorageError) -> JoinedSeries
    ) throws(StorageError) -> JoinedSeries {
        let key = text.key(in: 0, .series)
        let (known, isWanted) = cache.find(key, as: KeptSeries.self)
        if let known, known.text == text { return known.joined }
        let joined = try join(&held)
        if isWanted { cache.insert(KeptSeries(text, joined), for: key) }
        return joined
    }
}

/// What a choice of labels makes of series that are kept.
final class KeptChoice: CachedBlock, ChosenLabels {
    private let text: MatcherText
    /// For each series the number of its labels.
    private let numbers: [UInt32]
    private let labels: SelectedLabels

    var byteCount: Int { text.bytes.count + numbers.count * 4 + labels.byteCount + 96 }

    private init(_ text: MatcherText, _ numbers: [UInt32], _ labels: SelectedLabels) {
        self.text = text
        self.numbers = numbers
        self.labels = labels
    }

    var knownNumbers: [UInt32]? { numbers }

    func number(of index: Int) -> Int { Int(numbers[index]) }

    func labels(numbered number: Int) -> LabelSet { labels.labels(of: number) }

    /// The choice as it was kept, or as it is made of the labels of all series.
    static func find(
        _ choice: LabelChoice, of series: MatcherText, in cache: BlockCache, count: Int,
        _ make: () -> ChosenSelectedLabels
    ) -> any ChosenLabels {
        let text = series.with(choice)
        let key = text.key(in: 0, .choice)
        let (known, isWanted) = cache.find(key, as: KeptChoice.self)
        if let known, known.text == text { return known }
        var chosen = make()
        guard isWanted else { return chosen }
        let numbers = (0..<count).map { UInt32(chosen.number(of: $0)) }
        let kept = KeptChoice(text, numbers, chosen.met)
        cache.insert(kept, for: key)
        return kept
    }
}
