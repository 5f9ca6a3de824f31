import Synchronization

/// The bytes that all queries who share it may hold together, answers that are still being sent included.
///
/// Safe on several threads.
package final class MemoryBudget: Sendable {
    package let limitBytes: Int
    /// Between two looks of somebody who waits for room.
    static let pauseMicroseconds: UInt32 = 2000
    private let used = Atomic<Int>(0)

    package init(limitBytes: Int) { self.limitBytes = limitBytes }

    package var usedBytes: Int { used.load(ordering: .relaxed) }

    /// Takes bytes if there is room for them.
    func take(_ byteCount: Int) -> Bool {
        let after = used.add(byteCount, ordering: .relaxed).newValue
        if after <= limitBytes { return true }
        used.subtract(byteCount, ordering: .relaxed)
        return false
    }

    func give(_ byteCount: Int) { used.subtract(byteCount, ordering: .relaxed) }
}
