import MetricModel

/// The native histograms in the rows of a slice.
extension Slice {
    /// Appends the histograms of one slot; false where bytes are damaged.
    ///
    /// - Parameters:
    ///   - starts: The start timestamps of the rows, nil where there are none.
    ///   - firstRow: What the first wanted row counts as there.
    func readHistograms(
        slot: Int, rows wanted: Range<Int>, starts: StartRuns?, firstRow: Int, into result: inout [HistogramSample]
    ) -> Bool {
        var isSound = true
        unsafe forEachRow(first: wanted.upperBound) { index, row in
            guard index >= wanted.lowerBound, let header = unsafe RowHeader(row), header.hasHistograms else {
                return true
            }
            guard let rest = unsafe RowStarts.rest(of: row, header: header),
                let bytes = unsafe Self.histogramBytes(slot: slot, in: rest)
            else {
                isSound = false
                return false
            }
            guard unsafe !bytes.isEmpty else { return true }
            var offset = 0
            guard let histogram = unsafe HistogramCodec.read(bytes, at: &offset) else {
                isSound = false
                return false
            }
            let start = starts?.start(slot: slot, row: firstRow + index - wanted.lowerBound) ?? 0
            result.append(
                HistogramSample(timestamp: header.timestamp, histogram: histogram, startTimestamp: start))
            return true
        }
        return isSound
    }

    /// The bytes of a slot's histogram, empty where the row has none of it, nil where the row is damaged.
    private static func histogramBytes(slot: Int, in row: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard row.count >= 4 else { return nil }
        let count = Int(unsafe number(in: row, at: row.count - 4))
        let entryBytes = RowFormat.histogramEntryByteCount
        guard count <= row.count / entryBytes else { return nil }
        let table = row.count - 4 - count * entryBytes
        guard table >= 0 else { return nil }
        var low = 0
        var high = count
        var sectionByteCount = 0
        if count > 0 {
            let last = table + (count - 1) * entryBytes
            sectionByteCount = unsafe Int(number(in: row, at: last + 4)) + Int(number(in: row, at: last + 8))
        }
        let section = table - sectionByteCount
        while low < high {
            let middle = (low + high) / 2
            if unsafe Int(number(in: row, at: table + middle * entryBytes)) < slot {
                low = middle + 1
            } else {
                high = middle
            }
        }
        let entry = table + low * entryBytes
        guard low < count, unsafe Int(number(in: row, at: entry)) == slot else {
            return unsafe UnsafeRawBufferPointer(rebasing: row[0..<0])
        }
        let start = unsafe section + Int(number(in: row, at: entry + 4))
        let byteCount = unsafe Int(number(in: row, at: entry + 8))
        guard start >= 0, start + byteCount <= table else { return nil }
        return unsafe UnsafeRawBufferPointer(rebasing: row[start..<start + byteCount])
    }

    private static func number(in row: UnsafeRawBufferPointer, at offset: Int) -> UInt32 {
        UInt32(littleEndian: unsafe row.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}
