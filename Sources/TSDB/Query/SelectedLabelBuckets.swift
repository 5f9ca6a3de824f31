/// Finds label sets among `SelectedLabels` by their pairs, by open addressing.
struct SelectedLabelBuckets {
    /// Number + 1, 0 for a free place.
    private var buckets = [UInt32](repeating: 0, count: 64)
    /// How many sets are in the buckets.
    private var count = 0

    /// The number of the set with these pairs, or nil and the place where it belongs.
    func find(_ pairs: ArraySlice<UInt32>, in labels: borrowing SelectedLabels) -> (number: Int?, place: Int) {
        let mask = buckets.count - 1
        var place = Self.hash(pairs) & mask
        while buckets[place] != 0 {
            let number = Int(buckets[place]) - 1
            if labels.areSame(pairs, of: number) { return (number, place) }
            place = (place + 1) & mask
        }
        return (nil, place)
    }

    /// Has the last set found from now on, which belongs at the place that `find` gave for it.
    mutating func addLast(of labels: borrowing SelectedLabels, at place: Int) {
        buckets[place] = UInt32(labels.count)
        count = labels.count
        if count * 2 > buckets.count { addAgain(of: labels) }
    }

    /// Has all sets from now on.
    mutating func addAll(of labels: borrowing SelectedLabels) {
        guard count < labels.count else { return }
        count = labels.count
        addAgain(of: labels)
    }

    private mutating func addAgain(of labels: borrowing SelectedLabels) {
        var size = buckets.count
        while count * 2 > size { size *= 2 }
        buckets = [UInt32](repeating: 0, count: size)
        let mask = buckets.count - 1
        for number in 0..<labels.count {
            var place = Self.hash(labels.pairs(of: number)) & mask
            while buckets[place] != 0 { place = (place + 1) & mask }
            buckets[place] = UInt32(number) + 1
        }
    }

    private static func hash(_ pairs: ArraySlice<UInt32>) -> Int {
        var hash: UInt64 = 0
        for pair in pairs {
            hash = (hash ^ UInt64(pair)) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 29
        }
        return Int(truncatingIfNeeded: hash)
    }
}
