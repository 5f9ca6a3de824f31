import Synchronization

/// How many bytes something may take together.
final class ByteQuota: Sendable {
    private let used = Atomic<Int>(0)
    let limit: Int

    init(limit: Int) { self.limit = limit }

    var usedBytes: Int { used.load(ordering: .relaxed) }

    /// Whether so many bytes more are within the limit; then they count.
    func reserve(_ byteCount: Int) -> Bool {
        let (_, after) = used.add(byteCount, ordering: .relaxed)
        if after <= limit { return true }
        used.subtract(byteCount, ordering: .relaxed)
        return false
    }

    /// Gives back what was reserved.
    func release(_ byteCount: Int) { used.subtract(byteCount, ordering: .relaxed) }
}
