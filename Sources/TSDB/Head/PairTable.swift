import Bytes
import Glibc
import MetricModel

/// The label pairs of the head, each once: its bytes as they stand in a `LabelSet`, its name, and its postings.
///
/// A pair is a number. Numbers of pairs without series are given out again.
struct PairTable {
    /// A label name and the pairs that have it, in no order.
    struct Name {
        var text: String
        var pairs: [UInt32] = []
    }

    /// The pairs' bytes, those of pairs that are gone included.
    private(set) var texts = PairTexts()

    var textByteCount: Int { texts.byteCount }

    private var garbageBytes = 0
    private var starts: [UInt32] = []
    private var lengths: [UInt32] = []
    private var hashes: [UInt64] = []
    private(set) var nameNumbers: [UInt32] = []
    /// Where each pair stands among those of its name.
    private var places: [UInt32] = []
    /// The series that have the pair, ascending.
    private(set) var postings: [[UInt32]] = []
    private(set) var names: [Name] = []
    private var numberOfName: [ExactText: UInt32] = [:]
    private var freeNumbers: [UInt32] = []
    /// Open addressing: pair number + 1, 0 is empty, `.max` a removed one.
    private var buckets: [UInt32] = Array(repeating: 0, count: 1024)
    private var usedBuckets = 0
    private(set) var count = 0

    private static let removed = UInt32.max

    /// One more than the highest pair number in use.
    var numberLimit: Int { starts.count }

    var byteCount: Int {
        texts.byteCount + starts.capacity * 24 + buckets.count * 4 + postings.reduce(0) { $0 + $1.capacity * 4 + 8 }
    }

    /// The number of a pair, made when it is new.
    mutating func intern(_ bytes: ArraySlice<UInt8>, name: ArraySlice<UInt8>) -> UInt32 {
        unsafe bytes.withUnsafeBytes { unsafe intern($0, name: String(decoding: name, as: UTF8.self)) }
    }

    /// The number of a pair from the journal, made when it is new; nil where the bytes are none.
    mutating func restore(_ bytes: UnsafeRawBufferPointer) -> UInt32? {
        var offset = 0
        guard let count = unsafe VarInt.read(bytes, at: &offset), count <= UInt64(bytes.count - offset) else {
            return nil
        }
        let name = offset..<offset + Int(count)
        offset = name.upperBound
        guard let valueCount = unsafe VarInt.read(bytes, at: &offset), valueCount == UInt64(bytes.count - offset) else {
            return nil
        }
        return unsafe intern(
            bytes, name: String(decoding: UnsafeRawBufferPointer(rebasing: bytes[name]), as: UTF8.self))
    }

    private mutating func intern(_ bytes: UnsafeRawBufferPointer, name: @autoclosure () -> String) -> UInt32 {
        if (usedBuckets + 1) * 4 > buckets.count * 3 { rebuildBuckets() }
        let hash = unsafe ByteHash.hash(bytes)
        let (found, position) = unsafe findPosition(bytes, hash: hash)
        if let found { return found }
        let number = unsafe insert(bytes, hash: hash, name: name())
        buckets[position] = number + 1
        usedBuckets += 1
        return number
    }

    /// The number of a pair, nil where there is none.
    func find(_ bytes: [UInt8]) -> UInt32? {
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe findPosition(bytes, hash: ByteHash.hash(bytes)).found
        }
    }

    private func findPosition(_ bytes: UnsafeRawBufferPointer, hash: UInt64) -> (found: UInt32?, position: Int) {
        let mask = buckets.count - 1
        var position = Int(truncatingIfNeeded: hash) & mask
        while buckets[position] != 0 {
            let entry = buckets[position]
            if entry != Self.removed, hashes[Int(entry - 1)] == hash, unsafe isPair(entry - 1, bytes) {
                return (entry - 1, position)
            }
            position = (position + 1) & mask
        }
        return (nil, position)
    }

    /// Whether these are the bytes of a pair.
    func isPair(_ number: UInt32, _ bytes: UnsafeRawBufferPointer) -> Bool {
        unsafe texts.equals(starts[Int(number)], count: Int(lengths[Int(number)]), bytes)
    }

    private mutating func insert(_ bytes: UnsafeRawBufferPointer, hash: UInt64, name text: String) -> UInt32 {
        let nameNumber: UInt32
        if let known = numberOfName[ExactText(text)] {
            nameNumber = known
        } else {
            nameNumber = UInt32(names.count)
            names.append(Name(text: text))
            numberOfName[ExactText(text)] = nameNumber
        }
        let number: UInt32
        if let free = freeNumbers.popLast() {
            number = free
            starts[Int(number)] = unsafe texts.append(bytes)
            lengths[Int(number)] = UInt32(bytes.count)
            hashes[Int(number)] = hash
            nameNumbers[Int(number)] = nameNumber
            places[Int(number)] = UInt32(names[Int(nameNumber)].pairs.count)
        } else {
            number = UInt32(starts.count)
            unsafe starts.append(texts.append(bytes))
            lengths.append(UInt32(bytes.count))
            hashes.append(hash)
            nameNumbers.append(nameNumber)
            places.append(UInt32(names[Int(nameNumber)].pairs.count))
            postings.append([])
        }
        names[Int(nameNumber)].pairs.append(number)
        count += 1
        return number
    }

    private mutating func rebuildBuckets() {
        var capacity = 1024
        while capacity < (count + 1) * 2 { capacity *= 2 }
        var rebuilt = [UInt32](repeating: 0, count: capacity)
        for entry in buckets where entry != 0 && entry != Self.removed {
            var position = Int(truncatingIfNeeded: hashes[Int(entry - 1)]) & (capacity - 1)
            while rebuilt[position] != 0 { position = (position + 1) & (capacity - 1) }
            rebuilt[position] = entry
        }
        buckets = rebuilt
        usedBuckets = count
    }

    // MARK: Reading

    /// The pair as it stands in a label set.
    func byteCount(of number: UInt32) -> Int { Int(lengths[Int(number)]) }

    func bytes(of number: UInt32) -> ArraySlice<UInt8> {
        texts.bytes(at: starts[Int(number)], count: Int(lengths[Int(number)]))
    }

    /// Where the bytes of a pair stand in `texts`.
    func place(of number: UInt32) -> UInt32 { starts[Int(number)] }

    /// The value of a pair as text.
    func value(of number: UInt32) -> String { String(decoding: valueBytes(of: number), as: UTF8.self) }

    /// The value of a pair: what stands behind the name and a length of seven bits a byte.
    func valueBytes(of number: UInt32) -> ArraySlice<UInt8> {
        let nameByteCount = names[Int(nameNumbers[Int(number)])].text.utf8.count
        let pair = bytes(of: number)
        var position = pair.startIndex + VarInt.byteCount(UInt64(nameByteCount)) + nameByteCount
        while position < pair.endIndex, pair[position] >= 0x80 { position += 1 }
        return pair[min(position + 1, pair.endIndex)...]
    }

    /// Whether the bytes of these pairs, one after the other, are those given.
    func matches(_ numbers: ArraySlice<UInt32>, concatenated bytes: UnsafeRawBufferPointer) -> Bool {
        var position = 0
        for number in numbers {
            let length = Int(lengths[Int(number)])
            guard length <= bytes.count - position,
                unsafe texts.equals(
                    starts[Int(number)], count: length,
                    UnsafeRawBufferPointer(rebasing: bytes[position..<position + length]))
            else { return false }
            position += length
        }
        return position == bytes.count
    }

    func nameNumber(of name: String) -> UInt32? { numberOfName[ExactText(name)] }

    // MARK: Postings

    /// The series of each pair, by its number.
    mutating func setPostings(_ made: [[UInt32]]) {
        precondition(made.count == postings.count, "each pair has its postings")
        postings = made
    }

    mutating func addSeries(_ series: UInt32, to pair: UInt32) {
        let index = Int(pair)
        if let last = postings[index].last, last >= series {
            var low = 0
            var high = postings[index].count
            while low < high {
                let middle = (low + high) / 2
                if postings[index][middle] < series { low = middle + 1 } else { high = middle }
            }
            guard postings[index][low] != series else { return }
            postings[index].insert(series, at: low)
        } else {
            postings[index].append(series)
        }
    }

    /// Removes series from a pair's postings, and the pair itself when none is left.
    mutating func removeSeries(where isGone: (UInt32) -> Bool, from pair: UInt32) {
        let index = Int(pair)
        guard lengths[index] > 0 else { return }
        postings[index].removeAll(where: isGone)
        guard postings[index].isEmpty else { return }
        postings[index] = []
        let mask = buckets.count - 1
        var position = Int(truncatingIfNeeded: hashes[index]) & mask
        while buckets[position] != pair + 1 {
            guard buckets[position] != 0 else { return }
            position = (position + 1) & mask
        }
        buckets[position] = Self.removed
        let name = Int(nameNumbers[index])
        let last = names[name].pairs.removeLast()
        if last != pair {
            names[name].pairs[Int(places[index])] = last
            places[Int(last)] = places[index]
        }
        garbageBytes += Int(lengths[index])
        lengths[index] = 0
        freeNumbers.append(pair)
        count -= 1
        compactTexts()
    }

    /// Moves the bytes together when more than half of them belong to no pair.
    private mutating func compactTexts() {
        guard garbageBytes > 1 << 16, garbageBytes > texts.byteCount / 2 else { return }
        var compacted = PairTexts()
        for number in starts.indices where lengths[number] > 0 {
            starts[number] = compacted.append(bytes(of: UInt32(number)))
        }
        texts = compacted
        garbageBytes = 0
    }
}
