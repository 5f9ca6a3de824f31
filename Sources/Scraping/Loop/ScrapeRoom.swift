import Synchronization

/// What scrapes may still take of the memory of the process, judged by what the kernel counts for it.
///
/// A page of 60,000 new series with long labels takes several times its size while it is read. Without a look at what is
/// left, four such targets end a process in a cgroup of 256 MB; with it a scrape fails and says why. A page whose series are
/// known takes little more than itself: such pages wait for each other instead (`ScrapeShare`). Safe on many threads.
package final class ScrapeRoom: Sendable {
    /// A body, its parts as labels, the keys of the cache, and what arrays take while they grow: so many times its size.
    static let growthFactor = 4
    /// Of a page whose series are known only the values grow beside it: an eighth of its size, with arrays that grow a quarter.
    static let knownGrowthDivisor = 4
    /// How long a scrape that waits for room sleeps before it asks again.
    static let retryMilliseconds: Int64 = 10
    /// Bodies up to this size are read whatever is left.
    static let smallBodyBytes = 256 << 10
    static let limitName = "what --memory.limit leaves for it"
    /// How long a look at the memory counts, where no large page came meanwhile: asking the kernel costs as much as 40
    /// samples.
    static let lookNanoseconds: UInt64 = 100_000_000

    private let limitBytes: Int
    private let residentBytes: @Sendable () -> Int
    private let reserved = Atomic<Int>(0)
    /// What the last look saw, and until when that counts.
    private let seenBytes = Atomic<Int>(0)
    private let seenUntil = Atomic<UInt64>(0)

    package init(limitBytes: Int, residentBytes: @escaping @Sendable () -> Int) {
        self.limitBytes = limitBytes
        self.residentBytes = residentBytes
    }

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
        let room = max(Self.smallBodyBytes, leftBytes(nanoseconds) / Self.growthFactor)
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
        let growth = known / Self.knownGrowthDivisor + (byteCount - known) * (Self.growthFactor - 1)
        let others = reserved.add(growth, ordering: .relaxed).oldValue - heldBytes
        defer { reserved.subtract(growth, ordering: .relaxed) }
        let left = limitBytes - residentBytes() - others
        guard growth <= left else {
            throw .bodyTooLarge(limitName: Self.limitName, limitBytes: max(0, left) / (Self.growthFactor - 1))
        }
        try body()
    }
}
