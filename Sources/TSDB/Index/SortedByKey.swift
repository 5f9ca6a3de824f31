/// Puts numbers in order by keys of eight bytes: where two have a key in common, by their next key.
///
/// Many are sorted byte after byte from the lowest, leaving out bytes in which all are equal; no two are compared.
struct SortedByKey {
    private struct Entry {
        var key: UInt64
        var number: UInt32
    }

    /// Below this a comparing sort is faster.
    private static let smallCount = 400
    private var scratch: [Entry]

    /// The numbers below `count` in order.
    ///
    /// `key` gives the key of a number at a depth from 0 on; `goesOn` whether those that have this key at this depth in
    /// common are told apart by their next one.
    static func order(
        _ count: Int, key: (_ number: UInt32, _ depth: Int) -> UInt64, goesOn: (_ key: UInt64, _ depth: Int) -> Bool
    ) -> [UInt32] {
        var entries = (0..<UInt32(count)).map { Entry(key: key($0, 0), number: $0) }
        var sorter = SortedByKey(count: count)
        unsafe entries.withUnsafeMutableBufferPointer { entries in
            var open: [(range: Range<Int>, depth: Int)] = [(entries.indices, 0)]
            while let (range, depth) = open.popLast() {
                if depth > 0 {
                    for index in range { unsafe entries[index].key = key(entries[index].number, depth) }
                }
                unsafe sorter.sort(UnsafeMutableBufferPointer(rebasing: entries[range]))
                var start = range.lowerBound
                while start < range.upperBound {
                    let common = unsafe entries[start].key
                    var end = start + 1
                    while end < range.upperBound, unsafe entries[end].key == common { end += 1 }
                    if end - start > 1, goesOn(common, depth) { open.append((start..<end, depth + 1)) }
                    start = end
                }
            }
        }
        return entries.map(\.number)
    }

    private init(count: Int) {
        scratch = [Entry](repeating: Entry(key: 0, number: 0), count: count > Self.smallCount ? count : 0)
    }

    /// Sorts in place; entries with equal keys stay in order.
    private mutating func sort(_ entries: UnsafeMutableBufferPointer<Entry>) {
        guard entries.count > 1 else { return }
        guard entries.count > Self.smallCount else {
            var few = unsafe entries
            return unsafe few.sort { $0.key < $1.key }
        }
        var union: UInt64 = 0
        let first = unsafe entries[0].key
        for index in 0..<entries.count { union |= unsafe entries[index].key ^ first }
        unsafe scratch.withUnsafeMutableBufferPointer { scratch in
            var source = unsafe entries
            var target = unsafe UnsafeMutableBufferPointer(rebasing: scratch[0..<entries.count])
            var isInPlace = true
            for shift in stride(from: UInt64(0), to: 64, by: 8) where union &>> shift & 0xff != 0 {
                unsafe Self.distribute(source, by: shift, into: target)
                unsafe swap(&source, &target)
                isInPlace.toggle()
            }
            if !isInPlace { for index in 0..<entries.count { unsafe entries[index] = scratch[index] } }
        }
    }

    private static func distribute(
        _ source: UnsafeMutableBufferPointer<Entry>, by shift: UInt64, into target: UnsafeMutableBufferPointer<Entry>
    ) {
        var places = InlineArray<256, Int>(repeating: 0)
        for index in 0..<source.count { places[Int(unsafe source[index].key &>> shift & 0xff)] &+= 1 }
        var next = 0
        for digit in 0..<256 {
            let count = places[digit]
            places[digit] = next
            next += count
        }
        for index in 0..<source.count {
            let entry = unsafe source[index]
            let digit = Int(entry.key &>> shift & 0xff)
            unsafe target[places[digit]] = entry
            places[digit] &+= 1
        }
    }
}
