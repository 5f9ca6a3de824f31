import Storage

/// The numbers of series that were seen before, by the key of their labels.
///
/// Senders repeat themselves: after a series comes the one that came after it the last time. Each entry remembers which
/// that was, so that one comparison finds it; the table is asked only where the order changed. 20 bytes an entry and 4 to
/// 8 for the table.
///
///     entries   key | number | the entry that followed the last time
///     buckets   entry + 1, open addressing by the key
///
/// Keys are 64-bit hashes with a seed of this process: with a million series two share one by accident once in 37 million
/// processes.
struct SeriesNumbers {
    private struct Entry {
        var key: UInt64
        var number: UInt32
        var following: UInt32
    }

    private var entries: [Entry] = []
    private var buckets: [UInt32] = Array(repeating: 0, count: 1024)
    /// The numbers hold in this generation.
    private(set) var generation: UInt32 = 0
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    var count: Int { entries.count }

    /// Forgets everything when the generation is another one, or when there is too much.
    mutating func prepare(generation new: UInt32) {
        guard generation != new || entries.count > limit else { return }
        generation = new
        entries.removeAll()
        buckets = Array(repeating: 0, count: 1024)
    }

    /// Fills in the numbers of known keys and gives the places of the others.
    mutating func resolve(_ keys: [UInt64], into numbers: inout [UInt32]) -> [Int] {
        var unknown: [Int] = []
        numbers.removeAll(keepingCapacity: true)
        var last = 0
        var hasLast = false
        for (place, key) in keys.enumerated() {
            if hasLast {
                let guess = Int(entries[last].following)
                if guess < entries.count, entries[guess].key == key {
                    numbers.append(entries[guess].number)
                    last = guess
                    continue
                }
            }
            guard let found = find(key) else {
                numbers.append(ReferencedSamples.leftOut)
                unknown.append(place)
                continue
            }
            if hasLast { entries[last].following = UInt32(found) }
            numbers.append(entries[found].number)
            last = found
            hasLast = true
        }
        return unknown
    }

    private func find(_ key: UInt64) -> Int? {
        let mask = buckets.count - 1
        var position = Int(truncatingIfNeeded: key) & mask
        while buckets[position] != 0 {
            let entry = Int(buckets[position] - 1)
            if entries[entry].key == key { return entry }
            position = (position + 1) & mask
        }
        return nil
    }

    /// Remembers a number.
    mutating func insert(_ key: UInt64, number: UInt32) {
        guard find(key) == nil else { return }
        if (entries.count + 1) * 2 > buckets.count { grow() }
        // Series that come for the first time come in the order in which they will come again.
        entries.append(Entry(key: key, number: number, following: UInt32(entries.count + 1)))
        place(entries.count - 1)
    }

    private mutating func place(_ entry: Int) {
        let mask = buckets.count - 1
        var position = Int(truncatingIfNeeded: entries[entry].key) & mask
        while buckets[position] != 0 { position = (position + 1) & mask }
        buckets[position] = UInt32(entry + 1)
    }

    private mutating func grow() {
        buckets = Array(repeating: 0, count: buckets.count * 2)
        for entry in entries.indices { place(entry) }
    }
}
