import MetricModel

/// The newest row of a lane as it stood when a view was made.
struct NewestRow: Sendable {
    let clock: Clock
    /// The slots that the bits are of, ascending; nil where they are of all from the first on.
    private let slots: [Int]?
    private let bits: [UInt64]

    init(timestamp: Int64, slots: [Int]? = nil, bits: [UInt64]) {
        clock = Clock([timestamp])
        self.slots = slots
        self.bits = bits
    }

    /// What the row takes, or will when the lane goes on.
    var byteCount: Int { bits.count * (slots == nil ? 8 : 16) }

    /// The bits of a slot; those of the absent value where the row has none for it.
    func bits(of slot: Int) -> UInt64 {
        guard let slots else { return slot < bits.count ? bits[slot] : SpecialValue.absentBits }
        var low = 0
        var high = slots.count
        while low < high {
            let middle = (low + high) / 2
            if slots[middle] < slot { low = middle + 1 } else { high = middle }
        }
        return low < slots.count && slots[low] == slot ? bits[low] : SpecialValue.absentBits
    }
}
