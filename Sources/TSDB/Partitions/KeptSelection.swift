import Bytes
import MetricModel
import Storage

/// What matchers find in a partition, which is the same as long as the file is there: deletions are taken away afterwards.
final class KeptSelection: CachedBlock {
    let matchers: MatcherText
    let series: Postings

    var byteCount: Int { matchers.bytes.count + series.byteCount + 96 }

    init(_ matchers: MatcherText, _ series: Postings) {
        self.matchers = matchers
        self.series = series
    }
}

/// Matchers as bytes: two lists are the same where these are.
struct MatcherText: Equatable {
    private(set) var bytes: [UInt8] = []

    init(_ matchers: [LabelMatcher]) {
        bytes.reserveCapacity(matchers.count * 64)
        for matcher in matchers {
            append(matcher.kind.rawValue)
            append(matcher.name)
            append(matcher.value)
        }
    }

    /// The matchers and the partitions in which they are looked for.
    func over(_ partitions: [Int]) -> MatcherText {
        var text = MatcherText([])
        text.bytes.reserveCapacity(bytes.count + 16 + 4 * partitions.count)
        VarInt.append(UInt64(partitions.count), to: &text.bytes)
        for partition in partitions { VarInt.append(UInt64(partition), to: &text.bytes) }
        text.bytes += bytes
        return text
    }

    /// The same with a choice of labels.
    func with(_ choice: LabelChoice) -> MatcherText {
        var text = MatcherText([])
        VarInt.append(UInt64(choice.names.count) << 1 | (choice.keepsNamed ? 1 : 0), to: &text.bytes)
        for name in choice.names { text.append(name) }
        text.bytes += bytes
        return text
    }

    private mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { characters in
            VarInt.append(UInt64(characters.count), to: &bytes)
            unsafe bytes.append(contentsOf: characters)
        }
    }

    func key(in partition: Int, _ kind: BlockCache.Key.Kind = .selection) -> BlockCache.Key {
        BlockCache.Key(partition: partition, place: Int64(bitPattern: ByteHash.hash(bytes)), kind: kind)
    }
}
