import Synchronization

/// What selectors found in the head, kept until its series change.
///
/// Rules and dashboards ask for the same every few seconds. While no series comes or goes they find the same ones, on the same
/// lanes, in the same order.
final class HeadFindings: Sendable {
    private final class Kept: CachedBlock {
        let text: MatcherText
        let found: FoundSeries
        let byteCount: Int

        init(_ text: MatcherText, _ found: FoundSeries) {
            self.text = text
            self.found = found
            byteCount = found.ownByteCount + text.bytes.count + 160
        }
    }

    private let cache: BlockCache
    /// The version of the series table (`SeriesTable.version`) at which all of it was found.
    private let version = Mutex<UInt64>(0)

    init(limitBytes: Int) { cache = BlockCache(limitBytes: limitBytes, takesAtFirst: true) }

    var byteCount: Int { cache.byteCount }

    /// Lets go of everything: nothing may hold on to texts that the head has no more.
    func removeAll() { cache.removeAll() }

    private func forgetOthers(than current: UInt64) {
        version.withLock { version in
            guard version != current else { return }
            cache.removeAll()
            version = current
        }
    }

    /// The series as they were kept, nil where they were not or others have come or gone.
    func find(_ text: MatcherText, at version: UInt64) -> FoundSeries? {
        forgetOthers(than: version)
        let text = text.over([Int(version)])
        guard let known = cache.find(text.key(in: 0, .found), as: Kept.self).block, known.text == text else {
            return nil
        }
        return known.found
    }

    /// Keeps what a selector found, if there is room, and tells it where what is made of it may be.
    func keep(_ found: inout FoundSeries, of text: MatcherText, at version: UInt64) {
        guard cache.limitBytes > 0 else { return }
        let text = text.over([Int(version)])
        found.kept = KeptPlace(cache: cache, text: text, sharedBytes: found.labels.texts.byteCount)
        cache.insert(Kept(text, found), for: text.key(in: 0, .found))
    }
}
