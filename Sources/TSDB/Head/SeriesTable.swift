import Bytes
import CColumns
import MetricModel

/// Where samples of a series stand: a slot of a lane.
struct Attachment: Hashable, Sendable {
    var lane: UInt32
    var slot: UInt32
}

extension [Attachment] {
    /// Calls `body` with each lane and the neighbours that stand in it; a lane may come again.
    ///
    /// Series that were made one after the other mostly stand in one lane.
    func forEachLane(_ body: (UInt32, ArraySlice<Attachment>) -> Void) {
        var start = startIndex
        while start < endIndex {
            let lane = self[start].lane
            var end = start + 1
            while end < endIndex, self[end].lane == lane { end += 1 }
            body(lane, self[start..<end])
            start = end
        }
    }
}

/// The series of the head: labels as numbers of pairs, and where their samples stand.
///
/// Arrays of numbers side by side, one entry a series: about 30 bytes and 4 bytes a label. A series that is attached to
/// nothing can be removed; its number is given out again.
struct SeriesTable {
    private(set) var pairs = PairTable()
    private var labelStarts: [UInt32] = []
    private var labelCounts: [UInt32] = []
    private var labelArena: [UInt32] = []
    private var garbageLabels = 0
    /// The first attachment; `.max` in `lane` says none.
    private var attachments: [Attachment] = []
    /// Further attachments of the few series that have several.
    private var moreAttachments: [UInt32: [Attachment]] = [:]
    /// Open addressing: the tag of a series in the upper half, its number + 1 in the lower; 0 is empty, `.max` a removed one.
    private var buckets: [UInt64] = Array(repeating: 0, count: 1024)
    private var usedBuckets = 0
    private var freeNumbers: [UInt32] = []
    private var scratch: [UInt32] = []
    private(set) var count = 0
    /// Grows when a series is attached to something or taken out: what matchers find stays the same until then.
    private(set) var version: UInt64 = 0

    private static let removed = UInt64.max
    private static let noLane = UInt32.max

    /// What a series takes with its slots, its rows of two slices and its place in the cache of its target.
    static let bytesPerSeries = 400

    /// About what the series take, in constant time: what new ones are measured by.
    var estimatedByteCount: Int { count * Self.bytesPerSeries + pairs.textByteCount }

    /// One more than the highest series number in use.
    var numberLimit: Int { labelStarts.count }

    var byteCount: Int {
        pairs.byteCount + labelStarts.count * 16 + labelArena.count * 4 + buckets.count * 8
            + moreAttachments.count * 64
    }

    // MARK: Looking up and making

    /// The number of a series, nil where the head does not have it.
    func find(_ labels: LabelSet) -> UInt32? {
        findPosition(labels.encoded, tag: Self.tag(ofHash: labels.byteHash)).found
    }

    /// What a series is looked up by before its labels are compared: the upper half of the hash of its label set.
    private static func tag(ofHash hash: UInt64) -> UInt32 { UInt32(hash >> 32) }

    /// The tag of the label set that these pairs make.
    func tag(ofPairs numbers: ArraySlice<UInt32>) -> UInt32 { Self.tag(ofHash: ByteHash.hash(encoded(numbers))) }

    private func encoded(_ numbers: ArraySlice<UInt32>) -> [UInt8] {
        var encoded: [UInt8] = []
        encoded.reserveCapacity(numbers.reduce(0) { $0 + pairs.byteCount(of: $1) })
        for pair in numbers { encoded.append(contentsOf: pairs.bytes(of: pair)) }
        return encoded
    }

    private static func entry(_ series: UInt32, tag: UInt32) -> UInt64 { UInt64(tag) << 32 | UInt64(series + 1) }

    /// The series of an entry that is neither empty nor removed, where it has the tag.
    private static func series(of entry: UInt64, tag: UInt32) -> UInt32? {
        guard UInt32(entry >> 32) == tag, entry != removed else { return nil }
        return UInt32(truncatingIfNeeded: entry) - 1
    }

    private func findPosition(_ encoded: [UInt8], tag: UInt32) -> (found: UInt32?, position: Int) {
        let mask = buckets.count - 1
        var position = Int(tag) & mask
        while buckets[position] != 0 {
            if let series = Self.series(of: buckets[position], tag: tag), hasLabels(series, encoded) {
                return (series, position)
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
        let tag = Self.tag(ofHash: labels.byteHash)
        let (found, position) = findPosition(labels.encoded, tag: tag)
        if let found { return (found, false) }
        scratch.removeAll(keepingCapacity: true)
        var cursor = labels.makeCursor()
        while cursor.next() { scratch.append(pairs.intern(cursor.pair, name: cursor.name)) }
        return (insert(tag: tag, bucket: position), true)
    }

    /// Makes a series of the pairs in `scratch`.
    private mutating func insert(tag: UInt32, bucket: Int) -> UInt32 {
        let none = Attachment(lane: Self.noLane, slot: 0)
        let series: UInt32
        if let free = freeNumbers.popLast() {
            series = free
            labelStarts[Int(series)] = UInt32(labelArena.count)
            labelCounts[Int(series)] = UInt32(scratch.count)
            attachments[Int(series)] = none
        } else {
            series = UInt32(labelStarts.count)
            labelStarts.append(UInt32(labelArena.count))
            labelCounts.append(UInt32(scratch.count))
            attachments.append(none)
        }
        labelArena.append(contentsOf: scratch)
        for pair in scratch { pairs.addSeries(series, to: pair) }
        buckets[bucket] = Self.entry(series, tag: tag)
        usedBuckets += 1
        count += 1
        return series
    }

    private mutating func rebuildBuckets(for seriesCount: Int = 0) {
        var capacity = 1024
        while capacity < (max(count, seriesCount) + 1) * 2 { capacity *= 2 }
        var rebuilt = [UInt64](repeating: 0, count: capacity)
        for entry in buckets where entry != 0 && entry != Self.removed {
            var position = Int(entry >> 32) & (capacity - 1)
            while rebuilt[position] != 0 { position = (position + 1) & (capacity - 1) }
            rebuilt[position] = entry
        }
        buckets = rebuilt
        usedBuckets = count
    }

    // MARK: Restoring

    /// Makes room for what a start will read, before it does: memory that is not written to is not taken.
    ///
    /// - Parameter seriesCount: About as many as come; tables grow where there are more.
    mutating func reserve(seriesCount: Int, labelCount: Int) {
        labelStarts.reserveCapacity(seriesCount)
        labelCounts.reserveCapacity(seriesCount)
        attachments.reserveCapacity(seriesCount)
        labelArena.reserveCapacity(labelCount)
        // These are written to: where there are more series they grow.
        rebuildBuckets(for: seriesCount / 3)
    }

    /// The number of a pair, made when it is new; nil where the bytes are none.
    ///
    /// It belongs to nothing until a series has it.
    /// - Parameter guess: A pair that these bytes may be.
    mutating func restorePair(_ bytes: UnsafeRawBufferPointer, guess: UInt32?) -> UInt32? {
        if let guess, unsafe pairs.isPair(guess, bytes) { return guess }
        return unsafe pairs.restore(bytes)
    }

    /// The numbers of series, made where they are new; they are in no postings until those are restored, and until then
    /// nothing else may be made or removed.
    ///
    /// - Parameters:
    ///   - labelCounts: How many of `labels` each series has.
    ///   - labels: The numbers of their pairs, one series after the other.
    mutating func restore(tags: [UInt32], labelCounts newCounts: [UInt32], labels: [UInt32]) -> [UInt32] {
        precondition(freeNumbers.isEmpty && tags.count == newCounts.count, "series are restored into a new table")
        if (usedBuckets + tags.count) * 4 > buckets.count * 3 { rebuildBuckets(for: count + tags.count) }
        var result: [UInt32] = []
        result.reserveCapacity(tags.count)
        var start = 0
        for place in tags.indices {
            if place % Self.fetchedTags == 0 { fetchBuckets(of: tags[place...].prefix(2 * Self.fetchedTags)) }
            let range = start..<start + Int(newCounts[place])
            start = range.upperBound
            result.append(restore(tag: tags[place], labels, range))
        }
        return result
    }

    /// Tags whose buckets are on their way while those before are looked at.
    private static let fetchedTags = 64

    /// Asks memory for the buckets of series that come soon: a start would else wait for each of them, a fifth of its time.
    private func fetchBuckets(of tags: ArraySlice<UInt32>) {
        unsafe buckets.withUnsafeBufferPointer { buckets in
            unsafe tags.withUnsafeBufferPointer { tags in
                guard let table = buckets.baseAddress, let first = tags.baseAddress else { return }
                unsafe ccolumns_fetch(table, buckets.count - 1, first, tags.count)
            }
        }
    }

    private mutating func restore(tag: UInt32, _ labels: [UInt32], _ range: Range<Int>) -> UInt32 {
        let mask = buckets.count - 1
        var position = Int(tag) & mask
        while buckets[position] != 0 {
            if let series = Self.series(of: buckets[position], tag: tag), hasPairs(series, labels, range) {
                return series
            }
            position = (position + 1) & mask
        }
        let series = UInt32(labelStarts.count)
        labelStarts.append(UInt32(labelArena.count))
        labelCounts.append(UInt32(range.count))
        attachments.append(Attachment(lane: Self.noLane, slot: 0))
        for pair in range { labelArena.append(labels[pair]) }
        buckets[position] = Self.entry(series, tag: tag)
        usedBuckets += 1
        count += 1
        return series
    }

    private func hasPairs(_ series: UInt32, _ labels: [UInt32], _ range: Range<Int>) -> Bool {
        guard Int(labelCounts[Int(series)]) == range.count else { return false }
        let start = Int(labelStarts[Int(series)])
        for place in 0..<range.count where labelArena[start + place] != labels[range.lowerBound + place] {
            return false
        }
        return true
    }

    /// What the postings of restored series are made of.
    var postingsInput: PostingsRestoration.Input {
        PostingsRestoration.Input(labelCounts: labelCounts, labels: labelArena, pairCount: pairs.numberLimit)
    }

    /// Puts the restored series into the postings of their pairs.
    mutating func finishRestoring(_ postings: PostingsRestoration) {
        pairs.setPostings(postings.finish())
    }

    // MARK: Reading

    /// The numbers of a series' label pairs, in label order.
    func labelPairs(of series: UInt32) -> ArraySlice<UInt32> {
        let start = Int(labelStarts[Int(series)])
        return labelArena[start..<start + Int(labelCounts[Int(series)])]
    }

    func labelCount(of series: UInt32) -> Int { Int(labelCounts[Int(series)]) }

    func labels(of series: UInt32) -> LabelSet { LabelSet(encoded: encoded(labelPairs(of: series))) }

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
        (0..<UInt32(labelStarts.count)).filter { attachments[Int($0)].lane != Self.noLane }
    }

    // MARK: Attaching

    mutating func attach(_ series: UInt32, to attachment: Attachment) {
        version += 1
        if attachments[Int(series)].lane == Self.noLane {
            attachments[Int(series)] = attachment
        } else {
            moreAttachments[series, default: []].append(attachment)
        }
    }

    /// Attaches series to neighbouring slots of a lane.
    mutating func attach(_ series: [UInt32], toSlotsFrom first: Attachment) {
        var attachment = first
        for number in series {
            attach(number, to: attachment)
            attachment.slot += 1
        }
    }

    /// Takes the attachments of lanes away and removes series that have no other.
    mutating func detach(_ lanes: [(number: UInt32, series: ArraySlice<UInt32>)]) {
        version += 1
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
        var isGone = [Bool](repeating: false, count: labelStarts.count)
        var isTouched = [Bool](repeating: false, count: pairs.numberLimit)
        var touched: [UInt32] = []
        for series in gone {
            isGone[Int(series)] = true
            for pair in labelPairs(of: series) where !isTouched[Int(pair)] {
                isTouched[Int(pair)] = true
                touched.append(pair)
            }
        }
        // The bytes of pairs that go are there no more afterwards.
        let tags = gone.map { tag(ofPairs: labelPairs(of: $0)) }
        for pair in touched { pairs.removeSeries(where: { isGone[Int($0)] }, from: pair) }
        for (series, tag) in zip(gone, tags) {
            let mask = buckets.count - 1
            var position = Int(tag) & mask
            while buckets[position] != Self.entry(series, tag: tag), buckets[position] != 0 {
                position = (position + 1) & mask
            }
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
        for series in labelStarts.indices where labelCounts[series] > 0 {
            let start = Int(labelStarts[series])
            labelStarts[series] = UInt32(compacted.count)
            compacted.append(contentsOf: labelArena[start..<start + Int(labelCounts[series])])
        }
        labelArena = compacted
        garbageLabels = 0
    }
}
