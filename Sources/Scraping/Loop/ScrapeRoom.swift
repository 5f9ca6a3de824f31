import Synchronization

/// What scrapes may still take of the memory of the process, judged by what the kernel counts for it.
///
/// A page of 60,000 new series with long labels takes several times its size while it is read. Without a look at what is
/// left, four such targets end a process in a cgroup of 256 MB; with it a scrape fails and says why. Safe on many threads.
package final class ScrapeRoom: Sendable {
    /// A body, its parts as labels, the keys of the cache, and what arrays take while they grow: so many times its size.
    static let growthFactor = 4
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

    /// Runs `body` where there is room for what becomes of a page of so many bytes.
    func ingesting(
        byteCount: Int, _ body: () throws(ScrapeFailure) -> Void
    ) throws(ScrapeFailure) {
        guard byteCount > Self.smallBodyBytes else { return try body() }
        seenUntil.store(0, ordering: .relaxed)
        // The page itself is there already.
        let growth = byteCount * (Self.growthFactor - 1)
        let others = reserved.add(growth, ordering: .relaxed).oldValue
        defer { reserved.subtract(growth, ordering: .relaxed) }
        let left = limitBytes - residentBytes() - others
        guard growth <= left else {
            throw .bodyTooLarge(limitName: Self.limitName, limitBytes: max(0, left) / (Self.growthFactor - 1))
        }
        try body()
    }
}
