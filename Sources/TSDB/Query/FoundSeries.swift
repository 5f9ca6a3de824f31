import MetricModel
import Storage

/// What a selector found in the head.
enum HeadFinding: Sendable {
    case series(FoundSeries)
    /// The numbers alone, because they are many.
    case numbers(Postings)
}

/// Series of the head and what they are attached to, taken down while the index is locked.
struct FoundSeries: Sendable {
    private(set) var labels = SelectedLabels()
    private(set) var labelCount = 0
    private(set) var attachments: [Attachment] = []
    private var ends: [UInt32] = []
    /// For each attachment its lane's place in `lanes`.
    private(set) var laneOfAttachment: [UInt32] = []
    /// For each attachment the place of its slot among those of its lane; of streams any.
    private(set) var placeOfAttachment: [UInt32] = []
    /// The wanted slots of a lane with rows, ascending.
    private(set) var lanes: [(number: UInt32, lane: HeadLane?, slots: [Int])] = []
    /// Where what is made of them is kept, and its name; nil where these are not all that matchers find.
    var kept: KeptPlace?

    /// What a series takes here and in the selection that is made of it, beside its labels: its number among the postings
    /// found, attachments, slots in lists that grow, the place of a selected one.
    private static let bytesPerSeries = 84

    var count: Int { labels.count }

    /// What they take, without the texts that they share with the head.
    var ownByteCount: Int {
        labels.ownByteCount + attachments.count * 20 + lanes.reduce(0) { $0 + $1.slots.count * 8 + 64 }
    }

    /// What matches, once there is room for it: the series themselves where they are not more than the limit.
    static func find(
        _ reading: ViewReading, seriesLimit: Int, _ held: inout HeldMemory
    ) throws(StorageError) -> HeadFinding {
        let head = reading.head
        let version = try head.withIndex(holding: &held) { index, _ in index.series.version }
        if let known = head.findings.find(reading.text, at: version), known.count <= seriesLimit {
            return .series(known)
        }
        return try head.withIndex(holding: &held) { index, isAffordable throws(StorageError) in
            let postings = try MatcherResolution.resolve(reading.request.matchers, in: index)
            if postings.count > seriesLimit { return isAffordable(postings.byteCount) ? .numbers(postings) : nil }
            guard isAffordable(Self.byteCount(of: postings, index)) else { return nil }
            var found = FoundSeries(postings, of: index)
            head.findings.keep(&found, of: reading.text, at: index.series.version)
            return .series(found)
        }
    }

    /// Some of the series that were found as numbers, once there is room for them.
    ///
    /// Those that left the index meanwhile had nothing that the view sees; another series that has the number since then has
    /// nothing either.
    init(_ head: Head, _ numbers: Postings, _ held: inout HeldMemory) throws(StorageError) {
        self = try head.withIndex(holding: &held) { index, isAffordable throws(StorageError) in
            guard isAffordable(Self.byteCount(of: numbers, index)) else { return nil }
            return FoundSeries(numbers, of: index)
        }
    }

    private static func byteCount(of postings: Postings, _ index: borrowing HeadIndex) -> Int {
        var labelCount = 0
        postings.forEach { labelCount += index.series.labelCount(of: $0) }
        return postings.count * (bytesPerSeries + SelectedLabels.bytesPerSeries)
            + labelCount * SelectedLabels.bytesPerLabel
    }

    /// No series.
    init() {}

    private init(_ postings: Postings, of index: borrowing HeadIndex) {
        labels = SelectedLabels(index.series.pairs.texts)
        postings.forEach { labelCount += index.series.labelCount(of: $0) }
        labels.reserve(series: postings.count, labels: labelCount)
        attachments.reserveCapacity(postings.count)
        ends.reserveCapacity(postings.count)
        postings.forEach { add($0, of: index) }
        findLanes(in: index)
    }

    private mutating func add(_ series: UInt32, of index: borrowing HeadIndex) {
        let before = attachments.count
        index.series.appendAttachments(of: series, to: &attachments)
        guard attachments.count > before else { return }
        labels.append(index.series.labelPairs(of: series), of: index.series.pairs)
        ends.append(UInt32(attachments.count))
    }

    func attachmentRange(of series: Int) -> Range<Int> {
        (series == 0 ? 0 : Int(ends[series - 1]))..<Int(ends[series])
    }

    private mutating func findLanes(in index: borrowing HeadIndex) {
        var places: [UInt32: Int] = [:]
        laneOfAttachment.reserveCapacity(attachments.count)
        placeOfAttachment.reserveCapacity(attachments.count)
        attachments.forEachLane { number, run in
            let place: Int
            if let known = places[number] {
                place = known
            } else {
                place = lanes.count
                places[number] = place
                lanes.append((number, index.lanes[number], []))
            }
            let first = UInt32(lanes[place].slots.count)
            placeOfAttachment.append(contentsOf: first..<first + UInt32(run.count))
            // A stream is found by its slot alone.
            if case .rows = lanes[place].lane {
                lanes[place].slots.append(contentsOf: run.lazy.map { Int($0.slot) })
            }
            laneOfAttachment.append(contentsOf: repeatElement(UInt32(place), count: run.count))
        }
        sortSlots()
    }

    private mutating func sortSlots() {
        let isInOrder = lanes.map { $0.slots.isAscending }
        guard isInOrder.contains(false) else { return }
        for lane in lanes.indices where !isInOrder[lane] { lanes[lane].slots.sort() }
        for index in attachments.indices {
            let lane = Int(laneOfAttachment[index])
            if isInOrder[lane] { continue }
            let place = SliceColumns.place(of: Int(attachments[index].slot), in: lanes[lane].slots)
            placeOfAttachment[index] = UInt32(place ?? 0)
        }
    }
}

extension [Int] {
    fileprivate var isAscending: Bool { zip(self, dropFirst()).allSatisfy { $0 < $1 } }
}
