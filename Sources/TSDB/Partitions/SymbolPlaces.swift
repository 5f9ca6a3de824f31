import Storage

/// The places of the symbols of a partition that were met, in pages of those that were.
struct SymbolPlaces {
    private static let pageSize: UInt32 = 256
    /// Where the page of symbols starts in `places`, -1 for none.
    private var pages: [Int32] = []
    /// Of each symbol that was met its place + 1, of the others 0.
    private var places: [UInt32] = []

    /// Whether these symbols stand for these pairs, all of which were met before.
    func areSame(_ symbols: ArraySlice<UInt32>, as pairs: ArraySlice<UInt32>) -> Bool {
        let (symbols, pairs, pages, places) = (symbols.span, pairs.span, pages.span, places.span)
        guard symbols.count == pairs.count else { return false }
        for index in symbols.indices {
            let page = Int(symbols[index] / Self.pageSize)
            guard page < pages.count, pages[page] >= 0 else { return false }
            let place = places[Int(pages[page]) + Int(symbols[index] % Self.pageSize)]
            guard place == pairs[index] &+ 1 else { return false }
        }
        return true
    }

    /// The place of a symbol; `make` gives it where it was not met before.
    mutating func place(
        of symbol: UInt32, _ held: inout HeldMemory, _ make: (inout HeldMemory) throws(StorageError) -> UInt32
    ) throws(StorageError) -> UInt32 {
        let page = Int(symbol / Self.pageSize)
        if page >= pages.count {
            let added = page + 1 - pages.count
            try held.takeLittle(added * 4)
            pages.append(contentsOf: repeatElement(-1, count: added))
        }
        if pages[page] < 0 {
            try held.takeLittle(Int(Self.pageSize) * 4)
            pages[page] = Int32(places.count)
            places.append(contentsOf: repeatElement(0, count: Int(Self.pageSize)))
        }
        let index = Int(pages[page]) + Int(symbol % Self.pageSize)
        if places[index] == 0 { places[index] = try make(&held) + 1 }
        return places[index] - 1
    }
}
