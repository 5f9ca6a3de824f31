import MetricModel

/// Decodes the columns of chosen slots, row after row, several slices after each other.
///
/// Only the groups of 64 slots in which a chosen slot lies are decoded: about 1 ns for each of their samples. Absent
/// values stand in the columns.
struct SliceColumns {
    /// The chosen slots, ascending.
    let slots: [Int]
    /// How many rows each column has in the end.
    let rowCount: Int
    /// The column of `slots[i]` is `values[i * rowCount ..< (i + 1) * rowCount]`.
    private(set) var values: [Double]
    private(set) var filledRowCount = 0

    /// Groups of 64 slots, ascending, and where each chosen slot stands among the slots of these groups.
    private let pages: [Int]
    private let places: [Int]
    private var bits: [UInt64]
    private var mantissas: [Int64]
    private var exponents: [UInt8]
    private var tile: [UInt64]

    /// Rows that are collected before they are turned into columns, so that both sides stay in the cache.
    private static let rowsPerTile = 16

    init(slots: [Int], rowCount: Int) {
        self.slots = slots
        self.rowCount = rowCount
        var pages: [Int] = []
        var places: [Int] = []
        for slot in slots {
            if pages.last != slot >> 6 { pages.append(slot >> 6) }
            places.append((pages.count - 1) << 6 | slot & 63)
        }
        self.pages = pages
        self.places = places
        let width = pages.count * 64
        bits = [UInt64](repeating: SpecialValue.absentBits, count: width)
        mantissas = [Int64](repeating: 0, count: width)
        exponents = [UInt8](repeating: ValueCodec.noExponent, count: width)
        tile = [UInt64](repeating: SpecialValue.absentBits, count: width * Self.rowsPerTile)
        values = unsafe [Double](unsafeUninitializedCapacity: slots.count * rowCount) { buffer, count in
            // Filled by `append`; zeroes would be written for nothing otherwise.
            unsafe buffer.initialize(repeating: SpecialValue.absent)
            count = buffer.count
        }
    }

    /// The column of a chosen slot, nil for one that was not chosen.
    func column(of slot: Int) -> ArraySlice<Double>? {
        var low = 0
        var high = slots.count
        while low < high {
            let middle = (low + high) / 2
            if slots[middle] < slot { low = middle + 1 } else { high = middle }
        }
        guard low < slots.count, slots[low] == slot else { return nil }
        return values[(low * rowCount)..<((low + 1) * rowCount)]
    }

    /// Adds the wanted rows of a slice behind those before; false where bytes are damaged.
    mutating func append(_ slice: Slice, rows: Range<Int>) -> Bool {
        reset()
        var isSound = true
        var collected = 0
        unsafe slice.forEachRow(first: rows.upperBound) { index, row in
            guard unsafe apply(row) else {
                isSound = false
                return false
            }
            guard index >= rows.lowerBound else { return true }
            let width = bits.count
            unsafe tile.withUnsafeMutableBufferPointer { tile in
                unsafe bits.withUnsafeBufferPointer { bits in
                    guard let from = bits.baseAddress, let to = tile.baseAddress else { return }
                    unsafe (to + collected * width).update(from: from, count: width)
                }
            }
            collected += 1
            if collected == Self.rowsPerTile {
                turn(rows: collected)
                collected = 0
            }
            return true
        }
        if collected > 0 { turn(rows: collected) }
        return isSound
    }

    private mutating func reset() {
        for index in bits.indices {
            bits[index] = SpecialValue.absentBits
            mantissas[index] = 0
            exponents[index] = ValueCodec.noExponent
        }
    }

    private mutating func apply(_ row: UnsafeRawBufferPointer) -> Bool {
        guard let header = unsafe RowHeader(row), let base = row.baseAddress else { return false }
        if header.isKey { reset() }
        let end = unsafe (base + header.byteCount).assumingMemoryBound(to: UInt8.self)
        let powers = unsafe ValueCodec.Powers.shared.table
        let pageCount = header.pageCount
        let payloadStart = header.payloadStart
        return unsafe pages.withUnsafeBufferPointer { pages in
            unsafe bits.withUnsafeMutableBufferPointer { bits in
                unsafe mantissas.withUnsafeMutableBufferPointer { mantissas in
                    unsafe exponents.withUnsafeMutableBufferPointer { exponents in
                        for number in 0..<pages.count {
                            let page = unsafe pages[number]
                            guard page < pageCount else { break }
                            var mask = UInt64(
                                littleEndian: unsafe row.loadUnaligned(
                                    fromByteOffset: RowFormat.headerByteCount &+ page &* 8, as: UInt64.self))
                            guard mask != 0 else { continue }
                            let offset = unsafe payloadStart + header.payloadOffset(of: page, in: row)
                            guard offset <= header.byteCount else { return false }
                            var cursor = unsafe UnsafePointer((base + offset).assumingMemoryBound(to: UInt8.self))
                            let first = number &* 64
                            while mask != 0 {
                                let place = first &+ mask.trailingZeroBitCount
                                mask &= mask &- 1
                                guard
                                    unsafe ValueCodec.decode(
                                        &cursor, end: end, powers: powers, bits: &bits[place],
                                        mantissa: &mantissas[place], exponent: &exponents[place])
                                else { return false }
                            }
                        }
                        return true
                    }
                }
            }
        }
    }

    private mutating func turn(rows: Int) {
        let width = bits.count
        let start = filledRowCount
        filledRowCount += rows
        precondition(filledRowCount <= rowCount, "more rows than columns were made for")
        unsafe tile.withUnsafeBufferPointer { tile in
            unsafe places.withUnsafeBufferPointer { places in
                unsafe values.withUnsafeMutableBufferPointer { values in
                    for column in 0..<places.count {
                        let place = unsafe places[column]
                        let target = column &* rowCount &+ start
                        for row in 0..<rows {
                            unsafe values[target &+ row] = Double(bitPattern: tile[row &* width &+ place])
                        }
                    }
                }
            }
        }
    }
}

/// Columns with absent values in them.
enum AbsentValues {
    /// The stretch from the first to the last sample, and how many samples are in it; nil where there is none.
    static func trim(_ column: ArraySlice<Double>) -> (stretch: ArraySlice<Double>, sampleCount: Int)? {
        unsafe column.withUnsafeBufferPointer { values in
            var absentCount = 0
            for index in 0..<values.count {
                unsafe absentCount &+= values[index].bitPattern == SpecialValue.absentBits ? 1 : 0
            }
            if absentCount == values.count { return nil }
            if absentCount == 0 { return (column, values.count) }
            var first = 0
            while unsafe values[first].bitPattern == SpecialValue.absentBits { first += 1 }
            var last = values.count - 1
            while unsafe values[last].bitPattern == SpecialValue.absentBits { last -= 1 }
            let stretch = column[(column.startIndex + first)...(column.startIndex + last)]
            return (stretch, values.count - absentCount)
        }
    }
}
