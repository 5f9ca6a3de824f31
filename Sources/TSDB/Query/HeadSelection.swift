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
        case rows(Lane, LaneReading)
        case loose(LooseLane)
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
    private let needsOnlyNewest: Bool

    var count: Int { labels.count }

    init(head: Head, request: SelectRequest, position: ViewPosition, memory: borrowing QueryMemory) throws(StorageError)
    {
        self.position = position
        range = request.range
        needsOnlyNewest = request.needsOnlyNewest
        var found: [(labels: LabelSet, attachments: [Attachment])] = []
        var lanes: [UInt32: HeadLane] = [:]
        var wanted: [UInt32: [Int]] = [:]
        try head.withIndex { index throws(StorageError) in
            let postings = try MatcherResolution.resolve(request.matchers, in: index)
            found.reserveCapacity(postings.count)
            postings.forEach { number in
                let attachments = index.series.attachments(of: number)
                guard !attachments.isEmpty else { return }
                found.append((index.series.labels(of: number), attachments))
                for attachment in attachments { wanted[attachment.lane, default: []].append(Int(attachment.slot)) }
            }
            for number in wanted.keys { lanes[number] = index.lanes[number] }
        }
        var readingOfLane: [UInt32: Int] = [:]
        for (number, lane) in lanes {
            switch lane {
            case .loose(let lane):
                readingOfLane[number] = readings.count
                readings.append(.loose(lane))
            case .rows(let lane):
                let snapshot = lane.snapshot(sequence: position.sequence, epoch: position.epoch)
                let reading = LaneReading(
                    snapshot: snapshot, range: range, wantedSlots: wanted[number] ?? [], memory: memory)
                guard !reading.isEmpty else { continue }
                readingOfLane[number] = readings.count
                readings.append(.rows(lane, reading))
            }
        }
        for entry in found {
            let start = places.count
            for attachment in entry.attachments {
                guard let reading = readingOfLane[attachment.lane] else { continue }
                places.append(Place(reading: reading, slot: Int(attachment.slot)))
            }
            guard places.count > start else { continue }
            labels.append(entry.labels)
            placeStarts.append(places.count)
        }
    }

    /// An upper estimate of the samples of a series.
    func estimatedSampleCount(of series: Int) -> Int {
        places[placeStarts[series]..<placeStarts[series + 1]].reduce(0) { sum, place in
            switch readings[place.reading] {
            case .rows(_, let reading): sum + reading.clock.timestamps.count
            case .loose: sum + 1
            }
        }
    }

    /// The newest sample where the newest rows tell it; false where the rows must be read.
    func readNewest(_ series: Int, clocks: ClockCache, into pieces: inout ColumnPieces) -> Bool {
        let here = places[placeStarts[series]..<placeStarts[series + 1]]
        guard needsOnlyNewest, here.count == 1, let place = here.first,
            case .rows(let lane, let reading) = readings[place.reading],
            let newest = lane.newest(slot: place.slot, sequence: position.sequence), !newest.hasHistograms,
            newest.bits != SpecialValue.absentBits, newest.timestamp == reading.clock.timestamps.last
        else { return false }
        pieces.append(
            [Double(bitPattern: newest.bits)], clock: clocks.single(newest.timestamp), isFromHead: true)
        return true
    }

    /// Adds what the head has of a series.
    func read(_ series: Int, clocks: ClockCache, into pieces: inout ColumnPieces) throws(StorageError) {
        for place in places[placeStarts[series]..<placeStarts[series + 1]] {
            switch readings[place.reading] {
            case .rows(_, let reading):
                try reading.read(
                    slot: place.slot, decoded: try decoded(reading), clocks: clocks, into: &pieces)
            case .loose(let lane):
                var loose = LoosePiece()
                let isSound = lane.read(
                    slot: place.slot, generation: position.generation, epoch: position.epoch, range: range, into: &loose
                )
                guard isSound else { throw .corrupt(path: "memory", what: "a stream of the head cannot be decoded") }
                pieces.note(starts: loose.startTimestamps, of: loose.timestamps)
                pieces.append(loose.values, clock: Clock(loose.timestamps), isFromHead: true)
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
            guard case .rows(_, let other) = readings[next], other.readsTogether, other !== reading else { continue }
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
