import MetricModel

/// The newest row of a lane that a request sees.
struct NewestRow: Sendable {
    let timestamp: Int64
    /// The bits of all slots, which the lane has as well until its next row; nil where those of the wanted slots were copied.
    private let shared: [UInt64]?
    /// Where the copied ones begin in the list of all that were copied.
    private let start: Int

    /// A row of the bits of all slots, from the first on.
    init(timestamp: Int64, bits: [UInt64]) {
        self.timestamp = timestamp
        shared = bits
        start = 0
    }

    /// A row of which the bits of the wanted slots stand in a list from `start` on.
    init(timestamp: Int64, copiedFrom start: Int) {
        self.timestamp = timestamp
        shared = nil
        self.start = start
    }

    /// What bits that are shared take once the lane goes on.
    var sharedByteCount: Int { (shared?.count ?? 0) * 8 }

    /// The place of a slot that was not wanted when the row was read.
    static let nowhere = UInt32.max

    /// The bits of a slot; those of the absent value where the row has none for it.
    ///
    /// - Parameters:
    ///   - place: The slot's place among the wanted ones, or `nowhere`.
    ///   - copied: The list of all that were copied.
    func bits(of slot: UInt32, at place: UInt32, in copied: [UInt64]) -> UInt64 {
        if let shared { return slot < shared.count ? shared[Int(slot)] : SpecialValue.absentBits }
        return place == Self.nowhere ? SpecialValue.absentBits : copied[start + Int(place)]
    }
}
