import Bytes
import Glibc

/// Gives each distinct label pair of a partition that is being written a number, and gathers its postings.
///
/// A pair is kept as the bytes that `LabelSet` has for it: length, name, length, value.
struct LabelPairTable {
    private var arena: [UInt8] = []
    private var ends: [Int] = []
    private(set) var postings: [PostingsEncoder] = []
    /// Open addressing: number + 1, 0 for a free place.
    private var places = [UInt32](repeating: 0, count: 1024)

    var count: Int { ends.count }

    func range(of pair: Int) -> Range<Int> { (pair == 0 ? 0 : ends[pair - 1])..<ends[pair] }
    func bytes(of pair: Int) -> ArraySlice<UInt8> { arena[range(of: pair)] }

    /// The number of the pair that stands at `range` of `encoded`.
    mutating func number(of encoded: [UInt8], range: Range<Int>) -> UInt32 {
        let hash = unsafe encoded.withUnsafeBytes { bytes in
            unsafe ByteHash.hash(UnsafeRawBufferPointer(rebasing: bytes[range]))
        }
        let mask = places.count - 1
        var place = Int(truncatingIfNeeded: hash) & mask
        while places[place] != 0 {
            let number = places[place] - 1
            if isPair(Int(number), at: range, of: encoded) { return number }
            place = (place + 1) & mask
        }
        let number = append(encoded[range])
        places[place] = number + 1
        if ends.count * 2 > places.count { grow() }
        return number
    }

    /// Adds a pair that is not looked for by its bytes.
    mutating func append(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        let number = UInt32(ends.count)
        arena.append(contentsOf: bytes)
        ends.append(arena.count)
        postings.append(PostingsEncoder())
        return number
    }

    /// Whether a pair's bytes are those that stand at `wanted` of `encoded`.
    func isPair(_ pair: Int, at wanted: Range<Int>, of encoded: [UInt8]) -> Bool {
        let known = range(of: pair)
        guard known.count == wanted.count else { return false }
        return unsafe arena.withUnsafeBufferPointer { arena in
            unsafe encoded.withUnsafeBufferPointer { encoded in
                guard let left = arena.baseAddress, let right = encoded.baseAddress else { return true }
                // Both ranges lie inside: the first by construction, the second because it was read from the labels.
                return unsafe memcmp(left + known.lowerBound, right + wanted.lowerBound, known.count) == 0
            }
        }
    }

    mutating func notePosting(_ series: UInt32, of pair: UInt32) { postings[Int(pair)].append(series) }

    mutating func finishPostings(of pair: Int) -> [UInt8] { postings[pair].finish() }

    private mutating func grow() {
        places = [UInt32](repeating: 0, count: places.count * 2)
        let mask = places.count - 1
        for number in ends.indices {
            let range = range(of: number)
            let hash = unsafe arena.withUnsafeBytes { bytes in
                unsafe ByteHash.hash(UnsafeRawBufferPointer(rebasing: bytes[range]))
            }
            var place = Int(truncatingIfNeeded: hash) & mask
            while places[place] != 0 { place = (place + 1) & mask }
            places[place] = UInt32(number) + 1
        }
    }

    /// Name and value of a pair.
    func text(of pair: Int) -> (name: String, value: String) {
        var cursor = LabelPairBytes(arena, range: range(of: pair))
        return cursor.next() ?? ("", "")
    }

    /// The numbers in order of name, then value, as bytes.
    func sortedNumbers() -> [Int] {
        PairOrder(arena, pairs: ends.indices.lazy.map { range(of: $0) }).order().map { Int($0) }
    }
}

/// Reads label pairs from bytes that may be damaged.
struct LabelPairBytes {
    private let bytes: [UInt8]
    private(set) var position: Int
    private let end: Int

    init(_ bytes: [UInt8], range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    /// The range of the next pair's name and of its value; nil at the end and where the bytes are damaged.
    mutating func nextRanges() -> (name: Range<Int>, value: Range<Int>)? {
        guard let name = nextText(), let value = nextText() else { return nil }
        return (name, value)
    }

    mutating func next() -> (name: String, value: String)? {
        guard let ranges = nextRanges() else { return nil }
        return (
            String(decoding: bytes[ranges.name], as: UTF8.self), String(decoding: bytes[ranges.value], as: UTF8.self)
        )
    }

    private mutating func nextText() -> Range<Int>? {
        var length = 0
        var shift = 0
        while true {
            guard position < end, shift <= 28 else { return nil }
            let byte = bytes[position]
            position += 1
            length |= Int(byte & 0x7f) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        guard length <= end - position else { return nil }
        defer { position += length }
        return position..<position + length
    }
}
