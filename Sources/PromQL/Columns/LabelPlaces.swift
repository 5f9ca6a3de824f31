import MetricModel

/// The places of labels in a list, by their hashes: who takes a label set in learns which one before it has the same hash.
///
/// Open addressing by the lower bits, at most half full: 24 to 48 bytes a label set.
struct LabelPlaces {
    /// What a label set takes at most.
    static let bytesPerLabelSet = 48

    /// Zero is a free place.
    private var hashes: [UInt64]
    private var places: [Int32]
    private var count = 0

    init(minimumCapacity: Int = 8) {
        var size = 16
        while size < minimumCapacity * 2 { size *= 2 }
        hashes = [UInt64](repeating: 0, count: size)
        places = [Int32](repeating: 0, count: size)
    }

    /// Takes labels in; the place of the first ones with their hash, which need not be the same labels, nil where there are
    /// none.
    mutating func take(_ labels: LabelSet, at place: Int) -> Int? {
        if count * 2 >= hashes.count { grow() }
        let hash = max(labels.byteHash, 1)
        let slot = slot(of: hash)
        guard hashes[slot] == 0 else { return Int(places[slot]) }
        hashes[slot] = hash
        places[slot] = Int32(truncatingIfNeeded: place)
        count += 1
        return nil
    }

    /// Where a hash is, or where it goes.
    private func slot(of hash: UInt64) -> Int {
        var slot = Int(truncatingIfNeeded: hash) & (hashes.count - 1)
        while hashes[slot] != 0, hashes[slot] != hash { slot = (slot + 1) & (hashes.count - 1) }
        return slot
    }

    private mutating func grow() {
        let (old, oldPlaces) = (hashes, places)
        hashes = [UInt64](repeating: 0, count: old.count * 2)
        places = [Int32](repeating: 0, count: old.count * 2)
        for index in old.indices where old[index] != 0 {
            let slot = slot(of: old[index])
            hashes[slot] = old[index]
            places[slot] = oldPlaces[index]
        }
    }
}
