import MetricModel
import Storage
import Synchronization

/// What a view sees: how far appends had come when it was made, and the partitions of that moment.
struct ViewPosition: Sendable {
    var sequence: UInt64
    var generation: UInt64
    var epoch: UInt64
}

/// The series of the head that a selector found, with the lanes that have rows for it.
struct HeadSelection: Sendable {
    enum Reading: Sendable {
        case rows(LaneReading)
        /// The newest row alone, and the rows before it for the slots that it has nothing for.
        case newest(NewestRow, rest: LaneReading?)
        case loose(LooseLane)
    }

    /// The newest row of a lane as it stood when the view was made.
    struct NewestRow: Sendable {
        let clock: Clock
        let bits: [UInt64]
    }

    struct Place: Sendable {
        var reading: Int
        var slot: Int
    }

    private(set) var labels: [LabelSet] = []
    /// The places of series `i` are `placeStarts[i] ..< placeStarts[i + 1]`.
    private var placeStarts: [Int] = [0]
    private var places: [Place] = []
    private var readings: [Reading] = []
    /// The next reading that a thread decodes while another one has the columns that it is waiting for.
    private let ahead = NextReading()
    private let position: ViewPosition
    private let range: TimeRange

    var count: Int { labels.count }

    init(head: Head, request: SelectRequest, position: ViewPosition, memory: borrowing QueryMemory) throws(StorageError)
    {
        self.position = position
        range = request.range
        var found = FoundSeries()
        try head.withIndex { index throws(StorageError) in
            let postings = try MatcherResolution.resolve(request.matchers, in: index)
            found.reserve(postings.count)
            postings.forEach { found.add($0, of: index) }
            found.findLanes(in: index)
        }
        var readingOfLane = [Int](repeating: -1, count: found.lanes.count)
        for (number, lane) in found.lanes.enumerated() {
            guard let reading = reading(of: lane.lane, lane.slots, request, memory) else { continue }
            readingOfLane[number] = readings.count
            readings.append(reading)
        }
        labels.reserveCapacity(found.labels.count)
        placeStarts.reserveCapacity(found.labels.count + 1)
        places.reserveCapacity(found.attachments.count)
        for series in found.labels.indices {
            let start = places.count
            for index in found.attachmentRange(of: series) {
                let reading = readingOfLane[found.laneOfAttachment[index]]
                if reading >= 0 { places.append(Place(reading: reading, slot: Int(found.attachments[index].slot))) }
            }
            guard places.count > start else { continue }
            labels.append(found.labels[series])
            placeStarts.append(places.count)
        }
    }

    /// How a lane's slots are read; nil where it has no rows in the range.
    private func reading(
        of lane: HeadLane?, _ slots: [Int], _ request: SelectRequest, _ memory: borrowing QueryMemory
    ) -> Reading? {
        switch lane {
        case nil: return nil
        case .loose(let lane): return .loose(lane)
        case .rows(let lane):
            func rows(_ slots: [Int]) -> LaneReading? {
                let snapshot = lane.snapshot(sequence: position.sequence, epoch: position.epoch)
                let reading = LaneReading(snapshot: snapshot, range: range, wantedSlots: slots, memory: memory)
                return reading.isEmpty ? nil : reading
            }
            guard request.needsOnlyNewest,
                let newest = lane.newestRow(sequence: position.sequence, epoch: position.epoch),
                range.contains(Timestamp(milliseconds: newest.timestamp))
            else { return rows(slots).map { .rows($0) } }
            let absentBits = SpecialValue.absentBits
            let missing = slots.filter { $0 >= newest.bits.count || newest.bits[$0] == absentBits }
            return .newest(
                NewestRow(clock: Clock([newest.timestamp]), bits: newest.bits),
                rest: missing.isEmpty ? nil : rows(missing))
        }
    }

    /// An upper estimate of the samples of a series.
    func estimatedSampleCount(of series: Int) -> Int {
        places[placeStarts[series]..<placeStarts[series + 1]].reduce(0) { sum, place in
            switch readings[place.reading] {
            case .rows(let reading): sum + reading.clock.timestamps.count
            case .newest, .loose: sum + 1
            }
        }
    }

    /// Adds what the head has of a series: all samples in the range, or the newest where that was asked for.
    func read(_ series: Int, clocks: ClockCache, into pieces: inout ColumnPieces) throws(StorageError) {
        for index in placeStarts[series]..<placeStarts[series + 1] {
            let slot = places[index].slot
            switch readings[places[index].reading] {
            case .rows(let reading):
                try reading.read(slot: slot, decoded: try decoded(reading), clocks: clocks, into: &pieces)
            case .newest(let row, let rest):
                if slot < row.bits.count, row.bits[slot] != SpecialValue.absentBits {
                    pieces.append(bits: row.bits[slot], clock: row.clock)
                } else if let rest {
                    try rest.read(slot: slot, decoded: try decoded(rest), clocks: clocks, into: &pieces)
                }
            case .loose(let lane):
                var loose = LoosePiece()
                let isSound = lane.read(
                    slot: slot, generation: position.generation, epoch: position.epoch, range: range, into: &loose)
                guard isSound else { throw .corrupt(path: "memory", what: "a stream of the head cannot be decoded") }
                pieces.note(starts: loose.startTimestamps, of: loose.timestamps)
                pieces.append(loose.values, clock: clocks.equal(to: loose.timestamps), isFromHead: true)
                pieces.append(histograms: loose.histograms)
            }
        }
    }

    /// The columns of a lane, nil where its slots are read alone.
    ///
    /// Threads that read neighbouring metrics walk over the same lanes in the same order. One that finds a lane in the
    /// hands of another decodes a lane further on, so that they do not stay side by side and wait at each.
    private func decoded(_ reading: LaneReading) throws(StorageError) -> LaneReading.Decoded? {
        guard reading.readsTogether else { return nil }
        if let ready = try reading.decodeUnlessBusy() { return ready }
        while let next = ahead.take(below: readings.count) {
            guard case .rows(let other) = readings[next], other.readsTogether, other !== reading else { continue }
            _ = try other.decodeUnlessBusy()
            break
        }
        return try reading.decodeOrWait()
    }
}

/// A number that goes up by one each time it is taken.
private final class NextReading: Sendable {
    private let next = Atomic<Int>(0)

    func take(below limit: Int) -> Int? {
        let taken = next.add(1, ordering: .relaxed).oldValue
        return taken < limit ? taken : nil
    }
}

/// Series of the head and what they are attached to, taken down while the index is locked.
private struct FoundSeries {
    var labels: [LabelSet] = []
    var attachments: [Attachment] = []
    private var ends: [Int] = []
    /// For each attachment its lane's place in `lanes`.
    var laneOfAttachment: [Int] = []
    var lanes: [(number: UInt32, lane: HeadLane?, slots: [Int])] = []

    mutating func reserve(_ count: Int) {
        labels.reserveCapacity(count)
        attachments.reserveCapacity(count)
        ends.reserveCapacity(count)
    }

    mutating func add(_ series: UInt32, of index: HeadIndex) {
        let before = attachments.count
        index.series.appendAttachments(of: series, to: &attachments)
        guard attachments.count > before else { return }
        labels.append(index.series.labels(of: series))
        ends.append(attachments.count)
    }

    func attachmentRange(of series: Int) -> Range<Int> { (series == 0 ? 0 : ends[series - 1])..<ends[series] }

    mutating func findLanes(in index: HeadIndex) {
        var places: [UInt32: Int] = [:]
        laneOfAttachment.reserveCapacity(attachments.count)
        for attachment in attachments {
            let place: Int
            if let known = places[attachment.lane] {
                place = known
            } else {
                place = lanes.count
                places[attachment.lane] = place
                lanes.append((attachment.lane, index.lanes[attachment.lane], []))
            }
            lanes[place].slots.append(Int(attachment.slot))
            laneOfAttachment.append(place)
        }
    }
}
