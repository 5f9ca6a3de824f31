import Bytes
import Glibc
import MetricModel

/// The labels of a selection's series as places of their pairs; bytes are put together when somebody asks for them.
///
/// A pair has one place, so that two series have the same labels where they have the same places.
struct SelectedLabels: Sendable {
    private(set) var texts: PairTexts
    private var places: [UInt32] = []
    private var ends: [UInt32] = []

    /// What a series takes beside its labels, and a label.
    static let bytesPerSeries = 4
    static let bytesPerLabel = 4

    init(_ texts: PairTexts = PairTexts()) { self.texts = texts }

    var count: Int { ends.count }

    /// What they take, the texts included.
    var byteCount: Int { texts.byteCount + ownByteCount }
    /// The same without the texts.
    var ownByteCount: Int { (places.capacity + ends.capacity) * 4 }

    mutating func reserve(series: Int, labels: Int) {
        ends.reserveCapacity(series)
        places.reserveCapacity(labels)
    }

    mutating func append(_ pairs: some Collection<UInt32>) {
        places.append(contentsOf: pairs)
        ends.append(UInt32(places.count))
    }

    /// Adds a series of the head by the numbers of its pairs.
    mutating func append(_ numbers: ArraySlice<UInt32>, of table: borrowing PairTable) {
        for number in numbers { places.append(table.place(of: number)) }
        ends.append(UInt32(places.count))
    }

    /// Adds the first of these series of a partition, as far as they stand in a block and their pairs were met before.
    mutating func append(
        _ series: ArraySlice<UInt32>, of block: SeriesBlock, from first: UInt32, _ known: borrowing SymbolPlaces
    ) {
        known.append(series, of: block, from: first, to: &places, &ends)
    }

    /// Adds a pair that the series may have.
    mutating func append(pair bytes: some Collection<UInt8>) -> UInt32 { texts.append(bytes) }

    /// The places of a series' pairs, in label order.
    func pairs(of series: Int) -> ArraySlice<UInt32> { places[pairRange(of: series)] }

    /// Where they stand among those of all series.
    func pairRange(of series: Int) -> Range<Int> { (series == 0 ? 0 : Int(ends[series - 1]))..<Int(ends[series]) }

    /// The places of all series' pairs, one series after the other.
    var allPairs: [UInt32] { places }

    /// How many of these series of a partition have the pairs of the series here from a number on, in turn; those that
    /// stand in a block.
    func sharedCount(
        from number: Int, _ series: ArraySlice<UInt32>, of block: SeriesBlock, from first: UInt32,
        _ known: borrowing SymbolPlaces
    ) -> Int {
        known.sharedCount(series, of: block, from: first, places.span, ends.span, from: number)
    }

    /// Whether a series has these pairs.
    func areSame(_ pairs: ArraySlice<UInt32>, of series: Int) -> Bool {
        let range = pairRange(of: series)
        let (start, count) = (range.lowerBound, range.count)
        let known = places.span
        let wanted = pairs.span
        guard wanted.count == count else { return false }
        for index in 0..<count where known[start + index] != wanted[index] { return false }
        return true
    }

    /// The first places of pairs that differ between a series and `count` others; nil where one begins with the other.
    func firstDifference(of series: Int, _ count: Int, _ place: (Int) -> UInt32) -> (series: UInt32, other: UInt32)? {
        let range = pairRange(of: series)
        let known = places.span
        for offset in 0..<min(range.count, count) where known[range.lowerBound + offset] != place(offset) {
            return (known[range.lowerBound + offset], place(offset))
        }
        return nil
    }

    // MARK: Bytes

    /// The bytes of a series' labels.
    func byteCount(of series: Int) -> Int { pairs(of: series).reduce(0) { $0 + texts.pairByteCount(at: $1) } }

    func labels(of series: Int) -> LabelSet { labels(of: series, without: []) }

    /// The labels of a series but those with one of these names.
    func labels(of series: Int, without names: [[UInt8]]) -> LabelSet {
        let range = pairRange(of: series)
        var encoded: [UInt8] = []
        unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: range.count) { counts in
            var byteCount = 0
            for index in range {
                let count = texts.pairByteCount(at: places[index], unlessNamed: names)
                unsafe counts[index - range.lowerBound] = Int32(count)
                byteCount += count
            }
            encoded.append(addingCapacity: byteCount) { output in
                for index in range {
                    let count = unsafe Int(counts[index - range.lowerBound])
                    if count > 0 { texts.copyBytes(at: places[index], count: count, to: &output) }
                }
            }
        }
        return LabelSet(encoded: encoded)
    }

    /// Whether one series comes before another, as `LabelSet` orders them.
    func precedes(_ left: Int, _ right: Int) -> Bool {
        // By place, because a slice of the list would be counted as one more that has it.
        let leftRange = pairRange(of: left)
        let rightRange = pairRange(of: right)
        let known = places.span
        for offset in 0..<min(leftRange.count, rightRange.count) {
            let (leftPair, rightPair) = (known[leftRange.lowerBound + offset], known[rightRange.lowerBound + offset])
            if leftPair != rightPair { return texts.pairPrecedes(leftPair, rightPair) }
        }
        return leftRange.count < rightRange.count
    }
}

extension PairTexts {
    /// Where name and value of the pair at a place stand, from the place on.
    private static func parts(
        _ bytes: UnsafeRawBufferPointer
    ) -> (name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, end: Int) {
        var end = 0
        let name = unsafe text(bytes, &end)
        let value = unsafe text(bytes, &end)
        return unsafe (name, value, end)
    }

    private static func text(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> UnsafeRawBufferPointer {
        var length = 0
        var shift = 0
        while true {
            let byte = unsafe bytes[position]
            position += 1
            length |= Int(byte & 0x7f) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        defer { position += length }
        return unsafe UnsafeRawBufferPointer(rebasing: bytes[position..<position + length])
    }

    func pairByteCount(at place: UInt32) -> Int { unsafe withBytes(at: place) { unsafe Self.end(of: $0) } }

    /// Calls `body` with the bytes of the pair at a place.
    func withPair<Value>(at place: UInt32, _ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        unsafe withBytes(at: place) { bytes in
            unsafe body(UnsafeRawBufferPointer(rebasing: bytes[..<Self.end(of: bytes)]))
        }
    }

    /// Where the pair ends that the bytes begin with.
    @inline(__always)
    private static func end(of bytes: UnsafeRawBufferPointer) -> Int {
        // Most texts are short, and their length is a byte.
        let name = unsafe Int(bytes[0])
        if name < 0x80, unsafe bytes[1 + name] < 0x80 { return unsafe 2 + name + Int(bytes[1 + name]) }
        return unsafe parts(bytes).end
    }

    /// Whether the pair at a place has this name.
    func isName(_ name: [UInt8], ofPairAt place: UInt32) -> Bool {
        unsafe withBytes(at: place) { bytes in
            var end = 0
            return unsafe Self.text(bytes, &end).elementsEqual(name)
        }
    }

    /// What the pair at a place takes, 0 where it has one of these names.
    @inline(__always)
    func pairByteCount(at place: UInt32, unlessNamed names: [[UInt8]]) -> Int {
        unsafe withBytes(at: place) { bytes in
            let names = names.span
            for index in names.indices {
                // The length of a short name is one byte, and most names are told apart by it or by their first letter.
                let count = names[index].count
                if count > 0, count < 0x80, unsafe Int(bytes[0]) != count || bytes[1] != names[index][0] { continue }
                if isName(names[index], ofPairAt: place) { return 0 }
            }
            return unsafe Self.end(of: bytes)
        }
    }

    /// Whether the pairs at two places have the same bytes.
    func areSame(_ left: UInt32, _ right: UInt32) -> Bool {
        unsafe withPair(at: left) { left in unsafe equals(right, count: pairByteCount(at: right), left) }
    }

    /// Whether one pair comes before another: by name, then by value, as bytes.
    func pairPrecedes(_ left: UInt32, _ right: UInt32) -> Bool {
        unsafe withBytes(at: left) { leftBytes in
            unsafe withBytes(at: right) { rightBytes in
                let left = unsafe Self.parts(leftBytes)
                let right = unsafe Self.parts(rightBytes)
                let order = unsafe Self.order(left.name, right.name)
                return unsafe order == 0 ? Self.order(left.value, right.value) < 0 : order < 0
            }
        }
    }

    private static func order(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
        if let leftStart = left.baseAddress, let rightStart = right.baseAddress {
            let order = unsafe memcmp(leftStart, rightStart, min(left.count, right.count))
            if order != 0 { return Int(order) }
        }
        return left.count - right.count
    }
}
