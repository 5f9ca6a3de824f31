import MetricModel

/// The newest row of a lane that a request sees.
struct NewestRow: Sendable {
    let timestamp: Int64
    /// Those of all slots from the first on, which the lane shares until its next row; nil where some were copied.
    private let shared: [UInt64]?
    /// Where the copied ones begin among those of other lanes.
    private let start: Int

    /// A row that shares the bits of all slots.
    init(timestamp: Int64, bits: [UInt64]) {
        self.timestamp = timestamp
        shared = bits
        start = 0
    }

    /// A row of which the bits of some slots, ascending, stand in a list from `start` on.
    init(timestamp: Int64, copiedFrom start: Int) {
        self.timestamp = timestamp
        shared = nil
        self.start = start
    }

    /// What the shared bits take once the lane goes on.
    var sharedByteCount: Int { (shared?.count ?? 0) * 8 }

    /// The bits of a slot; those of the absent value where the row has none for it.
    ///
    /// - Parameters:
    ///   - place: The slot's place among those that were copied.
    ///   - copied: The list in which they stand.
    @inline(__always)
    func bits(of slot: Int, at place: Int, in copied: [UInt64]) -> UInt64 {
        guard let shared else { return copied[start + place] }
        return slot < shared.count ? shared[slot] : SpecialValue.absentBits
    }
}
