internal import CColumns

/// Which of chosen slots have a sample in every row that was looked at, and not a staleness marker.
///
/// No value is decoded for that: it is seen which slots a row changes, and which of them have nothing any more.
struct SteadySlots {
    /// The groups of 64 slots in which chosen ones lie.
    private var pages: [ccolumns_presence] = []

    /// - Parameter slots: Ascending.
    init(among slots: [Int]) {
        for slot in slots where pages.last?.number != slot >> 6 {
            pages.append(ccolumns_presence(number: slot >> 6, present: 0, always: .max))
        }
    }

    /// Looks at rows of a slice; false where bytes are damaged.
    mutating func follow(_ slice: Slice, rows: Range<Int>) -> Bool {
        let rows = rows.clamped(to: 0..<slice.rowCount)
        // The first row of a slice is a key row, before which nothing is known.
        return follow(slice, 0..<rows.lowerBound, areWanted: false) && follow(slice, rows, areWanted: true)
    }

    private mutating func follow(_ slice: Slice, _ rows: Range<Int>, areWanted: Bool) -> Bool {
        unsafe pages.withUnsafeMutableBufferPointer { pages in
            guard let firstPage = pages.baseAddress else { return true }
            var isSound = true
            unsafe slice.forEachRun(in: rows) { block, run in
                guard let first = run.baseAddress else { return true }
                isSound =
                    unsafe ccolumns_follow_samples(
                        block, first, run.count, areWanted ? 1 : 0, firstPage, pages.count) != 0
                return isSound
            }
            return isSound
        }
    }

    /// The chosen slots by whether they have a sample in every wanted row.
    ///
    /// - Parameter slots: All chosen ones, ascending.
    func split(_ slots: [Int]) -> (steady: [Int], others: [Int]) {
        var result: (steady: [Int], others: [Int]) = ([], [])
        var place = 0
        for slot in slots {
            while pages[place].number != slot >> 6 { place += 1 }
            if pages[place].always >> UInt64(slot & 63) & 1 == 1 {
                result.steady.append(slot)
            } else {
                result.others.append(slot)
            }
        }
        return result
    }
}
