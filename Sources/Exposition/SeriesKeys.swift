internal import Bytes

/// The bytes of series as pages spell them, each with a number: the order in which they were first seen.
///
/// One arena of bytes and an open hash table of numbers. The hash is seeded anew in each table, so that a target cannot
/// prepare names that collide; equal hashes are told apart by their bytes.
struct SeriesKeys {
    private var arena: [UInt8] = []
    /// Where each key ends in the arena; the next one begins there.
    private var ends: [Int] = []
    /// Numbers plus one at the places that hashes choose; zero is empty.
    ///
    /// The size is a power of two.
    private var slots: [Int32] = []
    private let seed = UInt64.random(in: .min ... .max)

    var count: Int { ends.count }

    /// The bytes of the keys and of their table.
    var byteCount: Int { arena.count + ends.count * 8 + slots.count * 4 }

    /// The number of the key that lies in `range`, nil for one never seen.
    func number(of content: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int32? {
        guard !slots.isEmpty else { return nil }
        let key = unsafe UnsafeRawBufferPointer(rebasing: content[range])
        let slot = unsafe slots[place(of: key)]
        return slot > 0 ? slot - 1 : nil
    }

    /// Gives the key in `range`, which must be a new one, the next number.
    mutating func insert(_ content: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int32 {
        if (ends.count + 1) * 4 > slots.count * 3 { grow() }
        let key = unsafe UnsafeRawBufferPointer(rebasing: content[range])
        let place = unsafe place(of: key)
        unsafe arena.append(contentsOf: key)
        ends.append(arena.count)
        slots[place] = Int32(ends.count)
        return Int32(ends.count - 1)
    }

    /// Forgets all keys but those whose number `isKept`; the others keep their order and are numbered anew.
    mutating func compact(keeping isKept: [Bool]) {
        var keptArena: [UInt8] = []
        var keptEnds: [Int] = []
        for number in ends.indices where isKept[number] {
            keptArena.append(contentsOf: arena[range(of: number)])
            keptEnds.append(keptArena.count)
        }
        arena = keptArena
        ends = keptEnds
        slots = []
        grow()
    }

    private func range(of number: Int) -> Range<Int> { (number > 0 ? ends[number - 1] : 0)..<ends[number] }

    /// The slot that holds the key, or the empty one where it would go.
    private func place(of key: UnsafeRawBufferPointer) -> Int {
        let mask = slots.count - 1
        var place = unsafe Int(truncatingIfNeeded: ByteHash.hash(key, seed: seed)) & mask
        while slots[place] > 0 {
            let candidate = range(of: Int(slots[place] - 1))
            let isSame = unsafe arena.withUnsafeBytes { arena in
                unsafe ByteScan.areEqual(UnsafeRawBufferPointer(rebasing: arena[candidate]), key)
            }
            if isSame { return place }
            place = (place + 1) & mask
        }
        return place
    }

    private mutating func grow() {
        var size = max(64, slots.count)
        while (ends.count + 1) * 2 > size { size *= 2 }
        slots = [Int32](repeating: 0, count: size)
        unsafe arena.withUnsafeBytes { bytes in
            for number in ends.indices {
                let key = unsafe UnsafeRawBufferPointer(rebasing: bytes[range(of: number)])
                let mask = slots.count - 1
                var place = unsafe Int(truncatingIfNeeded: ByteHash.hash(key, seed: seed)) & mask
                while slots[place] > 0 { place = (place + 1) & mask }
                slots[place] = Int32(number + 1)
            }
        }
    }
}
