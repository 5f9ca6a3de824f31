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

    private var arena: [UInt8] = []

    /// Bytes of the pairs' text, those of pairs that are gone included.
    var textByteCount: Int { arena.count }

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
    private var numberOfName: [String: UInt32] = [:]
    private var freeNumbers: [UInt32] = []
    /// Open addressing: pair number + 1, 0 is empty, `.max` a removed one.
    private var buckets: [UInt32] = Array(repeating: 0, count: 1024)
    private var usedBuckets = 0
    private(set) var count = 0

    private static let removed = UInt32.max

    /// One more than the highest pair number in use.
    var numberLimit: Int { starts.count }

    var byteCount: Int {
        arena.capacity + starts.capacity * 24 + buckets.count * 4 + postings.reduce(0) { $0 + $1.capacity * 4 + 8 }
    }

    /// The number of a pair, made when it is new.
    mutating func intern(_ bytes: ArraySlice<UInt8>, name: ArraySlice<UInt8>) -> UInt32 {
        let hash = unsafe bytes.withUnsafeBytes { unsafe ByteHash.hash($0) }
        if (usedBuckets + 1) * 4 > buckets.count * 3 { rebuildBuckets() }
        let mask = buckets.count - 1
        var position = Int(truncatingIfNeeded: hash) & mask
        while buckets[position] != 0 {
            let entry = buckets[position]
            if entry != Self.removed, hashes[Int(entry - 1)] == hash, equals(entry - 1, bytes) { return entry - 1 }
            position = (position + 1) & mask
        }
        let number = insert(bytes, hash: hash, name: name)
        buckets[position] = number + 1
        usedBuckets += 1
        return number
    }

    /// The number of a pair, nil where there is none.
    func find(_ bytes: [UInt8]) -> UInt32? {
        let hash = ByteHash.hash(bytes)
        let mask = buckets.count - 1
        var position = Int(truncatingIfNeeded: hash) & mask
        while buckets[position] != 0 {
            let entry = buckets[position]
            if entry != Self.removed, hashes[Int(entry - 1)] == hash, equals(entry - 1, bytes[...]) { return entry - 1 }
            position = (position + 1) & mask
        }
        return nil
    }

    private func equals(_ number: UInt32, _ bytes: ArraySlice<UInt8>) -> Bool {
        let start = Int(starts[Int(number)])
        let length = Int(lengths[Int(number)])
        guard length == bytes.count else { return false }
        return unsafe arena.withUnsafeBytes { arena in
            unsafe bytes.withUnsafeBytes { bytes in
                guard let left = arena.baseAddress, let right = bytes.baseAddress else { return length == 0 }
                return unsafe memcmp(left + start, right, length) == 0
            }
        }
    }

    private mutating func insert(_ bytes: ArraySlice<UInt8>, hash: UInt64, name: ArraySlice<UInt8>) -> UInt32 {
        let text = String(decoding: name, as: UTF8.self)
        let nameNumber: UInt32
        if let known = numberOfName[text] {
            nameNumber = known
        } else {
            nameNumber = UInt32(names.count)
            names.append(Name(text: text))
            numberOfName[text] = nameNumber
        }
        let number: UInt32
        if let free = freeNumbers.popLast() {
            number = free
            starts[Int(number)] = UInt32(arena.count)
            lengths[Int(number)] = UInt32(bytes.count)
            hashes[Int(number)] = hash
            nameNumbers[Int(number)] = nameNumber
            places[Int(number)] = UInt32(names[Int(nameNumber)].pairs.count)
        } else {
            number = UInt32(starts.count)
            starts.append(UInt32(arena.count))
            lengths.append(UInt32(bytes.count))
            hashes.append(hash)
            nameNumbers.append(nameNumber)
            places.append(UInt32(names[Int(nameNumber)].pairs.count))
            postings.append([])
        }
        arena.append(contentsOf: bytes)
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
        let start = Int(starts[Int(number)])
        return arena[start..<start + Int(lengths[Int(number)])]
    }

    /// The value of a pair as text.
    func value(of number: UInt32) -> String { String(decoding: valueBytes(of: number), as: UTF8.self) }

    /// The value of a pair: what stands behind the name and a length of seven bits a byte.
    func valueBytes(of number: UInt32) -> ArraySlice<UInt8> {
        let nameByteCount = names[Int(nameNumbers[Int(number)])].text.utf8.count
        let start = Int(starts[Int(number)])
        let end = start + Int(lengths[Int(number)])
        var position = start + VarInt.byteCount(UInt64(nameByteCount)) + nameByteCount
        while position < end, arena[position] >= 0x80 { position += 1 }
        return arena[min(position + 1, end)..<end]
    }

    /// Whether the bytes of these pairs, one after the other, are those given.
    func matches(_ numbers: ArraySlice<UInt32>, concatenated bytes: UnsafeRawBufferPointer) -> Bool {
        unsafe arena.withUnsafeBytes { arena in
            var position = 0
            for number in numbers {
                let start = Int(starts[Int(number)])
                let length = Int(lengths[Int(number)])
                guard length <= bytes.count - position, let left = arena.baseAddress, let right = bytes.baseAddress,
                    unsafe memcmp(left + start, right + position, length) == 0
                else { return false }
                position += length
            }
            return position == bytes.count
        }
    }

    func nameNumber(of name: String) -> UInt32? { numberOfName[name] }

    // MARK: Postings

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
        compactArena()
    }

    /// Moves the bytes together when more than half of them belong to no pair.
    private mutating func compactArena() {
        guard garbageBytes > 1 << 16, garbageBytes > arena.count / 2 else { return }
        var compacted: [UInt8] = []
        compacted.reserveCapacity(arena.count - garbageBytes)
        for number in starts.indices where lengths[number] > 0 {
            let start = Int(starts[number])
            starts[number] = UInt32(compacted.count)
            compacted.append(contentsOf: arena[start..<start + Int(lengths[number])])
        }
        arena = compacted
        garbageBytes = 0
    }
}
