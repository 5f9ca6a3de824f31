import Synchronization

/// The bytes that all queries who share it may hold together, answers that are still being sent included.
///
/// Safe on several threads.
package final class MemoryBudget: Sendable {
    package let limitBytes: Int
    /// Between two looks of somebody who waits for room.
    static let pauseMicroseconds: UInt32 = 2000
    private let used = Atomic<Int>(0)
    /// What the process has left of its memory, as the kernel counts; nil where nobody limits it.
    private let leftBytes: (@Sendable () -> Int)?
    /// The process is looked at once in so many bytes.
    private static let bytesBetweenLooks = 1 << 20
    /// What a query takes beside the columns that it counts, as a multiple of them: answers on their way, arrays that grow.
    private static let processFactor = 3

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

    /// Whether the process has room for what makes the sum pass a mark; between marks nobody looks.
    private func isRoom(from before: Int, to after: Int) -> Bool {
        guard let leftBytes, before / Self.bytesBetweenLooks != after / Self.bytesBetweenLooks else { return true }
        return leftBytes() > max(after - before, Self.bytesBetweenLooks) * Self.processFactor
    }

    func give(_ byteCount: Int) { used.subtract(byteCount, ordering: .relaxed) }
}
