/// Counts the memory of one request before it is taken, against what the request and all together may have.
///
/// Safe on several threads.
package protocol MemoryReservation: AnyObject, Sendable {
    /// Counts bytes that are about to be taken; throws `StorageError.memory` where there is no room for them. It may wait
    /// for others to give back what they hold, so nobody calls it with a lock.
    func hold(_ byteCount: Int) throws(StorageError)

    /// Counts bytes that are about to be taken if there is room for them now; never waits.
    func offer(_ byteCount: Int) -> Bool

    /// Gives back what was counted.
    func release(_ byteCount: Int)

    /// Whether the request may wait for locks that others hold for long; where it may not it ends with
    /// `StorageError.wouldWait`.
    var mayWait: Bool { get }
}

extension MemoryReservation {
    package var mayWait: Bool { true }
}

/// What one object has counted with a reservation; it is given back with the object.
package struct HeldMemory: ~Copyable, Sendable {
    private let reservation: (any MemoryReservation)?
    package private(set) var byteCount = 0
    /// Small amounts are counted together.
    private var unusedBytes = 0
    private static let pieceBytes = 64 << 10

    /// Without a reservation nothing is counted and everything is allowed.
    package init(_ reservation: (any MemoryReservation)?) { self.reservation = reservation }

    /// One that counts with the same reservation, for what is held for a shorter time.
    package func beside() -> HeldMemory { HeldMemory(reservation) }

    /// Whether whoever counts here may wait for locks that others hold for long.
    package var mayWait: Bool { reservation?.mayWait ?? true }

    deinit { if byteCount > 0 { reservation?.release(byteCount) } }

    /// Counts bytes that are about to be taken; may wait.
    package mutating func take(_ bytes: Int) throws(StorageError) {
        try reservation?.hold(bytes)
        byteCount += bytes
    }

    /// Counts bytes that are about to be taken if there is room for them now; never waits.
    package mutating func takeAtOnce(_ bytes: Int) -> Bool {
        guard reservation?.offer(bytes) ?? true else { return false }
        byteCount += bytes
        return true
    }

    /// Counts a few bytes that are about to be taken: 64 KiB at a time.
    package mutating func takeLittle(_ bytes: Int) throws(StorageError) {
        guard bytes > unusedBytes else {
            unusedBytes -= bytes
            return
        }
        let piece = max(Self.pieceBytes, bytes - unusedBytes)
        try take(piece)
        unusedBytes += piece - bytes
    }

    /// Gives back all that was counted.
    package mutating func giveBack() {
        if byteCount > 0 { reservation?.release(byteCount) }
        byteCount = 0
        unusedBytes = 0
    }
}
