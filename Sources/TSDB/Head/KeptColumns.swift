import Synchronization

/// The columns of slots that queries asked for more than once, of one slice.
///
/// Rules and dashboards ask for the same few series of a source every few seconds, and each time a row has to be stepped through
/// for them. What is kept is decoded once, and goes on with the rows that came since.
///
/// Safe on several threads; gives back what it reserved when the slice goes.
final class KeptColumns: Sendable {
    fileprivate struct State {
        /// Slots that were asked for once, a bit each.
        var asked: [UInt64] = []
        /// Of the rows from the first on, as far as queries have asked.
        var columns = SliceColumns()
        /// Where the column of each slot stands, `KeptColumns.none` where it is not kept.
        var places: [UInt8] = []
        var quota: ByteQuota?
        var reservedBytes = 0
    }

    /// More of one slice are not kept: a row that is read for many slots costs little for each.
    static let slotLimit = 128
    /// Slots from here on are not kept, so that what is noted of slots is small.
    static let slotNumberLimit = 1 << 14
    fileprivate static let none = UInt8.max

    private let state = Mutex(State())

    deinit { state.withLock { $0.quota?.release($0.reservedBytes) } }

    /// Adds rows of the slots of `target` to it, as `SliceColumns.append` does; false where bytes are damaged, nil where the
    /// columns are not kept.
    ///
    /// - Parameter slice: The one that all of this is about; asked for where rows are decoded.
    func append(
        _ rows: Range<Int>, of slice: @autoclosure () -> Slice, to target: inout SliceColumns, within quota: ByteQuota
    ) -> Bool? {
        guard target.slots.count <= Self.slotLimit, let last = target.slots.last, last < Self.slotNumberLimit else {
            return nil
        }
        return state.withLock { state in
            if !state.hasAll(target.slots) {
                guard state.admit(target.slots, rowCount: slice().rowCount, within: quota) else { return nil }
            }
            if state.columns.filledRowCount < rows.upperBound {
                guard state.columns.goOn(in: slice(), to: rows.upperBound) else { return false }
            }
            state.columns.copy(rows, at: state.places, to: &target)
            return true
        }
    }
}

extension KeptColumns.State {
    fileprivate func hasAll(_ slots: [Int]) -> Bool { slots.allSatisfy { isKept($0) } }

    private func isKept(_ slot: Int) -> Bool { slot < places.count && places[slot] != KeptColumns.none }

    /// Begins to keep slots when they are asked for the second time; false where they are not kept.
    ///
    /// - Parameter rowCount: How many rows the slice has now.
    fileprivate mutating func admit(_ slots: [Int], rowCount: Int, within quota: ByteQuota) -> Bool {
        guard noteAsked(slots) else { return false }
        let count = columns.slots.count + slots.count { !isKept($0) }
        guard count <= KeptColumns.slotLimit else { return false }
        // Slices of other versions may have more rows.
        let rowCount = max(Lane.rowsPerSlice, rowCount)
        let bytes = SliceColumns.byteCount(slots: count, rowCount: rowCount)
        guard quota.reserve(bytes - reservedBytes) else { return false }
        (self.quota, reservedBytes) = (quota, bytes)
        let kept = Set(columns.slots).union(slots).sorted()
        places = [UInt8](repeating: KeptColumns.none, count: 1 + (kept.last ?? 0))
        for (place, slot) in kept.enumerated() { places[slot] = UInt8(place) }
        columns.restart(slots: kept, rowCount: rowCount)
        return true
    }

    /// Whether all of these were asked for before.
    private mutating func noteAsked(_ slots: [Int]) -> Bool {
        var areKnown = true
        for slot in slots {
            let word = slot >> 6
            while asked.count <= word { asked.append(0) }
            let bit: UInt64 = 1 << UInt64(slot & 63)
            if asked[word] & bit == 0 { areKnown = false }
            asked[word] |= bit
        }
        return areKnown
    }
}
