import Bytes
import MetricModel

/// Where samples of a series stand: a slot of a lane.
struct Attachment: Hashable, Sendable {
    var lane: UInt32
    var slot: UInt32
}

/// The series of the head: labels as numbers of pairs, and where their samples stand.
///
/// Arrays of numbers side by side, one entry a series: about 40 bytes and 4 bytes a label. A series that is attached to
/// nothing can be removed; its number is given out again.
struct SeriesTable {
    private(set) var pairs = PairTable()
    private var hashes: [UInt64] = []
    private var labelStarts: [UInt32] = []
    private var labelCounts: [UInt32] = []
    private var labelArena: [UInt32] = []
    private var garbageLabels = 0
    /// The first attachment; `.max` in `lane` says none.
    private var attachments: [Attachment] = []
    /// Further attachments of the few series that have several.
    private var moreAttachments: [UInt32: [Attachment]] = [:]
    /// Open addressing: series number + 1, 0 is empty, `.max` a removed one.
    private var buckets: [UInt32] = Array(repeating: 0, count: 1024)
    private var usedBuckets = 0
    private var freeNumbers: [UInt32] = []
    private var scratch: [UInt32] = []
    private(set) var count = 0

    private static let removed = UInt32.max
    private static let noLane = UInt32.max

    /// What a series takes with its slots, its rows of two slices and its place in the cache of its target.
    static let bytesPerSeries = 400

    /// About what the series take, in constant time: what new ones are measured by.
    var estimatedByteCount: Int { count * Self.bytesPerSeries + pairs.textByteCount }

    /// One more than the highest series number in use.
    var numberLimit: Int { hashes.count }

    var byteCount: Int {
        pairs.byteCount + hashes.capacity * 24 + labelArena.capacity * 4 + buckets.count * 4
            + moreAttachments.count * 64
    }

    // MARK: Looking up and making

    /// The number of a series, nil where the head does not have it.
    func find(_ labels: LabelSet) -> UInt32? { findPosition(labels.encoded, hash: labels.byteHash).found }

    private func findPosition(_ encoded: [UInt8], hash: UInt64) -> (found: UInt32?, position: Int) {
        let mask = buckets.count - 1
        var position = Int(truncatingIfNeeded: hash) & mask
        while buckets[position] != 0 {
            let entry = buckets[position]
            if entry != Self.removed, hashes[Int(entry - 1)] == hash, hasLabels(entry - 1, encoded) {
                return (entry - 1, position)
            }
            position = (position + 1) & mask
        }
        return (nil, position)
    }

    private func hasLabels(_ series: UInt32, _ encoded: [UInt8]) -> Bool {
        unsafe encoded.withUnsafeBytes { bytes in
            unsafe pairs.matches(labelPairs(of: series), concatenated: bytes)
        }
    }

    /// The number of a series, made when it is new.
    mutating func intern(_ labels: LabelSet) -> (series: UInt32, isNew: Bool) {
        if (usedBuckets + 1) * 4 > buckets.count * 3 { rebuildBuckets() }
        let (found, position) = findPosition(labels.encoded, hash: labels.byteHash)
        if let found { return (found, false) }
        scratch.removeAll(keepingCapacity: true)
        var cursor = labels.makeCursor()
        while cursor.next() { scratch.append(pairs.intern(cursor.pair, name: cursor.name)) }
        return (insert(hash: labels.byteHash, bucket: position), true)
    }

    /// The number of a pair, made when it is new; for `intern(encoded:pairs:)`.
    ///
    /// The pair belongs to nothing until then.
    mutating func internPair(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        var cursor = LabelPairBytes(Array(bytes), range: 0..<bytes.count)
        guard let ranges = cursor.nextRanges(), cursor.position == bytes.count else { return nil }
        let start = bytes.startIndex
        return pairs.intern(bytes, name: bytes[(start + ranges.name.lowerBound)..<(start + ranges.name.upperBound)])
    }

    /// The number of a series whose pairs are interned already, made when it is new.
    mutating func intern(encoded: [UInt8], pairs numbers: [UInt32]) -> UInt32 {
        if (usedBuckets + 1) * 4 > buckets.count * 3 { rebuildBuckets() }
        let hash = ByteHash.hash(encoded)
        let (found, position) = findPosition(encoded, hash: hash)
        if let found { return found }
        scratch.removeAll(keepingCapacity: true)
        scratch.append(contentsOf: numbers)
        return insert(hash: hash, bucket: position)
    }

    /// Makes a series of the pairs in `scratch`.
    private mutating func insert(hash: UInt64, bucket: Int) -> UInt32 {
        let none = Attachment(lane: Self.noLane, slot: 0)
        let series: UInt32
        if let free = freeNumbers.popLast() {
            series = free
            hashes[Int(series)] = hash
            labelStarts[Int(series)] = UInt32(labelArena.count)
            labelCounts[Int(series)] = UInt32(scratch.count)
            attachments[Int(series)] = none
        } else {
            series = UInt32(hashes.count)
            hashes.append(hash)
            labelStarts.append(UInt32(labelArena.count))
            labelCounts.append(UInt32(scratch.count))
            attachments.append(none)
        }
        labelArena.append(contentsOf: scratch)
        for pair in scratch { pairs.addSeries(series, to: pair) }
        buckets[bucket] = series + 1
        usedBuckets += 1
        count += 1
        return series
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

    /// The numbers of a series' label pairs, in label order.
    func labelPairs(of series: UInt32) -> ArraySlice<UInt32> {
        let start = Int(labelStarts[Int(series)])
        return labelArena[start..<start + Int(labelCounts[Int(series)])]
    }

    func labelCount(of series: UInt32) -> Int { Int(labelCounts[Int(series)]) }

    func labels(of series: UInt32) -> LabelSet {
        let numbers = labelPairs(of: series)
        var encoded: [UInt8] = []
        encoded.reserveCapacity(numbers.reduce(0) { $0 + pairs.byteCount(of: $1) })
        for pair in numbers { encoded.append(contentsOf: pairs.bytes(of: pair)) }
        return LabelSet(encoded: encoded)
    }

    /// Whether the number belongs to a series now.
    func isInUse(_ series: UInt32) -> Bool {
        attachments[Int(series)].lane != Self.noLane || moreAttachments[series] != nil
    }

    func attachments(of series: UInt32) -> [Attachment] {
        var result: [Attachment] = []
        appendAttachments(of: series, to: &result)
        return result
    }

    /// Adds the attachments of a series to a list.
    func appendAttachments(of series: UInt32, to list: inout [Attachment]) {
        let first = attachments[Int(series)]
        guard first.lane != Self.noLane else { return }
        list.append(first)
        if !moreAttachments.isEmpty, let more = moreAttachments[series] { list += more }
    }

    /// The slot of a series in a lane, nil where it has none there.
    func slot(of series: UInt32, in lane: UInt32) -> UInt32? {
        let first = attachments[Int(series)]
        if first.lane == lane { return first.slot }
        return moreAttachments[series]?.first { $0.lane == lane }?.slot
    }

    /// All series, ascending.
    func allSeries() -> [UInt32] {
        (0..<UInt32(hashes.count)).filter { attachments[Int($0)].lane != Self.noLane }
    }

    // MARK: Attaching

    mutating func attach(_ series: UInt32, to attachment: Attachment) {
        if attachments[Int(series)].lane == Self.noLane {
            attachments[Int(series)] = attachment
        } else {
            moreAttachments[series, default: []].append(attachment)
        }
    }

    /// Takes the attachments of lanes away and removes series that have no other.
    mutating func detach(_ lanes: [(number: UInt32, series: [UInt32])]) {
        var gone: [UInt32] = []
        for lane in lanes {
            for series in lane.series where detach(series, from: lane.number) { gone.append(series) }
        }
        remove(gone)
    }

    private mutating func detach(_ series: UInt32, from lane: UInt32) -> Bool {
        let index = Int(series)
        if moreAttachments.isEmpty || moreAttachments[series] == nil {
            guard attachments[index].lane == lane else { return false }
            attachments[index] = Attachment(lane: Self.noLane, slot: 0)
            return true
        }
        var rest = moreAttachments[series] ?? []
        rest.removeAll { $0.lane == lane }
        if attachments[index].lane == lane {
            attachments[index] = rest.isEmpty ? Attachment(lane: Self.noLane, slot: 0) : rest.removeFirst()
        }
        moreAttachments[series] = rest.isEmpty ? nil : rest
        return attachments[index].lane == Self.noLane
    }

    private mutating func remove(_ gone: [UInt32]) {
        guard !gone.isEmpty else { return }
        var isGone = [Bool](repeating: false, count: hashes.count)
        var isTouched = [Bool](repeating: false, count: pairs.numberLimit)
        var touched: [UInt32] = []
        for series in gone {
            isGone[Int(series)] = true
            for pair in labelPairs(of: series) where !isTouched[Int(pair)] {
                isTouched[Int(pair)] = true
                touched.append(pair)
            }
        }
        for pair in touched { pairs.removeSeries(where: { isGone[Int($0)] }, from: pair) }
        for series in gone {
            let mask = buckets.count - 1
            var position = Int(truncatingIfNeeded: hashes[Int(series)]) & mask
            while buckets[position] != series + 1, buckets[position] != 0 { position = (position + 1) & mask }
            if buckets[position] != 0 { buckets[position] = Self.removed }
            garbageLabels += Int(labelCounts[Int(series)])
            labelCounts[Int(series)] = 0
            freeNumbers.append(series)
        }
        count -= gone.count
        compactLabels()
    }

    private mutating func compactLabels() {
        guard garbageLabels > 1 << 14, garbageLabels > labelArena.count / 2 else { return }
        var compacted: [UInt32] = []
        compacted.reserveCapacity(labelArena.count - garbageLabels)
        for series in hashes.indices where labelCounts[series] > 0 {
            let start = Int(labelStarts[series])
            labelStarts[series] = UInt32(compacted.count)
            compacted.append(contentsOf: labelArena[start..<start + Int(labelCounts[series])])
        }
        labelArena = compacted
        garbageLabels = 0
    }
}
