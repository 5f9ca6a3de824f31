import Bytes
import MetricModel

/// Label sets, each once, numbered as they come.
///
/// Partitions that hold the same series give them in the same order, so a set is looked for first behind the one found
/// last; that takes a comparison of bytes and no hash.
struct LabelSetNumbers {
    private(set) var sets: [LabelSet] = []
    /// Open addressing: number + 1, 0 for a free place.
    private var places = [UInt32](repeating: 0, count: 64)
    private var expected = 0

    mutating func reserve(_ count: Int) {
        sets.reserveCapacity(count)
        while places.count < count * 2 { places = [UInt32](repeating: 0, count: places.count * 2) }
    }

    /// Sets come from the beginning again.
    mutating func startOver() { expected = 0 }

    /// The number of a set given by its bytes; `sets.count` before the call where it is new.
    mutating func number(of encoded: [UInt8]) -> Int {
        if expected < sets.count, sets[expected].hasEncoding(encoded) {
            expected += 1
            return expected - 1
        }
        return number(hash: ByteHash.hash(encoded), encoded: encoded) { LabelSet(encoded: Array(encoded)) }
    }

    mutating func number(of set: LabelSet) -> Int { number(hash: set.byteHash, encoded: set.encoded) { set } }

    private mutating func number(hash: UInt64, encoded: [UInt8], make: () -> LabelSet) -> Int {
        let mask = places.count - 1
        var place = Int(truncatingIfNeeded: hash) & mask
        while places[place] != 0 {
            let number = Int(places[place]) - 1
            if sets[number].byteHash == hash, sets[number].hasEncoding(encoded) {
                expected = number + 1
                return number
            }
            place = (place + 1) & mask
        }
        sets.append(make())
        places[place] = UInt32(sets.count)
        expected = sets.count
        if sets.count * 2 > places.count { grow() }
        return sets.count - 1
    }

    private mutating func grow() {
        places = [UInt32](repeating: 0, count: places.count * 2)
        let mask = places.count - 1
        for (number, set) in sets.enumerated() {
            var place = Int(truncatingIfNeeded: set.byteHash) & mask
            while places[place] != 0 { place = (place + 1) & mask }
            places[place] = UInt32(number) + 1
        }
    }
}
