/// The series as pages spell them, each with a number: the order in which they were first seen.
///
/// Hashes under the cache's secret stand for the spellings (`LineHash`), so a series takes about 16 bytes here, whatever
/// its labels; a target that does not know the secret cannot prepare names that collide.
struct SeriesKeys {
    /// By number.
    private var hashes: [UInt64] = []
    /// Numbers plus one at the places that hashes choose; zero is empty.
    ///
    /// The size is a power of two.
    private var slots: [Int32] = []

    var count: Int { hashes.count }

    /// The hashes and their table.
    var byteCount: Int { hashes.capacity * 8 + slots.capacity * 4 }

    /// The number of the key with a hash, nil for one never seen.
    func number(of hash: UInt64) -> Int32? {
        guard !slots.isEmpty else { return nil }
        let slot = slots[place(of: hash)]
        return slot > 0 ? slot - 1 : nil
    }

    /// Gives a key, which must be a new one, the next number.
    mutating func insert(_ hash: UInt64) -> Int32 {
        if (hashes.count + 1) * 4 > slots.count * 3 { grow() }
        hashes.append(hash)
        slots[place(of: hash)] = Int32(hashes.count)
        return Int32(hashes.count - 1)
    }

    /// Forgets all keys but those whose number `isKept`; the others keep their order and are numbered anew.
    mutating func compact(keeping isKept: [Bool]) {
        hashes = hashes.indices.filter { isKept[$0] }.map { hashes[$0] }
        slots = []
        grow()
    }

    /// Gives room back that waits for more keys, where it is much.
    mutating func trim() {
        guard hashes.capacity > hashes.count + hashes.count / 8 + 16 else { return }
        var trimmed: [UInt64] = []
        trimmed.reserveCapacity(hashes.count)
        trimmed.append(contentsOf: hashes)
        hashes = trimmed
    }

    /// The slot that holds the key, or the empty one where it would go.
    private func place(of hash: UInt64) -> Int {
        let mask = slots.count - 1
        var place = Int(truncatingIfNeeded: hash) & mask
        while slots[place] > 0, hashes[Int(slots[place] - 1)] != hash { place = (place + 1) & mask }
        return place
    }

    private mutating func grow() {
        var size = max(16, slots.count)
        while (hashes.count + 1) * 4 > size * 3 { size *= 2 }
        slots = [Int32](repeating: 0, count: size)
        let mask = size - 1
        for number in hashes.indices {
            var place = Int(truncatingIfNeeded: hashes[number]) & mask
            while slots[place] > 0 { place = (place + 1) & mask }
            slots[place] = Int32(number + 1)
        }
    }
}
