package import Storage
import Synchronization

/// The bytes that all queries who share it may hold together, answers that are still being sent included.
///
/// Safe on several threads.
package final class MemoryBudget: Sendable {
    package let limitBytes: Int
    /// Between two looks of somebody who waits for room.
    static let pauseMicroseconds: UInt32 = 2000
    /// So often somebody waits for memory that the process has freed and not given back yet: a second.
    static let processPauseLimit = 500
    private let used = Atomic<Int>(0)
    /// What the process has left of its memory, as the kernel counts; nil where nobody limits it.
    private let leftBytes: (@Sendable () -> Int)?
    /// The process is looked at once in so many bytes.
    private static let bytesBetweenLooks = 1 << 20
    package init(limitBytes: Int, leftBytes: (@Sendable () -> Int)? = nil) {
        self.limitBytes = limitBytes
        self.leftBytes = leftBytes
    }

    package var usedBytes: Int { used.load(ordering: .relaxed) }

    /// Takes bytes if there is room for them.
    func take(_ byteCount: Int) -> Bool {
        let after = used.add(byteCount, ordering: .relaxed).newValue
        if after <= limitBytes, isRoom(from: after - byteCount, to: after) { return true }
        used.subtract(byteCount, ordering: .relaxed)
        return false
    }

    /// Takes bytes whether there is room or not, so that others find none.
    func takeFirst(_ byteCount: Int) { used.add(byteCount, ordering: .relaxed) }

    /// Whether the process has room for what makes the sum pass a mark; between marks nobody looks.
    private func isRoom(from before: Int, to after: Int) -> Bool {
        guard let leftBytes, before / Self.bytesBetweenLooks != after / Self.bytesBetweenLooks else { return true }
        return leftBytes() > max(after - before, Self.bytesBetweenLooks)
    }

    /// Counts what a request holds that is no query; what is still held goes back with the reservation.
    package func reservation(limitBytes: Int = .max) -> any MemoryReservation {
        MemoryAccount(limitBytes: min(limitBytes, self.limitBytes), budget: self)
    }

    func give(_ byteCount: Int) { used.subtract(byteCount, ordering: .relaxed) }
}
