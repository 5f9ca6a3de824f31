import MetricModel

/// The newest value of each slot of a source and what the next one is written against: 17 bytes a slot.
struct SlotStates {
    private(set) var lastBits: [UInt64] = []
    private(set) var mantissas: [Int64] = []
    private(set) var exponents: [UInt8] = []

    var count: Int { lastBits.count }

    /// Adds slots without a sample up to `slotCount`.
    mutating func grow(to slotCount: Int) {
        let missing = slotCount - count
        guard missing > 0 else { return }
        lastBits.append(contentsOf: repeatElement(SpecialValue.absentBits, count: missing))
        mantissas.append(contentsOf: repeatElement(0, count: missing))
        exponents.append(contentsOf: repeatElement(ValueCodec.noExponent, count: missing))
    }

    /// Forgets everything, as before a key row.
    mutating func reset() {
        for index in lastBits.indices {
            lastBits[index] = SpecialValue.absentBits
            mantissas[index] = 0
            exponents[index] = ValueCodec.noExponent
        }
    }

    /// Gives the memory back.
    mutating func removeAll() { self = SlotStates() }

    /// Writes a row into `scratch` and takes its values over; the number of bytes written, histograms not included.
    ///
    /// The row's byte count and flags are set for a row without histograms.
    /// - Complexity: O(slots), about 1 ns each and 4 ns more for each changed value.
    mutating func encodeRow(timestamp: Int64, values: [Double], isKey: Bool, into scratch: RowScratch) -> Int {
        if isKey { reset() }
        let slotCount = values.count
        scratch.reserve(RowFormat.maximumByteCount(slots: slotCount))
        let isWide = slotCount > RowFormat.narrowSlotLimit
        let pageCount = RowFormat.pageCount(slots: slotCount)
        let flags: UInt8 = (isKey ? RowFormat.keyFlag : 0) | (isWide ? RowFormat.wideFlag : 0)
        let offsetsStart = RowFormat.headerByteCount + pageCount * 8
        let payloadStart = offsetsStart + pageCount * (isWide ? 4 : 2)
        let memory = unsafe scratch.memory
        let masks = unsafe memory + RowFormat.headerByteCount
        let offsets = unsafe memory + offsetsStart
        let payload = unsafe (memory + payloadStart).assumingMemoryBound(to: UInt8.self)
        var cursor = unsafe payload
        let powers = unsafe ValueCodec.Powers.shared.table
        unsafe values.withUnsafeBufferPointer { values in
            unsafe lastBits.withUnsafeMutableBufferPointer { lastBits in
                unsafe mantissas.withUnsafeMutableBufferPointer { mantissas in
                    unsafe exponents.withUnsafeMutableBufferPointer { exponents in
                        for page in 0..<pageCount {
                            let first = page &* 64
                            let count = min(64, slotCount &- first)
                            let position = UInt32(truncatingIfNeeded: unsafe cursor - payload)
                            if isWide {
                                unsafe offsets.storeBytes(
                                    of: position.littleEndian, toByteOffset: page &* 4, as: UInt32.self)
                            } else {
                                unsafe offsets.storeBytes(
                                    of: UInt16(truncatingIfNeeded: position).littleEndian, toByteOffset: page &* 2,
                                    as: UInt16.self)
                            }
                            var mask: UInt64 = 0
                            for index in 0..<count {
                                let isChanged = unsafe values[first &+ index].bitPattern != lastBits[first &+ index]
                                mask |= (isChanged ? 1 : 0) &<< UInt64(truncatingIfNeeded: index)
                            }
                            unsafe masks.storeBytes(of: mask.littleEndian, toByteOffset: page &* 8, as: UInt64.self)
                            while mask != 0 {
                                let slot = first &+ mask.trailingZeroBitCount
                                mask &= mask &- 1
                                unsafe cursor = ValueCodec.encode(
                                    values[slot].bitPattern, lastBits: &lastBits[slot], mantissa: &mantissas[slot],
                                    exponent: &exponents[slot], powers: powers, at: cursor)
                            }
                        }
                    }
                }
            }
        }
        let byteCount = unsafe payloadStart + (cursor - payload)
        unsafe Self.writeHeader(
            memory, byteCount: byteCount, slotCount: slotCount, flags: flags, timestamp: timestamp)
        return byteCount
    }

    static func writeHeader(
        _ memory: UnsafeMutableRawPointer, byteCount: Int, slotCount: Int, flags: UInt8, timestamp: Int64
    ) {
        unsafe memory.storeBytes(of: UInt32(byteCount).littleEndian, toByteOffset: 0, as: UInt32.self)
        let slotsAndFlags = UInt32(slotCount) | UInt32(flags) << 24
        unsafe memory.storeBytes(of: slotsAndFlags.littleEndian, toByteOffset: 4, as: UInt32.self)
        unsafe memory.storeBytes(of: timestamp.littleEndian, toByteOffset: 8, as: Int64.self)
    }
}
