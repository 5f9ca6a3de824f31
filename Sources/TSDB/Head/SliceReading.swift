import MetricModel

/// The values of a slice turned into columns.
extension Slice {
    /// The bits of one slot for the first `count` rows, appended to `column`; false where bytes are damaged.
    /// - Complexity: about 20 ns a row: the values before it in its 64 slots are stepped over.
    func readColumn(slot: Int, rowCount: Int, into column: inout [UInt64]) -> Bool {
        let page = slot >> 6
        let bit = UInt64(1) << UInt64(slot & 63)
        var bits = SpecialValue.absentBits
        var mantissa: Int64 = 0
        var exponent: UInt8 = ValueCodec.noExponent
        var isSound = true
        let powers = unsafe ValueCodec.Powers.shared.table
        unsafe forEachRow(first: rowCount) { _, row in
            guard let header = unsafe RowHeader(row), let base = row.baseAddress else {
                isSound = false
                return false
            }
            if header.isKey {
                bits = SpecialValue.absentBits
                mantissa = 0
                exponent = ValueCodec.noExponent
            }
            guard slot < header.slotCount else {
                column.append(SpecialValue.absentBits)
                return true
            }
            let mask = UInt64(
                littleEndian: unsafe row.loadUnaligned(
                    fromByteOffset: RowFormat.headerByteCount &+ page &* 8, as: UInt64.self))
            if mask & bit != 0 {
                let offset = unsafe Self.payloadOffset(of: page, in: row, header: header)
                let start = header.payloadStart &+ offset
                guard start <= header.byteCount else {
                    isSound = false
                    return false
                }
                var cursor = unsafe (base + start).assumingMemoryBound(to: UInt8.self)
                let end = unsafe (base + header.byteCount).assumingMemoryBound(to: UInt8.self)
                for _ in 0..<(mask & (bit &- 1)).nonzeroBitCount {
                    guard unsafe ValueCodec.skip(&cursor, end: end) else {
                        isSound = false
                        return false
                    }
                }
                guard
                    unsafe ValueCodec.decode(
                        &cursor, end: end, powers: powers, bits: &bits, mantissa: &mantissa, exponent: &exponent)
                else {
                    isSound = false
                    return false
                }
            }
            column.append(bits)
            return true
        }
        return isSound
    }

    private static func payloadOffset(of page: Int, in row: UnsafeRawBufferPointer, header: RowHeader) -> Int {
        if header.isWide {
            let offset = unsafe row.loadUnaligned(fromByteOffset: header.offsetsStart + page * 4, as: UInt32.self)
            return Int(UInt32(littleEndian: offset))
        }
        let offset = unsafe row.loadUnaligned(fromByteOffset: header.offsetsStart + page * 2, as: UInt16.self)
        return Int(UInt16(littleEndian: offset))
    }

    /// All slots of the first `rowCount` rows, slot after slot; nil where bytes are damaged.
    ///
    /// The column of slot `n` starts at `n * rowCount`.
    /// - Complexity: about 1 ns a sample.
    func readAllColumns(slotCount: Int, rowCount: Int) -> [UInt64]? {
        var states = SlotStates()
        states.grow(to: slotCount)
        var isSound = true
        // Sixteen rows are collected and then turned, so that both sides stay in the cache.
        let tile = 16
        var rowMajor = [UInt64](repeating: SpecialValue.absentBits, count: tile * slotCount)
        var columns = [UInt64](repeating: SpecialValue.absentBits, count: rowCount * slotCount)
        unsafe forEachRow(first: rowCount) { index, row in
            guard let header = unsafe RowHeader(row), header.slotCount <= slotCount,
                unsafe states.apply(row, header: header)
            else {
                isSound = false
                return false
            }
            let place = index % tile
            unsafe rowMajor.withUnsafeMutableBufferPointer { target in
                unsafe states.lastBits.withUnsafeBufferPointer { source in
                    guard let from = source.baseAddress, let to = target.baseAddress else { return }
                    unsafe (to + place * slotCount).update(from: from, count: header.slotCount)
                    for slot in header.slotCount..<slotCount {
                        unsafe to[place * slotCount + slot] = SpecialValue.absentBits
                    }
                }
            }
            if place == tile - 1 || index == rowCount - 1 {
                Self.turn(
                    rowMajor, rows: place + 1, slotCount: slotCount, into: &columns, firstRow: index - place,
                    rowCount: rowCount)
            }
            return true
        }
        return isSound ? columns : nil
    }

    private static func turn(
        _ rowMajor: [UInt64], rows: Int, slotCount: Int, into columns: inout [UInt64], firstRow: Int, rowCount: Int
    ) {
        unsafe rowMajor.withUnsafeBufferPointer { source in
            unsafe columns.withUnsafeMutableBufferPointer { target in
                for slot in 0..<slotCount {
                    let start = slot &* rowCount &+ firstRow
                    for row in 0..<rows { unsafe target[start &+ row] = source[row &* slotCount &+ slot] }
                }
            }
        }
    }
}

// MARK: Histograms

extension Slice {
    /// Appends the histograms of one slot; false where bytes are damaged.
    func readHistograms(slot: Int, rows wanted: Range<Int>, into result: inout [HistogramSample]) -> Bool {
        var isSound = true
        unsafe forEachRow(first: wanted.upperBound) { index, row in
            guard index >= wanted.lowerBound, let header = unsafe RowHeader(row), header.hasHistograms else {
                return true
            }
            guard let bytes = unsafe Self.histogramBytes(slot: slot, in: row) else {
                isSound = false
                return false
            }
            guard unsafe !bytes.isEmpty else { return true }
            var offset = 0
            guard let histogram = unsafe HistogramCodec.read(bytes, at: &offset) else {
                isSound = false
                return false
            }
            result.append(HistogramSample(timestamp: header.timestamp, histogram: histogram))
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
