import Synchronization

/// What scrapes may still take of the memory of the process, judged by what the kernel counts for it.
///
/// A page of 60,000 new series with long labels takes several times its size while it is read. Without a look at what is
/// left, four such targets end a process in a cgroup of 256 MB; with it a scrape fails and says why. A page whose series are
/// known takes little more than itself: room for such pages is kept from new ones and from queries, and where it is not
/// enough for two they wait for each other (`ScrapeShare`). Safe on many threads.
package final class ScrapeRoom: Sendable {
    /// A body, its parts as labels, the keys of the cache, and what arrays take while they grow: so many times its size.
    static let growthFactor = 4
    /// Of a page whose series are known only the values grow beside it: an eighth of its size, with arrays that grow a quarter.
    static let knownGrowthDivisor = 4
    /// Bodies up to this size are read whatever is left.
    static let smallBodyBytes = 256 << 10
    static let limitName = "what --memory.limit leaves for it"
    /// How long a look at the memory counts, where no large page came meanwhile: asking the kernel costs as much as 40
    /// samples.
    static let lookNanoseconds: UInt64 = 100_000_000
    /// For known pages as much is kept as the largest needs, or all need together up to this part of the limit.
    static let keptDivisor = 8

    private let limitBytes: Int
    private let residentBytes: @Sendable () -> Int
    private let reserved = Atomic<Int>(0)
    /// What the last look saw, and until when that counts.
    private let seenBytes = Atomic<Int>(0)
    private let seenUntil = Atomic<UInt64>(0)
    /// The sizes of all large pages whose series are known.
    private let known = Mutex<[Int]>([])
    private let kept = Atomic<Int>(0)
    private let waiting = Atomic<Int>(0)

    package init(limitBytes: Int, residentBytes: @escaping @Sendable () -> Int) {
        self.limitBytes = limitBytes
        self.residentBytes = residentBytes
    }

    /// What others have to leave for large pages whose series are known, in bytes.
    package var keptBytes: Int { kept.load(ordering: .relaxed) }

    /// Whether such a page waits for room, and has waited for long.
    package var isAnyPageWaiting: Bool { waiting.load(ordering: .relaxed) > 0 }

    func noteWaiting(by count: Int) { waiting.add(count, ordering: .relaxed) }

    /// Keeps room for a page of so many bytes, 0 for none, and no longer for one of `old`.
    func noteKnown(_ byteCount: Int, insteadOf old: Int) {
        known.withLock { sizes in
            if old > 0, let index = sizes.firstIndex(of: old) { sizes.remove(at: index) }
            if byteCount > 0 { sizes.append(byteCount) }
            let largest = sizes.max() ?? 0
            let wanted = max(largest, min(sizes.reduce(0, +), limitBytes / Self.keptDivisor))
            kept.store(wanted + wanted / Self.knownGrowthDivisor, ordering: .relaxed)
        }
    }

    /// What new pages must leave for known ones that are not being read at the moment.
    private var keptFromNewBytes: Int { max(0, keptBytes - reserved.load(ordering: .relaxed)) }

    /// Bytes that nobody has or has reserved, as of the last look.
    private func leftBytes(_ nanoseconds: UInt64) -> Int {
        if nanoseconds >= seenUntil.load(ordering: .relaxed) {
            seenBytes.store(residentBytes(), ordering: .relaxed)
            seenUntil.store(nanoseconds &+ Self.lookNanoseconds, ordering: .relaxed)
        }
        return limitBytes - seenBytes.load(ordering: .relaxed) - reserved.load(ordering: .relaxed)
    }

    /// The largest body for which there is room at a time of the monotonic clock, and not more than `limit`.
    func bodyLimit(
        _ limit: (bytes: Int, name: String), nanoseconds: UInt64
    ) -> (bytes: Int, name: String) {
        let room = max(Self.smallBodyBytes, (leftBytes(nanoseconds) - keptFromNewBytes) / Self.growthFactor)
        return room < limit.bytes ? (room, Self.limitName) : limit
    }

    /// Reserves room for a page that will come again as it came before; false where others must end first.
    func enter(byteCount: Int) -> Bool {
        let others = reserved.add(byteCount, ordering: .relaxed).oldValue
        // With the body, what is unpacked from it and its values.
        let needed = others == 0 ? byteCount : byteCount * 2
        if limitBytes - residentBytes() - others >= needed { return true }
        leave(byteCount: byteCount)
        return false
    }

    /// Reserves what becomes of new series; false where that would take what is kept.
    func enterNew(growth: Int) -> Bool {
        let kept = keptFromNewBytes
        let others = reserved.add(growth, ordering: .relaxed).oldValue
        if limitBytes - residentBytes() - others - kept >= growth { return true }
        leave(byteCount: growth)
        return false
    }

    func leave(byteCount: Int) { reserved.subtract(byteCount, ordering: .relaxed) }

    /// Runs `body` where there is room for what becomes of a page of so many bytes.
    ///
    /// - Parameters:
    ///   - knownBytes: How much of it are series that were there before.
    ///   - heldBytes: What the page was let in with.
    func ingesting(
        byteCount: Int, knownBytes: Int = 0, heldBytes: Int = 0, _ body: () throws(ScrapeFailure) -> Void
    ) throws(ScrapeFailure) {
        guard byteCount > Self.smallBodyBytes else { return try body() }
        seenUntil.store(0, ordering: .relaxed)
        // The page itself is there already.
        let known = min(byteCount, knownBytes)
        let newGrowth = (byteCount - known) * (Self.growthFactor - 1)
        let growth = known / Self.knownGrowthDivisor + newGrowth
        // What is known was let in; to fail it now would free nothing that is needed.
        let isMostlyNew = newGrowth > growth / 2
        let kept = keptFromNewBytes
        let others = reserved.add(growth, ordering: .relaxed).oldValue - heldBytes
        defer { reserved.subtract(growth, ordering: .relaxed) }
        let left = limitBytes - residentBytes() - others - kept
        guard growth <= left || !isMostlyNew && byteCount <= heldBytes + heldBytes / Self.knownGrowthDivisor else {
            throw .bodyTooLarge(limitName: Self.limitName, limitBytes: max(0, left) / (Self.growthFactor - 1))
        }
        try body()
    }
}
