import MetricModel

/// The rows of one lane as a start reads them back from the journal.
///
/// They say how many slots they tell of, not of which series: they can be read before the definitions are.
struct ReplayedRows: Sendable {
    private(set) var slices: [Slice] = []
    private(set) var current = Slice()
    private(set) var lastTimestamp = Int64.min
    private(set) var slotCount = 0

    /// Adds the next row; false where rows before it are missing or its bytes are damaged.
    ///
    /// Values are stepped over, not decoded: the lane takes no row after them, so nobody asks for its newest values.
    mutating func append(_ row: UnsafeRawBufferPointer, header: RowHeader, index: Int) -> Bool {
        guard header.byteCount == row.count else { return false }
        if header.isKey { endSlice() }
        guard index == current.rowCount, header.isKey == (index == 0),
            header.timestamp > lastTimestamp, unsafe Self.isWhole(row, header)
        else { return false }
        unsafe current.append(
            row, timestamp: header.timestamp, sequence: 0, hasHistograms: header.hasHistograms,
            hasStarts: header.hasStarts)
        lastTimestamp = header.timestamp
        slotCount = max(slotCount, header.slotCount)
        return true
    }

    /// Ends the current slice.
    mutating func endSlice() {
        guard !current.isEmpty else { return }
        slices.append(current)
        current = Slice()
    }

    /// Whether all values that a row says it has are in it.
    private static func isWhole(_ row: UnsafeRawBufferPointer, _ header: RowHeader) -> Bool {
        guard let base = row.baseAddress else { return false }
        let masks = unsafe base + RowFormat.headerByteCount
        var cursor = unsafe UnsafePointer((base + header.payloadStart).assumingMemoryBound(to: UInt8.self))
        let end = unsafe (base + header.byteCount).assumingMemoryBound(to: UInt8.self)
        for page in 0..<header.pageCount {
            let mask = UInt64(littleEndian: unsafe masks.loadUnaligned(fromByteOffset: page &* 8, as: UInt64.self))
            let slots = header.slotCount &- page &* 64
            if slots < 64, mask &>> UInt64(slots) != 0 { return false }
            for _ in 0..<mask.nonzeroBitCount where unsafe !ValueCodec.skip(&cursor, end: end) { return false }
        }
        return true
    }
}
