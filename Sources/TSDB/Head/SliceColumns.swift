internal import CColumns
import MetricModel

/// Decodes the columns of chosen slots, row after row, several slices after each other.
///
/// Of a group of 64 slots only the chosen ones are decoded, the others up to the last of these are stepped over. Absent
/// values stand in the columns.
struct SliceColumns {
    /// The chosen slots, ascending.
    private(set) var slots: [Int] = []
    /// How many rows each column has in the end.
    private(set) var rowCount = 0
    /// The column of `slots[i]` is `values[i * rowCount ..< (i + 1) * rowCount]`.
    private(set) var values: [Double] = []
    private(set) var filledRowCount = 0
    private var isPrepared = false

    /// The groups of 64 slots in which chosen ones lie.
    private var pages: [ccolumns_page] = []
    /// For each slot of the pages its place among the chosen ones.
    private var places: [Int32] = []
    private var mantissas: [Int64] = []
    private var exponents: [UInt8] = []
    /// The newest rows, of the chosen slots alone; each begins as a copy of the row before.
    ///
    /// Between appends the newest one of all stands first.
    private var tile: [UInt64] = []

    /// Rows that are collected before they are turned into columns, so that both sides stay in the cache.
    private static let rowsPerTile = 16

    /// Without slots, to be begun with `restart`.
    init() {}

    init(slots: [Int], rowCount: Int) { restart(slots: slots, rowCount: rowCount) }

    /// Begins anew with other slots, in the same memory.
    ///
    /// Until all rows are there, the columns hold anything.
    mutating func restart(slots: [Int], rowCount: Int) {
        self.slots = slots
        self.rowCount = rowCount
        filledRowCount = 0
        isPrepared = false
        let valueCount = slots.count * rowCount
        if values.count < valueCount {
            // Numbers of any kind, which are written before they are read.
            values = unsafe [Double](unsafeUninitializedCapacity: valueCount) { $1 = valueCount }
        }
    }

    /// Makes what decoding needs: not all columns are decoded here.
    private mutating func prepare() {
        isPrepared = true
        pages.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
        for (place, slot) in slots.enumerated() {
            if pages.last?.number != slot >> 6 {
                pages.append(ccolumns_page(number: slot >> 6, chosen: 0))
                places.append(contentsOf: repeatElement(0, count: 64))
            }
            pages[pages.count - 1].chosen |= 1 << UInt64(slot & 63)
            places[(pages.count - 1) << 6 | slot & 63] = Int32(place)
        }
        let width = slots.count
        guard mantissas.count < width else { return }
        mantissas = [Int64](repeating: 0, count: width)
        exponents = [UInt8](repeating: ValueCodec.noExponent, count: width)
        tile = [UInt64](repeating: SpecialValue.absentBits, count: width * Self.rowsPerTile)
    }

    /// The column of a chosen slot, nil for one that was not chosen.
    func column(of slot: Int) -> ArraySlice<Double>? {
        guard let place = place(of: slot) else { return nil }
        return values[(place * rowCount)..<((place + 1) * rowCount)]
    }

    /// Where a chosen slot stands among them.
    func place(of slot: Int) -> Int? { Self.place(of: slot, in: slots) }

    /// Where a slot stands among ascending ones.
    static func place(of slot: Int, in slots: [Int]) -> Int? {
        var low = 0
        var high = slots.count
        while low < high {
            let middle = (low + high) / 2
            if slots[middle] < slot { low = middle + 1 } else { high = middle }
        }
        return low < slots.count && slots[low] == slot ? low : nil
    }

    /// About what columns take with all that decoding them needs, where each slot lies in a group of its own.
    static func byteCount(slots: Int, rowCount: Int) -> Int { slots * (8 * (rowCount + rowsPerTile) + 310) }

    /// Adds the wanted rows of a slice behind those before; false where bytes are damaged.
    mutating func append(_ slice: Slice, rows: Range<Int>) -> Bool {
        append(slice, rows: rows.clamped(to: 0..<slice.rowCount), known: 0)
    }

    /// Decodes the rows of a slice from where all rows here end to another one; false where bytes are damaged.
    ///
    /// - Parameters:
    ///   - slice: The one that all rows here are of.
    ///   - end: Not before that.
    mutating func goOn(in slice: Slice, to end: Int) -> Bool {
        append(slice, rows: filledRowCount..<min(end, slice.rowCount), known: filledRowCount)
    }

    /// Adds rows of the slots of `target` to it, which are among those here.
    ///
    /// - Parameter places: For each slot where its column stands here.
    func copy(_ rows: Range<Int>, at places: [UInt8], to target: inout SliceColumns) {
        let start = target.filledRowCount
        precondition(start + rows.count <= target.rowCount && rows.upperBound <= filledRowCount, "rows that are there")
        unsafe values.withUnsafeBufferPointer { source in
            unsafe target.values.withUnsafeMutableBufferPointer { values in
                for (number, slot) in target.slots.enumerated() {
                    let first = Int(places[slot]) * rowCount + rows.lowerBound
                    let goal = number * target.rowCount + start
                    let column = unsafe UnsafeBufferPointer(rebasing: source[first..<first + rows.count])
                    _ = unsafe values[goal..<goal + rows.count].update(fromContentsOf: column)
                }
            }
        }
        target.filledRowCount += rows.count
    }

    /// - Parameter known: How many of the slice's first rows were the last ones here; what they told is not forgotten yet.
    private mutating func append(_ slice: Slice, rows: Range<Int>, known: Int) -> Bool {
        guard !slots.isEmpty else { return true }
        precondition(filledRowCount + rows.count <= rowCount, "more rows than columns were made for")
        if !isPrepared { prepare() }
        let (columnLength, firstRow) = (rowCount, filledRowCount)
        let isSound = unsafe withChosen { chosen, tile, target in
            guard let target = unsafe target else {
                return unsafe Self.decode(slice, rows, known: known, chosen, into: tile) { _, _ in }
            }
            // Each tile goes to rows of the columns that were made for it.
            var next = unsafe target + firstRow
            let width = unsafe chosen.width
            return unsafe Self.decode(slice, rows, known: known, chosen, into: tile) { tile, count in
                unsafe ccolumns_turn(tile, count, width, next, columnLength)
                unsafe next += count
            }
        }
        if isSound { filledRowCount += rows.count }
        return isSound
    }

    /// Calls `body` with what decoding needs, the tile, and where the columns begin.
    private mutating func withChosen(
        _ body: (ccolumns_chosen, UnsafeMutablePointer<UInt64>, UnsafeMutablePointer<Double>?) -> Bool
    ) -> Bool {
        let width = slots.count
        return unsafe pages.withUnsafeBufferPointer { pages in
            unsafe places.withUnsafeBufferPointer { places in
                unsafe tile.withUnsafeMutableBufferPointer { tile in
                    unsafe mantissas.withUnsafeMutableBufferPointer { mantissas in
                        unsafe exponents.withUnsafeMutableBufferPointer { exponents in
                            unsafe values.withUnsafeMutableBufferPointer { values in
                                guard let firstPage = pages.baseAddress, let places = places.baseAddress,
                                    let tile = tile.baseAddress, let mantissas = mantissas.baseAddress,
                                    let exponents = exponents.baseAddress
                                else { return false }
                                let chosen = unsafe ccolumns_chosen(
                                    width: width, pages: firstPage, page_count: pages.count, places: places,
                                    powers: ValueCodec.Powers.shared.table, mantissas: mantissas,
                                    exponents: exponents)
                                return unsafe body(chosen, tile, values.baseAddress)
                            }
                        }
                    }
                }
            }
        }
    }

    /// Decodes rows into a tile, each a copy of the one before first, and gives the tile to `turn` when it is full and at the end;
    /// false where bytes are damaged.
    ///
    /// Rows before the wanted ones are decoded into one place, over each other.
    private static func decode(
        _ slice: Slice, _ rows: Range<Int>, known: Int, _ chosen: ccolumns_chosen,
        into tile: UnsafeMutablePointer<UInt64>, turn: (UnsafeMutablePointer<UInt64>, Int) -> Void
    ) -> Bool {
        var chosen = unsafe chosen
        var newest = unsafe tile
        var collected = 0
        var isSound = true
        // The first row of a slice is a key row, before which nothing is known.
        unsafe slice.forEachRun(in: known..<rows.lowerBound) { block, run in
            guard let first = run.baseAddress else { return true }
            isSound = unsafe ccolumns_rows(block, first, run.count, &chosen, tile, tile, 0) != 0
            return isSound
        }
        guard isSound else { return false }
        let width = unsafe chosen.width
        unsafe slice.forEachRun(in: rows) { block, run in
            var run = unsafe run[...]
            while let first = unsafe UnsafeBufferPointer(rebasing: run).baseAddress, unsafe !run.isEmpty {
                let count = unsafe min(run.count, rowsPerTile - collected)
                let start = unsafe tile + collected * width
                isSound = unsafe ccolumns_rows(block, first, count, &chosen, newest, start, width) != 0
                guard isSound else { return false }
                unsafe newest = start + (count - 1) * width
                collected += count
                unsafe run = run.dropFirst(count)
                if collected == rowsPerTile {
                    unsafe turn(tile, collected)
                    collected = 0
                }
            }
            return true
        }
        if isSound, collected > 0 { unsafe turn(tile, collected) }
        if unsafe newest != tile { unsafe tile.update(from: newest, count: width) }
        return isSound
    }
}

/// Columns with absent values in them.
enum AbsentValues {
    /// The stretch from the first to the last sample, and how many samples are in it; nil where there is none.
    static func trim(_ column: ArraySlice<Double>) -> (stretch: ArraySlice<Double>, sampleCount: Int)? {
        let absentBits = SpecialValue.absentBits
        return unsafe column.withUnsafeBufferPointer { values in
            var absentCount = 0
            for index in 0..<values.count {
                unsafe absentCount &+= values[index].bitPattern == absentBits ? 1 : 0
            }
            if absentCount == values.count { return nil }
            if absentCount == 0 { return (column, values.count) }
            var first = 0
            while unsafe values[first].bitPattern == absentBits { first += 1 }
            var last = values.count - 1
            while unsafe values[last].bitPattern == absentBits { last -= 1 }
            let stretch = column[(column.startIndex + first)...(column.startIndex + last)]
            return (stretch, values.count - absentCount)
        }
    }
}
